// MAC addresses of the next hops on the uplink and Services sides: the one table outside the
// Snapshot that a worker reads, because resolving an address must not bump a generation. The
// control thread writes on an ARP reply of a configured next hop; workers read relaxed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "dataplane/packet/mac.h"
#include "dataplane/table/link_row.h"

namespace sluice {

class NeighborTable {
 public:
  static constexpr uint32_t kCapacity = kNoNeighbor;  // sides of one host

  // Control thread. index < kCapacity.
  void Resolve(uint32_t index, const MacAddress& mac) noexcept {
    uint64_t entry = kResolved;
    std::memcpy(&entry, mac.bytes.data(), mac.bytes.size());
    entries_[index].store(entry, std::memory_order_release);
  }
  void Forget(uint32_t index) noexcept { entries_[index].store(0, std::memory_order_release); }

  // Any thread, index <= kCapacity. As PackMac, with kResolved; 0: not resolved (yet), and at
  // kNoNeighbor.
  uint64_t LookupMarked(uint32_t index) const noexcept {
    return entries_[index].load(std::memory_order_acquire);
  }
  static constexpr uint64_t kResolved = uint64_t{1} << 63;

  // Any thread. False: not resolved (yet), `mac` is left alone. Pairs with Resolve.
  bool Lookup(uint32_t index, MacAddress& mac) const noexcept {
    const uint64_t entry = entries_[index].load(std::memory_order_acquire);
    if (entry != 0) {
      std::memcpy(mac.bytes.data(), &entry, mac.bytes.size());
    }
    return entry != 0;
  }

 private:
  // An entry is the six bytes in the order of memory, and kResolved.
  std::array<std::atomic<uint64_t>, kCapacity + 1> entries_{};
};

// The first eight bytes of the link header of a row, its next hop's MAC filled in.
inline uint64_t PackedLink(const LinkRow& link, const NeighborTable& neighbors) noexcept {
  return link.first | (neighbors.LookupMarked(link.neighbor) & ~NeighborTable::kResolved);
}
// Whether that has a destination: without one nothing can be sent.
constexpr bool IsResolved(uint64_t packed_link) noexcept {
  return packed_link << 16 != 0;
}

}  // namespace sluice
