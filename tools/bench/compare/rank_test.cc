// U counts the pairs (a, b) with a > b. Exact: the number of ways to interleave n and m values with
// a given U follows the recursion N(u; n, m) = N(u - m; n - 1, m) + N(u; n, m - 1), by whether the
// largest value is an a (then it beats all m) or a b.
#include "tools/bench/compare/rank_test.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace sluice {
namespace {

constexpr size_t kMostExact = 50;

struct Ranked {
  double u = 0;          // of a
  double tie_cubes = 0;  // sum of t^3 - t over groups of t equal values
};

Ranked RankBoth(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  Ranked ranked;
  for (const double value : a) {
    const auto below = std::lower_bound(all.begin(), all.end(), value);
    const auto above = std::upper_bound(all.begin(), all.end(), value);
    ranked.u +=
        (static_cast<double>(below - all.begin()) + 1 + static_cast<double>(above - all.begin())) /
        2;
  }
  const auto n = static_cast<double>(a.size());
  ranked.u -= n * (n + 1) / 2;
  for (size_t i = 0; i < all.size();) {
    const auto end = std::upper_bound(all.begin() + static_cast<ptrdiff_t>(i), all.end(), all[i]);
    const auto t = static_cast<double>(end - all.begin()) - static_cast<double>(i);
    ranked.tie_cubes += t * t * t - t;
    i = static_cast<size_t>(end - all.begin());
  }
  return ranked;
}

// Interleavings of n and m values by their U: counts, as doubles that hold up to 2^1000.
std::vector<double> WaysByU(size_t n, size_t m) {
  // ways[i] for i values of a and j of b, j growing.
  std::vector<std::vector<double>> ways(n + 1, {1.0});
  for (size_t j = 1; j <= m; ++j) {
    for (size_t i = 1; i <= n; ++i) {
      std::vector<double> sum(i * j + 1, 0);
      for (size_t u = 0; u < ways[i].size(); ++u) {
        sum[u] += ways[i][u];
      }
      for (size_t u = 0; u < ways[i - 1].size(); ++u) {
        sum[u + j] += ways[i - 1][u];
      }
      ways[i] = std::move(sum);
    }
  }
  return ways[n];
}

double ExactP(double u, size_t n, size_t m) {
  const std::vector<double> ways = WaysByU(n, m);
  const double all = std::accumulate(ways.begin(), ways.end(), 0.0);
  const auto low = static_cast<size_t>(std::min(u, static_cast<double>(n * m) - u));
  const double tail =
      std::accumulate(ways.begin(), ways.begin() + static_cast<ptrdiff_t>(low) + 1, 0.0);
  return std::min(1.0, 2 * tail / all);
}

double NormalP(const Ranked& ranked, double n, double m) {
  const double all = n + m;
  const double variance = n * m / 12 * (all + 1 - ranked.tie_cubes / (all * (all - 1)));
  if (variance <= 0) {
    return 1;
  }
  const double distance = std::max(0.0, std::abs(ranked.u - n * m / 2) - 0.5);
  return std::erfc(distance / std::sqrt(2 * variance));
}

// The largest k with P(Binomial(n, 1/2) < k) <= 2.5 %: the k-th value from either end and those
// between hold the median. 0: there is no such k.
size_t ValuesOutside(size_t n) {
  if (n > 500) {  // normal approximation; below it would underflow at 1,075
    const auto count = static_cast<double>(n);
    return static_cast<size_t>((count - 1.96 * std::sqrt(count)) / 2);
  }
  double probability = std::pow(0.5, static_cast<double>(n));
  double below = 0;
  size_t k = 0;
  while (below + probability <= 0.025 && k < n / 2) {
    below += probability;
    probability *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    ++k;
  }
  return k;
}

}  // namespace

double MannWhitneyP(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) {
    return 1;
  }
  const Ranked ranked = RankBoth(a, b);
  if (ranked.tie_cubes == 0 && a.size() <= kMostExact && b.size() <= kMostExact) {
    return ExactP(ranked.u, a.size(), b.size());
  }
  return NormalP(ranked, static_cast<double>(a.size()), static_cast<double>(b.size()));
}

Spread MedianInterval(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  const size_t k = ValuesOutside(n);
  const size_t first = k == 0 ? 0 : k - 1;
  return {Quantile(values, 0.5), values[first], values[n - 1 - first]};
}

}  // namespace sluice
