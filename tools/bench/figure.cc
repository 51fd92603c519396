#include "tools/bench/figure.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

Json SpreadJson(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Json MachineJson(const Report& report) {
  const Machine& machine = report.machine;
  return {{"host", machine.host},         {"cpu", machine.cpu},
          {"cpus", machine.cpu_count},    {"tsc_hz", machine.tsc_hz},
          {"memory", report.memory_mode}, {"load", machine.load},
          {"compiler", machine.compiler}, {"commit", machine.commit}};
}

const std::string& MemoryOf(const Report& report, const Figure& figure) {
  return figure.memory_mode.empty() ? report.memory_mode : figure.memory_mode;
}

Json FigureJson(const Report& report, const Figure& figure) {
  Json json = {{"name", figure.name},
               {"item", figure.unit},
               {"ns", SpreadJson(figure.ns)},
               {"ticks", Ticks(report.machine, figure.ns.median)},
               {"mpps", Mpps(figure.ns.median)},
               {"source_ns", SpreadJson(figure.source_ns)},
               {"rounds", figure.rounds},
               {"round_items", figure.round_items},
               {"memory", MemoryOf(report, figure)}};
  if (figure.frame_bytes != 0) {
    json["frame_bytes"] = figure.frame_bytes;
  }
  if (!figure.rounds_ns.empty()) {
    json["rounds_ns"] = figure.rounds_ns;
  }
  for (const auto& [name, value] : figure.counters) {
    json[name] = value;
  }
  return json;
}

Json GoogleRun(const Report& report, const Figure& figure, size_t family, const char* aggregate,
               double ns) {
  Json run = {{"name", figure.name + "_" + aggregate},
              {"family_index", family},
              {"per_family_instance_index", 0},
              {"run_name", figure.name},
              {"run_type", "aggregate"},
              {"repetitions", figure.rounds},
              {"threads", 1},
              {"aggregate_name", aggregate},
              {"aggregate_unit", "time"},
              {"iterations", figure.rounds},
              {"real_time", ns},
              {"cpu_time", ns},
              {"time_unit", "ns"},
              {"items_per_second", ns > 0 ? 1e9 / ns : 0},
              {"ticks", Ticks(report.machine, ns)},
              {"source_ns", figure.source_ns.median},
              {"memory", MemoryOf(report, figure)}};
  for (const auto& [name, value] : figure.counters) {
    run[name] = value;
  }
  return run;
}

}  // namespace

double Mpps(double ns) {
  return ns > 0 ? 1e3 / ns : 0;
}

double Ticks(const Machine& machine, double ns) {
  return ns * machine.tsc_hz / 1e9;
}

std::string Provenance(const Report& report) {
  char text[512];
  std::snprintf(text, sizeof text, "%s, TSC %.3f GHz, %s, commit %s, load %.1f",
                report.machine.cpu.c_str(), report.machine.tsc_hz / 1e9, report.memory_mode.c_str(),
                report.machine.commit.c_str(), report.machine.load);
  return text;
}

std::string ReportJson(const Report& report) {
  Json json = {{"machine", MachineJson(report)}};
  json["settings"] = Json::object();
  for (const auto& [name, value] : report.settings) {
    json["settings"][name] = value;
  }
  json["figures"] = Json::array();
  for (const Figure& figure : report.figures) {
    json["figures"].push_back(FigureJson(report, figure));
  }
  if (!report.stages.empty()) {  // with the keys of `sluice show stages -j`
    json["stages"] = Json::array();
    for (const StageFigure& stage : report.stages) {
      json["stages"].push_back({{"stage", stage.name},
                                {"calls", stage.calls},
                                {"packets", stage.packets},
                                {"packets_per_call", stage.PacketsPerCall()},
                                {"ns_per_packet", stage.ns},
                                {"cycles_per_packet", stage.ticks}});
    }
  }
  json["broken_claims"] = report.broken_claims;
  return json.dump(2) + "\n";
}

std::string GoogleBenchmarkJson(const Report& report, const std::string& date) {
  const Machine& machine = report.machine;
  Json context = {{"date", date},
                  {"host_name", machine.host},
                  {"executable", "sluice-bench"},
                  {"num_cpus", machine.cpu_count},
                  {"mhz_per_cpu", static_cast<int>(machine.tsc_hz / 1e6)},
                  {"cpu_scaling_enabled", false},
                  {"caches", Json::array()},
                  {"load_avg", {machine.load}},
                  {"library_build_type", "release"},
                  {"cpu", machine.cpu},
                  {"memory", report.memory_mode},
                  {"compiler", machine.compiler},
                  {"commit", machine.commit}};
  for (const auto& [name, value] : report.settings) {
    context[name] = value;
  }
  Json runs = Json::array();
  for (size_t i = 0; i < report.figures.size(); ++i) {
    const Figure& figure = report.figures[i];
    runs.push_back(GoogleRun(report, figure, i, "median", figure.ns.median));
    runs.push_back(GoogleRun(report, figure, i, "low_quartile", figure.ns.low));
    runs.push_back(GoogleRun(report, figure, i, "high_quartile", figure.ns.high));
  }
  return Json{{"context", context}, {"benchmarks", runs}}.dump(2) + "\n";
}

}  // namespace sluice
