#include "dataplane/session/session_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "dataplane/base/check.h"
#include "dataplane/base/shared_words.h"

namespace sluice {
namespace {

constexpr uint32_t kEntriesPerBucket = 6;  // average at full capacity
// What a full table can turn over in the two or so milliseconds that a pair needs to come back:
// 1.5 million connections a second, or less where that were more than an eighth of the table.
constexpr uint32_t SparePairs(uint32_t capacity) {
  return std::max(capacity / 128, std::clamp(capacity / 8, 1024u, 3072u));
}

}  // namespace

// A power of two of sixteen bytes each: a fourteenth keeps a table of 100,000 within 192 bytes a
// pair.
uint32_t SessionTable::MostNotedClosed(uint32_t capacity) noexcept {
  return std::bit_floor(std::clamp(capacity / 14, 16u, 65536u));
}

std::unique_ptr<SessionTable> SessionTable::Make(MemorySource& source,
                                                 const SessionTableSizes& sizes,
                                                 const HashSecret& secret, HashKind kind) {
  if (sizes.capacity == 0 || sizes.capacity > kMaxSessionPairs) {
    return nullptr;
  }
  std::unique_ptr<SessionTable> table(new SessionTable(secret, kind));
  SessionTable& t = *table;
  t.capacity_ = sizes.capacity;
  t.spare_floor_ = SparePairs(sizes.capacity);
  t.pair_count_ = sizes.capacity + t.spare_floor_;
  t.bucket_count_ = std::max(2 * t.pair_count_ / kEntriesPerBucket, kProbeBuckets);
  t.interface_count_ = sizes.interface_count;
  t.vpc_count_ = sizes.vpc_count;
  t.nat_gateway_count_ = sizes.nat_gateway_count;
  // The largest first: what the machine cannot hold is refused before pages of the rest are
  // touched.
  t.lines_ = AlignedArray<SessionLine>::Make(source, "session_lines", size_t{2} * t.pair_count_);
  if (!t.lines_.ok()) {
    return nullptr;
  }
  t.buckets_ = AlignedArray<SessionBucket>::Make(source, "session_index", t.bucket_count_);
  t.cold_ = AlignedArray<SessionColdLine>::Make(source, "session_cold", (t.pair_count_ + 1) / 2);
  t.interface_counts_ = AlignedArray<CountLine>::Make(source, "session_interface_counts",
                                                      sizes.interface_count / 16 + 1);
  t.vpc_counts_ =
      AlignedArray<CountLine>::Make(source, "session_vpc_counts", sizes.vpc_count / 16 + 1);
  t.idle_timeouts_ = AlignedArray<LongCountLine>::Make(source, "session_idle_timeouts",
                                                       sizes.nat_gateway_count / 8 + 1);
  if (!t.idle_timeouts_.ok() || !t.buckets_.ok() || !t.cold_.ok() || !t.interface_counts_.ok() ||
      !t.vpc_counts_.ok() || !t.links_.Make(source, t.pair_count_) ||
      !t.closed_.Make(source, MostNotedClosed(sizes.capacity))) {
    return nullptr;
  }
  for (uint32_t i = t.pair_count_; i-- > 0;) {
    t.free_.Push(t.links_, PairIdx(i));
  }
  return table;
}

// --- lookup ---

void SessionTable::PrefetchHomes(const uint64_t* hashes, size_t count) const noexcept {
  const SessionBucket* buckets = buckets_.data();
  const uint32_t bucket_count = bucket_count_;
  for (size_t i = 0; i < count; ++i) {
    PrefetchRead(&buckets[HomeOf(hashes[i], bucket_count)]);
  }
}

void SessionTable::FindCandidates(const uint64_t* hashes, LineIdx* candidates,
                                  size_t count) const noexcept {
  const SessionBucket* buckets = buckets_.data();
  const SessionLine* lines = lines_.data();
  const uint32_t bucket_count = bucket_count_;
  for (size_t i = 0; i < count; ++i) {
    const SessionBucket& bucket = buckets[HomeOf(hashes[i], bucket_count)];
    const __m128i head_and_tags = HeadAndTags(bucket);  // pairs with TryClaim
    const uint32_t mask = MatchTags(head_and_tags, TagBytesOf(hashes[i]));
    if (mask == 0) [[unlikely]] {
      candidates[i] = HeadOverflow(HeadIn(head_and_tags)) != 0 ? kLineUnsure : LineIdx::None();
      continue;
    }
    // Pairs with the release store of Publish. A single published candidate is the normal case;
    // for anything else all entries are gone through.
    const uint32_t ref = bucket.refs[FirstMatch(mask)].load(std::memory_order_acquire);
    const bool published = ref - 1 < kRefMask;
    candidates[i] = published ? LineIdx(ref - 1) : kLineUnsure;
    PrefetchRead(&lines[published ? ref - 1 : 0]);
  }
}

void SessionTable::Find(const SessionKey* keys, const uint64_t* hashes, LineIdx* lines,
                        size_t count) const noexcept {
  for (size_t from = 0; from < count; from += kFindBatch) {
    const size_t end = std::min<size_t>(count, from + kFindBatch);
    PrefetchHomes(hashes + from, end - from);
    FindCandidates(hashes + from, lines + from, end - from);
    for (size_t i = from; i < end; ++i) {
      lines[i] = Confirm(keys[i], hashes[i], lines[i]);
    }
  }
}

LineIdx SessionTable::FindSlow(const SessionKey& key, uint64_t hash) const noexcept {
  const uint32_t home = HomeOf(hash, bucket_count_);
  const Scan scan = ScanFor(key, home, HeadAndTags(buckets_[home]), TagOf(hash));
  return scan.found && !scan.pending ? scan.line : LineIdx::None();
}

LineIdx SessionTable::FindOne(const SessionKey& key) const noexcept {
  return FindSlow(key, hasher_.HashOne(key));
}

// `seen`: head and tags of the home bucket.
SessionTable::Scan SessionTable::ScanFor(const SessionKey& key, uint32_t home, __m128i seen,
                                         uint8_t tag) const noexcept {
  const uint32_t probes = Probes(HeadIn(seen));
  bool unknown = false;
  for (uint32_t probe = 0; probe < probes; ++probe) {
    const SessionBucket& bucket = buckets_[BucketAt(home, probe)];
    const __m128i own = probe == 0 ? seen : HeadAndTags(bucket);
    uint32_t mask = MatchTags(own, TagBytes(tag));
    for (; mask != 0; mask &= mask - 1) {
      const uint32_t ref = bucket.refs[FirstMatch(mask)].load(std::memory_order_acquire);
      const uint32_t at = ref & kRefMask;
      if (at == 0) {
        unknown = true;
      } else if (KeyOf(lines_[at - 1]) == key) {
        return {LineIdx(at - 1), (ref & kRefPending) != 0, true};
      }
    }
  }
  return {LineIdx::None(), unknown, unknown};
}

void SessionTable::StoreCold(PairIdx pair, const SessionCold& cold) noexcept {
  SessionColdWords& to = cold_[pair.value >> 1].pairs[pair.value & 1];
  const auto words = std::bit_cast<std::array<uint64_t, 4>>(cold);
  for (int i = 0; i < 4; ++i) {
    to.words[i].store(words[i], std::memory_order_relaxed);
  }
}

// --- inspection ---

SessionCounts SessionTable::Counts() const {
  return {counted_.load(std::memory_order_relaxed), cache_only_.load(std::memory_order_relaxed),
          free_.count()};
}

uint32_t SessionTable::CountOfInterface(uint32_t interface_idx) const {
  return interface_idx >= interface_count_
             ? 0
             : interface_counts_[interface_idx >> 4].counts[interface_idx & 15].load(
                   std::memory_order_relaxed);
}

uint32_t SessionTable::CountOfVpc(uint32_t vpc_idx) const {
  return vpc_idx >= vpc_count_
             ? 0
             : vpc_counts_[vpc_idx >> 4].counts[vpc_idx & 15].load(std::memory_order_relaxed);
}

uint64_t SessionTable::IdleTimeoutsOf(uint32_t nat_gateway_idx) const {
  return nat_gateway_idx >= nat_gateway_count_
             ? 0
             : idle_timeouts_[nat_gateway_idx >> 3].counts[nat_gateway_idx & 7].load(
                   std::memory_order_relaxed);
}

size_t SessionTable::bytes() const {
  return buckets_.bytes() + lines_.bytes() + cold_.bytes() + links_.bytes() + closed_.bytes() +
         interface_counts_.bytes() + vpc_counts_.bytes() + idle_timeouts_.bytes();
}

uint32_t SessionTable::OverflowPartsPerMillion() const {
  uint64_t overflowed = 0;
  for (uint32_t i = 0; i < bucket_count_; ++i) {
    overflowed += HeadOverflow(buckets_[i].head.load(std::memory_order_relaxed)) != 0 ? 1 : 0;
  }
  return static_cast<uint32_t>(overflowed * 1'000'000 / bucket_count_);
}

}  // namespace sluice
