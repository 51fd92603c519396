#include "tools/bench/export/formats.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/bench/figure.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::string MachineOf(const ReadReport& report) {
  return report.cpu + ", " + report.memory + ", " + report.compiler + ", commit " + report.commit +
         "; dataplane only, no NIC";
}

// name, unit, value, range and extra: what the action's custom tools read.
Json ActionEntry(const ReadReport& report, const ReadFigure& figure, bool bigger) {
  const double low = bigger ? Mpps(figure.ns.high) : figure.ns.low;
  const double high = bigger ? Mpps(figure.ns.low) : figure.ns.high;
  char range[32];
  std::snprintf(range, sizeof range, "± %.3g", (high - low) / 2);
  return {{"name", figure.name},
          {"unit", bigger ? "M " + figure.item + "s/s" : "ns/" + figure.item},
          {"value", bigger ? Mpps(figure.ns.median) : figure.ns.median},
          {"range", range},
          {"extra", MachineOf(report)}};
}

Json BencherEntry(const ReadFigure& figure) {
  const auto a_second = [](double ns) { return Mpps(ns) * 1e6; };
  const auto measure = [](double value, double low, double high) {
    return Json{{"value", value}, {"lower_value", low}, {"upper_value", high}};
  };
  return {{"latency", measure(figure.ns.median, figure.ns.low, figure.ns.high)},
          {"throughput",
           measure(a_second(figure.ns.median), a_second(figure.ns.high), a_second(figure.ns.low))}};
}

}  // namespace

absl::Status CheckNames(const std::vector<ReadReport>& reports) {
  std::set<std::string> names;
  for (const ReadReport& report : reports) {
    for (const ReadFigure& figure : report.figures) {
      if (!names.insert(figure.name).second) {
        return absl::InvalidArgumentError(figure.name +
                                          " is there twice; export the reports one by one");
      }
    }
  }
  return absl::OkStatus();
}

bool HasTimes(const std::vector<ReadReport>& reports) {
  return std::any_of(reports.begin(), reports.end(), [](const ReadReport& report) {
    return std::any_of(report.figures.begin(), report.figures.end(),
                       [](const ReadFigure& figure) { return figure.ns.median > 0; });
  });
}

std::string ExportJson(ExportFormat format, const std::vector<ReadReport>& reports) {
  Json json = format == ExportFormat::kBencher ? Json::object() : Json::array();
  for (const ReadReport& report : reports) {
    for (const ReadFigure& figure : report.figures) {
      if (figure.ns.median <= 0) {
        continue;
      }
      if (format == ExportFormat::kBencher) {
        json[figure.name] = BencherEntry(figure);
      } else {
        json.push_back(ActionEntry(report, figure, format == ExportFormat::kBiggerIsBetter));
      }
    }
  }
  return json.dump(2) + "\n";
}

}  // namespace sluice
