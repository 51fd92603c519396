// How long packets took: counts by duration, each known to about 3 %, as HdrHistogram keeps them.
// One thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice {

// Of numbers below 2^40 (of whatever unit); larger ones count as the largest.
class LatencyHistogram {
 public:
  void Add(uint64_t value, uint64_t count = 1) noexcept {
    counts_[CellOf(value)] += count;
    total_ += count;
    max_ = value > max_ ? value : max_;
  }
  uint64_t total() const { return total_; }
  uint64_t max() const { return max_; }

  // The smallest value that at least q of all are not above, rounded up to its cell's end;
  // 0 < q <= 1. 0 for no values.
  uint64_t Quantile(double q) const noexcept {
    const double wanted = q * static_cast<double>(total_);
    uint64_t seen = 0;
    for (size_t cell = 0; cell < kCells; ++cell) {
      seen += counts_[cell];
      if (seen != 0 && static_cast<double>(seen) >= wanted) {
        return LastOf(cell) < max_ ? LastOf(cell) : max_;
      }
    }
    return max_;
  }

 private:
  // A cell a value up to 63, then 32 cells an octave.
  static constexpr int kSubBits = 5;
  static constexpr size_t kOctaves = 40 - kSubBits;
  static constexpr size_t kCells = (kOctaves + 1) << kSubBits;

  static constexpr size_t CellOf(uint64_t value) {
    const int width = static_cast<int>(std::bit_width(value));
    if (width <= kSubBits + 1) {
      return value;
    }
    const int shift = width - kSubBits - 1;
    const size_t cell = (static_cast<size_t>(shift) << kSubBits) + (value >> shift);
    return cell < kCells ? cell : kCells - 1;
  }
  static constexpr uint64_t LastOf(size_t cell) {
    const size_t octave = cell >> kSubBits;
    if (octave <= 1) {
      return cell;
    }
    const size_t shift = octave - 1;
    const uint64_t mantissa = (cell & ((1u << kSubBits) - 1)) + (1u << kSubBits);
    return ((mantissa + 1) << shift) - 1;
  }

  std::array<uint64_t, kCells> counts_ = {};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace sluice
