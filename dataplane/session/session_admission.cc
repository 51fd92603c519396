// How pairs enter and leave the session table: claim, publish, undo, replace, unlink. The
// protocol's theory is in session_bucket.h.
#include <emmintrin.h>

#include <bit>

#include "dataplane/base/check.h"
#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

void SetKey(SessionLine& line, const SessionKey& key) {
  line.key_addresses.store(key.addresses, std::memory_order_relaxed);
  line.key_rest.store(key.rest, std::memory_order_relaxed);
}

void ClearLine(SessionLine& line, uint8_t state, const SessionCold& cold) {
  FillWalk(line, WalkOutcome{}, kGenerationNone);
  line.last_seen_ms.store(0, std::memory_order_relaxed);
  line.next_seq.store(0, std::memory_order_relaxed);
  line.fin_seq.store(cold.nat() ? cold.nat_gateway_idx : 0u, std::memory_order_relaxed);
  line.window.store(0, std::memory_order_relaxed);
  line.tcp_flags.store(0, std::memory_order_relaxed);
  line.state.store(state, std::memory_order_relaxed);
  line.counters.store(0, std::memory_order_relaxed);
}

uint8_t ConstantState(const SessionCold& cold) {
  return static_cast<uint8_t>((cold.tracked() ? kLineTracked : 0) | (cold.nat() ? kLineNat : 0));
}

// Puts the tag into the first place of the bucket's `head` or `tags` that has none, and so takes
// that entry; kBucketSlots when all have one. Acquire: pairs with RemoveEntry, which clears the
// reference before the tag.
uint32_t PutTag(SessionBucket& bucket, bool in_head, uint8_t tag) noexcept {
  std::atomic<uint64_t>& word = in_head ? bucket.head : bucket.tags;
  uint64_t seen = word.load(std::memory_order_relaxed);
  while (true) {
    const uint32_t none =
        in_head ? MatchTags(seen, ~uint64_t{0}, 0) : MatchTags(~uint64_t{0}, seen, 0);
    if (none == 0) {
      return kBucketSlots;
    }
    const uint32_t slot = FirstMatch(none);
    if (word.compare_exchange_weak(seen, seen | TagBits(tag, slot), std::memory_order_acq_rel,
                                   std::memory_order_relaxed)) {
      return slot;
    }
  }
}

}  // namespace

// --- one entry ---

// Takes a free entry that is not in the home bucket's head.
bool SessionTable::TakeSlot(uint32_t home, uint8_t tag, LineIdx line,
                            Admission::Entry* entry) noexcept {
  for (uint32_t probe = 0; probe < kProbeBuckets; ++probe) {
    const uint32_t at = BucketAt(home, probe);
    SessionBucket& bucket = buckets_[at];
    uint32_t slot = probe == 0 ? kBucketSlots : PutTag(bucket, true, tag);
    slot = slot == kBucketSlots ? PutTag(bucket, false, tag) : slot;
    if (slot != kBucketSlots) {
      // Release: another claimant may read the key behind a pending reference.
      bucket.refs[slot].store((line.value + 1) | kRefPending, std::memory_order_release);
      *entry = {home, at, slot, true};
      return true;
    }
  }
  return false;
}

// Claims an entry for a key that is absent as of `head`. The compare-and-swap of the home bucket's
// head is the linearisation point of insert-if-absent; it pairs with the acquire load of the head
// before every scan. Where that word has a free place, it takes the entry, too: its tag is in place
// before its reference, and whoever scans meanwhile waits for that.
ClaimOutcome SessionTable::TryClaim(uint32_t home, uint64_t head, uint8_t tag, LineIdx line,
                                    Admission::Entry* entry) noexcept {
  SessionBucket& bucket = buckets_[home];
  const uint64_t next = HeadNextVersion(head);
  const uint32_t none = MatchTags(head, ~uint64_t{0}, 0);
  if (none != 0) {
    const uint32_t slot = FirstMatch(none);
    if (!bucket.head.compare_exchange_strong(head, next | TagBits(tag, slot),
                                             std::memory_order_acq_rel,
                                             std::memory_order_relaxed)) {
      return ClaimOutcome::kContended;
    }
    bucket.refs[slot].store((line.value + 1) | kRefPending, std::memory_order_release);
    *entry = {home, home, slot, true};
    return ClaimOutcome::kClaimed;
  }
  if (!TakeSlot(home, tag, line, entry)) {
    return ClaimOutcome::kFull;
  }
  const uint64_t wanted = next + (entry->bucket != home ? kHeadOverflowOne : 0);
  if (bucket.head.compare_exchange_strong(head, wanted, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
    return ClaimOutcome::kClaimed;
  }
  ClearEntry(*entry, tag);
  return ClaimOutcome::kContended;
}

ClaimOutcome SessionTable::Claim(const SessionKey& key, uint64_t hash, LineIdx line,
                                 Admission::Entry* entry, LineIdx* existing) noexcept {
  const uint32_t home = HomeOf(hash, bucket_count_);
  const uint8_t tag = TagOf(hash);
  uint32_t waits = 0;
  uint32_t attempts = 0;
  while (true) {
    const uint64_t head = buckets_[home].head.load(std::memory_order_acquire);
    const Scan scan = ScanFor(key, home, head, tag);
    if (scan.found && !scan.pending) {
      *existing = scan.line;
      return ClaimOutcome::kExists;
    }
    if (scan.found) {
      if (++waits > kClaimWaits) {
        return ClaimOutcome::kContended;
      }
      _mm_pause();
      continue;
    }
    if (++attempts > kClaimAttempts) {
      return ClaimOutcome::kContended;
    }
    const ClaimOutcome outcome = TryClaim(home, head, tag, line, entry);
    if (outcome != ClaimOutcome::kContended) {
      return outcome;
    }
    entry->held = false;
  }
}

// The reference goes first: an entry without a tag is free, and whoever takes it sets its
// reference.
void SessionTable::ClearEntry(const Admission::Entry& entry, uint8_t tag) noexcept {
  SessionBucket& bucket = buckets_[entry.bucket];
  bucket.refs[entry.slot].store(0, std::memory_order_release);
  TagWord(bucket, entry.slot).fetch_sub(TagBits(tag, entry.slot), std::memory_order_release);
}

void SessionTable::RemoveEntry(const Admission::Entry& entry, uint8_t tag) noexcept {
  ClearEntry(entry, tag);
  if (entry.bucket != entry.home) {
    buckets_[entry.home].head.fetch_sub(kHeadOverflowOne, std::memory_order_release);
  }
}

// `hash` of the line's key.
bool SessionTable::Locate(LineIdx line, uint64_t hash, Admission::Entry* entry) const noexcept {
  const uint32_t home = HomeOf(hash, bucket_count_);
  const uint8_t tag = TagOf(hash);
  for (uint32_t probe = 0; probe < kProbeBuckets; ++probe) {
    const uint32_t at = BucketAt(home, probe);
    const SessionBucket& bucket = buckets_[at];
    uint32_t mask = MatchTags(bucket.head.load(std::memory_order_acquire),
                              bucket.tags.load(std::memory_order_acquire), tag);
    for (; mask != 0; mask &= mask - 1) {
      const uint32_t slot = FirstMatch(mask);
      if (bucket.refs[slot].load(std::memory_order_acquire) == line.value + 1) {
        *entry = {home, at, slot, true};
        return true;
      }
    }
  }
  return false;
}

// `hash` of the line's key.
void SessionTable::RemoveLine(LineIdx line, uint64_t hash) noexcept {
  Admission::Entry entry;
  if (Locate(line, hash, &entry)) {
    RemoveEntry(entry, TagOf(hash));
  }
}

// --- counting and room ---

std::atomic<uint32_t>* SessionTable::InterfaceCount(uint32_t interface_idx) noexcept {
  return interface_idx < interface_count_
             ? &interface_counts_[interface_idx >> 4].counts[interface_idx & 15]
             : nullptr;
}

std::atomic<uint32_t>* SessionTable::VpcCount(uint32_t vpc_idx) noexcept {
  return vpc_idx < vpc_count_ ? &vpc_counts_[vpc_idx >> 4].counts[vpc_idx & 15] : nullptr;
}

void SessionTable::Count(const SessionCold& cold, int32_t by) noexcept {
  const uint32_t step = static_cast<uint32_t>(by);
  if (!cold.counted()) {
    cache_only_.fetch_add(step, std::memory_order_relaxed);
    return;
  }
  counted_.fetch_add(step, std::memory_order_relaxed);
  std::atomic<uint32_t>* counts[3] = {
      (cold.flags & kPairTrackedByInitiator) != 0 ? InterfaceCount(cold.initiator_interface_idx)
                                                  : nullptr,
      (cold.flags & kPairTrackedByResponder) != 0 ? InterfaceCount(cold.responder_interface_idx)
                                                  : nullptr,
      VpcCount(cold.vpc_idx)};
  for (std::atomic<uint32_t>* count : counts) {
    if (count != nullptr) {
      count->fetch_add(step, std::memory_order_relaxed);
    }
  }
}

// Whether `more` pairs of this kind would be within the limits of its interfaces and VPC.
ClaimOutcome SessionTable::CheckLimits(const SessionCold& cold, const SessionLimits& limits,
                                       uint32_t more, Admission& admission) noexcept {
  const auto over = [more](const std::atomic<uint32_t>* count, uint32_t limit) {
    return limit != 0 && count != nullptr && count->load(std::memory_order_relaxed) + more > limit;
  };
  if ((cold.flags & kPairTrackedByInitiator) != 0 &&
      over(InterfaceCount(cold.initiator_interface_idx), limits.initiator_interface)) {
    admission.full_interface_idx = cold.initiator_interface_idx;
    return ClaimOutcome::kLimit;
  }
  if ((cold.flags & kPairTrackedByResponder) != 0 &&
      over(InterfaceCount(cold.responder_interface_idx), limits.responder_interface)) {
    admission.full_interface_idx = cold.responder_interface_idx;
    return ClaimOutcome::kLimit;
  }
  return over(VpcCount(cold.vpc_idx), limits.vpc) ? ClaimOutcome::kLimit : ClaimOutcome::kClaimed;
}

// Looks before it counts, so that a flood against a limit writes no shared line; counts before it
// looks again, so that two workers cannot both take the last place.
ClaimOutcome SessionTable::Reserve(const SessionCold& cold, const SessionLimits& limits,
                                   Admission& admission) noexcept {
  if (!cold.counted()) {
    Count(cold, 1);
    return ClaimOutcome::kClaimed;
  }
  if (CheckLimits(cold, limits, 1, admission) != ClaimOutcome::kClaimed) {
    return ClaimOutcome::kLimit;
  }
  Count(cold, 1);
  if (CheckLimits(cold, limits, 0, admission) != ClaimOutcome::kClaimed) {
    Count(cold, -1);
    return ClaimOutcome::kLimit;
  }
  if (counted_.load(std::memory_order_relaxed) > capacity_ && !EvictClosed()) {
    Count(cold, -1);
    pressure_.store(true, std::memory_order_relaxed);
    return ClaimOutcome::kFull;
  }
  return ClaimOutcome::kClaimed;
}

bool SessionTable::EvictClosed() noexcept {
  for (uint32_t step = 0; step < kEvictionSteps; ++step) {
    const uint32_t value = closed_.Pop();
    if (value == ClosedRing::kEmpty) {
      return false;
    }
    const PairIdx pair(value);
    if (IsLive(pair) &&
        PairIsClosed(Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                     Line(ReverseLine(pair)).state.load(std::memory_order_relaxed)) &&
        Unlink(pair)) {
      return true;
    }
  }
  return false;
}

bool SessionTable::EvictCacheOnly() noexcept {
  if (cache_only_.load(std::memory_order_relaxed) == 0) {
    return false;
  }
  for (uint32_t step = 0; step < kEvictionSteps; ++step) {
    const PairIdx pair(evict_hand_.fetch_add(1, std::memory_order_relaxed) % pair_count_);
    if (IsLive(pair) && !LoadCold(pair).counted() && Unlink(pair)) {
      return true;
    }
  }
  return false;
}

PairIdx SessionTable::TakePair(bool counted) noexcept {
  if (free_.count() <= spare_floor_) {
    pressure_.store(true, std::memory_order_relaxed);
    if (!counted) {
      return PairIdx::None();
    }
    (void)EvictCacheOnly();  // its pair comes back after the grace period; this admission uses a
                             // spare one
  }
  return free_.Pop(links_);
}

// --- admission ---

void SessionTable::PrefetchPair(PairIdx pair) const noexcept {
  PrefetchWrite(&lines_[ForwardLine(pair).value]);
  PrefetchWrite(&lines_[ReverseLine(pair).value]);
  PrefetchWrite(&cold_[pair.value >> 1]);
}

void SessionTable::PrefetchAdmissions(uint32_t count) const noexcept {
  free_.Peek(links_, count, [this](PairIdx pair) { PrefetchPair(pair); });
  if (counted_.load(std::memory_order_relaxed) + count <= capacity_) {
    return;
  }
  PairIdx leaving[kFindBatch];
  uint32_t found = 0;
  for (; found < count; ++found) {
    const uint32_t pair = closed_.Peek(found);
    if (pair == ClosedRing::kEmpty) {
      break;
    }
    leaving[found] = PairIdx(pair);
    PrefetchPair(leaving[found]);
    PrefetchWrite(&links_[leaving[found]]);
  }
  for (uint32_t i = 0; i < found; ++i) {
    PrefetchClaim(HashOfLine(ForwardLine(leaving[i])));
    PrefetchClaim(HashOfLine(ReverseLine(leaving[i])));
  }
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
  uint32_t expected = kLinkLive;
  // Acquire pairs with the release store of kLinkLive in Publish.
  if (!links_[old].compare_exchange_strong(expected, kLinkUnlinking, std::memory_order_acq_rel,
                                           std::memory_order_relaxed)) {
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
  SLUICE_CHECK(Locate(ForwardLine(old), HashOfLine(ForwardLine(old)), &admission->forward));
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
      !Locate(ReverseLine(admission.replaced), HashOfLine(ReverseLine(admission.replaced)),
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
  const auto tag_of = [this](LineIdx line) { return TagOf(hasher_.HashOne(KeyOf(Line(line)))); };
  if (admission.reverse.held && !admission.reverse_swaps) {
    RemoveEntry(admission.reverse, tag_of(ReverseLine(admission.pair)));
  }
  if (admission.forward.held && !admission.forward_swaps) {
    RemoveEntry(admission.forward, tag_of(ForwardLine(admission.pair)));
  }
  if (admission.replaced.has_value()) {
    links_[admission.replaced].store(kLinkLive, std::memory_order_release);
  }
  GiveBack(admission.cold, admission.pair);
  admission = Admission{};
}

// --- removal ---

// False: another thread has it, or it is gone.
bool SessionTable::TakeForRemoval(PairIdx pair) noexcept {
  uint32_t expected = kLinkLive;
  return links_[pair].compare_exchange_strong(expected, kLinkUnlinking, std::memory_order_acq_rel,
                                              std::memory_order_relaxed);
}

bool SessionTable::Unlink(PairIdx pair) noexcept {
  if (!TakeForRemoval(pair)) {
    return false;
  }
  RemoveLine(ForwardLine(pair));
  RemoveLine(ReverseLine(pair));
  Count(LoadCold(pair), -1);
  unlinked_.Push(links_, pair);
  return true;
}

void SessionTable::CountIdleTimeout(PairIdx pair, const SessionCold& cold) noexcept {
  const SessionLine& forward = Line(ForwardLine(pair));
  const bool closed = PairIsClosed(forward.state.load(std::memory_order_relaxed),
                                   Line(ReverseLine(pair)).state.load(std::memory_order_relaxed));
  if (KeyOf(forward).protocol() == kProtocolTcp && !closed &&
      cold.nat_gateway_idx < nat_gateway_count_) {
    idle_timeouts_[cold.nat_gateway_idx >> 3].counts[cold.nat_gateway_idx & 7].fetch_add(
        1, std::memory_order_relaxed);
  }
}

bool SessionTable::ExpireNat(PairIdx pair) noexcept {
  uint32_t expected = kLinkLive;
  if (!links_[pair].compare_exchange_strong(expected, kLinkUnlinking, std::memory_order_acq_rel,
                                            std::memory_order_relaxed)) {
    return false;
  }
  SessionCold cold = LoadCold(pair);
  const bool first = cold.nat() && (cold.flags & kPairNatExpired) == 0;
  if (first) {
    RemoveLine(ReverseLine(pair));
    cold.flags |= kPairNatExpired;
    StoreCold(pair, cold);
    CountIdleTimeout(pair, cold);
  }
  links_[pair].store(kLinkLive, std::memory_order_release);
  return first;
}

PairIdx SessionTable::TakeUnlinked() noexcept {
  const uint32_t first = unlinked_.TakeAll();
  return first == kLinkEnd ? PairIdx::None() : PairIdx(first);
}

PairIdx SessionTable::NextUnlinked(PairIdx pair) const noexcept {
  const uint32_t next = links_[pair].load(std::memory_order_relaxed);
  return next == kLinkEnd ? PairIdx::None() : PairIdx(next);
}

void SessionTable::Free(PairIdx pair) noexcept {
  free_.Push(links_, pair);
}

}  // namespace sluice
