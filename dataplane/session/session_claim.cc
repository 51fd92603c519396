// One key's entry of the index: taken, found, given up. The protocol's theory is in
// session_bucket.h.
#include <immintrin.h>

#include <bit>

#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

// Puts the tag into the first place of the bucket that has none, and so takes that entry;
// kBucketSlots when all have one. The exchange pairs with DropTag in ClearEntry, which clears the
// reference before the tag.
uint32_t PutTag(SessionBucket& bucket, uint8_t tag) noexcept {
  while (true) {
    const __m128i seen = HeadAndTags(bucket);
    const uint32_t none = MatchTags(seen, _mm_setzero_si128());
    if (none == 0) {
      return kBucketSlots;
    }
    const uint32_t slot = FirstMatch(none);
    if (ExchangeHeadAndTags(bucket, seen, WithTag(seen, tag, slot))) {
      return slot;
    }
  }
}

}  // namespace

// Takes a free entry of the buckets behind the home, which is full.
bool SessionTable::TakeSlotBeyond(uint32_t home, uint8_t tag, LineIdx line,
                                  Admission::Entry* entry) noexcept {
  for (uint32_t probe = 1; probe < kProbeBuckets; ++probe) {
    const uint32_t at = BucketAt(home, probe);
    SessionBucket& bucket = buckets_[at];
    const uint32_t slot = PutTag(bucket, tag);
    if (slot != kBucketSlots) {
      // Release: another claimant may read the key behind a pending reference.
      bucket.refs[slot].store((line.value + 1) | kRefPending, std::memory_order_release);
      *entry = {home, at, slot, true};
      return true;
    }
  }
  return false;
}

// Claims an entry for a key that is absent as of `seen`, head and tags of the home bucket. The
// exchange of these is the linearisation point of insert-if-absent. Where there is a free place, it
// takes the entry, too: its tag is in place before its reference, and whoever scans meanwhile waits
// for that.
ClaimOutcome SessionTable::TryClaim(uint32_t home, __m128i seen, uint8_t tag, LineIdx line,
                                    Admission::Entry* entry) noexcept {
  SessionBucket& bucket = buckets_[home];
  const uint64_t next = HeadNextVersion(HeadIn(seen));
  const uint32_t none = MatchTags(seen, _mm_setzero_si128());
  if (none != 0) [[likely]] {
    const uint32_t slot = FirstMatch(none);
    if (!ExchangeHeadAndTags(bucket, seen, WithTag(WithHead(seen, next), tag, slot))) {
      return ClaimOutcome::kContended;
    }
    bucket.refs[slot].store((line.value + 1) | kRefPending, std::memory_order_release);
    *entry = {home, home, slot, true};
    return ClaimOutcome::kClaimed;
  }
  if (!TakeSlotBeyond(home, tag, line, entry)) {
    return ClaimOutcome::kFull;
  }
  if (ExchangeHeadAndTags(bucket, seen, WithHead(seen, next + kHeadOverflowOne))) {
    return ClaimOutcome::kClaimed;
  }
  ClearEntry(*entry);
  return ClaimOutcome::kContended;
}

[[gnu::flatten]] ClaimOutcome SessionTable::Claim(const SessionKey& key, uint64_t hash,
                                                  LineIdx line, Admission::Entry* entry,
                                                  LineIdx* existing) noexcept {
  const uint32_t home = HomeOf(hash, bucket_count_);
  const uint8_t tag = TagOf(hash);
  uint32_t waits = 0;
  uint32_t attempts = 0;
  while (true) {
    const __m128i seen = HeadAndTags(buckets_[home]);
    const Scan scan = ScanFor(key, home, seen, tag);
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
    const ClaimOutcome outcome = TryClaim(home, seen, tag, line, entry);
    if (outcome != ClaimOutcome::kContended) {
      return outcome;
    }
    entry->held = false;
  }
}

// The reference goes first: an entry without a tag is free, and whoever takes it sets its
// reference.
void SessionTable::ClearEntry(const Admission::Entry& entry) noexcept {
  SessionBucket& bucket = buckets_[entry.bucket];
  bucket.refs[entry.slot].store(0, std::memory_order_release);
  DropTag(bucket, entry.slot);
}

void SessionTable::RemoveEntry(const Admission::Entry& entry) noexcept {
  ClearEntry(entry);
  if (entry.bucket != entry.home) {
    buckets_[entry.home].head.fetch_sub(kHeadOverflowOne, std::memory_order_release);
  }
}

// Of a published line whose key's bucket is `home`.
bool SessionTable::Locate(LineIdx line, uint32_t home, Admission::Entry* entry) const noexcept {
  const uint32_t probes = Probes(buckets_[home].head.load(std::memory_order_acquire));
  for (uint32_t probe = 0; probe < probes; ++probe) {
    const uint32_t at = BucketAt(home, probe);
    const uint32_t mask = MatchRefs(buckets_[at], line.value + 1);
    if (mask != 0) {
      *entry = {home, at, static_cast<uint32_t>(std::countr_zero(mask)), true};
      return true;
    }
  }
  return false;
}

// `home`: of the line's key, or of one that it had when it was noted as finished. What lies in that
// bucket is taken out there: should it have come from another one, which was full, that one's
// misses look further than they have to from then on. What does not is found by the key it has, so
// that no other bucket's overflow is counted back. Every eviction does this twice: no calls on the
// usual way.
[[gnu::flatten]] void SessionTable::RemoveLine(LineIdx line, uint32_t home) noexcept {
  Admission::Entry entry;
  if (const uint32_t mask = MatchRefs(buckets_[home], line.value + 1); mask != 0) [[likely]] {
    ClearEntry({home, home, static_cast<uint32_t>(std::countr_zero(mask)), true});
  } else if (Locate(line, HomeOfLine(line), &entry)) {
    RemoveEntry(entry);
  }
}

}  // namespace sluice
