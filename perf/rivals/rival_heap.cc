#include "perf/rivals/rival_heap.h"

#include <rte_config.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <vector>

#include "absl/status/status.h"
#include "dataplane/base/check.h"
#include "perf/rivals/eal.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<RivalHeap>> RivalHeap::Make(MemorySource& memory, size_t bytes) {
  if (const absl::Status started = StartRivalEal(); !started.ok()) {
    return started;
  }
  static uint32_t made = 0;
  bytes = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  std::unique_ptr<RivalHeap> heap(new RivalHeap(memory, bytes));
  heap->memory_ = memory.Allocate("rival", bytes, kPageBytes);
  if (heap->memory_ == nullptr) {
    return absl::ResourceExhaustedError("a rival needs " + std::to_string(bytes >> 20) +
                                        " MB of memory");
  }
  const std::string name = "rival" + std::to_string(made++);
  SLUICE_CHECK(rte_malloc_heap_create(name.c_str()) == 0);
  heap->name_ = name;
  // No device reads this memory, so any address will do for one.
  std::vector<rte_iova_t> iova;
  for (size_t at = 0; at < bytes; at += kPageBytes) {
    iova.push_back(reinterpret_cast<rte_iova_t>(heap->memory_) + at);
  }
  if (rte_malloc_heap_memory_add(name.c_str(), heap->memory_, bytes, iova.data(),
                                 static_cast<unsigned>(iova.size()), kPageBytes) != 0) {
    return absl::InternalError(std::string("DPDK does not take memory for a rival: ") +
                               rte_strerror(rte_errno));
  }
  heap->socket_ = rte_malloc_heap_get_socket(name.c_str());
  return heap;
}

RivalHeap::~RivalHeap() {
  if (socket_ >= 0) {
    SLUICE_CHECK(rte_malloc_heap_memory_remove(name_.c_str(), memory_, bytes_) == 0);
  }
  if (!name_.empty()) {
    SLUICE_CHECK(rte_malloc_heap_destroy(name_.c_str()) == 0);
  }
  if (memory_ != nullptr) {
    source_.Free(memory_, bytes_);
  }
}

size_t RivalHeap::used_bytes() const {
  rte_malloc_socket_stats stats;
  return rte_malloc_get_socket_stats(socket_, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
}

}  // namespace sluice
