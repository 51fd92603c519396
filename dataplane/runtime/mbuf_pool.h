// The one pool of packet buffers, shared by all ports and workers. Main thread makes and ends it.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

struct rte_mempool;

namespace sluice {

struct MbufPoolSize {
  uint32_t count = 0;
  uint16_t room_bytes = 0;  // headroom of 128 included

  uint64_t bytes() const;  // memory of the whole pool on hugepages, rounded up
  // The same on pages of 4 KB: no buffer crosses the end of a page it could fit in.
  uint64_t small_page_bytes() const;
};

// Enough for every descriptor, every worker's cache and bursts, and as much again for held
// fragments and frames between workers. Frames up to the largest MTU fit one buffer.
MbufPoolSize SizeMbufPool(uint32_t ports, uint32_t pci_ports, uint32_t workers,
                          uint16_t largest_mtu_bytes);

class MbufPool {
 public:
  static absl::StatusOr<MbufPool> Make(const MbufPoolSize& size);
  ~MbufPool();
  MbufPool(MbufPool&& other) noexcept : pool_(other.pool_) { other.pool_ = nullptr; }
  MbufPool& operator=(MbufPool&&) = delete;

  rte_mempool* get() const { return pool_; }
  uint32_t count() const;   // buffers in all
  uint32_t in_use() const;  // not in the pool; exact when no worker runs

 private:
  explicit MbufPool(rte_mempool* pool) : pool_(pool) {}
  rte_mempool* pool_;
};

}  // namespace sluice
