// What all drawings share: the way from a run to a picture. Main thread.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/report/chart.h"
#include "tools/bench/report/drawings.h"

namespace sluice {

// Fills in `svg` from the run of this name, or says why there is none.
template <typename Draw>
void DrawFrom(const Measurements& measurements, const std::string& run, Drawing& drawing,
              Draw&& draw) {
  drawing.command = measurements.CommandOf(run);
  const ReadReport* report = measurements.Get(run);
  if (report == nullptr) {
    drawing.missing = measurements.Why(run);
  } else {
    drawing.svg = draw(*report);
    drawing.missing = drawing.svg.empty() ? "the run reports no such figure" : "";
  }
}

// The runs of all frame sizes that were measured, in their order.
std::vector<const ReadFigure*> SizeFigures(const Measurements& m, bool with_imix);

// Drawings by what they show. In drawings.cc they become a page.
Drawing DrawFlows(const Measurements& m);
Drawing DrawRules(const Measurements& m);
Drawing DrawRoutes(const Measurements& m);
Drawing DrawSizes(const Measurements& m);
Drawing DrawStages(const Measurements& m);
Drawing DrawRepetitions(const Measurements& m);
Drawing DrawDip(const Measurements& m);

}  // namespace sluice
