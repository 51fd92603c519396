// Runs connections through the product's pipeline: mixed with each other as on a wire, or step by
// step, and the source alone for comparison. Main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "perf/workload/connection_source.h"
#include "perf/workload/output_check.h"
#include "tools/bench/byte_check.h"
#include "tools/bench/cps/control_side.h"
#include "tools/bench/workbench.h"

namespace sluice {

enum class RoundBody : uint8_t { kPipeline, kSourceOnly };

class ConnectionRounds {
 public:
  // All outlive the rounds. `round`: connections of one round; `lag` as in ConnectionMix. The
  // source has at least SlotsFor slots.
  ConnectionRounds(Workbench& bench, ConnectionSource& source, ControlSide& control, uint32_t round,
                   uint32_t lag);
  static uint32_t SlotsFor(uint32_t round, uint32_t lag, uint32_t steps);

  // The next round of connections begins, earlier ones go on. Nanoseconds that the thread ran.
  double Mixed();
  // The packets of the last Mixed once more, without the pipeline.
  double MixedSourceOnly();
  // Those still open end.
  void Drain();
  // The next round of connections from begin to end, all of them a step at a time: nanoseconds of
  // each step. After Drain.
  std::vector<double> ByStep(RoundBody body);
  // The same, keeping what left for comparison with the reference world: of `count` connections.
  // After Drain.
  void Sample(uint32_t count, OutputCheck& check);

  uint64_t begun() const { return begun_; }
  uint64_t packets() const { return packets_; }  // given to the pipeline
  uint64_t sent() const { return sent_; }
  // Packets of a step, in all ByStep with the pipeline, that hit the session cache.
  uint64_t step_hits(uint32_t step) const { return step_hits_[step]; }
  const ByteCheck& compared() const { return compared_; }  // by Sample

  // Session time goes on with the pipeline only, or from burst to burst where the workbench's does;
  // this lets it run ahead.
  void SkipMs(uint32_t ms);
  BurstClock clock() const;

 private:
  template <RoundBody kBody>
  double RunMix(uint64_t from, uint64_t to);
  template <RoundBody kBody>
  void RunOne(const Stamp* stamps, const ConnectionPacket* packets, uint32_t count);
  template <RoundBody kBody>
  double RunStep(uint32_t step, uint64_t first, uint32_t count,
                 std::vector<std::vector<SentPacket>>* kept);
  template <RoundBody kBody>
  std::vector<double> RunSteps();
  void Prepare();
  void Begin();
  double End(bool session_time);
  void SetClock();
  double RealNs() const;  // since Begin; 0 where time goes from burst to burst

  Workbench& bench_;
  ConnectionSource& source_;
  ControlSide& control_;
  const uint32_t round_;
  ConnectionMix mix_;
  const int64_t burst_ns_;
  double ns_per_tick_;
  int64_t base_ns_;       // of the epoch, at tick 0 of this run
  uint32_t base_ms_;      // of the session clock
  double run_ns_ = 0;     // the pipeline's time before the round that runs
  uint64_t started_ = 0;  // time-stamp counter at its start; 0: none runs
  int64_t cpu_before_ns_ = 0;
  double control_before_ns_ = 0;
  uint64_t begun_ = 0;
  uint64_t packets_ = 0;
  uint64_t sent_ = 0;
  std::vector<uint64_t> step_hits_;
  ByteCheck compared_;
};

}  // namespace sluice
