// Where a burst's frames come from and where they go: what a driver of bursts has of a port. One
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/batch.h"
#include "dataplane/table/snapshot.h"
#include "perf/workload/flow_plan.h"
#include "perf/workload/stamp.h"

namespace sluice {

// What left.
struct SentFrames {
  uint32_t packets = 0;
  uint64_t bytes = 0;  // without FCS
};

class FrameSource {
 public:
  virtual ~FrameSource() = default;

  // Makes the batch of `count` frames, lane by lane with the headers of these stamps; of fewer
  // where there were not so many frames.
  virtual void Load(const Stamp* stamps, uint32_t count, const Links& links,
                    Batch& batch) noexcept = 0;
  // Sends what was judged to leave as it is, and takes all frames of the batch back. By `snapshot`
  // frames find their ports; nullptr: every frame leaves by the port it came from.
  virtual SentFrames Send(const Batch& batch, const Snapshot* snapshot) noexcept = 0;
};

inline bool Leaves(const Batch& batch, uint32_t lane) noexcept {
  return batch.verdict[lane] == Verdict::kForward && batch.split[lane] == 0;
}

// The same few buffers again and again, as a driver with a warm mempool hands them out; nothing is
// sent, only counted.
class MemoryFrames final : public FrameSource {
 public:
  explicit MemoryFrames(uint32_t burst) : buffers_(burst) {}
  void Load(const Stamp* stamps, uint32_t count, const Links& links,
            Batch& batch) noexcept override;
  SentFrames Send(const Batch& batch, const Snapshot* snapshot) noexcept override;

 private:
  // An element of an mbuf pool: 2,048 bytes would put a burst's headers into two sets of the L1
  // cache.
  struct alignas(kCacheLineBytes) Buffer {
    uint8_t bytes[2368];
  };
  static constexpr uint32_t kHeadroomBytes = 128;

  std::vector<Buffer> buffers_;
};

}  // namespace sluice
