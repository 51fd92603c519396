#include "dataplane/stage/nat_count.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

// A SYN for which the gateway makes a mapping, or would. One sent again while its connection opens
// is none.
bool IsAttempt(const Batch& batch, uint32_t lane) {
  constexpr uint8_t kDecisive = kTcpSyn | kTcpAck | kTcpFin | kTcpRst;
  const uint8_t pair = batch.pair_flags[lane];
  return batch.protocol[lane] == kProtocolTcp && (batch.traits[lane] & kTraitLaterFragment) == 0 &&
         (batch.tcp_flags[lane] & kDecisive) == kTcpSyn &&
         (batch.walk_flags[lane] & kWalkNatInward) == 0 &&
         ((pair & kPairForward) == 0 || (pair & kPairReopen) != 0);
}

// The gateway's own refusals; what an ACL, a route or the next hop refuses is none.
bool RefusedByGateway(DropReason reason) {
  switch (reason) {
    case DropReason::kNatUnsupportedProtocol:
    case DropReason::kNatFragment:
    case DropReason::kNatUnsolicited:
    case DropReason::kNatIdleTimeout:
    case DropReason::kNatPortsExhausted:
    case DropReason::kConntrackInvalid:
    case DropReason::kConntrackFull:
      return true;
    default:
      return false;
  }
}

// The gateway that a lane got to, whether it went on or not.
NatGatewayIdx ReachedGateway(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  if (batch.nat[lane].has_value()) {
    return batch.nat[lane];
  }
  const InterfaceIdx target = batch.target[lane];
  return RefusedByGateway(batch.reason[lane]) && target.has_value()
             ? snapshot.interfaces[target.index()].nat
             : NatGatewayIdx::None();
}

bool IsFromSource(const Batch& batch, uint32_t lane) {
  return batch.nat[lane].has_value() ? (batch.walk_flags[lane] & kWalkNatInward) == 0
                                     : (batch.walk_flags[lane] & kWalkToNat) != 0;
}

void CountLeft(NatWay& way, const Batch& batch, uint32_t lane) {
  way.left_packets.Add(1);
  way.left_bytes.Add(batch.ip_bytes[lane]);
}

void CountWalked(WorkerContext& worker, const Batch& batch, uint32_t lane) {
  NatCounters& counters = worker.counters->Of(batch.nat[lane]);
  CountLeft(IsFromSource(batch, lane) ? counters.from_source : counters.from_destination, batch,
            lane);
  if (IsAttempt(batch, lane)) {
    counters.attempted.Add(1);
  }
}

}  // namespace

void CountNatLeft(WorkerContext& worker, const Batch& batch, const LaneList& forward) noexcept {
  for (const uint8_t lane : forward) {
    if (batch.ttl_spent[lane] == 0) {  // through no gateway
      continue;
    }
    const LineIdx line = batch.session[lane];
    switch (batch.match[lane]) {
      case SessionMatch::kHit:
      case SessionMatch::kSettling:
        CountNatHit(worker.counters->Of(batch.bound_nat[lane]), line, batch.ip_bytes[lane]);
        break;
      default:
        CountWalked(worker, batch, lane);
    }
  }
}

void CountNatStayedAgain(WorkerContext& worker, const Batch& batch, uint32_t lane,
                         NatGatewayIdx gateway, bool from_source) noexcept {
  if (!gateway.has_value()) {
    return;
  }
  NatCounters& counters = worker.counters->Of(gateway);
  NatWay& way = from_source ? counters.from_source : counters.from_destination;
  way.stayed_packets.Add(1);
  way.stayed_bytes.Add(batch.ip_bytes[lane]);
  if (batch.verdict[lane] == Verdict::kDrop && RefusedByGateway(batch.reason[lane])) {
    counters.dropped.Add(1);
  }
}

void CountNatStayed(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                    const LaneList& walked) noexcept {
  for (const uint8_t lane : walked) {
    const DropReason reason = batch.reason[lane];
    if (batch.verdict[lane] == Verdict::kForward || reason == DropReason::kUndecided) {
      continue;
    }
    const bool from_source = IsFromSource(batch, lane);
    const NatGatewayIdx gateway = ReachedGateway(snapshot, batch, lane);
    CountNatStayedAgain(worker, batch, lane, gateway, from_source);
    if (reason == DropReason::kNatPortsExhausted) {
      worker.counters->Of(gateway).no_port.Add(1);
      worker.counters->Of(gateway).attempted.Add(IsAttempt(batch, lane) ? 1 : 0);
    }
    batch.nat[lane] = gateway;
    batch.walk_flags[lane] |= from_source ? 0 : kWalkNatInward;
  }
}

}  // namespace sluice
