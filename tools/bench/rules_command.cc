// `sluice-bench rules`: what the number and the shape of rules cost.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/rules/rule_contest.h"
#include "tools/bench/simd_flag.h"

DEFINE_uint32(max_rules, 10000,
              "Rules of the last row; before it come 10, 40, 1000 and powers of ten.");
DEFINE_string(
    shape, "cloud",
    "Of the lists: cloud, classbench, or worst for all of nested, overlap, one_prefix and "
    "hosts.");
DEFINE_string(list, "nacl", "nacl: first match decides; sg: allow only, with prefix lists.");
DEFINE_uint64(max_acl_rules, 20000,
              "rte_acl is not built for more rules: it takes minutes and many GB.");

namespace sluice {
namespace {

struct RulesRequest {
  std::vector<RuleShape> shapes;
  RuleListKind list = RuleListKind::kNacl;
};

bool ReadRulesFlags(RulesRequest& request) {
  using Shapes = std::vector<RuleShape>;
  return OneOf<Shapes>("shape", FLAGS_shape,
                       {{"cloud", Shapes{RuleShape::kCloud}},
                        {"classbench", Shapes{RuleShape::kClassBench}},
                        {"worst", Shapes{RuleShape::kNested, RuleShape::kOverlap,
                                         RuleShape::kOnePrefix, RuleShape::kHosts}},
                        {"nested", Shapes{RuleShape::kNested}},
                        {"overlap", Shapes{RuleShape::kOverlap}},
                        {"one_prefix", Shapes{RuleShape::kOnePrefix}},
                        {"hosts", Shapes{RuleShape::kHosts}}},
                       request.shapes) &&
         OneOf<RuleListKind>("list", FLAGS_list,
                             {{"nacl", RuleListKind::kNacl}, {"sg", RuleListKind::kGroups}},
                             request.list) &&
         InRange("max_rules", FLAGS_max_rules, 1, 4'000'000) &&
         InRange("burst", FLAGS_burst, 1, 256) && InRange("rounds", FLAGS_rounds, 1, 100'000) &&
         InRange("round_packets", FLAGS_round_packets, 256, 1u << 20);
}

std::vector<uint32_t> Sizes(uint32_t most) {
  std::vector<uint32_t> sizes;
  for (const uint32_t size : {10u, 40u, 1000u, 10'000u, 100'000u, 1'000'000u}) {
    if (size < most) {
      sizes.push_back(size);
    }
  }
  sizes.push_back(most);
  return sizes;
}

RuleBenchOptions OptionsOf(RuleShape shape, RuleListKind list, uint32_t rules) {
  RuleBenchOptions options;
  options.set = {shape, list, rules, FLAGS_seed};
  options.burst = FLAGS_burst;
  options.rounds = FLAGS_quick ? 3 : FLAGS_rounds;
  options.round_packets = FLAGS_quick ? 8192 : FLAGS_round_packets;
  options.packets = FLAGS_quick ? 1u << 15 : 1u << 20;
  options.max_acl_rules = FLAGS_max_acl_rules;
  return options;
}

double Counter(const Figure& figure, std::string_view name) {
  const auto found = std::find_if(figure.counters.begin(), figure.counters.end(),
                                  [&](const auto& counter) { return counter.first == name; });
  return found == figure.counters.end() ? 0 : found->second;
}

void PrintHead() {
  std::printf("  %-44s %8s %18s %8s %8s %12s %10s %6s\n", "CLASSIFIER ALONE", "NS", "QUARTILES",
              "TICKS", "RATIO", "BUILD US", "KB", "STEPS");
}

void PrintFigure(const Machine& machine, const Figure& figure) {
  std::printf("  %-44s %8.1f %8.1f..%-8.1f %8.1f %8.2f %12.1f %10.1f %6.0f\n",
              figure.name.c_str() + 6, figure.ns.median, figure.ns.low, figure.ns.high,
              Ticks(machine, figure.ns.median), Counter(figure, "ratio"),
              Counter(figure, "build_us"), Counter(figure, "bytes") / 1e3,
              Counter(figure, "max_steps"));
}

// Takes a row into the report and prints it. False after a message: it could not be made.
bool TakeRow(const absl::StatusOr<RuleRow>& row, Report& report) {
  if (!row.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(row.status().message()).c_str());
    return false;
  }
  for (const Figure& figure : row->figures) {
    if (!FLAGS_j) {
      PrintFigure(report.machine, figure);
    }
    report.figures.push_back(figure);
  }
  for (const std::string& absent : row->absent) {
    if (!FLAGS_j) {
      std::printf("    not run: %s\n", absent.c_str());
    }
    report.settings.emplace_back("not run", absent);
  }
  std::fflush(stdout);
  report.memory_mode = row->memory_mode;
  report.broken_claims.insert(report.broken_claims.end(), row->mistaken.begin(),
                              row->mistaken.end());
  return true;
}

bool MeasureAll(const RulesRequest& request, Report& report) {
  if (!FLAGS_j) {
    PrintHead();
  }
  for (const RuleShape shape : request.shapes) {
    for (const uint32_t rules : Sizes(FLAGS_max_rules)) {
      if (!TakeRow(MeasureRules(OptionsOf(shape, request.list, rules)), report)) {
        return false;
      }
    }
  }
  return true;
}

// Ours and the rivals' with most rules of the last shape.
void PrintLastLine(const Report& report) {
  const Figure* ours = nullptr;
  std::string rivals;
  for (const Figure& figure : report.figures) {
    if (ours == nullptr || figure.name.rfind(ours->name + "/", 0) != 0) {
      ours = &figure;
      rivals.clear();
      continue;
    }
    char text[96];
    std::snprintf(text, sizeof text, ", %.2f times as fast as %s", Counter(figure, "ratio"),
                  figure.name.c_str() + ours->name.size() + 1);
    rivals += text;
  }
  std::printf(
      "\nrules: %.1f ns (%.1f ticks) a packet with %.0f rules%s; classifier alone, dataplane only, "
      "no NIC; %s\n",
      ours->ns.median, Ticks(report.machine, ours->ns.median), Counter(*ours, "rules"),
      rivals.c_str(), Provenance(report).c_str());
}

int RunRulesCommand(const Arguments& arguments) {
  RulesRequest request;
  if (!FlagsOnly("rules", arguments) || !ReadRulesFlags(request) || !TakeSimdFlag()) {
    return kExitUsage;
  }
  const RuleBenchOptions largest = OptionsOf(request.shapes[0], request.list, FLAGS_max_rules);
  if (!MemoryFor("rules", RuleRowBytes(largest), "--max_rules")) {
    return kExitNo;
  }
  Report report = StartReport({{"shape", FLAGS_shape},
                               {"list", FLAGS_list},
                               {"burst", std::to_string(FLAGS_burst)},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  if (!MeasureAll(request, report) || !WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintLastLine(report);
  }
  return JudgeReport(report);
}

}  // namespace

Verb RulesCommand() {
  return {"rules",
          "[--max_rules=N] [--shape=cloud|classbench|worst] [--list=nacl|sg] [-j]",
          "What the number and the shape of rules cost.",
          "Compiles lists of a seed, 10 rules to --max_rules, and classifies packets drawn over "
          "them:\n"
          "the classifier alone, beside rte_acl (its fastest variant here) and a linear scan, the "
          "same\n"
          "rules and packets, rounds in turn. Exit 1 when one of them gave another answer.",
          {"max_rules", "shape", "list", "max_acl_rules", "burst", "rounds", "round_packets",
           "simd", "quick", "seed", "benchmark_out", "j"},
          RunRulesCommand};
}

}  // namespace sluice
