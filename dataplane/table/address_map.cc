#include "dataplane/table/address_map.h"

#include <immintrin.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "dataplane/base/cache_line.h"
#include "dataplane/base/check.h"
#include "dataplane/base/eight.h"
#include "dataplane/table/content_hash.h"

namespace sluice {
namespace {

constexpr size_t kSlots = AddressBucket::kSlots;
constexpr uint32_t kSlotMask = (1u << kSlots) - 1;
constexpr uint32_t kFreeVpc = 0xffffffffu;
constexpr size_t kChunk = 32;
constexpr int kMaxMoves = 500;
constexpr int kMaxAttempts = 16;

// `from` is at a multiple of 32 bytes and has a multiple of eight words.
void CopyWords(const uint32_t* from, uint32_t* to, uint32_t count) noexcept {
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (uint32_t at = 0; at < count; at += kEight) {
    _mm256_maskstore_epi32(reinterpret_cast<int*>(to + at),
                           _mm256_cmpgt_epi32(All(count - at), places), Load(from + at));
  }
}

uint64_t Fold(uint64_t a, uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// 32 random bits -> [0, count).
uint32_t Scale(uint32_t bits, uint32_t count) {
  return static_cast<uint32_t>(uint64_t{bits} * count >> 32);
}

// The slot of the key, or kSlots. Both loads stay inside the line.
uint32_t FindSlot(const AddressBucket& bucket, uint32_t vpc_idx, uint32_t address) noexcept {
  const __m256i addresses = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bucket.address));
  const __m256i vpcs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bucket.vpc_idx));
  const __m256i equal = _mm256_and_si256(
      _mm256_cmpeq_epi32(addresses, _mm256_set1_epi32(static_cast<int32_t>(address))),
      _mm256_cmpeq_epi32(vpcs, _mm256_set1_epi32(static_cast<int32_t>(vpc_idx))));
  const auto mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
  return static_cast<uint32_t>(__builtin_ctz((mask & kSlotMask) | 1u << kSlots));
}

uint32_t ValueIn(const AddressBucket& bucket, uint32_t vpc_idx, uint32_t address) noexcept {
  const uint32_t slot = FindSlot(bucket, vpc_idx, address);
  return slot < kSlots ? bucket.value[slot] : kNoAddress;
}

bool PutInto(AddressBucket& bucket, const AddressEntry& entry) {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (bucket.vpc_idx[slot] == kFreeVpc) {
      bucket.address[slot] = entry.address.value;
      bucket.vpc_idx[slot] = entry.vpc_idx;
      bucket.value[slot] = entry.value;
      return true;
    }
  }
  return false;
}

}  // namespace

// In line: called, it costs a batch as much again as what it computes.
[[gnu::always_inline]] inline AddressMap::Place AddressMap::PlaceOf(
    uint32_t vpc_idx, uint32_t address) const noexcept {
  const uint64_t key = uint64_t{vpc_idx} << 32 | address;
  const uint64_t half = Fold(key ^ key_.word[0], key_.word[1] | 1);
  const uint64_t bits = Fold(half ^ key_.word[1], key_.word[0] | 1);
  return {Scale(static_cast<uint32_t>(bits), bucket_count_),
          Scale(static_cast<uint32_t>(bits >> 32), bucket_count_)};
}

// First bucket, second bucket, else an entry of the second makes room and moves on.
bool AddressMap::Insert(AddressEntry entry, uint64_t& walk) {
  for (int move = 0; move < kMaxMoves; ++move) {
    const Place place = PlaceOf(entry.vpc_idx, entry.address.value);
    if (PutInto(buckets_[place.first], entry)) {
      return true;
    }
    if (PutInto(buckets_[place.second], entry)) {
      buckets_[place.first].overflowed = 1;
      return true;
    }
    walk = HashStep(walk, key_.word[0]);
    AddressBucket& bucket = buckets_[(walk & 64) != 0 ? place.first : place.second];
    if (&bucket == &buckets_[place.second]) {
      buckets_[place.first].overflowed = 1;
    }
    const size_t slot = (walk >> 32) % kSlots;
    const AddressEntry evicted{bucket.vpc_idx[slot], Ipv4Address(bucket.address[slot]),
                               bucket.value[slot]};
    bucket.address[slot] = entry.address.value;
    bucket.vpc_idx[slot] = entry.vpc_idx;
    bucket.value[slot] = entry.value;
    entry = evicted;
  }
  return false;
}

bool AddressMap::Fill(std::span<const AddressEntry> entries) {
  for (AddressBucket& bucket : buckets_.span()) {
    bucket = {};
    for (size_t slot = 0; slot < kSlots; ++slot) {
      bucket.vpc_idx[slot] = kFreeVpc;
      bucket.value[slot] = kNoAddress;
    }
  }
  uint64_t walk = key_.word[1];
  for (const AddressEntry& entry : entries) {
    const uint32_t block = entry.address.value >> kBlockBits;
    blocks_[block / 64] |= uint64_t{1} << (block % 64);
    if (!Insert(entry, walk)) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<std::shared_ptr<const AddressMap>> AddressMap::Build(
    std::span<const AddressEntry> entries, AddressHashKey key, MemorySource& memory) {
  if (entries.size() > size_t{1} << 32) {
    return absl::ResourceExhaustedError("too many addresses");
  }
  for (const AddressEntry& entry : entries) {
    if (entry.vpc_idx == kFreeVpc || entry.value == kNoAddress) {
      return absl::InvalidArgumentError("reserved value for " + ToString(entry.address));
    }
  }
  auto map = std::make_shared<AddressMap>();
  map->size_ = entries.size();
  map->bucket_count_ = static_cast<uint32_t>(entries.empty() ? 1 : (entries.size() + 3) / 4);
  map->buckets_ = AlignedArray<AddressBucket>::Make(memory, "address_map", map->bucket_count_);
  if (!map->buckets_.ok()) {
    return absl::ResourceExhaustedError("no memory for an address map");
  }
  // At 80 % of a two-choice table a walk practically always ends; another key when it does not.
  for (uint64_t attempt = 0;; ++attempt) {
    map->key_ = {{Fold(key.word[0] + attempt, 0x9e3779b97f4a7c15ull) ^ key.word[0],
                  Fold(key.word[1] ^ attempt, 0xd1342543de82ef95ull) ^ key.word[1]}};
    if (map->Fill(entries)) {
      break;
    }
    if (attempt == kMaxAttempts) {
      return absl::InvalidArgumentError("address map does not fill: one address many times");
    }
  }
  // A duplicate answers with somebody else's value.
  for (const AddressEntry& entry : entries) {
    if (map->CountOf(entry.vpc_idx, entry.address.value) != 1) {
      return absl::InvalidArgumentError("address twice in one VPC: " + ToString(entry.address));
    }
  }
  return std::shared_ptr<const AddressMap>(std::move(map));
}

size_t AddressMap::CountOf(uint32_t vpc_idx, uint32_t address) const {
  const Place place = PlaceOf(vpc_idx, address);
  size_t count = 0;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    const AddressBucket& first = buckets_[place.first];
    const AddressBucket& second = buckets_[place.second];
    count += first.address[slot] == address && first.vpc_idx[slot] == vpc_idx ? 1 : 0;
    count += place.second != place.first && second.address[slot] == address &&
                     second.vpc_idx[slot] == vpc_idx
                 ? 1
                 : 0;
  }
  return count;
}

uint32_t AddressMap::Lookup(uint32_t vpc_idx, uint32_t address) const noexcept {
  if (!MayHold(address)) {
    return kNoAddress;
  }
  const Place place = PlaceOf(vpc_idx, address);
  const AddressBucket& first = buckets_[place.first];
  const uint32_t value = ValueIn(first, vpc_idx, address);
  if (value != kNoAddress || first.overflowed == 0) {
    return value;
  }
  return ValueIn(buckets_[place.second], vpc_idx, address);
}

void AddressMap::LookupBatch(const uint32_t* vpc_idx, const uint32_t* address, uint32_t* value_out,
                             size_t n) const noexcept {
  const AddressBucket* buckets = buckets_.data();
  for (size_t first = 0; first < n; first += kChunk) {
    const size_t count = n - first < kChunk ? n - first : kChunk;
    // Whole vectors are written here: for as few as are asked, filling and copying `count` words
    // costs more than looking them up.
    alignas(32) uint32_t value[kChunk];
    std::fill_n(value, kChunk, kNoAddress);
    uint32_t asked[kChunk];
    size_t asked_count = 0;
    for (size_t i = 0; i < count; ++i) {
      asked[asked_count] = static_cast<uint32_t>(i);
      asked_count += MayHold(address[first + i]) ? 1 : 0;
    }
    Place place[kChunk];
    for (size_t j = 0; j < asked_count; ++j) {
      place[j] = PlaceOf(vpc_idx[first + asked[j]], address[first + asked[j]]);
      PrefetchRead(buckets + place[j].first);
    }
    size_t second_count = 0;  // those that the second bucket may have, moved to the front
    for (size_t j = 0; j < asked_count; ++j) {
      const uint32_t i = asked[j];
      const AddressBucket& bucket = buckets[place[j].first];
      value[i] = ValueIn(bucket, vpc_idx[first + i], address[first + i]);
      if (value[i] == kNoAddress && bucket.overflowed != 0) {
        PrefetchRead(buckets + place[j].second);
        place[second_count] = place[j];
        asked[second_count++] = i;
      }
    }
    for (size_t j = 0; j < second_count; ++j) {
      const uint32_t i = asked[j];
      value[i] = ValueIn(buckets[place[j].second], vpc_idx[first + i], address[first + i]);
    }
    CopyWords(value, value_out + first, static_cast<uint32_t>(count));
  }
}

}  // namespace sluice
