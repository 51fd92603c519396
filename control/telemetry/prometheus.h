// Prometheus text exposition, format 0.0.4: families of samples as values, and their text. Pure;
// any thread. Names and units follow interface.md §4 and `promtool check metrics`: counters end in
// "_total", base units, every family has HELP and TYPE, its samples stand together.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/telemetry/counters.h"

namespace sluice {

// kUntyped: a gauge with a name that promtool reserves for histograms ("…_count").
enum class MetricKind : uint8_t { kCounter, kGauge, kUntyped };

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;  // name, value (any bytes: escaped)
  double value = 0;
};

struct MetricFamily {
  std::string name;  // [a-zA-Z_:][a-zA-Z0-9_:]*; counters end in "_total"
  std::string help;  // one sentence
  MetricKind kind = MetricKind::kCounter;
  std::vector<MetricSample> samples;  // a family without samples is left out
};

// Families are written in the order given; whole numbers without a fraction.
std::string PrometheusText(const std::vector<MetricFamily>& families);

// sluice_received_packets_total{port}, sluice_dropped_packets_total{port,reason}, …: what the
// reports hold. Reasons that never occurred are there too, with 0 (a rate needs them).
std::vector<MetricFamily> PortMetrics(const std::vector<PortReport>& ports);
// sluice_stage_calls_total{stage}, sluice_stage_packets_total{stage},
// sluice_stage_seconds_total{stage}.
std::vector<MetricFamily> StageMetrics(const std::vector<StageReport>& stages, double ticks_per_ns);

}  // namespace sluice
