// A measured figure with everything it was measured on, and its printed forms. Every subcommand
// ends in these. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/bench/machine.h"
#include "tools/bench/samples.h"

namespace sluice {

// One timed thing: nanoseconds a packet (or another item), over rounds.
struct Figure {
  std::string name;  // "forward/flows:1000/size:64", as Google Benchmark names runs
  std::string unit = "packet";
  Spread ns;  // with the source taken off
  Spread source_ns;
  double frame_bytes = 0;         // mean, with FCS; 0: does not apply
  std::vector<double> rounds_ns;  // what `ns` is the spread of, in order; none: not kept
  uint32_t rounds = 0;
  uint64_t round_items = 0;
  std::string memory_mode;  // with the tables of this figure; empty: that of the report
  std::vector<std::pair<std::string, double>> counters;  // flows, hit_rate, …
};

// What one stage costs, in a run of its own (--stages): a packet that it handled.
struct StageFigure {
  std::string_view name;
  uint64_t calls = 0;
  uint64_t packets = 0;
  double ns = 0;
  double ticks = 0;

  double PacketsPerCall() const {
    return calls == 0 ? 0 : static_cast<double>(packets) / static_cast<double>(calls);
  }
};

struct Report {
  Machine machine;
  std::string memory_mode;
  std::vector<std::pair<std::string, std::string>> settings;  // name, value: what was asked for
  std::vector<Figure> figures;
  std::vector<StageFigure> stages;  // none: not asked for
  std::vector<std::string> broken_claims;
};

// Of `ns` a packet: millions of packets a second and core.
double Mpps(double ns);
double Ticks(const Machine& machine, double ns);
// "<cpu>, TSC 2.596 GHz, no hugepages, commit abc, load 3.1": what stands behind every figure.
std::string Provenance(const Report& report);

std::string ReportJson(const Report& report);
// The shape of `--benchmark_out` of Google Benchmark 1.7: context and benchmarks, one aggregate
// (median) and one spread a figure.
std::string GoogleBenchmarkJson(const Report& report, const std::string& date);

}  // namespace sluice
