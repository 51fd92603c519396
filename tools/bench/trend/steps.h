// Where a series of measurements changed its level. Any thread.
#pragma once

#include <cstddef>
#include <vector>

namespace sluice {

// Consecutive values of one level.
struct Level {
  size_t first = 0;
  size_t count = 0;
  double mean = 0;
};

// The levels of `values`, by minimum description length: of all ways to cut the series into levels
// of at least two values, the one that tells it in the fewest bits. A jump of noise does not pay
// for the mean and the place of another level; a step that stays does. At most a few thousand
// values (quadratic).
std::vector<Level> FindLevels(const std::vector<double>& values);

}  // namespace sluice
