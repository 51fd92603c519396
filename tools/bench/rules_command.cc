// `sluice-bench rules`: what the number and the shape of rules cost.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "absl/status/status.h"
#include "perf/workload/rule_network.h"
#include "tools/bench/commands.h"
#include "tools/bench/contest_table.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/rules/edit_time.h"
#include "tools/bench/rules/pipeline_rules.h"
#include "tools/bench/rules/rule_contest.h"
#include "tools/bench/simd_flag.h"

DEFINE_uint32(max_rules, 10000,
              "Rules of the last row; before it come 10, 40, 1000 and powers of ten.");
DEFINE_string(
    shape, "cloud",
    "Of the lists: cloud, classbench, or worst for all of nested, overlap, one_prefix and "
    "hosts.");
DEFINE_string(list, "nacl", "nacl: first match decides; sg: allow only, with prefix lists.");
DEFINE_uint64(max_acl_rules, 200000,
              "rte_acl is not built for more rules, a prefix each: 100,000 take it ten seconds.");
DEFINE_bool(pipeline, false,
            "Also --flows through the whole pipeline with these lists, with the session cache and "
            "without; with --session_cache=off only without.");

namespace sluice {
namespace {

struct RulesRequest {
  std::vector<RuleShape> shapes;
  RuleListKind list = RuleListKind::kNacl;
  bool pipeline = false;
  ForwardRequest forward;  // through the pipeline
};

bool ReadRulesFlags(RulesRequest& request) {
  request.pipeline = FLAGS_pipeline || !FLAGS_session_cache;
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
         ReadForwardFlags(request.forward) && InRange("max_rules", FLAGS_max_rules, 1, 4'000'000) &&
         InRange("burst", FLAGS_burst, 1, 256) && InRange("rounds", FLAGS_rounds, 1, 100'000) &&
         InRange("round_packets", FLAGS_round_packets, 256, 1u << 20);
}

// Through the pipeline every list has a flow at least. False after a usage message.
bool FlowsMeetLists(const RulesRequest& request) {
  const uint32_t lists = RuleListsOf(request.list, FLAGS_max_rules);
  if (!request.pipeline || FLAGS_flows >= lists) {
    return true;
  }
  UsageError("--flows=" + std::to_string(FLAGS_flows) + " is less than the " +
             std::to_string(lists) + " network ACLs that hold " + std::to_string(FLAGS_max_rules) +
             " rules");
  return false;
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

// The time until packets see an edit, for a list of the target's size or the largest there is.
absl::StatusOr<ContestRow> MeasureEdits(RuleShape shape, RuleListKind list) {
  constexpr uint32_t kEditedRules = 10'000;
  const uint32_t rules = std::min(FLAGS_max_rules, kEditedRules);
  const EditTime edits = TimeEdits({shape, list, rules, FLAGS_seed}, FLAGS_quick ? 5 : 101);
  if (!edits.refusal.empty()) {
    return absl::ResourceExhaustedError(edits.refusal);
  }
  ContestRow row;
  row.memory_mode = MemoryModeNow();
  Figure figure;
  figure.name = "rules/" + std::string(RuleShapeName(shape)) + "/edit:" + std::to_string(rules);
  figure.unit = "edit";
  figure.ns = edits.ns;
  figure.rounds = edits.edits;
  figure.round_items = 1;
  figure.counters = {{"edit_us", edits.ns.median / 1e3}};
  Claim(edits.unseen, figure.name, row);
  row.figures.push_back(std::move(figure));
  return row;
}

bool MeasureShape(const RulesRequest& request, RuleShape shape, Report& report) {
  const RuleListKind list = request.list;
  PrintContestHead("CLASSIFIER ALONE");
  for (const uint32_t rules : Sizes(FLAGS_max_rules)) {
    if (!TakeContestRow(MeasureRules(OptionsOf(shape, list, rules)), report)) {
      return false;
    }
  }
  PrintContestHead("EDIT OF ONE RULE, SEEN BY A PACKET");
  if (!TakeContestRow(MeasureEdits(shape, list), report)) {
    return false;
  }
  if (!request.pipeline) {
    return true;
  }
  PrintContestHead(("WHOLE PIPELINE, " + std::to_string(FLAGS_flows) + " FLOWS").c_str());
  for (const uint32_t rules : Sizes(FLAGS_max_rules)) {
    if (!TakeContestRow(MeasurePipelineRules({shape, list, rules, FLAGS_seed}, request.forward),
                        report)) {
      return false;
    }
  }
  return true;
}

// Ours and the rivals' with most rules of the last shape.
void PrintLastLine(const std::string& shape, const Report& report) {
  const std::string name = "rules/" + shape + "/rules:" + std::to_string(FLAGS_max_rules);
  double ns = 0;
  std::string rivals;
  for (const Figure& figure : report.figures) {
    if (figure.name == name) {
      ns = figure.ns.median;
    } else if (figure.name.rfind(name + "/", 0) == 0) {
      char text[96];
      std::snprintf(text, sizeof text, ", %.2f times as fast as %s", CounterOf(figure, "ratio"),
                    figure.name.c_str() + name.size() + 1);
      rivals += text;
    }
  }
  std::printf(
      "\nrules: %.1f ns (%.1f ticks) a packet with %u rules%s; classifier alone, dataplane only, "
      "no NIC; %s\n",
      ns, Ticks(report.machine, ns), FLAGS_max_rules, rivals.c_str(), Provenance(report).c_str());
}

// Of the largest row; rows free what they took.
uint64_t NeedBytes(const RulesRequest& request) {
  const RuleBenchOptions largest = OptionsOf(request.shapes[0], request.list, FLAGS_max_rules);
  return std::max(RuleRowBytes(largest), request.pipeline ? PipelineRuleBytes(largest.set) : 0);
}

int RunRulesCommand(const Arguments& arguments) {
  RulesRequest request;
  if (!FlagsOnly("rules", arguments) || !ReadRulesFlags(request) || !FlowsMeetLists(request)) {
    return kExitUsage;
  }
  SetFlows(FLAGS_flows, request.forward);
  const uint64_t table_bytes = NeedBytes(request);
  if (!MemoryFor("rules", table_bytes, "--max_rules") ||
      (request.pipeline && !MemoryForFlows("rules", "--flows", request.forward, 1, table_bytes))) {
    return kExitNo;
  }
  Report report = StartReport({{"shape", FLAGS_shape},
                               {"list", FLAGS_list},
                               {"burst", std::to_string(FLAGS_burst)},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  for (const RuleShape shape : request.shapes) {
    if (!MeasureShape(request, shape, report)) {
      return kExitNo;
    }
  }
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintLastLine(std::string(RuleShapeName(request.shapes.back())), report);
  }
  return JudgeReport(report);
}

}  // namespace

Verb RulesCommand() {
  return {
      "rules",
      "[--max_rules=N] [--shape=cloud|classbench|worst] [--list=nacl|sg] [-j]",
      "What the number and the shape of rules cost.",
      "Compiles lists of a seed, 10 rules to --max_rules, and classifies packets drawn over "
      "them:\n"
      "the classifier alone, beside rte_acl (its fastest variant here) and a linear scan, the "
      "same\n"
      "rules and packets, rounds in turn; RATIO is a rival's time over ours. Then the time from "
      "an\n"
      "edited list of 10,000 rules to a packet that sees it, and with --pipeline flows through "
      "the\n"
      "whole pipeline, to addresses and ports drawn over the rules. A network ACL ends with rule\n"
      "32,766: more rules are ACLs of a subnet each (the row says /acls:N), packets in turn over\n"
      "all. Flows past a security group are not tracked, as tracked ones do not ask it. Exit 1 "
      "when a classifier gave another answer, an edit was not seen, or a packet did\n"
      "not go the way it should.",
      {"max_rules", "shape", "list", "max_acl_rules", "pipeline", "session_cache", "flows", "burst",
       "rounds", "round_packets", "simd", "quick", "seed", "benchmark_out", "j"},
      RunRulesCommand};
}

}  // namespace sluice
