// The page's pictures in order, and those that are rows of single values.
#include "tools/bench/report/drawings.h"

#include "tools/bench/report/draw_from.h"

namespace sluice {
namespace {

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
  Drawing drawing = {
      "rivals",
      "Rivals beside us",
      "Blue: Sluice; orange, the rows below it: rivals at the same work, on the same keys, "
      "in the same rounds. testpmd's rows receive and send on null ports; OVS-DPDK ran "
      "between two halves of ours, its source taken off.",
      "",
      "",
      ""};
  DrawFrom(m, "rivals", drawing, [&drawing](const ReadReport& report) {
    std::vector<Dot> dots;
    for (const auto& [name, why] : report.settings) {
      drawing.note += name.rfind("not run: ", 0) == 0 ? " Not run: " + why + "." : "";
    }
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

Drawing DrawLatency(const Measurements& m) {
  Drawing drawing = {"latency",
                     "Latency of a packet under load",
                     "From a packet's arrival by the clock to the end of its burst, by share of "
                     "the highest rate.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "latency", drawing, [&drawing](const ReadReport& report) {
    std::vector<Dot> dots;
    for (const ReadFigure& figure : report.figures) {
      const std::string load = ShortNumber(100 * figure.Number("load")) + " % load";
      for (const Dot& dot : DotsOfKeys(figure, {{"p50_ns", ", half of them"},
                                                {"p90_ns", ", 90 %"},
                                                {"p99_ns", ", 99 %"},
                                                {"p999_ns", ", 99.9 %"},
                                                {"p9999_ns", ", 99.99 %"}})) {
        dots.push_back({load + dot.name, dot.value, dot.value, dot.value, true});
      }
      const double arrived = figure.Number("packets") + figure.Number("lost");
      drawing.note += " At " + load + ", " +
                      ShortNumber(arrived > 0 ? 100 * figure.Number("lost") / arrived : 0) +
                      " % met a full queue and are not in it.";
    }
    return dots.empty() ? "" : DotChart({"Latency of a packet", "ns", ""}, dots);
  });
  return drawing;
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

Drawing DrawHero(const Measurements& m) {
  Drawing drawing = {"hero",
                     "Everything at once, in real time",
                     "Background flows, new connections and policy changes together: a burst's "
                     "way through the pipeline, and how late a packet was taken.",
                     "",
                     "",
                     ""};
  DrawFrom(m, "hero", drawing, [](const ReadReport& report) {
    const std::vector<Dot> dots =
        DotsOfKeys(report.figures[0], {{"burst_p50_ns", "a burst, half"},
                                       {"burst_p99_ns", "a burst, 99 %"},
                                       {"burst_longest_ns", "the longest"},
                                       {"late_p50_ns", "late, half"},
                                       {"late_p99_ns", "late, 99 %"},
                                       {"late_longest_ns", "the latest"}});
    return dots.empty() ? "" : DotChart({"Everything at once", "ns", ""}, dots);
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
      DrawLatency(m),
      DrawHero(m),
      DrawUpdate(m),
      DrawDip(m),
  };
}

}  // namespace sluice
