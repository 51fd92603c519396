#include <algorithm>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/frame.h"
#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

// Column `number` of so many.
struct Column {
  double left = 0;
  double width = 0;
  double middle = 0;
};

Column ColumnOf(size_t number, size_t count) {
  const double share = (PlotArea::kRight - PlotArea::kLeft) / static_cast<double>(count);
  const double width = std::min(share * 0.6, 90.0);
  const double middle = PlotArea::kLeft + (static_cast<double>(number) + 0.5) * share;
  return {middle - width / 2, width, middle};
}

void DrawBox(Svg& svg, const Axis& axis, const Box& box, const Column& column) {
  const Stroke thin = {"#333333", 1, false};
  svg.Line(column.middle, axis.Px(box.least), column.middle, axis.Px(box.most), thin);
  for (const double end : {box.least, box.most}) {
    svg.Line(column.middle - column.width / 4, axis.Px(end), column.middle + column.width / 4,
             axis.Px(end), thin);
  }
  svg.Rect(column.left, axis.Px(box.high), column.width,
           std::max(1.0, axis.Px(box.low) - axis.Px(box.high)), SeriesColor(5),
           box.name + ": median " + ShortNumber(box.median) + ", quartiles " +
               ShortNumber(box.low) + ".." + ShortNumber(box.high));
  svg.Line(column.left, axis.Px(box.median), column.left + column.width, axis.Px(box.median),
           {"#000000", 2, false});
  svg.Text(column.middle, axis.Px(box.most) - 6, ShortNumber(box.median), TextAnchor::kMiddle, 11);
}

double Height(const Stack& stack) {
  double sum = 0;
  for (const auto& [name, value] : stack.parts) {
    sum += value;
  }
  return sum;
}

// Every name of a part once, in the order they come.
std::vector<std::string> PartNames(const std::vector<Stack>& stacks) {
  std::vector<std::string> names;
  for (const Stack& stack : stacks) {
    for (const auto& [name, value] : stack.parts) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

void DrawStack(Svg& svg, const Axis& axis, const Stack& stack,
               const std::vector<std::string>& names, const Column& column) {
  double sum = 0;
  for (const auto& [name, value] : stack.parts) {
    const auto number =
        static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    svg.Rect(column.left, axis.Px(sum + value), column.width, axis.Px(sum) - axis.Px(sum + value),
             SeriesColor(number), stack.name + ", " + name + ": " + ShortNumber(value));
    sum += value;
  }
  svg.Text(column.middle, axis.Px(sum) - 6, ShortNumber(sum), TextAnchor::kMiddle, 12);
}

}  // namespace

std::string BoxChart(const ChartText& text, const std::vector<Box>& boxes) {
  double most = 0;
  std::vector<std::string> names;
  for (const Box& box : boxes) {
    most = std::max(most, box.most);
    names.push_back(box.name);
  }
  const Axis axis(AxisScale::kLinear, 0, most, PlotArea::kBottom, PlotArea::kTop);
  Svg svg(PlotArea::kWidth, PlotArea::kHeight);
  DrawTitle(svg, text);
  DrawVerticalAxis(svg, axis, text.y);
  DrawNames(svg, names, text.x);
  for (size_t i = 0; i < boxes.size(); ++i) {
    DrawBox(svg, axis, boxes[i], ColumnOf(i, boxes.size()));
  }
  return svg.Document(text.title);
}

std::string StackChart(const ChartText& text, const std::vector<Stack>& stacks) {
  double most = 0;
  std::vector<std::string> stack_names;
  for (const Stack& stack : stacks) {
    most = std::max(most, Height(stack));
    stack_names.push_back(stack.name);
  }
  const std::vector<std::string> names = PartNames(stacks);
  const Axis axis(AxisScale::kLinear, 0, most, PlotArea::kBottom, PlotArea::kTop);
  Svg svg(PlotArea::kWidth, PlotArea::kHeight);
  DrawTitle(svg, text);
  DrawVerticalAxis(svg, axis, text.y);
  DrawNames(svg, stack_names, text.x);
  for (size_t i = 0; i < stacks.size(); ++i) {
    DrawStack(svg, axis, stacks[i], names, ColumnOf(i, stacks.size()));
  }
  DrawLegend(svg, names, std::vector<bool>(names.size(), false));
  return svg.Document(text.title);
}

}  // namespace sluice
