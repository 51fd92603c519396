// Rates: against flows, rules, routes and frame size.
#include <algorithm>
#include <cstdlib>

#include "tools/bench/figure.h"
#include "tools/bench/report/draw_from.h"

namespace sluice {
namespace {

constexpr const char* kAlone = "The structure alone, without the rest of the pipeline.";

ChartPoint RatePoint(double x, const ReadFigure& figure) {
  return {x, Mpps(figure.ns.median), Mpps(figure.ns.high), Mpps(figure.ns.low)};
}

// Of rte_acl only the variant that was fastest runs, another one at another size: one line.
std::string WithoutVariant(const std::string& rival) {
  return rival.rfind("rte_acl", 0) == 0 ? "rte_acl, its fastest variant" : rival;
}

// Figures named PREFIX<number>[/<who>] as rates over the number: ours first, then every rival.
std::vector<Series> SeriesByNumber(const ReadReport& report, const std::string& prefix,
                                   const std::string& ours) {
  std::vector<Series> all = {{ours, {}, false}};
  for (const ReadFigure& figure : report.figures) {
    if (figure.name.rfind(prefix, 0) != 0 || figure.ns.median <= 0) {
      continue;
    }
    const std::string rest = figure.name.substr(prefix.size());
    const size_t slash = rest.find('/');
    const std::string who =
        slash == std::string::npos ? ours : WithoutVariant(rest.substr(slash + 1));
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const Series& series) { return series.name == who; });
    if (found == all.end()) {
      found = all.insert(all.end(), Series{who, {}, true});
    }
    found->points.push_back(RatePoint(std::strtod(rest.c_str(), nullptr), figure));
  }
  std::erase_if(all, [](const Series& series) { return series.points.empty(); });
  return all;
}

std::string RateOverNumber(const ReadReport& report, const std::string& prefix,
                           const std::string& ours, const ChartText& text) {
  const std::vector<Series> series = SeriesByNumber(report, prefix, ours);
  return series.empty() ? "" : LineChart(text, AxisScale::kLog, AxisScale::kLog, series);
}

// What a link of so many Gbit/s carries: preamble, start of frame and gap are 20 bytes (IEEE
// 802.3).
Series LineRate(double gbit, const std::vector<ChartPoint>& at) {
  Series series = {"line rate, " + ShortNumber(gbit) + " Gbit/s", {}, true};
  for (const ChartPoint& point : at) {
    const double rate = gbit * 1e3 / (8 * (point.x + 20));
    series.points.push_back({point.x, rate, rate, rate});
  }
  return series;
}

}  // namespace

std::vector<const ReadFigure*> SizeFigures(const Measurements& m, bool with_imix) {
  std::vector<const ReadFigure*> figures;
  for (const Needed& needed : AllNeeded(false)) {
    const ReadReport* report = m.Get(needed.name);
    if (needed.name.rfind("size-", 0) == 0 && report != nullptr &&
        (with_imix || needed.name != "size-imix")) {
      figures.push_back(&report->figures[0]);
    }
  }
  return figures;
}

Drawing DrawRules(const Measurements& m) {
  Drawing drawing = {"rules", "Rate against the number of rules", kAlone, "", "", ""};
  DrawFrom(m, "rules", drawing, [](const ReadReport& report) {
    return RateOverNumber(
        report, "rules/cloud/rules:", "Sluice",
        {"Classifier, cloud-shaped rules", "rules", "million packets/s, one core"});
  });
  return drawing;
}

Drawing DrawRoutes(const Measurements& m) {
  Drawing drawing = {"routes", "Rate against the number of routes", kAlone, "", "", ""};
  DrawFrom(m, "routes", drawing, [](const ReadReport& report) {
    return RateOverNumber(
        report, "routes/routes:", "Sluice",
        {"Route lookup, random keys", "routes of one table", "million lookups/s, one core"});
  });
  return drawing;
}

Drawing DrawFlows(const Measurements& m) {
  Drawing drawing = {"flows",
                     "Rate against the number of flows",
                     "Established flows, all services, keys uniform over all flows.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "flows", drawing, [](const ReadReport& report) {
    Series ours = {"Sluice, all services", {}, false};
    for (const ReadFigure& figure : report.figures) {
      ours.points.push_back(RatePoint(figure.Number("flows"), figure));
    }
    return LineChart({"Established flows", "flows", "million packets/s, one core"}, AxisScale::kLog,
                     AxisScale::kLinear, {ours});
  });
  return drawing;
}

Drawing DrawSizes(const Measurements& m) {
  Drawing drawing = {"sizes",
                     "Rate against frame size",
                     "One core, all services, 1,000 flows; what links carry beside. Sizes include "
                     "the FCS, as RFC 2544 counts. There is no NIC in the figure: a card and its "
                     "driver cost something too.",
                     "sluice-bench forward --size=64 … 1518",
                     "",
                     ""};
  Series ours = {"Sluice, all services", {}, false};
  for (const ReadFigure* figure : SizeFigures(m, false)) {
    ours.points.push_back(RatePoint(figure->Number("frame_bytes"), *figure));
  }
  if (ours.points.empty()) {
    drawing.missing = m.Why("size-64");
    return drawing;
  }
  drawing.svg = LineChart({"Rate by frame size", "bytes of a frame", "million packets/s, one core"},
                          AxisScale::kLinear, AxisScale::kLog,
                          {ours, LineRate(10, ours.points), LineRate(25, ours.points),
                           LineRate(40, ours.points), LineRate(100, ours.points)});
  return drawing;
}

}  // namespace sluice
