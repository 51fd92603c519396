#include "perf/workload/frame_source.h"

namespace sluice {

void MemoryFrames::Load(const Stamp* stamps, uint32_t count, const Links& links,
                        Batch& batch) noexcept {
  batch.count = count;
  for (uint32_t lane = 0; lane < count; ++lane) {
    const Stamp& stamp = stamps[lane];
    const Link& link = links[stamp.link];
    uint8_t* frame = buffers_[lane].bytes + kHeadroomBytes;
    WriteHeaders(stamp, link, frame);
    batch.frame[lane] = frame;
    batch.handle[lane] = nullptr;
    batch.segment_bytes[lane] = stamp.frame_bytes;
    batch.frame_bytes[lane] = stamp.frame_bytes;
    batch.rx_port[lane] = link.port;
  }
}

SentFrames MemoryFrames::Send(const Batch& batch, const Snapshot*) noexcept {
  SentFrames sent;
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    const bool leaves = Leaves(batch, lane);
    sent.packets += leaves ? 1 : 0;
    sent.bytes += leaves ? batch.out_bytes[lane] : 0;
  }
  return sent;
}

}  // namespace sluice
