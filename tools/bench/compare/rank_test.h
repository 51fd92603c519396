// Whether two sets of times differ by more than chance, without asking how they are distributed.
// Any thread.
#pragma once

#include <vector>

#include "tools/bench/samples.h"

namespace sluice {

// Two-sided p of the Mann-Whitney U test (Mann and Whitney 1947): how often two sets of the same
// distribution would be ranked as differently as these. Exact for up to 50 values a side without
// ties, else the normal approximation with the correction for ties. 1 when a side is empty.
double MannWhitneyP(const std::vector<double>& a, const std::vector<double>& b);

// The median, and an interval that holds the true one with at least 95 % confidence, by order
// statistics (sign test). Below six values that is not to be had: then the whole range.
Spread MedianInterval(std::vector<double> values);

}  // namespace sluice
