// Drives the pipeline, burst by burst: what a worker's loop does, with frames from memory or from
// another source.
//
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"
#include "perf/workload/flow_plan.h"
#include "perf/workload/frame_source.h"
#include "perf/workload/stamp.h"

namespace sluice {

// What came out of one input packet.
struct SentPacket {
  uint32_t stamp_idx = 0;  // of the packet that went in, in the driver's list
  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;
  PortIdx port;
  std::vector<uint8_t> bytes;
};

class BurstDriver {
 public:
  static constexpr uint32_t kMaxBurst = 192;  // WorkerLoop::kMaxLanes

  // 1 <= burst <= kMaxBurst. All outlive the driver.
  BurstDriver(const Snapshot& snapshot, WorkerContext& worker, const Links& links, uint32_t burst);

  BurstDriver(const BurstDriver&) = delete;
  BurstDriver& operator=(const BurstDriver&) = delete;

  // What the next bursts are judged by; outlives them.
  void Use(const Snapshot& snapshot) noexcept { snapshot_ = &snapshot; }

  // Where frames come from from now on; outlives the driver's next bursts. nullptr: from memory.
  void TakeFramesFrom(FrameSource* source) noexcept {
    frames_ = source == nullptr ? &memory_ : source;
  }

  uint32_t burst() const { return burst_; }
  const Batch& batch() const { return batch_; }

  // Puts `count` <= burst packets into the batch. Every Load is followed by a Send where frames are
  // not from memory.
  void Load(const Stamp* stamps, uint32_t count) noexcept;
  // The product's pipeline.
  void Judge() noexcept;
  // Some of its stages instead: stages(snapshot, worker, batch).
  template <typename Stages>
  void Run(const Stages& stages) noexcept {
    judged_ = true;
    stages(*snapshot_, worker_, batch_);
  }
  // What stands in its place when the source alone is measured: every packet leaves as it came.
  void PassThrough() noexcept;
  // Counts what leaves, as a worker that hands frames to its ports; returns the number forwarded.
  uint32_t Send() noexcept;
  uint64_t sent_bytes() const { return sent_bytes_; }

  // Copies what became of one packet of the batch, before Send; its stamp_idx is the lane.
  SentPacket Output(uint32_t lane) const;
  // Copies what became of each packet of the batch; `first` is the list index of lane 0.
  std::vector<SentPacket> Outputs(uint32_t first) const;

 private:
  const Snapshot* snapshot_;
  WorkerContext& worker_;
  const Links& links_;
  const uint32_t burst_;
  MemoryFrames memory_;
  FrameSource* frames_ = &memory_;
  bool judged_ = false;  // the batch's ways out are the pipeline's
  std::unique_ptr<Batch> batch_owner_;
  Batch& batch_;
  uint64_t sent_bytes_ = 0;
};

}  // namespace sluice
