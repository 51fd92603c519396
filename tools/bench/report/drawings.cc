#include "tools/bench/report/drawings.h"

#include <algorithm>
#include <cstdlib>

#include "tools/bench/figure.h"
#include "tools/bench/report/chart.h"

namespace sluice {
namespace {

constexpr const char* kAlone = "The structure alone, without the rest of the pipeline.";

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

// The runs of all sizes, by name.
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

Dot DotOf(const std::string& name, const ReadFigure& figure, bool ours) {
  return {name, figure.ns.median, figure.ns.low, figure.ns.high, ours};
}

// Every figure of a run in a row of its own.
Drawing DrawFigures(const Measurements& m, const std::string& run, const std::string& title,
                    const std::string& note) {
  Drawing drawing = {run, title, note, "", "", ""};
  DrawFrom(m, run, drawing, [&](const ReadReport& report) {
    std::vector<Dot> dots;
    for (const ReadFigure& figure : report.figures) {
      if (figure.ns.median > 0) {
        dots.push_back(DotOf(figure.name + ", a " + figure.item, figure, true));
      }
    }
    return dots.empty() ? "" : DotChart({title, "ns", ""}, dots);
  });
  return drawing;
}

// A rival's figure is named after ours: OURS/rival; testpmd's stand for themselves.
bool IsRival(const ReadReport& report, const ReadFigure& figure) {
  const size_t slash = figure.name.rfind('/');
  return figure.name.rfind("testpmd/", 0) == 0 ||
         (slash != std::string::npos && report.Find(figure.name.substr(0, slash)) != nullptr);
}

Drawing DrawRivals(const Measurements& m) {
  Drawing drawing = {"rivals",
                     "Rivals beside us",
                     "Blue: Sluice; the rows below it: rivals at the same work, on the same keys, "
                     "in the same rounds. testpmd's rows receive and send on null ports.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "rivals", drawing, [](const ReadReport& report) {
    std::vector<Dot> dots;
    for (const ReadFigure& figure : report.figures) {
      if (figure.ns.median > 0) {
        dots.push_back(DotOf(figure.name, figure, !IsRival(report, figure)));
      }
    }
    return dots.empty() ? "" : DotChart({"Sluice and its rivals", "ns an item", ""}, dots);
  });
  return drawing;
}

// Numbers of one figure under these keys, as rows.
std::vector<Dot> DotsOfKeys(const ReadFigure& figure,
                            const std::vector<std::pair<std::string, std::string>>& keys) {
  std::vector<Dot> dots;
  for (const auto& [key, name] : keys) {
    if (const double value = figure.Number(key); value > 0) {
      dots.push_back({name, value, value, value, true});
    }
  }
  return dots;
}

Drawing DrawUpdate(const Measurements& m) {
  Drawing drawing = {"update",
                     "A policy change",
                     "From publish to every packet under the new rules, and what it takes to "
                     "compile and apply.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "update", drawing, [](const ReadReport& report) {
    std::vector<Dot> dots;
    for (const ReadFigure& figure : report.figures) {
      const bool compile = figure.name.rfind("update/compile/", 0) == 0;
      const std::vector<Dot> more =
          compile ? std::vector<Dot>{DotOf(figure.name.substr(7), figure, true)}
                  : DotsOfKeys(figure, {{"p50_ns", "to effect, half of them"},
                                        {"p99_ns", "to effect, 99 %"},
                                        {"p999_ns", "to effect, 99.9 %"}});
      dots.insert(dots.end(), more.begin(), more.end());
    }
    return dots.empty() ? "" : DotChart({"A policy change", "ns", ""}, dots);
  });
  return drawing;
}

Drawing DrawDip(const Measurements& m) {
  Drawing drawing = {"update-dip",
                     "Forwarding while policies change",
                     "The rate with changes, as per cent below the rate without, in pairs of "
                     "windows: quartiles.",
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

}  // namespace

std::vector<Drawing> DrawAll(const Measurements& m) {
  return {
      DrawFlows(m),
      DrawRules(m),
      DrawRoutes(m),
      DrawSizes(m),
      DrawStages(m),
      DrawRepetitions(m),
      DrawRivals(m),
      DrawFigures(m, "cps", "New connections",
                  "full and filling: a connection, opened and closed; the others: one packet of "
                  "each step."),
      DrawFigures(m, "latency", "Latency of a burst", "Percentiles under load."),
      DrawUpdate(m),
      DrawDip(m),
  };
}

}  // namespace sluice
