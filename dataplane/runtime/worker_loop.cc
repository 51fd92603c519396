#include "dataplane/runtime/worker_loop.h"

#include <rte_config.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "dataplane/pipeline/pipeline.h"
#include "dataplane/runtime/checksum_completion.h"
#include "dataplane/runtime/mbuf_batch.h"

namespace sluice {
namespace {

constexpr int64_t kNsPerSecond = 1000000000;
constexpr int64_t kNsPerMs = 1000000;

int64_t ReadClockNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

// Frames of the control thread carry no receiving port; they count as originated when they leave.
bool IsFromControl(const rte_mbuf* mbuf) {
  return mbuf->port == PortIdx::kNoneValue;
}

}  // namespace

WorkerLoop::WorkerLoop(WorkerLoopOptions options)
    : options_(std::move(options)), context_(*options_.context) {
  tx_paths_.resize(options_.devices.size());
  for (size_t p = 0; p < options_.devices.size(); ++p) {
    const Device& device = *options_.devices[p];
    const QueuePlan& plan = device.queues();
    TxPath& path = tx_paths_[p];
    path.port_id = device.id();
    path.queue = plan.tx_queue_of[options_.worker];
    path.handoff = device.handoff();
    path.drains = plan.polling_worker == options_.worker;
    if (plan.rx_queue_of[options_.worker] != kNoQueue) {
      rx_queues_.push_back({device.id(), plan.rx_queue_of[options_.worker],
                            PortIdx(static_cast<uint16_t>(p)), device.may_leave_checksums()});
    }
  }
}

void WorkerLoop::Run() noexcept {
  options_.qsbr->Online(options_.worker);
  const uint64_t start_ticks = rte_rdtsc();
  uint64_t before = start_ticks;
  while (!stop_.load(std::memory_order_relaxed)) {
    Round();
    const uint64_t after = rte_rdtsc();
    if (empty_polls_ == 0) {
      counters_.busy_ticks.Add(after - before);
    }
    counters_.total_ticks.Add(after - before);
    before = after;
    if (empty_polls_ >= kIdlePolls && options_.poll == PollMode::kAdaptive) {
      Idle();
    }
  }
  Drain();
  options_.qsbr->Offline(options_.worker);
}

void WorkerLoop::Round() noexcept {
  ReadClock();
  const Snapshot& snapshot = *options_.publisher->Load();
  batch_.count = 0;
  TakeReentries();
  Receive();
  const uint32_t handed_over = SendHandedOver();
  if (batch_.count != 0) {
    RunBurst(snapshot, context_, batch_);
    FinishLanes(snapshot);
    FinishEmits(&snapshot);
  }
  if (context_.now_ms != timers_ms_) {
    timers_ms_ = context_.now_ms;
    RunTimers(context_, false);
    FinishEmits(&snapshot);
  }
  FlushAll();
  const bool idle = batch_.count == 0 && handed_over == 0;
  empty_polls_ = idle ? empty_polls_ + 1 : 0;
  counters_.polls.Add(1);
  counters_.idle_polls.Add(idle ? 1 : 0);
  options_.qsbr->ReportQuiescent(options_.worker);
}

void WorkerLoop::ReadClock() noexcept {
  context_.now_ns = ReadClockNs(CLOCK_REALTIME);
  context_.now_ms = static_cast<uint32_t>(
      (ReadClockNs(CLOCK_MONOTONIC) - options_.clock.start_monotonic_ns) / kNsPerMs);
}

void WorkerLoop::Idle() noexcept {
  counters_.sleeps.Add(1);
  options_.qsbr->Offline(options_.worker);  // holds nothing while it sleeps
  rte_delay_us_sleep(kIdleSleepUs);
  options_.qsbr->Online(options_.worker);
}

// ---- In

void WorkerLoop::TakeReentries() noexcept {
  while (reentry_count_ != 0 && batch_.count < kMaxLanes) {
    rte_mbuf* mbuf = reentries_[reentry_first_];
    reentry_first_ = (reentry_first_ + 1) % kReentryFrames;
    --reentry_count_;
    AppendLane(mbuf, PortIdx(mbuf->port), batch_);
    batch_.reentered[batch_.count - 1] = 1;
  }
}

void WorkerLoop::Receive() noexcept {
  const size_t queues = rx_queues_.size();
  for (size_t i = 0; i < queues && batch_.count < kMaxLanes; ++i) {
    // A different queue is first each time, so that a full batch starves none.
    const RxQueue& queue = rx_queues_[(next_rx_queue_ + i) % queues];
    rte_mbuf* frames[kBurst];
    const uint16_t room = static_cast<uint16_t>(std::min(kBurst, kMaxLanes - batch_.count));
    const uint16_t count = rte_eth_rx_burst(queue.port_id, queue.queue, frames, room);
    for (uint16_t f = 0; f < count; ++f) {
      if (f + 1 < count) {
        rte_prefetch0(rte_pktmbuf_mtod(frames[f + 1], void*));
      }
      Admit(frames[f], queue);
    }
  }
  if (queues != 0) {
    next_rx_queue_ = (next_rx_queue_ + 1) % queues;
  }
}

void WorkerLoop::Admit(rte_mbuf* mbuf, const RxQueue& queue) noexcept {
  if (!ShapeFrame(mbuf, options_.pool)) [[unlikely]] {
    PortCounters& port = Port(queue.port);
    port.received.Add(1);
    port.received_bytes.Add(mbuf->pkt_len);
    port.dropped[static_cast<size_t>(DropReason::kNoMbuf)].Add(1);
    rte_pktmbuf_free(mbuf);
    return;
  }
  const bool left_out =
      (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
  if ((left_out || queue.completes_checksums) && mbuf->nb_segs == 1) [[unlikely]] {
    CompleteL4Checksum(rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->data_len, left_out);
  }
  AppendLane(mbuf, queue.port, batch_);
}

// ---- Out

void WorkerLoop::FinishLanes(const Snapshot& snapshot) noexcept {
  rte_mbuf* done[kMaxBatch];
  uint32_t done_count = 0;
  for (uint32_t lane = 0; lane < batch_.count; ++lane) {
    auto* mbuf = static_cast<rte_mbuf*>(batch_.handle[lane]);
    const Verdict verdict = batch_.verdict[lane];
    if (verdict == Verdict::kForward && batch_.split[lane] == 0) {
      CutToOutput(mbuf, batch_.out_frame[lane], batch_.out_bytes[lane]);
      Queue(snapshot.adjacency[batch_.out[lane].index()].port, mbuf);
    } else if (verdict != Verdict::kHold) {
      done[done_count++] = mbuf;
    }
  }
  rte_pktmbuf_free_bulk(done, done_count);
}

void WorkerLoop::FinishEmits(const Snapshot* snapshot) noexcept {
  if (snapshot != nullptr) {
    SendEmitted(*snapshot);
  }
  TakeReleased();
}

void WorkerLoop::SendEmitted(const Snapshot& snapshot) noexcept {
  const EmitList& emits = *context_.emits;
  for (size_t i = 0; i < emits.frame_count(); ++i) {
    const EmittedFrame& frame = emits.frame(i);
    const PortIdx port = snapshot.adjacency[frame.out.index()].port;
    rte_mbuf* mbuf = CopyToMbuf({emits.frame_bytes(i), frame.bytes}, options_.pool);
    if (mbuf == nullptr) {
      Port(port).emit_drops.Add(1);
      continue;
    }
    mbuf->port = port.value;  // any: not from the control thread
    Queue(port, mbuf);
  }
}

void WorkerLoop::TakeReleased() noexcept {
  const EmitList& emits = *context_.emits;
  for (size_t i = 0; i < emits.released_count(); ++i) {
    const ReleasedFrame& released = emits.released(i);
    auto* mbuf = static_cast<rte_mbuf*>(released.handle);
    if (released.dropped) {
      rte_pktmbuf_free(mbuf);
      continue;
    }
    // A pass releases at most kMaxReleased frames and takes kMaxLanes; the cache is smaller than
    // what fits here.
    SLUICE_CHECK(reentry_count_ < kReentryFrames);
    reentries_[(reentry_first_ + reentry_count_++) % kReentryFrames] = mbuf;
  }
}

void WorkerLoop::Queue(PortIdx port, rte_mbuf* mbuf) noexcept {
  TxPath& path = tx_paths_[port.index()];
  if (path.count == path.frames.size()) {
    Flush(port, path);
  }
  path.frames[path.count++] = mbuf;
}

void WorkerLoop::FlushAll() noexcept {
  for (size_t p = 0; p < tx_paths_.size(); ++p) {
    Flush(PortIdx(static_cast<uint16_t>(p)), tx_paths_[p]);
  }
}

void WorkerLoop::Flush(PortIdx port, TxPath& path) noexcept {
  if (path.count == 0) {
    return;
  }
  const uint32_t count = std::exchange(path.count, 0);
  if (path.queue != kNoQueue) {
    Transmit(port, path, path.frames.data(), count);
    return;
  }
  const uint32_t taken = rte_ring_mp_enqueue_burst(
      path.handoff, reinterpret_cast<void**>(path.frames.data()), count, nullptr);
  if (taken != count) {
    Port(port).tx_full.Add(count - taken);
    rte_pktmbuf_free_bulk(path.frames.data() + taken, count - taken);
  }
}

uint32_t WorkerLoop::SendHandedOver() noexcept {
  uint32_t sent = 0;
  for (size_t p = 0; p < tx_paths_.size(); ++p) {
    TxPath& path = tx_paths_[p];
    if (!path.drains) {
      continue;
    }
    rte_mbuf* frames[kBurst];
    const uint32_t count =
        rte_ring_sc_dequeue_burst(path.handoff, reinterpret_cast<void**>(frames), kBurst, nullptr);
    const PortIdx port(static_cast<uint16_t>(p));
    const auto from_control =
        static_cast<uint64_t>(std::count_if(frames, frames + count, IsFromControl));
    if (from_control != 0) {
      Port(port).originated.Add(from_control);
    }
    if (count != 0) {
      Transmit(port, path, frames, count);
      sent += count;
    }
  }
  return sent;
}

void WorkerLoop::Transmit(PortIdx port, TxPath& path, rte_mbuf** frames, uint32_t count) noexcept {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; ++i) {
    bytes += frames[i]->pkt_len;
  }
  uint32_t sent = 0;
  while (sent < count) {
    const uint16_t taken = rte_eth_tx_burst(path.port_id, path.queue, frames + sent,
                                            static_cast<uint16_t>(count - sent));
    if (taken == 0) {
      break;
    }
    sent += taken;
  }
  for (uint32_t i = sent; i < count; ++i) {
    bytes -= frames[i]->pkt_len;
  }
  if (sent != count) {
    Port(port).tx_full.Add(count - sent);
    rte_pktmbuf_free_bulk(frames + sent, count - sent);
  }
  Port(port).sent.Add(sent);
  Port(port).sent_bytes.Add(bytes);
}

void WorkerLoop::Drain() noexcept {
  ReadClock();
  const Snapshot& snapshot = *options_.publisher->Load();
  // Frames released before the end are judged; then the cache gives back the rest.
  while (reentry_count_ != 0) {
    batch_.count = 0;
    TakeReentries();
    RunBurst(snapshot, context_, batch_);
    FinishLanes(snapshot);
    FinishEmits(&snapshot);
  }
  do {
    RunTimers(context_, true);
    FinishEmits(&snapshot);
  } while (context_.emits->released_count() != 0);
  for (; reentry_count_ != 0; --reentry_count_) {
    rte_pktmbuf_free(reentries_[reentry_first_]);
    reentry_first_ = (reentry_first_ + 1) % kReentryFrames;
  }
  FlushAll();
  while (SendHandedOver() != 0) {
  }
}

}  // namespace sluice
