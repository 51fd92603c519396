#include "dataplane/stage/admit_new.h"

#include "dataplane/stage/account.h"
#include "dataplane/stage/admission_record.h"
#include "dataplane/stage/admit_claim.h"

namespace sluice {
namespace {

DropReason RefusalOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                     ClaimOutcome outcome) {
  if (outcome != ClaimOutcome::kExists) {
    return DropReason::kConntrackFull;
  }
  if (batch.nat[lane].has_value()) {
    return DropReason::kNatPortsExhausted;
  }
  return snapshot.interfaces[batch.out[lane].index()].kind == InterfaceRowKind::kServices
             ? DropReason::kEndpointUnavailable
             : DropReason::kConntrackFull;
}

void StampForward(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                  const Admission& admission) {
  Recompute(batch, lane);
  FillWalk(worker.sessions->Line(ForwardLine(admission.pair)), OutcomeOf(batch, lane),
           StampOf(snapshot, batch, lane));
}

// Through the internet gateway back to its own sender, with nothing that tells the answer from the
// question: no session can hold it.
bool AnswersItself(const Batch& batch, uint32_t lane) {
  return batch.out[lane] == batch.sender[lane] && !batch.nat[lane].has_value() &&
         AnswerOf(batch, lane) == StoredKey(batch, lane);
}

}  // namespace

AdmitFate Complete(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                   Admission& admission, bool new_binding) noexcept {
  const ClaimOutcome outcome = new_binding ? ClaimNat(snapshot, worker, batch, lane, admission)
                                           : ClaimPlain(snapshot, worker, batch, lane, admission);
  if (outcome != ClaimOutcome::kClaimed) {
    const SessionCold cold = admission.cold;
    worker.sessions->Abandon(admission);
    if (!cold.counted()) {
      return AdmitFate::kForward;
    }
    const DropReason reason = RefusalOf(snapshot, batch, lane, outcome);
    return reason == DropReason::kConntrackFull ? RefuseUntracked(worker, batch, lane, cold)
                                                : Refuse(batch, lane, reason);
  }
  StampForward(snapshot, worker, batch, lane, admission);
  const LineIdx line = ForwardLine(admission.pair);
  batch.session[lane] = line;
  Accept(worker, batch, lane, line);
  worker.sessions->Publish(admission);
  return AdmitFate::kForward;
}

AdmitFate AdmitNew(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   uint32_t lane) noexcept {
  const bool opens = MayOpen(batch, lane);
  if (!opens || AnswersItself(batch, lane)) {
    if (worker.sessions->FindOne(StoredKey(batch, lane)).has_value()) {
      return AdmitFate::kAgain;  // an earlier lane has made the session
    }
    CountUnkept(worker, batch, lane);
    return !opens && batch.nat[lane].has_value() ? Refuse(batch, lane, DropReason::kNatUnsolicited)
                                                 : AdmitFate::kForward;
  }
  const SessionCold cold = ColdOf(snapshot, batch, lane, false);
  Admission admission;
  LineIdx existing;
  const ClaimOutcome outcome =
      worker.sessions->BeginPair(StoredKey(batch, lane), batch.hash[lane], cold,
                                 LimitsOf(snapshot, cold), &admission, &existing);
  if (outcome == ClaimOutcome::kExists) {
    return AdmitFate::kAgain;
  }
  if (outcome != ClaimOutcome::kClaimed) {
    if (cold.counted()) {
      return RefuseUntracked(worker, batch, lane, cold, admission.full_interface_idx);
    }
    CountUnkept(worker, batch, lane);
    return AdmitFate::kForward;  // only a cache: forwarded uncached (decision 7)
  }
  return Complete(snapshot, worker, batch, lane, admission, batch.nat[lane].has_value());
}

}  // namespace sluice
