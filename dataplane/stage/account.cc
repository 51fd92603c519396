#include "dataplane/stage/account.h"

#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

bool IsLogged(const Snapshot& snapshot, InterfaceIdx interface) {
  const InterfaceRowKind kind = snapshot.interfaces[interface.index()].kind;
  return kind == InterfaceRowKind::kEni || kind == InterfaceRowKind::kNatGateway;
}

FlowSighting Sighting(const Batch& batch, uint32_t lane, InterfaceIdx at, FlowDirection direction) {
  FlowSighting seen;
  seen.interface_idx = at.value;
  seen.src = seen.pkt_src = batch.walk_src[lane];
  seen.dst = seen.pkt_dst = batch.walk_dst[lane];
  if ((batch.traits[lane] & kTraitPorts) != 0) {
    seen.src_l4_port = batch.walk_l4_src[lane];
    seen.dst_l4_port = batch.walk_l4_dst[lane];
  }
  seen.protocol = batch.protocol[lane];
  seen.direction = direction;
  return seen;
}

void Note(WorkerContext& worker, uint32_t lane, const FlowSighting& seen) {
  SightingLog& log = *worker.sightings;
  if (log.count[lane] < SightingLog::kMaxSightings) {
    log.rows[lane][log.count[lane]++] = seen;
  }
}

bool IsNatGateway(const Snapshot& snapshot, InterfaceIdx interface) {
  return snapshot.interfaces[interface.index()].kind == InterfaceRowKind::kNatGateway;
}

void CountRows(WorkerContext& worker, const Batch& batch, uint32_t lane) {
  const SightingLog& log = *worker.sightings;
  for (uint32_t i = 0; i < log.count[lane]; ++i) {
    worker.account->Count(log.rows[lane][i], batch.ip_bytes[lane], batch.tcp_flags[lane],
                          ClockOf(worker));
  }
}

bool IsEgress(DropReason reason) {
  return reason == DropReason::kSgEgress || reason == DropReason::kNaclEgress;
}

void CountReject(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                 uint32_t lane) {
  const InterfaceIdx at = RefusedAt(batch, lane);
  if (!at.has_value() || !IsLogged(snapshot, at)) {
    return;
  }
  FlowSighting seen =
      Sighting(batch, lane, at,
               IsEgress(batch.reason[lane]) ? FlowDirection::kEgress : FlowDirection::kIngress);
  seen.action = FlowAction::kReject;
  worker.account->Count(seen, batch.ip_bytes[lane], batch.tcp_flags[lane], ClockOf(worker));
}

}  // namespace

InterfaceIdx RefusedAt(const Batch& batch, uint32_t lane) noexcept {
  const DropReason reason = batch.reason[lane];
  const bool ingress = reason == DropReason::kSgIngress || reason == DropReason::kNaclIngress;
  return IsEgress(reason) ? batch.origin[lane]
         : ingress        ? batch.target[lane]
                          : InterfaceIdx::None();
}

void ForgetSightings(WorkerContext& worker, const LaneList& lanes) noexcept {
  if (worker.sightings == nullptr) {
    return;
  }
  for (const uint8_t lane : lanes) {
    worker.sightings->count[lane] = 0;
  }
}

void SightEgress(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                 const LaneList& lanes) noexcept {
  if (worker.sightings == nullptr) {
    return;
  }
  for (const uint8_t lane : lanes) {
    const InterfaceIdx at = batch.origin[lane];
    if (!IsLogged(snapshot, at)) {
      continue;
    }
    FlowSighting seen = Sighting(batch, lane, at, FlowDirection::kEgress);
    if (IsNatGateway(snapshot, at)) {
      // Towards the inside the gateway stands for the remote host (AWS-FL-09).
      const bool inward = seen.src != batch.nat_private[lane];
      seen.src = inward ? batch.nat_private[lane] : seen.src;
    }
    Note(worker, lane, seen);
  }
}

void SightIngress(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                  const LaneList& lanes) noexcept {
  if (worker.sightings == nullptr) {
    return;
  }
  for (const uint8_t lane : lanes) {
    const InterfaceIdx at = batch.target[lane];
    if (!IsLogged(snapshot, at)) {
      continue;
    }
    FlowSighting seen = Sighting(batch, lane, at, FlowDirection::kIngress);
    if (IsNatGateway(snapshot, at) && (batch.walk_flags[lane] & kWalkToNat) != 0) {
      seen.dst = snapshot.interfaces[at.index()].primary.value;
    }
    Note(worker, lane, seen);
  }
}

void CountInSession(const WorkerContext& worker, LineIdx line, uint16_t window, uint32_t ip_bytes,
                    uint8_t tcp_flags) noexcept {
  SessionLine& fields = worker.sessions->Line(line);
  LineWindow ended;
  if (CountInLine(fields, window, ip_bytes, tcp_flags, &ended) && worker.account != nullptr) {
    worker.account->Emit(MakeLineRecord(line, fields, worker.sessions->LoadCold(PairOf(line)),
                                        ended, ClockOf(worker)));
  }
}

void CountAccepted(WorkerContext& worker, const Batch& batch, uint32_t lane,
                   LineIdx line) noexcept {
  CountInSession(worker, line, batch.ip_bytes[lane], batch.tcp_flags[lane]);
}

void CountUnkept(WorkerContext& worker, const Batch& batch, uint32_t lane) noexcept {
  if (worker.account != nullptr && worker.sightings != nullptr) {
    CountRows(worker, batch, lane);
  }
}

void CountDropped(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                  const LaneList& walked) noexcept {
  if (worker.account == nullptr || worker.sightings == nullptr) {
    return;
  }
  for (const uint8_t lane : walked) {
    if (batch.verdict[lane] == Verdict::kDrop && batch.reason[lane] != DropReason::kUndecided) {
      CountRows(worker, batch, lane);
      CountReject(snapshot, worker, batch, lane);
    }
  }
}

}  // namespace sluice
