// An immutable keyed hash from (VPC, IPv4 address) to a 32-bit value: VPC address -> interface,
// and, with VPC 0, public address -> value. Built by the control thread, read by any thread.
//
// Buckets are one cache line of five entries; an entry lies in one of two buckets (Pagh & Rodler,
// "Cuckoo hashing", 2004, with buckets), and the first bucket says whether any of its own had to go
// to the second, so a probe is one line for nine of ten hits and four of five misses at full load.
// 16 bytes an address (80 % load). A bitmap of the blocks of 2^20 addresses that hold any spares
// most addresses of the internet the probe. The hash is a folded 128-bit multiplication under a
// random 128-bit key: tenants choose addresses. Bytes: docs/layouts/address_map.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "dataplane/base/aligned_array.h"
#include "dataplane/packet/ipv4.h"

namespace sluice {

inline constexpr uint32_t kNoAddress = 0xffffffffu;

struct AddressEntry {
  uint32_t vpc_idx = 0;  // not 0xffffffff
  Ipv4Address address;
  uint32_t value = 0;  // not kNoAddress
};

// Secret randomness of one map; from the caller, so that a replay repeats.
struct AddressHashKey {
  uint64_t word[2] = {0, 0};
};

struct alignas(kCacheLineBytes) AddressBucket {
  static constexpr size_t kSlots = 5;
  uint32_t address[kSlots];  // host order
  uint32_t vpc_idx[kSlots];  // 0xffffffff in a free slot
  uint32_t value[kSlots];    // kNoAddress in a free slot
  uint32_t overflowed;       // 1: an entry whose first bucket is this one lies in its second
};
static_assert(sizeof(AddressBucket) == 64);

class AddressMap {
 public:
  // InvalidArgument: an address twice in one VPC, or a reserved value. ResourceExhausted: memory is
  // short.
  static absl::StatusOr<std::shared_ptr<const AddressMap>> Build(
      std::span<const AddressEntry> entries, AddressHashKey key, MemorySource& memory);

  size_t size() const { return size_; }
  size_t bytes() const { return buckets_.bytes(); }

  // The value, or kNoAddress. Address in host order.
  uint32_t Lookup(uint32_t vpc_idx, uint32_t address) const noexcept;
  // `n` lookups, any n. value_out may be either input array.
  void LookupBatch(const uint32_t* vpc_idx, const uint32_t* address, uint32_t* value_out,
                   size_t n) const noexcept;

 private:
  struct Place {
    uint32_t first;
    uint32_t second;
  };
  static constexpr int kBlockBits = 20;

  // Whether any VPC has an address in this one's block.
  bool MayHold(uint32_t address) const noexcept {
    const uint32_t block = address >> kBlockBits;
    return (blocks_[block / 64] >> (block % 64) & 1) != 0;
  }
  Place PlaceOf(uint32_t vpc_idx, uint32_t address) const noexcept;
  bool Fill(std::span<const AddressEntry> entries);
  size_t CountOf(uint32_t vpc_idx, uint32_t address) const;
  bool Insert(AddressEntry entry, uint64_t& walk);

  AddressHashKey key_;
  std::array<uint64_t, (1u << (32 - kBlockBits)) / 64> blocks_ = {};  // bits, by block
  uint32_t bucket_count_ = 0;
  size_t size_ = 0;
  AlignedArray<AddressBucket> buckets_;
};

}  // namespace sluice
