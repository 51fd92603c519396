// A heap of DPDK over memory of a MemorySource: a rival built in it sits on the same kind of pages
// as our tables from the same source. Main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "dataplane/base/memory_source.h"

namespace sluice {

class RivalHeap {
 public:
  static constexpr size_t kPageBytes = size_t{2} << 20;

  // Starts DPDK's environment if nobody has. `bytes` is rounded up to whole pages and touched; the
  // heap does not grow. ResourceExhausted when `memory` is short.
  static absl::StatusOr<std::unique_ptr<RivalHeap>> Make(MemorySource& memory, size_t bytes);
  // Everything in it has been freed before.
  ~RivalHeap();
  RivalHeap(const RivalHeap&) = delete;
  RivalHeap& operator=(const RivalHeap&) = delete;

  // The `socket_id` that makes DPDK allocate here.
  int socket() const { return socket_; }
  // A name no other rival of this process has; DPDK keeps its objects by name.
  const std::string& name() const { return name_; }
  // What is allocated now, DPDK's headers included.
  size_t used_bytes() const;

 private:
  RivalHeap(MemorySource& memory, size_t bytes) : source_(memory), bytes_(bytes) {}

  MemorySource& source_;
  size_t bytes_;
  std::string name_;
  void* memory_ = nullptr;
  int socket_ = -1;
};

}  // namespace sluice
