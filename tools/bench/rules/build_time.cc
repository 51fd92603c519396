#include "tools/bench/rules/build_time.h"

#include <vector>

#include "tools/bench/samples.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr int64_t kEnoughNs = 300'000'000;
constexpr size_t kLeastBuilds = 3;
constexpr size_t kMostBuilds = 5001;  // short ones are warm only after a thousand

}  // namespace

BuildTime TimeBuild(std::span<const ClassifierRule> rules) {
  BuildTime time;
  ClassifierBuilder builder(HeapMemory());
  std::vector<double> ns;
  int64_t spent = 0;
  while (ns.size() < kLeastBuilds || (spent < kEnoughNs && ns.size() < kMostBuilds)) {
    time.classifier.reset();
    const int64_t start = ThreadCpuNs();
    auto built = builder.Build(rules);
    const int64_t taken = ThreadCpuNs() - start;
    if (!built.ok()) {
      time.refusal = std::string(built.status().message());
      return time;
    }
    time.classifier = *std::move(built);
    ns.push_back(static_cast<double>(taken));
    spent += taken;
  }
  time.ns = Quantile(ns, 0.5);
  return time;
}

}  // namespace sluice
