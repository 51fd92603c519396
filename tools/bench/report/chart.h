// Charts as SVG documents. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/bench/report/axis.h"

namespace sluice {

struct ChartText {
  std::string title;
  std::string x;  // what the axes show, with units
  std::string y;
};

struct ChartPoint {
  double x = 0;
  double y = 0;
  double low = 0;  // whisker; low == high: none
  double high = 0;
};

struct Series {
  std::string name;
  std::vector<ChartPoint> points;  // in order of x
  bool dashed = false;             // a limit or a rival, not ours
};

// Points joined by lines, a legend beside.
std::string LineChart(const ChartText& text, AxisScale x_scale, AxisScale y_scale,
                      const std::vector<Series>& series);

// Half of the values lie in the box, all within the whiskers.
struct Box {
  std::string name;
  double least = 0;
  double low = 0;
  double median = 0;
  double high = 0;
  double most = 0;
};
// Boxes side by side; `text.x` stands below their names.
std::string BoxChart(const ChartText& text, const std::vector<Box>& boxes);

// A row of its own for each value, on a logarithmic axis: what differs by powers of ten.
struct Dot {
  std::string name;
  double value = 0;  // above 0
  double low = 0;    // low == high: no whisker
  double high = 0;
  bool ours = true;
};
std::string DotChart(const ChartText& text, const std::vector<Dot>& dots);

struct Stack {
  std::string name;
  std::vector<std::pair<std::string, double>> parts;  // from the bottom; same name, same colour
};
std::string StackChart(const ChartText& text, const std::vector<Stack>& stacks);

}  // namespace sluice
