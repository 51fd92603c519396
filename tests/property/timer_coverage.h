// How often timers of an interface's own have decided what became of a packet: the same frames
// again with every interface at the default timers, and the first that ends otherwise. A run in
// which they decide nothing tests nothing of them. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/property/scenario.h"

namespace sluice::testing {

class TimerCoverage {
 public:
  // `run` is the scenario's with the default options.
  void Count(const Scenario& scenario, const PipelineRun& run);
  void Print() const;
  // What timers never did, e.g. "timers of an interface: a flow remembered for longer".
  std::vector<std::string> Missing() const;

 private:
  uint64_t scenarios_ = 0;  // with some timers of their own
  uint64_t kept_ = 0;       // forwarded, and not with the default timers
  uint64_t ended_ = 0;      // not forwarded, but with the default timers
  uint64_t otherwise_ = 0;  // forwarded, dropped or consumed another way
};

}  // namespace sluice::testing
