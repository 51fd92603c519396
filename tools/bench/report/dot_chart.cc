#include <algorithm>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/frame.h"
#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

constexpr double kRowPx = 22;
constexpr double kNamesPx = 300;  // left of the data
constexpr double kTopPx = 48;
constexpr double kBelowPx = 60;

void DrawRow(Svg& svg, const Axis& axis, const Dot& dot, double y) {
  const std::string& color = SeriesColor(dot.ours ? 0 : 1);
  svg.Text(kNamesPx - 12, y + 4, dot.name, TextAnchor::kEnd);
  svg.Line(kNamesPx, y, axis.Px(dot.value), y, {"#dddddd", 1, false});
  if (dot.low != dot.high) {
    svg.Line(axis.Px(dot.low), y, axis.Px(dot.high), y, {color, 2, false});
  }
  svg.Dot(axis.Px(dot.value), y, 5, color, dot.name + ": " + ShortNumber(dot.value));
  svg.Text(PlotArea::kWidth - 62, y + 4, ShortNumber(dot.value), TextAnchor::kStart);
}

}  // namespace

std::string DotChart(const ChartText& text, const std::vector<Dot>& dots) {
  double low = 1e300;
  double high = 0;
  for (const Dot& dot : dots) {
    low = std::min({low, dot.value, dot.low != dot.high ? dot.low : dot.value});
    high = std::max({high, dot.value, dot.high});
  }
  const double bottom = kTopPx + kRowPx * static_cast<double>(dots.size());
  const Axis axis(AxisScale::kLog, low, high, kNamesPx, PlotArea::kWidth - 80);
  Svg svg(PlotArea::kWidth, bottom + kBelowPx);
  svg.Text(20, 24, text.title, TextAnchor::kStart, 16);
  for (const double mark : axis.marks()) {
    svg.Line(axis.Px(mark), kTopPx - 8, axis.Px(mark), bottom, {"#dddddd", 1, false});
    svg.Text(axis.Px(mark), bottom + 18, ShortNumber(mark), TextAnchor::kMiddle);
  }
  svg.Text((kNamesPx + PlotArea::kWidth - 80) / 2, bottom + 42, text.x, TextAnchor::kMiddle);
  for (size_t i = 0; i < dots.size(); ++i) {
    DrawRow(svg, axis, dots[i], kTopPx + kRowPx * (static_cast<double>(i) + 0.4));
  }
  return svg.Document(text.title);
}

}  // namespace sluice
