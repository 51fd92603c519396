// Numbers measured several times, and what is said about them. Any thread.
#pragma once

#include <vector>

namespace sluice {

// Median and quartiles: what neighbours on a shared machine disturb least.
struct Spread {
  double median = 0;
  double low = 0;   // first quartile
  double high = 0;  // third quartile
};

// All zero for no values. Linear between neighbours (R's type 7).
Spread SpreadOf(std::vector<double> values);
double Quantile(std::vector<double> values, double q);  // 0 <= q <= 1; 0 for no values

}  // namespace sluice
