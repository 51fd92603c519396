#include <algorithm>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/frame.h"
#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

struct Range {
  double low = 1e300;
  double high = 0;

  void Take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

void DrawSeries(Svg& svg, const Axis& x_axis, const Axis& y_axis, const Series& series,
                size_t number) {
  std::vector<std::pair<double, double>> line;
  for (const ChartPoint& point : series.points) {
    line.emplace_back(x_axis.Px(point.x), y_axis.Px(point.y));
  }
  const std::string& color = SeriesColor(number);
  svg.Path(line, {color, series.dashed ? 1.5 : 2.5, series.dashed});
  for (size_t i = 0; i < line.size(); ++i) {
    const ChartPoint& point = series.points[i];
    if (point.low != point.high) {
      svg.Line(line[i].first, y_axis.Px(point.low), line[i].first, y_axis.Px(point.high),
               {color, 1, false});
    }
    svg.Dot(line[i].first, line[i].second, series.dashed ? 2.5 : 4, color,
            series.name + ": " + ShortNumber(point.y) + " at " + ShortNumber(point.x));
  }
}

}  // namespace

std::string LineChart(const ChartText& text, AxisScale x_scale, AxisScale y_scale,
                      const std::vector<Series>& series) {
  Range x, y;
  std::vector<std::string> names;
  std::vector<bool> dashed;
  for (const Series& one : series) {
    names.push_back(one.name);
    dashed.push_back(one.dashed);
    for (const ChartPoint& point : one.points) {
      x.Take(point.x);
      y.Take(point.y);
      y.Take(std::max(point.y, point.high));
    }
  }
  const Axis x_axis(x_scale, x.low, x.high, PlotArea::kLeft, PlotArea::kRight);
  const Axis y_axis(y_scale, y.low, y.high, PlotArea::kBottom, PlotArea::kTop);
  Svg svg(PlotArea::kWidth, PlotArea::kHeight);
  DrawTitle(svg, text);
  DrawVerticalAxis(svg, y_axis, text.y);
  DrawHorizontalAxis(svg, x_axis, text.x);
  for (size_t i = series.size(); i-- > 0;) {  // the first, ours, on top
    DrawSeries(svg, x_axis, y_axis, series[i], i);
  }
  DrawLegend(svg, names, dashed);
  return svg.Document(text.title);
}

}  // namespace sluice
