#include "tools/bench/hero/hero_worker.h"

#include <x86intrin.h>

#include <algorithm>

#include "tools/bench/machine.h"
#include "tools/bench/thread_clock.h"
#include "tools/bench/update/live_worker.h"

namespace sluice {
namespace {

constexpr uint32_t kBackground = 0xffffffff;  // a step of no connection

}  // namespace

HeroClock::HeroClock(const WorkerContext& at_start)
    : start_ticks_(__rdtsc()),
      seconds_per_tick_(1 / TscHz()),
      base_ns_(at_start.now_ns),
      base_ms_(at_start.now_ms) {}

void HeroClock::Set(uint64_t ticks, WorkerContext& worker) const {
  const double seconds = SecondsAt(ticks);
  worker.now_ns = base_ns_ + static_cast<int64_t>(seconds * 1e9);
  worker.now_ms = base_ms_ + static_cast<uint32_t>(seconds * 1e3);
}

BurstClock HeroClock::Now() const {
  const double seconds = SecondsAt(__rdtsc());
  return {base_ms_ + static_cast<uint32_t>(seconds * 1e3),
          static_cast<uint64_t>(base_ns_ / 1'000'000) + static_cast<uint64_t>(seconds * 1e3)};
}

HeroWorker::HeroWorker(Workbench& bench, ConnectionSource& source,
                       const std::vector<Stamp>& background, Publisher<Snapshot>& publisher,
                       Qsbr& qsbr, const HeroOptions& options)
    : bench_(bench),
      source_(source),
      background_(background),
      publisher_(publisher),
      qsbr_(qsbr),
      options_(options),
      mix_(source.step_count(), options.active / (source.step_count() - 1)),
      stamps_(bench.driver().burst()),
      packets_(bench.driver().burst()) {
  connections_.per_second =
      static_cast<double>(options.connections_per_second) * source.step_count();
  flows_.per_second = 2 * static_cast<double>(bench.flows().size()) / options.background_period_s;
  end_connection_ = UINT64_MAX;
  mix_.Seek(0);
  const auto bursts =
      static_cast<size_t>((connections_.per_second + flows_.per_second) * (options.seconds + 1));
  const double seconds = options.seconds;
  const double samples = std::max(1u, options.sampled);
  flow_stride_ =
      std::max<uint64_t>(1, static_cast<uint64_t>(flows_.per_second * seconds / samples));
  connection_stride_ = std::max<uint64_t>(
      1, static_cast<uint64_t>((options.active + options.connections_per_second * seconds) *
                               source.step_count() / samples));
  burst_ticks_.reserve(bursts);
  late_ns_.reserve(bursts);
}

void HeroWorker::KeepSample(uint32_t lane) {
  const ConnectionPacket& packet = packets_[lane];
  if (packet.step == kBackground) {
    if (flow_packets_++ % flow_stride_ == 0) {
      flow_samples_.push_back({0, stamps_[lane], bench_.driver().Output(lane)});
    }
  } else if (packet.connection % connection_stride_ == 0) {
    connection_samples_.push_back({packet.connection, stamps_[lane], bench_.driver().Output(lane)});
  }
}

void HeroWorker::Process(const HeroClock& clock, uint64_t ticks) {
  BurstDriver& driver = bench_.driver();
  clock.Set(ticks, bench_.worker());
  driver.Load(stamps_.data(), count_);
  driver.Judge();
  for (uint32_t i = 0; i < count_; ++i) {
    if (packets_[i].step == 0) {
      ++begun_;
      if (driver.batch().verdict[i] == Verdict::kForward) {
        source_.Learn(packets_[i].connection, driver.batch().out_frame[i]);
      }
    }
    KeepSample(i);
  }
  sent_ += driver.Send();
  offered_ += count_;
  count_ = 0;
}

void HeroWorker::FillUp(const HeroClock& clock) {
  const uint64_t packets = mix_.EndOf(uint64_t{mix_.lag()} * (source_.step_count() - 1));
  for (uint64_t p = 0; p < packets; ++p) {
    if (mix_.Take(end_connection_, packets_[count_])) {
      stamps_[count_] = source_.At(packets_[count_]);
      ++count_;
    }
    if (count_ == stamps_.size()) {
      Process(clock, __rdtsc());
    }
  }
  if (count_ != 0) {
    Process(clock, __rdtsc());
  }
}

// What is due, and has been since before the end, at most a burst of it. Returns whether there is
// anything.
bool HeroWorker::Gather(double seconds) {
  const double due_by = std::min<double>(seconds, options_.seconds);
  const uint64_t due = connections_.DueAt(due_by) + flows_.DueAt(due_by);
  const uint64_t waiting = due - connections_.taken - flows_.taken;
  const double late = std::max(connections_.LateAt(seconds), flows_.LateAt(seconds));
  while (count_ < stamps_.size() && connections_.taken < connections_.DueAt(due_by)) {
    ++connections_.taken;
    if (mix_.Take(end_connection_, packets_[count_])) {
      stamps_[count_] = source_.At(packets_[count_]);
      ++count_;
    }
  }
  while (count_ < stamps_.size() && flows_.taken < flows_.DueAt(due_by)) {
    ++flows_.taken;
    packets_[count_].step = kBackground;
    stamps_[count_++] = background_[next_flow_];
    next_flow_ = next_flow_ + 1 == background_.size() ? 0 : next_flow_ + 1;
  }
  if (count_ != 0) {
    late_ns_.push_back(std::max(0.0, late) * 1e9);
    overrun_ += waiting > options_.ring ? count_ : 0;
  }
  return count_ != 0;
}

void HeroWorker::Run(const HeroClock& clock) noexcept {
  StayOnCpu(0);
  qsbr_.Online(0);
  begun_ = offered_ = sent_ = 0;
  const Snapshot* running = nullptr;
  const int64_t cpu_ns = ThreadCpuNs();
  uint64_t ticks = __rdtsc();
  for (bool ended = false; !ended;) {
    const Snapshot* snapshot = publisher_.Load();
    if (snapshot != running) {
      running = snapshot;
      bench_.driver().Use(*running);
    }
    const double seconds = clock.SecondsAt(ticks);
    if (Gather(seconds)) {
      Process(clock, ticks);
      const uint64_t spent = __rdtsc() - ticks;
      burst_ticks_.push_back(static_cast<double>(spent));
      busy_seconds_ += static_cast<double>(spent) * clock.seconds_per_tick();
    } else {
      ended = seconds >= options_.seconds;  // and nothing waits
      _mm_pause();
    }
    qsbr_.ReportQuiescent(0);
    ticks = __rdtsc();
  }
  run_seconds_ = clock.SecondsAt(ticks);
  cpu_seconds_ = static_cast<double>(ThreadCpuNs() - cpu_ns) / 1e9;
  qsbr_.Offline(0);
}

}  // namespace sluice
