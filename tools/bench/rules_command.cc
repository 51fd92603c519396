// `sluice-bench rules`: what the number and the shape of rules cost.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/report_output.h"
#include "tools/bench/rules/contest.h"
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
         InRange("burst", FLAGS_burst, 1, 192) && InRange("rounds", FLAGS_rounds, 1, 100'000) &&
         InRange("round_packets", FLAGS_round_packets, 192, 1u << 24);
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

ContestOptions OptionsOf(RuleShape shape, RuleListKind list, uint32_t rules) {
  ContestOptions options;
  options.set = {shape, list, rules, FLAGS_seed};
  options.burst = FLAGS_burst;
  options.rounds = FLAGS_quick ? 3 : FLAGS_rounds;
  const uint32_t packets = FLAGS_quick ? 8192 : FLAGS_round_packets;
  options.round_packets = packets / FLAGS_burst * FLAGS_burst;
  options.packets = (FLAGS_quick ? 1u << 15 : 1u << 20) / FLAGS_burst * FLAGS_burst;
  options.sampled_packets = FLAGS_quick ? 4096 : 65'536;
  options.max_acl_rules = FLAGS_max_acl_rules;
  return options;
}

std::string ShapeAndSize(RuleShape shape, uint32_t rules) {
  return std::string(RuleShapeName(shape)) + "/rules:" + std::to_string(rules);
}

Figure MakeFigure(const std::string& name, const ContestResult& result,
                  const Contestant& contestant) {
  Figure figure;
  figure.name = name;
  figure.ns = contestant.ns;
  figure.counters = {{"rules", static_cast<double>(result.rules)},
                     {"expanded_rules", static_cast<double>(result.expanded_rules)},
                     {"max_steps", static_cast<double>(result.max_steps)},
                     {"build_ns", contestant.build_ns},
                     {"bytes", static_cast<double>(contestant.bytes)},
                     {"times_ours", contestant.ratio.median},
                     {"times_ours_low", contestant.ratio.low},
                     {"times_ours_high", contestant.ratio.high},
                     {"sampled", static_cast<double>(contestant.asked)},
                     {"wrong", static_cast<double>(contestant.wrong)}};
  return figure;
}

void PrintHeading() {
  std::printf("  %-10s %9s  %-18s %8s %17s %8s %7s %12s %10s\n", "SHAPE", "RULES", "CLASSIFIER",
              "NS", "QUARTILES", "TICKS", "X OURS", "BUILD US", "KB");
}

void PrintContestant(const Report& report, RuleShape shape, uint32_t rules,
                     const Contestant& contestant) {
  if (!contestant.skipped.empty()) {
    std::printf("  %-10s %9u  %-18s %s\n", RuleShapeName(shape).data(), rules,
                contestant.name.c_str(), contestant.skipped.c_str());
    return;
  }
  std::printf("  %-10s %9u  %-18s %8.1f %8.1f..%-7.1f %8.1f %7.2f %12.1f %10.1f\n",
              RuleShapeName(shape).data(), rules, contestant.name.c_str(), contestant.ns.median,
              contestant.ns.low, contestant.ns.high, Ticks(report.machine, contestant.ns.median),
              contestant.ratio.median, contestant.build_ns / 1e3,
              static_cast<double>(contestant.bytes) / 1e3);
}

void MeasureAlone(const ContestOptions& options, Report& report) {
  const ContestResult result = RunContest(options);
  const std::string row = ShapeAndSize(options.set.shape, options.set.rules);
  for (const Contestant& contestant : result.contestants) {
    if (!FLAGS_j) {
      PrintContestant(report, options.set.shape, options.set.rules, contestant);
    }
    if (contestant.skipped.empty()) {
      report.figures.push_back(
          MakeFigure("rules/" + contestant.name.substr(0, contestant.name.find('/')) + "/" + row,
                     result, contestant));
    }
  }
  std::fflush(stdout);
  for (const std::string& claim : BrokenClaims(result)) {
    report.broken_claims.push_back(row + ": " + claim);
  }
}

int RunRulesCommand(const Arguments& arguments) {
  RulesRequest request;
  if (!FlagsOnly("rules", arguments) || !ReadRulesFlags(request) || !TakeSimdFlag()) {
    return kExitUsage;
  }
  Report report = StartReport({{"shape", FLAGS_shape},
                               {"list", FLAGS_list},
                               {"burst", std::to_string(FLAGS_burst)},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  if (!FLAGS_j) {
    PrintHeading();
  }
  for (const RuleShape shape : request.shapes) {
    for (const uint32_t rules : Sizes(FLAGS_max_rules)) {
      MeasureAlone(OptionsOf(shape, request.list, rules), report);
    }
  }
  report.memory_mode = MemoryModeNow();
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    std::printf("\nrules: classifier alone; dataplane only, no NIC; %s\n",
                Provenance(report).c_str());
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
