// What each stage costs, from the stage meter of short rounds: medians, the cost of reading the
// counter taken off. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dataplane/stage/counters.h"
#include "tools/bench/figure.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct StageCost {
  StageId stage;
  uint64_t calls = 0;
  uint64_t packets = 0;
  double ticks_per_packet = 0;  // of all packets of the run
};

class StageTally {
 public:
  // The meter runs while the tally lives. `bench` outlives it.
  explicit StageTally(Workbench& bench);
  ~StageTally();

  // `run` gives `packets` packets to the pipeline.
  void Round(uint32_t packets, const std::function<void()>& run);
  // Of the stages that were called.
  std::vector<StageCost> Costs() const;

 private:
  std::vector<StageCost> Read() const;  // ticks_per_packet: ticks

  Workbench& bench_;
  double empty_ticks_;
  std::vector<StageCost> stages_;
  std::vector<std::vector<double>> ticks_;
};

std::vector<StageFigure> StageFigures(const Machine& machine, const std::vector<StageCost>& stages);
void PrintStages(const std::vector<StageFigure>& stages);

}  // namespace sluice
