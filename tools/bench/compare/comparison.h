// Old against new for one figure, and what may be said about it. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/samples.h"

namespace sluice {

// A figure's values, as many as it was measured; values of one index belong to one pair of runs.
struct MeasuredTwice {
  std::string name;
  std::vector<double> old_ns;
  std::vector<double> new_ns;
};

enum class CompareVerdict : uint8_t {
  kSame,     // no difference that could not be chance
  kFaster,   // certainly
  kSlower,   // certainly, but no more than allowed
  kTooSlow,  // certainly, and by more than allowed
};
std::string_view CompareVerdictName(CompareVerdict verdict);

struct Comparison {
  std::string name;
  Spread old_ns;
  Spread new_ns;
  Spread ratio;  // new over old; low and high are its 95 % interval
  double p = 1;  // of there being no difference (Mann-Whitney)
  size_t count = 0;
  CompareVerdict verdict = CompareVerdict::kSame;
};

// `gate`: how much slower is allowed, 0.03 for 3 %. Pairs: the ratio is the median of the pairs'
// ratios, so that what meets both runs of a pair alike drops out.
Comparison ComparePairs(const MeasuredTwice& measured, double gate);
// Values that belong to no pairs: the ratio of medians, its interval from both medians' intervals.
Comparison CompareUnpaired(const MeasuredTwice& measured, double gate);

// Whether the figure has to be measured once more before anything is said: what was seen is above
// the gate, certain or not.
bool IsSuspicious(const Comparison& comparison, double gate);

}  // namespace sluice
