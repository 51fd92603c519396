// A stand-in for dataplane/pipeline in the tests of the runtime room: RunBurst sends every frame
// that is not marked otherwise out of the next interface, so that what runtime does around the
// pipeline can be seen alone. Byte 14 of a frame says what happens to it.
#include "tests/dataplane/runtime/cross_over_pipeline.h"

#include <cstring>

#include "dataplane/pipeline/pipeline.h"

namespace sluice {
namespace {

std::vector<void*>& Held() {
  static thread_local std::vector<void*> held;
  return held;
}

void ReleaseAll(WorkerContext& worker, uint8_t lane, bool dropped) {
  for (void* handle : Held()) {
    worker.emits->Release({handle, lane, dropped, DropReason::kFragmentOrphan});
  }
  Held().clear();
}

}  // namespace

void RunBurst(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) noexcept {
  worker.emits->Clear();
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    PortCounters& port = worker.counters->ports[batch.rx_port[lane].index()];
    const auto mark = static_cast<FrameMark>(batch.frame[lane][14]);
    batch.split[lane] = 0;
    batch.reason[lane] = DropReason::kNone;
    (batch.reentered[lane] != 0 ? port.released : port.received).Add(1);
    switch (mark) {
      case FrameMark::kDrop:
        batch.verdict[lane] = Verdict::kDrop;
        port.dropped[static_cast<size_t>(DropReason::kNoRoute)].Add(1);
        continue;
      case FrameMark::kHold:
        batch.verdict[lane] = Verdict::kHold;
        batch.frame[lane][14] = static_cast<uint8_t>(FrameMark::kHeldOnce);
        port.held.Add(1);
        Held().push_back(batch.handle[lane]);
        continue;
      case FrameMark::kAnswer: {
        batch.verdict[lane] = Verdict::kConsume;
        uint8_t* frame = worker.emits->Emit(EmitKind::kOriginated, lane,
                                            InterfaceIdx(batch.rx_port[lane].value), 3000);
        std::memset(frame, 0x5a, 3000);
        port.originated.Add(1);
        continue;
      }
      case FrameMark::kRelease:
        ReleaseAll(worker, static_cast<uint8_t>(lane), false);
        break;
      default:
        break;
    }
    // Out of the next interface, with four bytes taken from the headroom.
    batch.verdict[lane] = Verdict::kForward;
    batch.out[lane] = InterfaceIdx((batch.rx_port[lane].value + 1u) %
                                   static_cast<uint32_t>(snapshot.adjacency.size()));
    batch.out_frame[lane] = batch.frame[lane];
    batch.out_bytes[lane] = batch.frame_bytes[lane];
    if (mark == FrameMark::kGrow) {
      batch.out_frame[lane] -= 4;
      batch.out_bytes[lane] += 4;
    }
    port.forwarded.Add(1);
  }
}

void RunTimers(WorkerContext& worker, bool drain) noexcept {
  worker.emits->Clear();
  if (drain) {
    ReleaseAll(worker, kNoLane, true);
  }
}

}  // namespace sluice
