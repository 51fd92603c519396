// The worker of the hero test: takes what is due by the clock, at most a burst at a time, as a
// device would hand it over. One thread, its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/publish/publisher.h"
#include "perf/workload/connection_source.h"
#include "tools/bench/hero/hero_run.h"
#include "tools/bench/workbench.h"

namespace sluice {

// Real time as the session clock knows it; the same for worker and control thread.
class HeroClock {
 public:
  explicit HeroClock(const WorkerContext& at_start);
  double SecondsAt(uint64_t ticks) const {
    return static_cast<double>(ticks - start_ticks_) * seconds_per_tick_;
  }
  double seconds_per_tick() const { return seconds_per_tick_; }
  void Set(uint64_t ticks, WorkerContext& worker) const;
  BurstClock Now() const;

 private:
  uint64_t start_ticks_;
  double seconds_per_tick_;
  int64_t base_ns_;
  uint32_t base_ms_;
};

// A packet of the run, and what became of it.
struct HeroSample {
  uint64_t connection = 0;  // not for a background flow
  Stamp stamp;
  SentPacket sent;
};

class HeroWorker {
 public:
  // `source` has every connection prepared up to `active` + seconds * rate. All outlive it.
  HeroWorker(Workbench& bench, ConnectionSource& source, const std::vector<Stamp>& background,
             Publisher<Snapshot>& publisher, Qsbr& qsbr, const HeroOptions& options);

  // As fast as it goes: until `active` connections are open. Before Run, on any thread.
  void FillUp(const HeroClock& clock);
  // Until `seconds` have passed on the clock and nothing that was due by then waits.
  void Run(const HeroClock& clock) noexcept;

  uint64_t begun() const { return begun_; }
  uint64_t offered() const { return offered_; }
  uint64_t sent() const { return sent_; }
  uint64_t overrun() const { return overrun_; }
  double busy_seconds() const { return busy_seconds_; }
  double cpu_seconds() const { return cpu_seconds_; }
  double run_seconds() const { return run_seconds_; }  // of Run, real time
  const std::vector<double>& burst_ticks() const { return burst_ticks_; }
  const std::vector<double>& late_ns() const { return late_ns_; }
  // Of background flows, spread over the run.
  const std::vector<HeroSample>& flow_samples() const { return flow_samples_; }
  // Every packet of every so-manieth connection, from its SYN on; those of FillUp too.
  const std::vector<HeroSample>& connection_samples() const { return connection_samples_; }

 private:
  // How many packets have come to be due, and how many of them were taken.
  struct Stream {
    double per_second = 0;
    uint64_t taken = 0;
    uint64_t DueAt(double seconds) const { return static_cast<uint64_t>(seconds * per_second); }
    double LateAt(double seconds) const {
      return seconds - static_cast<double>(taken + 1) / per_second;
    }
  };

  bool Gather(double seconds);
  void Process(const HeroClock& clock, uint64_t ticks);
  void KeepSample(uint32_t lane);

  Workbench& bench_;
  ConnectionSource& source_;
  const std::vector<Stamp>& background_;
  Publisher<Snapshot>& publisher_;
  Qsbr& qsbr_;
  const HeroOptions options_;
  ConnectionMix mix_;
  Stream connections_;
  Stream flows_;
  size_t next_flow_ = 0;
  uint64_t end_connection_ = 0;
  uint32_t count_ = 0;
  std::vector<Stamp> stamps_;
  std::vector<ConnectionPacket> packets_;
  uint64_t begun_ = 0;
  uint64_t offered_ = 0;
  uint64_t sent_ = 0;
  uint64_t overrun_ = 0;
  double busy_seconds_ = 0;
  double cpu_seconds_ = 0;
  double run_seconds_ = 0;
  std::vector<double> burst_ticks_;
  std::vector<double> late_ns_;
  uint64_t flow_stride_ = 1;  // of background packets, one in so many is kept
  uint64_t connection_stride_ = 1;
  uint64_t flow_packets_ = 0;
  std::vector<HeroSample> flow_samples_;
  std::vector<HeroSample> connection_samples_;
};

}  // namespace sluice
