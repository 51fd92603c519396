#include "dataplane/stage/admit.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/admit_known.h"
#include "dataplane/stage/admit_new.h"
#include "dataplane/stage/admit_steps.h"
#include "dataplane/stage/session.h"

namespace sluice {
namespace {

void AdmitHit(WorkerContext& worker, Batch& batch, uint32_t lane) {
  const LineIdx idx(batch.session[lane].value);
  CountAccepted(worker, batch, lane, idx);
  const PacketFacts facts = FactsOf(batch, lane);
  RefreshLine(worker.sessions->Line(idx), facts.protocol == kProtocolTcp ? TcpEndSeq(facts) : 0,
              worker.now_ms);
}

AdmitFate AdmitLane(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) {
  switch (batch.match[lane]) {
    case SessionMatch::kHit:
      AdmitHit(worker, batch, lane);
      return AdmitFate::kForward;
    case SessionMatch::kSettling:
      Accept(worker, batch, lane, LineIdx(batch.session[lane].value));
      return AdmitFate::kForward;
    case SessionMatch::kKnown:
      return AdmitKnown(snapshot, worker, batch, lane);
    case SessionMatch::kMiss: {
      const AdmitFate fate = AdmitNew(snapshot, worker, batch, lane);
      if (fate == AdmitFate::kForward && !batch.session[lane].has_value()) {
        Recompute(batch, lane);  // what made no session; the others have theirs
      }
      return fate;
    }
    case SessionMatch::kNone:
      break;
  }
  Recompute(batch, lane);
  CountUnkept(worker, batch, lane);
  return AdmitFate::kForward;
}

}  // namespace

void PrepareAdmission(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                      uint32_t lane) noexcept {
  SessionKey answer = AnswerOf(batch, lane);
  if (batch.nat[lane].has_value()) {
    const NatGatewayRow& row = snapshot.nat_gateways[batch.nat[lane].index()];
    answer =
        WithDstPort(answer, worker.nat_streams->Ports(row.stream, StoredKey(batch, lane)).At(0));
  }
  worker.sessions->PrefetchClaim(worker.sessions->hasher().HashOne(answer));
}

void AdmitStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                const LaneList& lanes, LaneList& forward, LaneList& again) noexcept {
  for (const uint8_t lane : lanes) {
    const AdmitFate fate = AdmitLane(snapshot, worker, batch, lane);
    if (fate == AdmitFate::kForward) {
      batch.verdict[lane] = Verdict::kForward;
      batch.reason[lane] = DropReason::kNone;
      forward.Add(lane);
    } else if (fate == AdmitFate::kAgain) {
      again.Add(lane);
    }
  }
}

}  // namespace sluice
