// Boxes and stacks: ticks by stage, repetitions, the dip of an update.
#include <algorithm>

#include "tools/bench/report/draw_from.h"

namespace sluice {
namespace {

// All rounds where they are known, else the quartiles.
Box BoxOf(const std::string& name, const ReadFigure& figure) {
  Box box = {name, figure.ns.low, figure.ns.low, figure.ns.median, figure.ns.high, figure.ns.high};
  if (!figure.rounds_ns.empty()) {
    const auto [least, most] =
        std::minmax_element(figure.rounds_ns.begin(), figure.rounds_ns.end());
    box.least = *least;
    box.most = *most;
  }
  return box;
}

}  // namespace

Drawing DrawStages(const Measurements& m) {
  Drawing drawing = {"stages",
                     "Ticks a packet, by stage",
                     "With the stage meter on, which costs a little itself; medians of rounds. A "
                     "tick is one of the time-stamp counter.",
                     "sluice-bench forward --stages",
                     "",
                     ""};
  std::vector<Stack> stacks;
  for (const char* run : {"stages-1k", "stages-1M", "stages-walk"}) {
    if (const ReadReport* report = m.Get(run); report != nullptr && !report->stages.empty()) {
      const ReadFigure& figure = report->figures[0];
      Stack stack = {figure.Number("hit_rate") > 0
                         ? ShortNumber(figure.Number("flows")) + " flows, established"
                         : "every packet walks",
                     {}};
      for (const ReadStage& stage : report->stages) {
        stack.parts.emplace_back(stage.name, stage.ticks);
      }
      stacks.push_back(std::move(stack));
    }
  }
  if (stacks.empty()) {
    drawing.missing = m.Why("stages-1k");
    return drawing;
  }
  drawing.svg = StackChart({"Where the time goes", "", "ticks a packet"}, stacks);
  return drawing;
}

Drawing DrawRepetitions(const Measurements& m) {
  Drawing drawing = {"repetitions",
                     "How far repetitions lie apart",
                     "Box: half of the rounds; whiskers: all of them.",
                     "sluice-bench forward --size=64 … imix",
                     "",
                     ""};
  std::vector<Box> boxes;
  for (const ReadFigure* figure : SizeFigures(m, true)) {
    const double bytes = figure->Number("frame_bytes");
    const bool whole = bytes == static_cast<int>(bytes);
    boxes.push_back(
        BoxOf(whole ? std::to_string(static_cast<int>(bytes)) + " B" : "IMIX", *figure));
  }
  if (boxes.empty()) {
    drawing.missing = m.Why("size-64");
    return drawing;
  }
  drawing.svg = BoxChart({"Rounds of one run", "frame size", "ns a packet"}, boxes);
  return drawing;
}

Drawing DrawDip(const Measurements& m) {
  Drawing drawing = {"update-dip",
                     "Forwarding while policies change",
                     "The rate with changes, as per cent below the rate without, in pairs of "
                     "windows: median and quartiles; faster counts as 0.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "update", drawing, [](const ReadReport& report) {
    std::vector<Box> boxes;
    for (const ReadFigure& figure : report.figures) {
      if (figure.numbers.count("dip") != 0) {
        const double low = std::max(0.0, 100 * figure.Number("dip_low"));
        const double high = std::max(0.0, 100 * figure.Number("dip_high"));
        boxes.push_back({"dip", low, low, std::max(0.0, 100 * figure.Number("dip")), high, high});
      }
    }
    return boxes.empty()
               ? ""
               : BoxChart({"Dip while policies change", "", "per cent of the rate"}, boxes);
  });
  return drawing;
}

}  // namespace sluice
