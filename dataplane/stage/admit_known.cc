#include "dataplane/stage/admit_known.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/admission_record.h"
#include "dataplane/stage/admit_new.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

// A known flow that needs another pair: another translation, more tracking, or a new connection on
// the old tuple.
AdmitFate ReplacePair(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                      SessionCold cold, bool keep_reverse, bool keep_state) {
  SessionTable& sessions = *worker.sessions;
  const PairIdx old = PairOf(LineIdx(batch.session[lane].value));
  if (keep_state) {
    KeepTimeouts(cold, sessions.LoadCold(old));
  }
  Admission admission;
  if (sessions.BeginReplace(old, cold, &admission) != ClaimOutcome::kClaimed) {
    return cold.counted() ? RefuseUntracked(worker, batch, lane, cold) : AdmitFate::kForward;
  }
  if (keep_state) {
    CopyLineState(sessions.Line(ForwardLine(admission.pair)), sessions.Line(ForwardLine(old)));
    CopyLineState(sessions.Line(ReverseLine(admission.pair)), sessions.Line(ReverseLine(old)));
  }
  if (!keep_reverse || !sessions.KeepReverse(admission)) {
    const bool new_binding = batch.nat[lane].has_value();
    if (new_binding) {  // it lives from now on, also where a SYN changes nothing of its connection
      sessions.Line(ForwardLine(admission.pair))
          .last_seen_ms.store(worker.now_ms, std::memory_order_relaxed);
    }
    return Complete(snapshot, worker, batch, lane, admission, new_binding);
  }
  const bool forward = (batch.pair_flags[lane] & kPairForward) != 0;
  Recompute(batch, lane);
  const LineIdx line = forward ? ForwardLine(admission.pair) : ReverseLine(admission.pair);
  // What only a NAT gateway remembers walks until a packet makes it tracked.
  FillWalk(sessions.Line(line), OutcomeAt(sessions, batch, lane, line),
           cold.nat() && !cold.tracked() ? kGenerationNone : StampOf(snapshot, batch, lane));
  batch.session[lane] = line;
  Accept(worker, batch, lane, line);
  sessions.Publish(admission);
  return AdmitFate::kForward;
}

// `settled` is false while the flow waits for a packet that makes it tracked: that one has to walk.
AdmitFate Refresh(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                  bool settled) {
  const LineIdx idx(batch.session[lane].value);
  Recompute(batch, lane);
  if (settled && (batch.traits[lane] & kTraitFragment) == 0 && MayRemember(snapshot, batch, lane)) {
    StampWalk(worker.sessions->Line(idx), OutcomeAt(*worker.sessions, batch, lane, idx),
              WalkGenerationOf(snapshot, batch.sender[lane], batch.out[lane]));
  }
  Accept(worker, batch, lane, idx);
  return AdmitFate::kForward;
}

// Every interface has forgotten the flow, only the NAT gateway has not.
bool OnlyBound(uint8_t pair_flags) {
  return (pair_flags & kPairBound) != 0 &&
         (pair_flags & (kPairTrackedInitiator | kPairTrackedResponder)) == 0;
}

uint8_t Untracked(uint8_t flags) {
  return static_cast<uint8_t>(flags & ~(kPairTrackedByInitiator | kPairTrackedByResponder));
}

// The rules have allowed a packet of a flow that only the gateway remembers: for the interfaces it
// begins anew, or, when it opens nothing, stays forgotten.
AdmitFate RemakeBound(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                      SessionCold wanted) {
  const bool opens = MayOpen(batch, lane);
  if (!opens) {
    wanted.flags = Untracked(wanted.flags);
  } else if (batch.protocol[lane] == kProtocolTcp && TcpOpensMidstream(batch.tcp_flags[lane])) {
    wanted.flags |= kPairMidstream;
  }
  return ReplacePair(snapshot, worker, batch, lane, wanted, true, !opens);
}

// A segment that could open nothing (RST, FIN, insane flags) and goes another way than its flow
// did: it leads the flow nowhere. At an interface that sends it, it is one of the flow.
AdmitFate PassBy(WorkerContext& worker, Batch& batch, uint32_t lane, bool from_eni) {
  Recompute(batch, lane);
  if (from_eni) {
    Accept(worker, batch, lane, LineIdx(batch.session[lane].value));
  } else {
    CountUnkept(worker, batch, lane);
  }
  return AdmitFate::kForward;
}

// A NAT gateway or a services side has led an answer to somebody who did not ask: to the owner of
// an address that another interface has sent from, or to an appliance. It has passed the rules
// there and is remembered where the flow is known, nowhere else; interfaces that have forgotten the
// flow stay so.
AdmitFate LeadAstray(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                     SessionCold current) {
  if (OnlyBound(batch.pair_flags[lane]) && current.tracked()) {
    current.flags = Untracked(current.flags);
    return ReplacePair(snapshot, worker, batch, lane, current, true, true);
  }
  Recompute(batch, lane);
  Accept(worker, batch, lane, LineIdx(batch.session[lane].value), CountIn::kSightings);
  return AdmitFate::kForward;
}

}  // namespace

AdmitFate AdmitKnown(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     uint32_t lane) noexcept {
  if ((batch.traits[lane] & kTraitLaterFragment) != 0) {
    Recompute(batch, lane);
    CountUnkept(worker, batch, lane);
    return AdmitFate::kForward;
  }
  SessionTable& sessions = *worker.sessions;
  const LineIdx idx(batch.session[lane].value);
  const bool forward = (batch.pair_flags[lane] & kPairForward) != 0;
  const SessionCold current = sessions.LoadCold(PairOf(idx));
  SessionCold wanted = ColdOf(snapshot, batch, lane, !forward);
  const bool lapsed_nat = current.nat() && (batch.pair_flags[lane] & kPairBound) == 0;
  const bool same_answer =
      !lapsed_nat && AnswerOf(batch, lane) == KeyOf(sessions.Line(PeerOf(idx)));
  const InterfaceRowKind sender = snapshot.interfaces[batch.sender[lane].index()].kind;
  const bool from_services = sender == InterfaceRowKind::kServices;
  if (!same_answer && (from_services || (batch.walk_flags[lane] & kWalkNatInward) != 0)) {
    return LeadAstray(snapshot, worker, batch, lane, current);
  }
  const bool reopen = (batch.pair_flags[lane] & kPairReopen) != 0;
  if (!reopen) {  // the flow goes on as it was opened, whatever this segment would open
    wanted.flags =
        static_cast<uint8_t>((wanted.flags & ~kPairMidstream) | (current.flags & kPairMidstream));
  }
  const bool answers_only = current.nat() || from_services;
  const bool from_eni = sender == InterfaceRowKind::kEni;
  // An answer that goes another way than the questions came is still one where it is sent; at the
  // other end nothing is remembered of it, unless a NAT gateway must.
  const bool strays = !same_answer && from_eni && !reopen && !batch.nat[lane].has_value();
  if (!forward && !strays && (!same_answer || (reopen && !answers_only)) && MayOpen(batch, lane)) {
    // The answer's way has changed, or the responder opens a connection of its own: another
    // session.
    sessions.Unlink(PairOf(idx));
    batch.session[lane] = SessionIdx::None();
    Recompute(batch, lane);
    return AdmitNew(snapshot, worker, batch, lane);
  }
  if (!same_answer && !batch.nat[lane].has_value() && !MayOpen(batch, lane)) {
    return PassBy(worker, batch, lane, from_eni);
  }
  if (OnlyBound(batch.pair_flags[lane]) && (current.tracked() || MayOpen(batch, lane))) {
    return RemakeBound(snapshot, worker, batch, lane, wanted);
  }
  if (!forward && reopen) {
    return ReplacePair(snapshot, worker, batch, lane, wanted, true, false);
  }
  if (forward && (reopen || !same_answer)) {
    return ReplacePair(snapshot, worker, batch, lane, wanted, same_answer, !reopen);
  }
  const bool more = forward && SaysMore(wanted, current);
  if (more && MayOpen(batch, lane)) {
    wanted.flags |= current.flags & (kPairTrackedByInitiator | kPairTrackedByResponder);
    return ReplacePair(snapshot, worker, batch, lane, wanted, true, true);
  }
  // A line of a bound flow is one through the gateway: it does not remember an answer that strays.
  const bool passes_gateway = batch.nat[lane].has_value() == current.nat();
  const bool settled = !more && passes_gateway && (current.tracked() || !current.nat());
  return Refresh(snapshot, worker, batch, lane, settled);
}

}  // namespace sluice
