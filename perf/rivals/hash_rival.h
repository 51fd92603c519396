// rte_hash as a session table: lock-free for readers (RW_CONCURRENCY_LF), 16-byte keys, the hash
// that suits it best (CRC), values that are numbers of 64-byte lines. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/base/aligned_array.h"
#include "dataplane/session/session_key.h"
#include "perf/rivals/rival_heap.h"

struct rte_hash;

namespace sluice {

// What an established packet reads and writes.
struct alignas(kCacheLineBytes) RivalLine {
  uint64_t word[8];
};

class HashRival {
 public:
  // Key number i has line i. The table is half full, as in DPDK's own tests.
  static absl::StatusOr<std::unique_ptr<HashRival>> Make(std::span<const SessionKey> keys,
                                                         MemorySource& memory);
  static size_t HeapBytes(size_t keys);
  ~HashRival();

  // Looks `n` keys up in bursts of `burst` <= 64 (its own limit) and counts a packet in the line of
  // each found. Returns the sum of the lines' numbers.
  static constexpr size_t kMaxBurst = 64;
  uint64_t Run(const SessionKey* keys, size_t n, size_t burst) noexcept;

  size_t bytes() const { return heap_->used_bytes() + lines_.bytes(); }

 private:
  explicit HashRival(std::unique_ptr<RivalHeap> heap) : heap_(std::move(heap)) {}

  std::unique_ptr<RivalHeap> heap_;
  rte_hash* hash_ = nullptr;
  AlignedArray<RivalLine> lines_;
};

}  // namespace sluice
