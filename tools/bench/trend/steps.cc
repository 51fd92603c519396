// Rissanen, "Modeling by shortest data description" (Automatica 1978). A level of n values with
// variance v costs n/2 log2(v) bits for the values, and log2(N) for each of its mean, its variance
// (half of that, known less exactly) and its place among N values. Dynamic programming over where
// the last level starts.
#include "tools/bench/trend/steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

constexpr size_t kLeastCount = 2;
// Nobody measures better than this part of the mean; without it equal values would be infinitely
// cheap.
constexpr double kResolution = 0.003;

class Costs {
 public:
  explicit Costs(const std::vector<double>& values) : sums_(1, 0), squares_(1, 0) {
    for (const double value : values) {
      sums_.push_back(sums_.back() + value);
      squares_.push_back(squares_.back() + value * value);
    }
    level_bits_ = 2.5 * std::log2(static_cast<double>(std::max<size_t>(2, values.size())));
  }

  double Mean(size_t first, size_t end) const {
    return (sums_[end] - sums_[first]) / static_cast<double>(end - first);
  }
  double Bits(size_t first, size_t end) const {
    const auto n = static_cast<double>(end - first);
    const double mean = Mean(first, end);
    const double variance = (squares_[end] - squares_[first]) / n - mean * mean;
    const double floor = std::max(kResolution * kResolution * mean * mean, 1e-300);
    return n / 2 * std::log2(std::max(variance, 0.0) + floor) + level_bits_;
  }

 private:
  std::vector<double> sums_;
  std::vector<double> squares_;
  double level_bits_;
};

}  // namespace

std::vector<Level> FindLevels(const std::vector<double>& values) {
  const size_t n = values.size();
  const Costs costs(values);
  std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
  std::vector<size_t> start(n + 1, 0);
  best[0] = 0;
  for (size_t end = 1; end <= n; ++end) {
    const size_t least = std::min(kLeastCount, n);
    for (size_t first = 0; first + least <= end; ++first) {
      const double bits = best[first] + costs.Bits(first, end);
      if (bits < best[end]) {
        best[end] = bits;
        start[end] = first;
      }
    }
  }
  std::vector<Level> levels;
  for (size_t end = n; end > 0; end = start[end]) {
    levels.push_back({start[end], end - start[end], costs.Mean(start[end], end)});
  }
  std::reverse(levels.begin(), levels.end());
  return levels;
}

}  // namespace sluice
