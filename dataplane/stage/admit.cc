#include "dataplane/stage/admit.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/expired_key.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/admission_record.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/session.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

enum class Fate : uint8_t { kForward, kAgain, kDropped };

void Recompute(Batch& batch, uint32_t lane) {
  LaneList one;
  one.Add(lane);
  ComputeDeltas(batch, one);
}

Fate Refuse(Batch& batch, uint32_t lane, DropReason reason) {
  DropLane(batch, lane, reason);
  return Fate::kDropped;
}

// A new connection that cannot be tracked (AWS-SG-14). It counts at the interface whose limit it
// was, or, when the host is full, at each that would have tracked it. An interface's allowance ends
// at the interface: the packet has not been to a NAT gateway.
Fate RefuseUntracked(WorkerContext& worker, Batch& batch, uint32_t lane, const SessionCold& cold,
                     uint32_t full_interface_idx = kNoInterface) {
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

// What a new line is stamped with.
uint32_t StampOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  return MayRemember(snapshot, batch, lane)
             ? WalkGenerationOf(snapshot, batch.sender[lane], batch.out[lane])
             : kGenerationNone;
}

// Where what is accepted is counted: in its line, or, when the flow's ends are not those of this
// packet's walk, by what the walk has seen.
enum class CountIn : uint8_t { kLine, kSightings };

// Counts the packet and moves its direction's state.
void Accept(WorkerContext& worker, Batch& batch, uint32_t lane, LineIdx idx,
            CountIn count = CountIn::kLine) {
  const SessionTable& sessions = *worker.sessions;
  const PacketFacts facts = FactsOf(batch, lane);
  if (ChangesNothing(sessions.Line(idx), sessions.Line(PeerOf(idx)), IsForward(idx), facts)) {
    CountUnkept(worker, batch, lane);
    return;
  }
  if (count == CountIn::kLine) {
    CountAccepted(worker, batch, lane, idx);
  } else {
    CountUnkept(worker, batch, lane);
  }
  AcceptInSession(worker, idx, facts, batch.nat[lane]);
}

// The key of the answer to the packet as its receiver sees it.
SessionKey AnswerOf(const Batch& batch, uint32_t lane) {
  return AnswerKey(KeyAfterWalk(batch, lane, batch.out[lane]), batch.out[lane].value);
}

// The walk as the line keeps it, where the session's other key is not of this packet's making.
WalkOutcome OutcomeAt(const SessionTable& sessions, const Batch& batch, uint32_t lane,
                      LineIdx idx) {
  WalkOutcome walk = OutcomeOf(batch, lane);
  const bool strays = AnswerOf(batch, lane) != KeyOf(sessions.Line(PeerOf(idx)));
  walk.next_hop |= strays ? kNextHopStrays : 0;
  return walk;
}

void SetNatPort(Batch& batch, uint32_t lane, uint16_t l4_port) {
  batch.walk_l4_src[lane] = l4_port;
  if (batch.protocol[lane] == kProtocolIcmp) {
    batch.walk_l4_dst[lane] = l4_port;
  }
}

// Moves the source to another address of the gateway, public if it leaves through the internet
// gateway.
void SetNatAddress(const NatGatewayRow& row, uint32_t address, Batch& batch, uint32_t lane) {
  batch.nat_private[lane] = row.addresses[address].private_ip.value;
  batch.nat_public[lane] = row.addresses[address].public_ip.value;
  const bool outside = (batch.walk_flags[lane] & kWalkGateway) != 0;
  batch.walk_src[lane] = outside ? batch.nat_public[lane] : batch.nat_private[lane];
}

// Claims a port of the gateway's address the walk chose, else of its others (AWS-NAT-05).
ClaimOutcome ClaimNat(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                      Admission& admission) {
  const NatGatewayRow& row = snapshot.nat_gateways[batch.nat[lane].index()];
  uint32_t chosen = 0;
  while (chosen + 1 < row.address_count &&
         row.addresses[chosen].private_ip.value != batch.nat_private[lane]) {
    ++chosen;
  }
  const NatPortSequence ports = worker.nat_streams->Ports(row.stream, StoredKey(batch, lane));
  NatClaim claim;
  for (uint32_t i = 0; i < row.address_count; ++i) {
    SetNatAddress(row, (chosen + i) % row.address_count, batch, lane);
    claim = ClaimNatPort(*worker.sessions, admission, AnswerOf(batch, lane), ports, worker.now_ms);
    if (claim.outcome != ClaimOutcome::kExists) {
      break;
    }
  }
  if (claim.outcome == ClaimOutcome::kClaimed) {
    SetNatPort(batch, lane, claim.l4_port);
    admission.cold.nat_port = claim.l4_port;
    admission.cold.nat_address = batch.nat_private[lane];
  }
  return claim.outcome;
}

// Whether the pair that holds the key of an answer gives way to a flow of `vpc_idx`: it holds it by
// an outdated translation, or another interface has asked from the same address. What asks a
// services side keeps its answers from other VPCs (interface.md, Services).
bool GivesWay(SessionTable& sessions, LineIdx holder, bool services, uint16_t vpc_idx) {
  return !services || sessions.LoadCold(PairOf(holder)).vpc_idx == vpc_idx;
}

// Claims the key of the answer.
ClaimOutcome ClaimPlain(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                        uint32_t lane, Admission& admission) {
  const SessionKey answer = AnswerOf(batch, lane);
  LineIdx existing;
  const ClaimOutcome outcome = worker.sessions->ClaimReverse(admission, answer, &existing);
  const bool services =
      snapshot.interfaces[batch.out[lane].index()].kind == InterfaceRowKind::kServices;
  if (outcome != ClaimOutcome::kExists) {
    return outcome;
  }
  const bool freed = GivesWay(*worker.sessions, existing, services, admission.cold.vpc_idx)
                         ? worker.sessions->Unlink(PairOf(existing))
                         : FreeExpiredKey(*worker.sessions, existing, worker.now_ms);
  if (!freed) {
    return outcome;
  }
  return worker.sessions->ClaimReverse(admission, answer, &existing);
}

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

// Ends an admission whose forward key is claimed.
Fate Complete(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
              Admission& admission, bool new_binding) {
  const ClaimOutcome outcome = new_binding ? ClaimNat(snapshot, worker, batch, lane, admission)
                                           : ClaimPlain(snapshot, worker, batch, lane, admission);
  if (outcome != ClaimOutcome::kClaimed) {
    const SessionCold cold = admission.cold;
    worker.sessions->Abandon(admission);
    if (!cold.counted()) {
      return Fate::kForward;
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
  return Fate::kForward;
}

// An ICMP reply opens nothing: what it would open is a flow that its receiver's requests answer.
bool IsIcmpReply(const Batch& batch, uint32_t lane) {
  return (batch.traits[lane] & kTraitIcmpQuery) != 0 &&
         ClassifyIcmp(static_cast<uint8_t>(batch.rule_key[lane] >> 8), 0).is_reply;
}

bool MayOpen(const Batch& batch, uint32_t lane) {
  return (batch.traits[lane] & kTraitLaterFragment) == 0 && !IsIcmpReply(batch, lane) &&
         (batch.protocol[lane] != kProtocolTcp || TcpMayOpen(batch.tcp_flags[lane]));
}

// Through the internet gateway back to its own sender, with nothing that tells the answer from the
// question: no session can hold it.
bool AnswersItself(const Batch& batch, uint32_t lane) {
  return batch.out[lane] == batch.sender[lane] && !batch.nat[lane].has_value() &&
         AnswerOf(batch, lane) == StoredKey(batch, lane);
}

Fate AdmitNew(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) {
  const bool opens = MayOpen(batch, lane);
  if (!opens || AnswersItself(batch, lane)) {
    if (worker.sessions->FindOne(StoredKey(batch, lane)).has_value()) {
      return Fate::kAgain;  // an earlier lane has made the session
    }
    CountUnkept(worker, batch, lane);
    return !opens && batch.nat[lane].has_value() ? Refuse(batch, lane, DropReason::kNatUnsolicited)
                                                 : Fate::kForward;
  }
  const SessionCold cold = ColdOf(snapshot, batch, lane, false);
  Admission admission;
  LineIdx existing;
  const ClaimOutcome outcome =
      worker.sessions->BeginPair(StoredKey(batch, lane), batch.hash[lane], cold,
                                 LimitsOf(snapshot, cold), &admission, &existing);
  if (outcome == ClaimOutcome::kExists) {
    return Fate::kAgain;
  }
  if (outcome != ClaimOutcome::kClaimed) {
    if (cold.counted()) {
      return RefuseUntracked(worker, batch, lane, cold, admission.full_interface_idx);
    }
    CountUnkept(worker, batch, lane);
    return Fate::kForward;  // only a cache: forwarded uncached (decision 7)
  }
  return Complete(snapshot, worker, batch, lane, admission, batch.nat[lane].has_value());
}

// A known flow that needs another pair: another translation, more tracking, or a new connection on
// the old tuple.
Fate ReplacePair(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                 const SessionCold& cold, bool keep_reverse, bool keep_state) {
  SessionTable& sessions = *worker.sessions;
  const PairIdx old = PairOf(LineIdx(batch.session[lane].value));
  Admission admission;
  if (sessions.BeginReplace(old, cold, &admission) != ClaimOutcome::kClaimed) {
    return cold.counted() ? RefuseUntracked(worker, batch, lane, cold) : Fate::kForward;
  }
  if (keep_state) {
    CopyLineState(sessions.Line(ForwardLine(admission.pair)), sessions.Line(ForwardLine(old)));
    CopyLineState(sessions.Line(ReverseLine(admission.pair)), sessions.Line(ReverseLine(old)));
  }
  if (!keep_reverse || !sessions.KeepReverse(admission)) {
    const bool new_binding = batch.nat[lane].has_value();
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
  return Fate::kForward;
}

// `settled` is false while the flow waits for a packet that makes it tracked: that one has to walk.
Fate Refresh(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
             bool settled) {
  const LineIdx idx(batch.session[lane].value);
  Recompute(batch, lane);
  if (settled && (batch.traits[lane] & kTraitFragment) == 0 && MayRemember(snapshot, batch, lane)) {
    StampWalk(worker.sessions->Line(idx), OutcomeAt(*worker.sessions, batch, lane, idx),
              WalkGenerationOf(snapshot, batch.sender[lane], batch.out[lane]));
  }
  Accept(worker, batch, lane, idx);
  return Fate::kForward;
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
Fate RemakeBound(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
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
Fate PassBy(WorkerContext& worker, Batch& batch, uint32_t lane, bool from_eni) {
  Recompute(batch, lane);
  if (from_eni) {
    Accept(worker, batch, lane, LineIdx(batch.session[lane].value));
  } else {
    CountUnkept(worker, batch, lane);
  }
  return Fate::kForward;
}

// A NAT gateway or a services side has led an answer to somebody who did not ask: to the owner of
// an address that another interface has sent from, or to an appliance. It has passed the rules
// there and is remembered where the flow is known, nowhere else; interfaces that have forgotten the
// flow stay so.
Fate LeadAstray(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                SessionCold current) {
  if (OnlyBound(batch.pair_flags[lane]) && current.tracked()) {
    current.flags = Untracked(current.flags);
    return ReplacePair(snapshot, worker, batch, lane, current, true, true);
  }
  Recompute(batch, lane);
  Accept(worker, batch, lane, LineIdx(batch.session[lane].value), CountIn::kSightings);
  return Fate::kForward;
}

Fate AdmitKnown(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) {
  if ((batch.traits[lane] & kTraitLaterFragment) != 0) {
    Recompute(batch, lane);
    CountUnkept(worker, batch, lane);
    return Fate::kForward;
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

void AdmitHit(WorkerContext& worker, Batch& batch, uint32_t lane) {
  const LineIdx idx(batch.session[lane].value);
  CountAccepted(worker, batch, lane, idx);
  const PacketFacts facts = FactsOf(batch, lane);
  RefreshLine(worker.sessions->Line(idx), facts.protocol == kProtocolTcp ? TcpEndSeq(facts) : 0,
              worker.now_ms);
}

Fate AdmitLane(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) {
  switch (batch.match[lane]) {
    case SessionMatch::kHit:
      AdmitHit(worker, batch, lane);
      return Fate::kForward;
    case SessionMatch::kSettling:
      Accept(worker, batch, lane, LineIdx(batch.session[lane].value));
      return Fate::kForward;
    case SessionMatch::kKnown:
      return AdmitKnown(snapshot, worker, batch, lane);
    case SessionMatch::kMiss: {
      const Fate fate = AdmitNew(snapshot, worker, batch, lane);
      if (fate == Fate::kForward && !batch.session[lane].has_value()) {
        Recompute(batch, lane);  // what made no session; the others have theirs
      }
      return fate;
    }
    case SessionMatch::kNone:
      break;
  }
  Recompute(batch, lane);
  CountUnkept(worker, batch, lane);
  return Fate::kForward;
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
    const Fate fate = AdmitLane(snapshot, worker, batch, lane);
    if (fate == Fate::kForward) {
      batch.verdict[lane] = Verdict::kForward;
      batch.reason[lane] = DropReason::kNone;
      forward.Add(lane);
    } else if (fate == Fate::kAgain) {
      again.Add(lane);
    }
  }
}

}  // namespace sluice
