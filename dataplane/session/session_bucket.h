// One bucket of the session index: a cache line of twelve entries. Internal to the session table.
//
// Theory. An entry is an 8-bit tag of the key's hash and a 32-bit reference to the line. A key's
// entry lies in its home bucket or, when that is full, in one of the next kProbeBuckets - 1. The
// home bucket's `head` word holds a version and the number of keys that overflowed from it, so a
// miss is proved by this one line whenever the count is zero.
//
// Insert-if-absent linearises at one compare-and-swap on the first sixteen bytes of the *home*
// bucket, head and tags, from the value read before the scan that found the key absent. Every
// insert of a key passes through them and changes the head's version, so of two inserts of one key
// one fails and scans again. An entry is claimed first (its reference carries kRefPending, readers
// skip it) and published by clearing that bit.
//
// An entry belongs to who put its tag there, by compare-and-swap from none, until the tag is taken
// away by the same; only the owner writes its reference and, while the entry is its own, the byte
// of its tag. So a claim is one compare-and-swap where the home has a free place (tag and version
// change together), else two (the tag in another bucket, then version and overflow count), and a
// removal none: two plain stores. The reference follows the tag when an entry is taken, and is
// cleared before it when it is given up: a tag without a reference is of an entry between the two,
// whose key is not known yet. Readers skip it, since it is not published; who inserts waits for it,
// since it may be the same key: an insert that came first has its tag in place when its version is
// seen.
//
// Why plain stores of one byte are enough beside a locked exchange of the sixteen around it: x86
// makes a thread's stores visible in their order, each to the whole cache line as it then is, and
// never between the read and the write of a locked exchange of that line (Intel SDM 3A, 9.1.2 and
// 9.2.3). An exchange that read the tag before the store fails or comes before it, and changes no
// byte that was not zero but the head's counts, which only exchanges change.
//
// Head and tags need not be read at one instant. An exchange that succeeds found both as they were
// read: an insert of the key after the head was read has changed the version, and one before that
// has its tag in the head, or in the tags as they still are.
#pragma once

#include <immintrin.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/base/shared_words.h"

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
static_assert(sizeof(SessionBucket) == 64 && offsetof(SessionBucket, tags) == 8 &&
              offsetof(SessionBucket, refs) == 16);

constexpr uint32_t HeadOverflow(uint64_t head) {
  return static_cast<uint32_t>(head) >> 20;
}
// How many buckets may hold a key of this home.
constexpr uint32_t Probes(uint64_t head) {
  return HeadOverflow(head) == 0 ? 1 : kProbeBuckets;
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

// Bit kFirstTagByte + i set: entry i carries the tag, which is in every byte of `tag`.
inline uint32_t MatchTags(__m128i head_and_tags, __m128i tag) noexcept {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(head_and_tags, tag))) & 0xfff0;
}
// TagOf in every byte.
inline __m128i TagBytesOf(uint64_t hash) noexcept {
  return _mm_max_epu8(_mm_set1_epi8(static_cast<char>(hash)), _mm_set1_epi8(1));
}

inline __m128i TagBytes(uint8_t tag) noexcept {
  return _mm_set1_epi8(static_cast<char>(tag));
}

// Bit i set: entry i has exactly this reference.
inline uint32_t MatchRefs(const SessionBucket& bucket, uint32_t ref) noexcept {
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(ref));
  uint32_t mask = 0;
  for (int i = 0; i < kBucketSlots; i += 4) {
    const __m128i equal = _mm_cmpeq_epi32(LoadShared(&bucket.refs[i]), wanted);
    mask |= static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(equal))) << i;
  }
  return mask;
}

// A bucket's first sixteen bytes. Acquires.
inline __m128i HeadAndTags(const SessionBucket& bucket) noexcept {
  return LoadShared(&bucket.head);
}
inline uint64_t HeadIn(__m128i head_and_tags) noexcept {
  return static_cast<uint64_t>(_mm_cvtsi128_si64(head_and_tags));
}
inline __m128i WithTag(__m128i head_and_tags, uint8_t tag, uint32_t slot) noexcept {
  const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i place = _mm_set1_epi8(static_cast<char>(kFirstTagByte + slot));
  return _mm_or_si128(head_and_tags, _mm_and_si128(TagBytes(tag), _mm_cmpeq_epi8(places, place)));
}
inline __m128i WithHead(__m128i head_and_tags, uint64_t head) noexcept {
  return _mm_insert_epi64(head_and_tags, static_cast<long long>(head), 0);
}

// Puts `wanted` in the place of `seen`, all sixteen bytes at once. False, with nothing done, when
// they are others by now. A full barrier.
inline bool ExchangeHeadAndTags(SessionBucket& bucket, __m128i seen, __m128i wanted) noexcept {
  __extension__ using Both [[gnu::may_alias]] = unsigned __int128;
  return __sync_bool_compare_and_swap(reinterpret_cast<Both*>(&bucket.head),
                                      std::bit_cast<Both>(seen), std::bit_cast<Both>(wanted));
}

// Takes the tag of the caller's own entry away; then the entry is anybody's. Release.
inline void DropTag(SessionBucket& bucket, uint32_t slot) noexcept {
  __atomic_store_n(reinterpret_cast<uint8_t*>(&bucket) + kFirstTagByte + slot, uint8_t{0},
                   __ATOMIC_RELEASE);
}

// The entry of the lowest bit of such a mask, which is not zero.
inline uint32_t FirstMatch(uint32_t mask) noexcept {
  return static_cast<uint32_t>(std::countr_zero(mask)) - kFirstTagByte;
}

}  // namespace sluice
