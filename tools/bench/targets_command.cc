// `sluice-bench targets`: how much of the bar is reached.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tools/bench/child_process.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/interruption.h"
#include "tools/bench/report_output.h"
#include "tools/bench/targets/target_run.h"

DEFINE_string(only, "", "These rows, separated by commas: T1,T5. Empty: all.");
DEFINE_bool(million_acl, false,
            "T5 beside rte_acl with 1M rules too: it takes minutes and 1.2 GB to build them.");

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

// Thousands and more without decimals, small numbers with two.
std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text,
                value >= 1000 || value == static_cast<int>(value) ? "%.0f"
                : value >= 100                                    ? "%.1f"
                                                                  : "%.2f",
                value);
  return text;
}

void PrintGoal(const GoalResult& result) {
  const bool most = result.goal.relation == Relation::kAtMost;
  const std::string wanted = (most ? "<= " : ">= ") + Short(result.wanted);
  if (!result.measured.has_value()) {
    std::printf("      %-46s %12s  not measured: %s\n", result.goal.what.c_str(), wanted.c_str(),
                result.why.c_str());
    return;
  }
  std::string time;
  if (result.ns > 0) {
    time = "(" + Short(result.ns) + " ns, " + Short(result.ticks) + " ticks" +
           (result.source_ns > 0 ? "; source " + Short(result.source_ns) + " ns, taken off)" : ")");
  }
  std::printf("      %-46s %12s %12s  %-6s %s\n", result.goal.what.c_str(), wanted.c_str(),
              Short(*result.measured).c_str(), result.met ? "met" : "MISSED", time.c_str());
}

void PrintTarget(const TargetResult& result) {
  std::printf("  %-3s %s\n", result.target.id.c_str(), result.target.work.c_str());
  for (const GoalResult& goal : result.goals) {
    PrintGoal(goal);
  }
  for (const RivalResult& rival : result.rivals) {
    std::printf("        beside it: %s%s\n", rival.name.c_str(),
                rival.ns == 0
                    ? ""
                    : (" " + Short(rival.ns) + " ns, " + Short(rival.ticks) + " ticks").c_str());
  }
  if (!result.target.quoted.empty()) {
    std::printf("        quoted, not run here: %s\n", result.target.quoted.c_str());
  }
  std::fflush(stdout);
}

Json GoalJson(const GoalResult& result) {
  Json json = {{"what", result.goal.what},
               {"relation", result.goal.relation == Relation::kAtMost ? "at most" : "at least"},
               {"wanted", result.wanted},
               {"measured", result.measured.has_value() ? Json(*result.measured) : Json()},
               {"met", result.met}};
  if (!result.measured.has_value()) {
    json["why"] = result.why;
  } else if (result.ns > 0) {
    json["ns"] = result.ns;
    json["ticks"] = result.ticks;
    json["source_ns"] = result.source_ns;
  }
  return json;
}

Json TargetJson(const TargetResult& result) {
  Json json = {{"id", result.target.id},        {"work", result.target.work},
               {"met", result.Met()},           {"measured", result.Measured()},
               {"goals", Json::array()},        {"rivals", Json::array()},
               {"quoted", result.target.quoted}};
  for (const GoalResult& goal : result.goals) {
    json["goals"].push_back(GoalJson(goal));
  }
  for (const RivalResult& rival : result.rivals) {
    json["rivals"].push_back({{"name", rival.name}, {"ns", rival.ns}, {"ticks", rival.ticks}});
  }
  return json;
}

// The rows of --only. False after a usage message.
bool Choose(std::vector<Target>& targets) {
  std::set<std::string> wanted;
  std::istringstream words(FLAGS_only);
  for (std::string word; std::getline(words, word, ',');) {
    if (std::none_of(targets.begin(), targets.end(),
                     [&](const Target& target) { return target.id == word; })) {
      UsageError("--only: there is no row " + word + "; there are " + targets.front().id + " to " +
                 targets.back().id);
      return false;
    }
    wanted.insert(word);
  }
  std::erase_if(targets, [&](const Target& target) {
    return !wanted.empty() && wanted.count(target.id) == 0;
  });
  return true;
}

int Finish(const std::vector<TargetResult>& results) {
  Report report = StartReport({{"quick", FLAGS_quick ? "yes: not for figures" : "no"}});
  const auto met = static_cast<size_t>(std::count_if(
      results.begin(), results.end(), [](const TargetResult& result) { return result.Met(); }));
  const auto whole = static_cast<size_t>(
      std::count_if(results.begin(), results.end(),
                    [](const TargetResult& result) { return result.Measured(); }));
  if (FLAGS_j) {
    Json json = Json::parse(ReportJson(report));
    json["targets"] = Json::array();
    for (const TargetResult& result : results) {
      json["targets"].push_back(TargetJson(result));
    }
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    std::printf(
        "\ntargets: %zu of %zu met, %zu not wholly measured%s; dataplane only, no NIC; %s\n", met,
        results.size(), results.size() - whole, FLAGS_quick ? "; --quick: not for figures" : "",
        Provenance(report).c_str());
  }
  return met == results.size() ? kExitYes : kExitNo;
}

int RunTargetsCommand(const Arguments& arguments) {
  std::vector<Target> targets = AllTargets({FLAGS_quick, FLAGS_million_acl});
  if (!FlagsOnly("targets", arguments) || !Choose(targets)) {
    return kExitUsage;
  }
  if (FLAGS_quick && FLAGS_million_acl) {
    return UsageError("--million_acl takes minutes; leave out --quick or it");
  }
  TargetRunner runner(
      FLAGS_program.empty() ? OwnPath() : FLAGS_program,
      FLAGS_quick ? std::vector<std::string>{"--quick"} : std::vector<std::string>{});
  if (!FLAGS_j) {
    std::printf("      %-46s %12s %12s\n", "", "WANTED", "MEASURED");
  }
  const Interruption interruption;  // what measures ends with it
  std::vector<TargetResult> results;
  for (const Target& target : targets) {
    results.push_back(runner.Run(target));
    if (Interruption::happened()) {
      return kExitNo;
    }
    if (!FLAGS_j) {
      PrintTarget(results.back());
    }
  }
  return Finish(results);
}

}  // namespace

Verb TargetsCommand() {
  return {"targets",
          "[--only=T1,T5] [--quick] [--million_acl] [-j]",
          "What is wanted, what is measured, and whether that is enough.",
          "Runs the subcommands that measure the targets, each once, and prints every row with "
          "what was\n"
          "measured, the source's cost and the rivals of the same run. What could not be measured "
          "is\n"
          "said with its reason and counts as missed. Exit 1 while a row is missed.",
          {"only", "program", "quick", "million_acl", "j"},
          RunTargetsCommand};
}

}  // namespace sluice
