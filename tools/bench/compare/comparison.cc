#include "tools/bench/compare/comparison.h"

#include <algorithm>

#include "tools/bench/compare/rank_test.h"

namespace sluice {
namespace {

constexpr double kCertain = 0.05;

CompareVerdict Judge(const Comparison& c, double gate) {
  if (c.p >= kCertain || (c.ratio.low <= 1 && c.ratio.high >= 1)) {
    return CompareVerdict::kSame;
  }
  return c.ratio.median < 1          ? CompareVerdict::kFaster
         : c.ratio.median > 1 + gate ? CompareVerdict::kTooSlow
                                     : CompareVerdict::kSlower;
}

Comparison Begin(const MeasuredTwice& measured) {
  Comparison c;
  c.name = measured.name;
  c.old_ns = SpreadOf(measured.old_ns);
  c.new_ns = SpreadOf(measured.new_ns);
  c.count = std::min(measured.old_ns.size(), measured.new_ns.size());
  c.p = MannWhitneyP(measured.old_ns, measured.new_ns);
  return c;
}

double Over(double a, double b) {
  return b > 0 ? a / b : 1;
}

}  // namespace

std::string_view CompareVerdictName(CompareVerdict verdict) {
  switch (verdict) {
    case CompareVerdict::kSame:
      return "same";
    case CompareVerdict::kFaster:
      return "faster";
    case CompareVerdict::kSlower:
      return "slower";
    case CompareVerdict::kTooSlow:
      return "TOO SLOW";
  }
  return "?";
}

Comparison ComparePairs(const MeasuredTwice& measured, double gate) {
  Comparison c = Begin(measured);
  std::vector<double> ratios;
  for (size_t i = 0; i < c.count; ++i) {
    ratios.push_back(Over(measured.new_ns[i], measured.old_ns[i]));
  }
  c.ratio = MedianInterval(std::move(ratios));
  c.verdict = Judge(c, gate);
  return c;
}

Comparison CompareUnpaired(const MeasuredTwice& measured, double gate) {
  Comparison c = Begin(measured);
  const Spread old_interval = MedianInterval(measured.old_ns);
  const Spread new_interval = MedianInterval(measured.new_ns);
  c.ratio = {Over(new_interval.median, old_interval.median),
             Over(new_interval.low, old_interval.high), Over(new_interval.high, old_interval.low)};
  c.verdict = Judge(c, gate);
  return c;
}

bool IsSuspicious(const Comparison& comparison, double gate) {
  return comparison.ratio.median > 1 + gate;
}

}  // namespace sluice
