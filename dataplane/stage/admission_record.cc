#include "dataplane/stage/admission_record.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/session.h"

namespace sluice {
namespace {

constexpr uint8_t kPairConstants = kLineTracked | kLineNat;

uint32_t TimeoutsOf(const Snapshot& snapshot, InterfaceIdx eni) {
  if (!eni.has_value()) {
    return kDefaultTimeouts;
  }
  const InterfaceRow& row = snapshot.interfaces[eni.index()];
  return TrackingTimeouts{row.tcp_established_seconds, static_cast<uint8_t>(row.udp_stream_seconds),
                          static_cast<uint8_t>(row.udp_seconds)}
      .Pack();
}

// One end of the flow: where it is tracked, if anywhere.
struct End {
  InterfaceIdx interface;
  bool tracked = false;
};

// A provider only answers sessions, so its side keeps the flow whatever the ENI's groups say.
End EndOf(const Snapshot& snapshot, InterfaceIdx side, InterfaceIdx eni, uint8_t tracked) {
  if (snapshot.interfaces[side.index()].kind == InterfaceRowKind::kServices) {
    return {side, true};
  }
  return {eni, tracked != 0 && eni.has_value()};
}

// A Services side has no timeouts of its own: it keeps what the ENI keeps.
uint32_t EndTimeouts(const Snapshot& snapshot, const End& end, const End& other) {
  const bool services =
      end.interface.has_value() &&
      snapshot.interfaces[end.interface.index()].kind == InterfaceRowKind::kServices;
  return TimeoutsOf(snapshot, services ? other.interface : end.interface);
}

uint16_t VpcOf(const Snapshot& snapshot, InterfaceIdx interface) {
  return interface.has_value()
             ? static_cast<uint16_t>(snapshot.interfaces[interface.index()].vpc.value)
             : uint16_t{0xffff};
}

}  // namespace

SessionCold ColdOf(const Snapshot& snapshot, const FlowWalk& walk, bool reply) noexcept {
  const End sender = EndOf(snapshot, walk.sender, walk.first_eni,
                           walk.walk_flags & (kWalkTrackedFirst | kWalkForceTrack));
  const End receiver = EndOf(snapshot, walk.out, walk.last_eni,
                             walk.walk_flags & (kWalkTrackedLast | kWalkForceTrack));
  const End& initiator = reply ? receiver : sender;
  const End& responder = reply ? sender : receiver;
  SessionCold cold;
  cold.initiator_interface_idx = initiator.interface.value;
  cold.responder_interface_idx = responder.interface.value;
  cold.initiator_timeouts = EndTimeouts(snapshot, initiator, responder);
  cold.responder_timeouts = EndTimeouts(snapshot, responder, initiator);
  cold.vpc_idx = VpcOf(snapshot, initiator.interface);
  cold.flags |= initiator.tracked ? kPairTrackedByInitiator : 0;
  cold.flags |= responder.tracked ? kPairTrackedByResponder : 0;
  cold.flow_log = static_cast<uint8_t>((initiator.interface.has_value() ? kFlowLogInitiator : 0) |
                                       (responder.interface.has_value() ? kFlowLogResponder : 0));
  if (walk.nat.has_value()) {
    cold.flags |= kPairNat;
    cold.flow_log |= kFlowLogGateway;
    cold.nat_gateway_idx = static_cast<uint16_t>(walk.nat.value);
    cold.nat_address = walk.nat_private;
    cold.nat_port = walk.nat_l4_port;
  }
  return cold;
}

SessionCold ColdOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                   bool reply) noexcept {
  const FlowWalk walk = {
      batch.sender[lane],      batch.out[lane],
      batch.first_eni[lane],   batch.last_eni[lane],
      batch.walk_flags[lane],  batch.nat[lane],
      batch.nat_private[lane], reply ? batch.bound_l4_port[lane] : batch.walk_l4_src[lane]};
  SessionCold cold = ColdOf(snapshot, walk, reply);
  if (!reply && batch.protocol[lane] == kProtocolTcp && TcpOpensMidstream(batch.tcp_flags[lane])) {
    cold.flags |= kPairMidstream;
  }
  return cold;
}

void KeepTimeouts(SessionCold& wanted, const SessionCold& current) noexcept {
  if (wanted.initiator_interface_idx == current.initiator_interface_idx) {
    wanted.initiator_timeouts = current.initiator_timeouts;
  }
  if (wanted.responder_interface_idx == current.responder_interface_idx) {
    wanted.responder_timeouts = current.responder_timeouts;
  }
}

bool SaysMore(const SessionCold& wanted, const SessionCold& current) noexcept {
  const auto more_at = [&](uint8_t bit, uint32_t wanted_idx, uint32_t current_idx) {
    return (wanted.flags & bit) != 0 && ((current.flags & bit) == 0 || wanted_idx != current_idx);
  };
  return more_at(kPairTrackedByInitiator, wanted.initiator_interface_idx,
                 current.initiator_interface_idx) ||
         more_at(kPairTrackedByResponder, wanted.responder_interface_idx,
                 current.responder_interface_idx);
}

WalkOutcome OutcomeOf(const Batch& batch, uint32_t lane) noexcept {
  WalkOutcome walk;
  walk.new_src = batch.walk_src[lane];
  walk.new_dst = batch.walk_dst[lane];
  walk.new_src_l4_port = batch.walk_l4_src[lane];
  walk.new_dst_l4_port = batch.walk_l4_dst[lane];
  walk.l3_delta = batch.l3_delta[lane];
  walk.l4_delta = batch.l4_delta[lane];
  walk.next_hop = PackNextHop(batch, lane);
  return walk;
}

void CopyLineState(SessionLine& to, const SessionLine& from) noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  to.last_seen_ms.store(from.last_seen_ms.load(kRelaxed), kRelaxed);
  to.next_seq.store(from.next_seq.load(kRelaxed), kRelaxed);
  to.window.store(from.window.load(kRelaxed), kRelaxed);
  to.tcp_flags.store(from.tcp_flags.load(kRelaxed), kRelaxed);
  to.counters.store(from.counters.load(kRelaxed), kRelaxed);
  const auto own = static_cast<uint8_t>(to.state.load(kRelaxed) & kPairConstants);
  const auto carried =
      static_cast<uint8_t>(from.state.load(kRelaxed) & static_cast<uint8_t>(~kPairConstants));
  if ((carried & kLineFin) != 0) {
    to.fin_seq.store(from.fin_seq.load(kRelaxed), kRelaxed);
  }
  to.state.store(own | carried, kRelaxed);
}

}  // namespace sluice
