#include "perf/workload/burst_driver.h"

#include "dataplane/base/check.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice {

BurstDriver::BurstDriver(const Snapshot& snapshot, WorkerContext& worker, const Links& links,
                         uint32_t burst)
    : snapshot_(&snapshot),
      worker_(worker),
      links_(links),
      burst_(burst),
      memory_(burst),
      batch_owner_(std::make_unique<Batch>()),
      batch_(*batch_owner_) {
  SLUICE_CHECK(burst >= 1 && burst <= kMaxBurst);
  batch_.reentered.fill(0);
}

void BurstDriver::Load(const Stamp* stamps, uint32_t count) noexcept {
  frames_->Load(stamps, count, links_, batch_);
}

void BurstDriver::Judge() noexcept {
  RunBurst(*snapshot_, worker_, batch_);
  judged_ = true;
}

void BurstDriver::PassThrough() noexcept {
  judged_ = false;
  for (uint32_t lane = 0; lane < batch_.count; ++lane) {
    batch_.verdict[lane] = Verdict::kForward;
    batch_.out_frame[lane] = batch_.frame[lane];
    batch_.out_bytes[lane] = batch_.frame_bytes[lane];
    batch_.split[lane] = 0;
  }
}

uint32_t BurstDriver::Send() noexcept {
  const SentFrames sent = frames_->Send(batch_, judged_ ? snapshot_ : nullptr);
  sent_bytes_ += sent.bytes;
  return sent.packets;
}

SentPacket BurstDriver::Output(uint32_t lane) const {
  SentPacket sent;
  sent.stamp_idx = lane;
  sent.verdict = batch_.verdict[lane];
  sent.reason = batch_.reason[lane];
  if (sent.verdict == Verdict::kForward) {
    sent.port = snapshot_->adjacency[batch_.out[lane].index()].port;
    sent.bytes.assign(batch_.out_frame[lane], batch_.out_frame[lane] + batch_.out_bytes[lane]);
  }
  return sent;
}

std::vector<SentPacket> BurstDriver::Outputs(uint32_t first) const {
  std::vector<SentPacket> outputs(batch_.count);
  for (uint32_t lane = 0; lane < batch_.count; ++lane) {
    outputs[lane] = Output(lane);
    outputs[lane].stamp_idx += first;
  }
  return outputs;
}

}  // namespace sluice
