#include "tools/bench/report/frame.h"

namespace sluice {
namespace {

constexpr double kLegendLine = 20;

const Stroke& GridStroke() {
  static const Stroke stroke = {"#dddddd", 1, false};
  return stroke;
}

}  // namespace

const std::string& SeriesColor(size_t number) {
  static const std::vector<std::string> colors = {
      "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#b0a000",
      "#8cc4e0", "#f0b48c", "#8cd0b4", "#e6c8d8", "#f5d48c", "#1f4e79", "#b3b3b3", "#7a4a1e"};
  return colors[number % colors.size()];
}

void DrawTitle(Svg& svg, const ChartText& text) {
  svg.Text(PlotArea::kLeft, 24, text.title, TextAnchor::kStart, 16);
}

void DrawVerticalAxis(Svg& svg, const Axis& axis, const std::string& label) {
  for (const double mark : axis.marks()) {
    const double y = axis.Px(mark);
    svg.Line(PlotArea::kLeft, y, PlotArea::kRight, y, GridStroke());
    svg.Text(PlotArea::kLeft - 8, y + 4, ShortNumber(mark), TextAnchor::kEnd);
  }
  svg.Text(20, (PlotArea::kTop + PlotArea::kBottom) / 2, label, TextAnchor::kMiddle, 12, true);
}

void DrawHorizontalAxis(Svg& svg, const Axis& axis, const std::string& label) {
  for (const double mark : axis.marks()) {
    const double x = axis.Px(mark);
    svg.Line(x, PlotArea::kTop, x, PlotArea::kBottom, GridStroke());
    svg.Text(x, PlotArea::kBottom + 18, ShortNumber(mark), TextAnchor::kMiddle);
  }
  svg.Text((PlotArea::kLeft + PlotArea::kRight) / 2, PlotArea::kBottom + 42, label,
           TextAnchor::kMiddle);
}

void DrawNames(Svg& svg, const std::vector<std::string>& names, const std::string& label) {
  const double share =
      (PlotArea::kRight - PlotArea::kLeft) / static_cast<double>(names.empty() ? 1 : names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    svg.Text(PlotArea::kLeft + (static_cast<double>(i) + 0.5) * share, PlotArea::kBottom + 18,
             names[i], TextAnchor::kMiddle, names.size() > 6 ? 10 : 12);
  }
  svg.Text((PlotArea::kLeft + PlotArea::kRight) / 2, PlotArea::kBottom + 42, label,
           TextAnchor::kMiddle);
}

void DrawLegend(Svg& svg, const std::vector<std::string>& names, const std::vector<bool>& dashed) {
  for (size_t i = 0; i < names.size(); ++i) {
    const double y = PlotArea::kTop + 10 + static_cast<double>(i) * kLegendLine;
    svg.Line(PlotArea::kRight + 14, y, PlotArea::kRight + 40, y, {SeriesColor(i), 3, dashed[i]});
    svg.Text(PlotArea::kRight + 48, y + 4, names[i], TextAnchor::kStart);
  }
}

}  // namespace sluice
