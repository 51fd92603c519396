#include "dataplane/stage/admit_steps.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/stage/lane_ops.h"

namespace sluice {
namespace {

// An ICMP reply opens nothing: what it would open is a flow that its receiver's requests answer.
bool IsIcmpReply(const Batch& batch, uint32_t lane) {
  return (batch.traits[lane] & kTraitIcmpQuery) != 0 &&
         ClassifyIcmp(static_cast<uint8_t>(batch.rule_key[lane] >> 8), 0).is_reply;
}

}  // namespace

AdmitFate Refuse(Batch& batch, uint32_t lane, DropReason reason) noexcept {
  DropLane(batch, lane, reason);
  return AdmitFate::kDropped;
}

AdmitFate RefuseUntracked(WorkerContext& worker, Batch& batch, uint32_t lane,
                          const SessionCold& cold, uint32_t full_interface_idx) noexcept {
  const auto count = [&](uint32_t interface_idx, bool tracks) {
    if (tracks) {
      worker.counters->ConntrackExceededAt(InterfaceIdx(interface_idx)).Add(1);
    }
  };
  if (full_interface_idx != kNoInterface) {
    count(full_interface_idx, true);
    batch.nat[lane] = NatGatewayIdx::None();
  } else {
    count(cold.initiator_interface_idx, (cold.flags & kPairTrackedByInitiator) != 0);
    count(cold.responder_interface_idx, (cold.flags & kPairTrackedByResponder) != 0);
  }
  return Refuse(batch, lane, DropReason::kConntrackFull);
}

bool MayOpen(const Batch& batch, uint32_t lane) noexcept {
  return (batch.traits[lane] & kTraitLaterFragment) == 0 && !IsIcmpReply(batch, lane) &&
         (batch.protocol[lane] != kProtocolTcp || TcpMayOpen(batch.tcp_flags[lane]));
}

}  // namespace sluice
