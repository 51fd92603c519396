#include "tools/bench/stage_tally.h"

#include <x86intrin.h>

#include <algorithm>
#include <cstdio>

namespace sluice {
namespace {

// What two readings of the counter with nothing between them show.
double EmptyIntervalTicks() {
  std::vector<double> ticks(1001);
  for (double& t : ticks) {
    const uint64_t start = __rdtsc();
    t = static_cast<double>(__rdtsc() - start);
  }
  return Quantile(ticks, 0.5);
}

}  // namespace

StageTally::StageTally(Workbench& bench)
    : bench_(bench), empty_ticks_(EmptyIntervalTicks()), stages_(kStageCount), ticks_(kStageCount) {
  bench_.worker().time_stages = true;
}

StageTally::~StageTally() {
  bench_.worker().time_stages = false;
}

std::vector<StageCost> StageTally::Read() const {
  const StageCounters* counters = bench_.dataplane().counters().stages;
  std::vector<StageCost> now;
  for (size_t i = 0; i < kStageCount; ++i) {
    now.push_back({static_cast<StageId>(i), counters[i].calls.Read(), counters[i].packets.Read(),
                   static_cast<double>(counters[i].ticks.Read())});
  }
  return now;
}

void StageTally::Round(uint32_t packets, const std::function<void()>& run) {
  const std::vector<StageCost> before = Read();
  run();
  const std::vector<StageCost> after = Read();
  for (size_t i = 0; i < kStageCount; ++i) {
    const uint64_t calls = after[i].calls - before[i].calls;
    const double spent = after[i].ticks_per_packet - before[i].ticks_per_packet -
                         static_cast<double>(calls) * empty_ticks_;
    ticks_[i].push_back(spent / packets);
    stages_[i].stage = static_cast<StageId>(i);
    stages_[i].calls += calls;
    stages_[i].packets += after[i].packets - before[i].packets;
  }
}

std::vector<StageCost> StageTally::Costs() const {
  std::vector<StageCost> costs = stages_;
  for (size_t i = 0; i < kStageCount; ++i) {
    costs[i].ticks_per_packet = std::max(0.0, Quantile(ticks_[i], 0.5));
  }
  std::erase_if(costs, [](const StageCost& stage) { return stage.calls == 0; });
  return costs;
}

std::vector<StageFigure> StageFigures(const Machine& machine,
                                      const std::vector<StageCost>& stages) {
  std::vector<StageFigure> figures;
  for (const StageCost& stage : stages) {
    figures.push_back({StageName(stage.stage), stage.calls, stage.packets,
                       stage.ticks_per_packet * 1e9 / machine.tsc_hz, stage.ticks_per_packet});
  }
  return figures;
}

void PrintStages(const std::vector<StageFigure>& stages) {
  std::printf("  %-14s %10s %12s %10s %8s %8s\n", "STAGE", "CALLS", "PKTS", "PKTS/CALL", "NS/PKT",
              "TICKS/PKT");
  for (const StageFigure& stage : stages) {
    std::printf("  %-14s %10llu %12llu %10.1f %8.1f %8.1f\n", std::string(stage.name).c_str(),
                static_cast<unsigned long long>(stage.calls),
                static_cast<unsigned long long>(stage.packets), stage.PacketsPerCall(), stage.ns,
                stage.ticks);
  }
  std::printf("\n");
}

}  // namespace sluice
