// One bucket of the session index: a cache line of twelve entries. Internal to the session table.
//
// Theory. An entry is an 8-bit tag of the key's hash and a 32-bit reference to the line. A key's
// entry lies in its home bucket or, when that is full, in one of the next kProbeBuckets - 1. The
// home bucket's `head` word holds a version and the number of keys that overflowed from it, so a
// miss is proved by this one line whenever the count is zero.
//
// Insert-if-absent linearises at one compare-and-swap on the head of the *home* bucket, from the
// value read before the scan that found the key absent. Every insert of a key passes through that
// word and changes its version, so of two inserts of one key one fails and scans again. An entry is
// claimed first (its reference carries kRefPending, readers skip it) and published by clearing that
// bit.
//
// An entry belongs to who put its tag there, by compare-and-swap from none, until the tag is taken
// away by the same; only the owner writes its reference. So a claim is one compare-and-swap where
// the home's `head` has a free place (tag and version change together), else two (the tag, then the
// version). The reference follows the tag when an entry is taken, and is cleared before it when it
// is given up: a tag without a reference is of an entry between the two, whose key is not known
// yet. Readers skip it, since it is not published; who inserts waits for it, since it may be the
// same key: an insert that came first has its tag in place when its `head` is seen.
#pragma once

#include <immintrin.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"

namespace sluice {

inline constexpr int kBucketSlots = 12;
// Home and fifteen more: the bound of every probe. At full load (mean 6 of 12) a key finds no place
// with probability below 1e-16 (Chernoff, Poisson(96) >= 192); with four it happened once in 16M
// pairs.
inline constexpr uint32_t kProbeBuckets = 16;

inline constexpr uint32_t kRefPending = 0x8000'0000;  // claimed, not published
inline constexpr uint32_t kRefMask = 0x7fff'ffff;     // line index + 1; 0: none yet, or any more

// head: version in bits 0..19, overflow count in 20..31, tags of entries 0..3 in 32..63. So the tag
// of entry i is byte 4 + i of the bucket, and its reference the bucket's 32-bit word 4 + i.
inline constexpr uint64_t kHeadVersionOne = 1;
inline constexpr uint64_t kHeadVersionMask = 0xfffff;
inline constexpr uint64_t kHeadOverflowOne = uint64_t{1} << 20;
inline constexpr int kFirstTagByte = 4;

struct alignas(kCacheLineBytes) SessionBucket {
  std::atomic<uint64_t> head;
  std::atomic<uint64_t> tags;  // of entries 4..11
  std::atomic<uint32_t> refs[kBucketSlots];
};
static_assert(sizeof(SessionBucket) == 64 && offsetof(SessionBucket, tags) == 8);

constexpr uint32_t HeadOverflow(uint64_t head) {
  return static_cast<uint32_t>(head) >> 20;
}
constexpr uint64_t HeadNextVersion(uint64_t head) {
  return (head & ~kHeadVersionMask) | ((head + kHeadVersionOne) & kHeadVersionMask);
}

// Hash to place. Tags are 1..255: zero marks an entry without one.
constexpr uint8_t TagOf(uint64_t hash) {
  const uint8_t tag = static_cast<uint8_t>(hash);
  return tag == 0 ? 1 : tag;
}
constexpr uint32_t HomeOf(uint64_t hash, uint32_t bucket_count) {
  return static_cast<uint32_t>((hash >> 32) * bucket_count >> 32);
}

// Where a tag lives, and its bits there.
inline std::atomic<uint64_t>& TagWord(SessionBucket& bucket, uint32_t slot) {
  return slot < 4 ? bucket.head : bucket.tags;
}
constexpr uint64_t TagBits(uint8_t tag, uint32_t slot) {
  return uint64_t{tag} << 8 * (slot < 4 ? slot + kFirstTagByte : slot - 4);
}

// Bit kFirstTagByte + i set: entry i carries the tag, which is in every byte of `tag`.
inline uint32_t MatchTags(__m128i head_and_tags, __m128i tag) noexcept {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(head_and_tags, tag))) & 0xfff0;
}
inline uint32_t MatchTags(uint64_t head, uint64_t tags, uint8_t tag) noexcept {
  return MatchTags(_mm_set_epi64x(static_cast<long long>(tags), static_cast<long long>(head)),
                   _mm_set1_epi8(static_cast<char>(tag)));
}
// TagOf in every byte.
inline __m128i TagBytesOf(uint64_t hash) noexcept {
  return _mm_max_epu8(_mm_set1_epi8(static_cast<char>(hash)), _mm_set1_epi8(1));
}

// The entry of the lowest bit of such a mask, which is not zero.
inline uint32_t FirstMatch(uint32_t mask) noexcept {
  return static_cast<uint32_t>(std::countr_zero(mask)) - kFirstTagByte;
}

}  // namespace sluice
