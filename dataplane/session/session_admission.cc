// How pairs enter the session table: begin, claim, publish, undo, replace.
#include "dataplane/base/check.h"
#include "dataplane/session/line_words.h"
#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

void SetKey(SessionLine& line, const SessionKey& key) {
  line.key_addresses.store(key.addresses, std::memory_order_relaxed);
  line.key_rest.store(key.rest, std::memory_order_relaxed);
}

void ClearLine(SessionLine& line, uint8_t state, const SessionCold& cold) {
  FillWalkWords(line, WalkWords{}, kGenerationNone);
  StoreWord(line.last_seen_ms, 0, 0);
  StoreWord(line.fin_seq, cold.nat() ? cold.nat_gateway_idx : 0u, LineMarks(0, 0, state));
  line.counters.store(0, std::memory_order_relaxed);
}

uint8_t ConstantState(const SessionCold& cold) {
  return static_cast<uint8_t>((cold.tracked() ? kLineTracked : 0) | (cold.nat() ? kLineNat : 0));
}

}  // namespace

void SessionTable::PrefetchPair(PairIdx pair) const noexcept {
  PrefetchWrite(&lines_[ForwardLine(pair).value]);
  PrefetchWrite(&lines_[ReverseLine(pair).value]);
  PrefetchWrite(&cold_[pair.value >> 1]);
}

void SessionTable::PreparePair(Admission& admission, const SessionKey& forward,
                               const SessionCold& cold) noexcept {
  admission.cold = cold;
  admission.counted = cold.counted();
  ClearLine(Line(ForwardLine(admission.pair)), ConstantState(cold), cold);
  ClearLine(Line(ReverseLine(admission.pair)), ConstantState(cold), cold);
  SetKey(Line(ForwardLine(admission.pair)), forward);
}

ClaimOutcome SessionTable::BeginPair(const SessionKey& forward, uint64_t forward_hash,
                                     const SessionCold& cold, const SessionLimits& limits,
                                     Admission* admission, LineIdx* existing) noexcept {
  *admission = Admission{};
  ClaimOutcome outcome = Reserve(cold, limits, *admission);
  if (outcome == ClaimOutcome::kClaimed) {
    admission->pair = TakePair(cold.counted());
    if (!admission->pair.has_value()) {
      Count(cold, -1);
      outcome = ClaimOutcome::kFull;
    }
  }
  if (outcome != ClaimOutcome::kClaimed) {
    // Another worker may have admitted the flow since the caller's lookup: then it needs no room.
    *existing = FindSlow(forward, forward_hash);
    return existing->has_value() ? ClaimOutcome::kExists : outcome;
  }
  return BeginReserved(admission->pair, forward, forward_hash, cold, admission, existing);
}

ClaimOutcome SessionTable::BeginReserved(PairIdx pair, const SessionKey& forward,
                                         uint64_t forward_hash, const SessionCold& cold,
                                         Admission* admission, LineIdx* existing) noexcept {
  *admission = Admission{};
  admission->pair = pair;
  PreparePair(*admission, forward, cold);
  const ClaimOutcome outcome =
      Claim(forward, forward_hash, ForwardLine(pair), &admission->forward, existing);
  if (outcome != ClaimOutcome::kClaimed) {
    GiveBack(cold, pair);
    admission->pair = PairIdx::None();
  }
  return outcome;
}

void SessionTable::GiveBack(const SessionCold& cold, PairIdx pair) noexcept {
  Count(cold, -1);
  free_.Push(links_, pair);
}

ClaimOutcome SessionTable::BeginReplace(PairIdx old, const SessionCold& cold,
                                        Admission* admission) noexcept {
  *admission = Admission{};
  if (!TakeForRemoval(old)) {
    return ClaimOutcome::kContended;
  }
  Count(cold, 1);
  admission->pair = TakePair(true);
  if (!admission->pair.has_value()) {
    Count(cold, -1);
    links_[old].store(kLinkLive, std::memory_order_release);
    return ClaimOutcome::kFull;
  }
  admission->replaced = old;
  PreparePair(*admission, KeyOf(Line(ForwardLine(old))), cold);
  SLUICE_CHECK(Locate(ForwardLine(old), HomeOfLine(ForwardLine(old)), &admission->forward));
  admission->forward_swaps = true;
  return ClaimOutcome::kClaimed;
}

ClaimOutcome SessionTable::ClaimReverse(Admission& admission, const SessionKey& reverse,
                                        LineIdx* existing) noexcept {
  return ClaimReverse(admission, reverse, hasher_.HashOne(reverse), existing);
}

ClaimOutcome SessionTable::ClaimReverse(Admission& admission, const SessionKey& reverse,
                                        uint64_t hash, LineIdx* existing) noexcept {
  const LineIdx line = ReverseLine(admission.pair);
  SetKey(Line(line), reverse);
  return Claim(reverse, hash, line, &admission.reverse, existing);
}

bool SessionTable::KeepReverse(Admission& admission) noexcept {
  if (!admission.replaced.has_value() ||
      !Locate(ReverseLine(admission.replaced), HomeOfLine(ReverseLine(admission.replaced)),
              &admission.reverse)) {
    return false;
  }
  SetKey(Line(ReverseLine(admission.pair)), KeyOf(Line(ReverseLine(admission.replaced))));
  admission.reverse_swaps = true;
  return true;
}

void SessionTable::Publish(Admission& admission) noexcept {
  SLUICE_CHECK(admission.forward.held && admission.reverse.held);
  SLUICE_CHECK(admission.cold.counted() == admission.counted);
  StoreCold(admission.pair, admission.cold);
  // Reverse before forward: once the forward key is visible, an answer finds its line. Release
  // stores pair with the acquire loads of Find.
  buckets_[admission.reverse.bucket].refs[admission.reverse.slot].store(
      ReverseLine(admission.pair).value + 1, std::memory_order_release);
  buckets_[admission.forward.bucket].refs[admission.forward.slot].store(
      ForwardLine(admission.pair).value + 1, std::memory_order_release);
  // Only now may another thread unlink it. Pairs with the exchanges of Unlink, ExpireNat and
  // BeginReplace.
  links_[admission.pair].store(kLinkLive, std::memory_order_release);
  if (admission.replaced.has_value()) {
    if (!admission.reverse_swaps) {
      RemoveLine(ReverseLine(admission.replaced));
    }
    Count(LoadCold(admission.replaced), -1);
    unlinked_.Push(links_, admission.replaced);
  }
  admission = Admission{};
}

void SessionTable::Abandon(Admission& admission) noexcept {
  if (admission.reverse.held && !admission.reverse_swaps) {
    RemoveEntry(admission.reverse);
  }
  if (admission.forward.held && !admission.forward_swaps) {
    RemoveEntry(admission.forward);
  }
  if (admission.replaced.has_value()) {
    links_[admission.replaced].store(kLinkLive, std::memory_order_release);
  }
  GiveBack(admission.cold, admission.pair);
  admission = Admission{};
}

}  // namespace sluice
