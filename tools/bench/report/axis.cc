#include "tools/bench/report/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice {
namespace {

// 1, 2 or 5 times a power of ten: some five of them up to `high`.
double RoundStep(double high) {
  const double rough = high / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      return factor * power;
    }
  }
  return 10 * power;
}

// The nearest 1, 2 or 5 times a power of ten that is not above, or not below.
double RoundDown(double value) {
  const double power = std::pow(10, std::floor(std::log10(value) + 1e-9));
  const double factor = value / power * 1.0001;
  return power * (factor >= 5 ? 5 : factor >= 2 ? 2 : 1);
}
double RoundUp(double value) {
  const double power = std::pow(10, std::floor(std::log10(value) - 1e-9));
  const double factor = value / power * 0.9999;
  return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

}  // namespace

Axis::Axis(AxisScale scale, double low, double high, double first_px, double last_px)
    : scale_(scale), low_(low), high_(high), first_px_(first_px), last_px_(last_px) {
  if (scale == AxisScale::kLinear) {
    const double step = RoundStep(std::max(high, 1e-9));
    low_ = 0;
    high_ = std::ceil(std::max(high, 1e-9) / step) * step;
    for (int i = 0; i * step <= high_ * 1.0001; ++i) {
      marks_.push_back(i * step);
    }
    return;
  }
  low_ = RoundDown(std::max(low, 1e-9));
  high_ = RoundUp(std::max(high, low_ * 1.01));
  // Of less than two decades, 2 and 5 times a power of ten are marked too.
  const bool few = high_ < low_ * 100;
  for (double mark = low_; mark <= high_ * 1.0001; mark = RoundUp(mark * 1.01)) {
    const double power = std::pow(10, std::round(std::log10(mark)));
    if (few || std::abs(mark / power - 1) < 0.01) {
      marks_.push_back(mark);
    }
  }
}

double Axis::Place(double value) const {
  if (scale_ == AxisScale::kLinear) {
    return (value - low_) / (high_ - low_);
  }
  return std::log(std::max(value, low_) / low_) / std::log(high_ / low_);
}

double Axis::Px(double value) const {
  return first_px_ + std::clamp(Place(value), 0.0, 1.0) * (last_px_ - first_px_);
}

std::string ShortNumber(double value) {
  const char* unit = "";
  for (const char* larger : {"k", "M", "G"}) {
    if (std::abs(value) < 999.5) {
      break;
    }
    value /= 1000;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.3g%s", value, unit);
  return text;
}

}  // namespace sluice
