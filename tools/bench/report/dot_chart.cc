#include <algorithm>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/frame.h"
#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

constexpr double kRowPx = 22;
constexpr double kNamesPx = 300;   // left of the data, at least
constexpr double kLetterPx = 7.4;  // what a letter of a name needs in a wide font
constexpr double kNameGapPx = 12;
constexpr double kTopPx = 48;
constexpr double kBelowPx = 60;
constexpr double kLegendPx = 80;  // of one kind of dot, in the line of the title

// Where the data is, from left to right.
struct Columns {
  double left = kNamesPx;
  double right = PlotArea::kWidth - 80;
  double width = PlotArea::kWidth;  // of all
};

// Long names make the picture wider and leave the data as it is.
Columns ColumnsFor(const std::vector<Dot>& dots) {
  size_t longest = 0;
  for (const Dot& dot : dots) {
    longest = std::max(longest, dot.name.size());
  }
  const double more =
      std::max(0.0, kLetterPx * static_cast<double>(longest) + 2 * kNameGapPx - kNamesPx);
  const Columns columns;
  return {columns.left + more, columns.right + more, columns.width + more};
}

void DrawRow(Svg& svg, const Columns& columns, const Axis& axis, const Dot& dot, double y) {
  const std::string& color = SeriesColor(dot.ours ? 0 : 1);
  svg.Text(columns.left - kNameGapPx, y + 4, dot.name, TextAnchor::kEnd);
  svg.Line(columns.left, y, axis.Px(dot.value), y, {"#dddddd", 1, false});
  if (dot.low != dot.high) {
    svg.Line(axis.Px(dot.low), y, axis.Px(dot.high), y, {color, 2, false});
  }
  svg.Dot(axis.Px(dot.value), y, 5, color, dot.name + ": " + ShortNumber(dot.value));
  svg.Text(columns.right + 18, y + 4, ShortNumber(dot.value), TextAnchor::kStart);
}

// What the colours say, where there are both.
void DrawKinds(Svg& svg, const Columns& columns, const std::vector<Dot>& dots) {
  const auto is_ours = [](const Dot& dot) { return dot.ours; };
  if (std::all_of(dots.begin(), dots.end(), is_ours) ||
      std::none_of(dots.begin(), dots.end(), is_ours)) {
    return;
  }
  double x = columns.right - 2 * kLegendPx;
  for (const auto& [number, name] : {std::pair{size_t{0}, "Sluice"}, {size_t{1}, "rivals"}}) {
    svg.Dot(x, 20, 5, SeriesColor(number), name);
    svg.Text(x + kNameGapPx, 24, name, TextAnchor::kStart);
    x += kLegendPx;
  }
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
  const Columns columns = ColumnsFor(dots);
  const Axis axis(AxisScale::kLog, low, high, columns.left, columns.right);
  Svg svg(columns.width, bottom + kBelowPx);
  svg.Text(20, 24, text.title, TextAnchor::kStart, 16);
  DrawKinds(svg, columns, dots);
  for (const double mark : axis.marks()) {
    svg.Line(axis.Px(mark), kTopPx - 8, axis.Px(mark), bottom, {"#dddddd", 1, false});
    svg.Text(axis.Px(mark), bottom + 18, ShortNumber(mark), TextAnchor::kMiddle);
  }
  svg.Text((columns.left + columns.right) / 2, bottom + 42, text.x, TextAnchor::kMiddle);
  for (size_t i = 0; i < dots.size(); ++i) {
    DrawRow(svg, columns, axis, dots[i], kTopPx + kRowPx * (static_cast<double>(i) + 0.4));
  }
  return svg.Document(text.title);
}

}  // namespace sluice
