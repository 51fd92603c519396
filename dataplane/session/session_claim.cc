// One key's entry of the index: taken, found, given up. The protocol's theory is in
// session_bucket.h.
#include <emmintrin.h>

#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

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

}  // namespace sluice
