// From numbers to pixels, and the marks along the way. Any thread.
#pragma once

#include <string>
#include <vector>

namespace sluice {

enum class AxisScale { kLinear, kLog };

class Axis {
 public:
  // Covers low..high: a linear one from 0 to a round number, a logarithmic one from 1, 2 or 5 times
  // a power of ten to another. Pixels may run backwards, as they do upwards on a screen. A
  // logarithmic axis takes numbers above 0 only; others count as its lowest.
  Axis(AxisScale scale, double low, double high, double first_px, double last_px);

  double Px(double value) const;
  // Values to mark, in order.
  const std::vector<double>& marks() const { return marks_; }

 private:
  double Place(double value) const;  // 0..1

  AxisScale scale_;
  double low_;
  double high_;
  double first_px_;
  double last_px_;
  std::vector<double> marks_;
};

// "64", "1k", "2.5M", "0.05": short, for marks and tips.
std::string ShortNumber(double value);

}  // namespace sluice
