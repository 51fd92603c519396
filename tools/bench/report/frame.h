// What every chart has around its data: title, axes, marks, legend. Any thread.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/svg.h"

namespace sluice {

// Where the data goes, in pixels.
struct PlotArea {
  static constexpr double kWidth = 820;
  static constexpr double kHeight = 440;
  static constexpr double kLeft = 74;
  static constexpr double kRight = 590;  // the legend stands right of it
  static constexpr double kTop = 44;
  static constexpr double kBottom = 380;
};

// Sixteen; the first eight can be told apart by those who see few colours (after Okabe and Ito,
// "Color universal design").
const std::string& SeriesColor(size_t number);

void DrawTitle(Svg& svg, const ChartText& text);
void DrawVerticalAxis(Svg& svg, const Axis& axis, const std::string& label);
void DrawHorizontalAxis(Svg& svg, const Axis& axis, const std::string& label);
// Names instead of numbers, each in the middle of its share of the width.
void DrawNames(Svg& svg, const std::vector<std::string>& names, const std::string& label);
void DrawLegend(Svg& svg, const std::vector<std::string>& names, const std::vector<bool>& dashed);

}  // namespace sluice
