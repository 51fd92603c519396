// `sluice-bench compare`: another commit's figures against this one's.
#include <gflags/gflags.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "tools/bench/child_process.h"
#include "tools/bench/commands.h"
#include "tools/bench/compare/base_build.h"
#include "tools/bench/compare/comparison.h"
#include "tools/bench/compare/paired_runs.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/interruption.h"
#include "tools/bench/report_output.h"
#include "tools/bench/report_reader.h"

DEFINE_uint32(pairs, 20, "Pairs of runs, old and new in turn.");
DEFINE_double(gate, 3, "Per cent that the new may be slower.");
DEFINE_string(of, "forward", "The subcommand that is run.");
DEFINE_uint32(jobs, 0, "Compilers at a time when the old is built. 0: one for each CPU.");

namespace sluice {
namespace {

struct Sides {
  std::string old_name;
  std::string new_name;
  std::vector<std::string> flags;  // for both
};

bool IsFile(const std::string& path) {
  return std::filesystem::is_regular_file(path);
}

bool IsProgram(const std::string& path) {
  return IsFile(path) && access(path.c_str(), X_OK) == 0;
}

// OLD [NEW] [-- FLAG…]. nullopt after a usage message.
std::optional<Sides> ReadSides(const Arguments& arguments) {
  Sides sides;
  for (const std::string& word : arguments.words) {
    if (!sides.flags.empty() || word[0] == '-') {
      sides.flags.push_back(word);
    } else if (sides.old_name.empty()) {
      sides.old_name = word;
    } else if (sides.new_name.empty()) {
      sides.new_name = word;
    } else {
      UsageError("`compare` takes OLD and NEW, then `--` and flags; what is \"" + word + "\"?");
      return std::nullopt;
    }
  }
  if (sides.old_name.empty()) {
    UsageError("`compare` needs what to compare with: a commit, a sluice-bench, or a -j report");
    return std::nullopt;
  }
  if (!sides.new_name.empty() && !IsFile(sides.new_name)) {
    UsageError(sides.new_name + " is neither a program nor a report");
    return std::nullopt;
  }
  return sides;
}

void PrintRow(const Comparison& c) {
  const auto half = [](const Spread& s) {
    return s.median > 0 ? 50 * (s.high - s.low) / s.median : 0;
  };
  std::printf("  %-44s %9.1f ±%3.0f%% %9.1f ±%3.0f%%  %6.3f [%.3f..%.3f]  %6.4f %4zu  %s\n",
              c.name.c_str(), c.old_ns.median, half(c.old_ns), c.new_ns.median, half(c.new_ns),
              c.ratio.median, c.ratio.low, c.ratio.high, c.p, c.count,
              std::string(CompareVerdictName(c.verdict)).c_str());
}

void PrintRows(const std::vector<Comparison>& comparisons) {
  std::printf("  %-44s %14s %14s  %6s %-16s  %6s %4s\n", "NANOSECONDS", "OLD", "NEW", "RATIO",
              "95 % INTERVAL", "P", "N");
  for (const Comparison& c : comparisons) {
    PrintRow(c);
  }
}

Figure FigureOf(const Comparison& c) {
  Figure figure;
  figure.name = c.name;
  figure.ns = c.new_ns;
  figure.rounds = static_cast<uint32_t>(c.count);
  figure.counters = {{"old_ns", c.old_ns.median},
                     {"ratio", c.ratio.median},
                     {"ratio_low", c.ratio.low},
                     {"ratio_high", c.ratio.high},
                     {"p", c.p},
                     {"pairs", static_cast<double>(c.count)},
                     {"too_slow", c.verdict == CompareVerdict::kTooSlow ? 1 : 0}};
  return figure;
}

int Finish(const Sides& sides, const std::vector<Comparison>& comparisons) {
  Report report = StartReport({{"old", sides.old_name},
                               {"new", sides.new_name.empty() ? "this program" : sides.new_name},
                               {"gate", std::to_string(FLAGS_gate) + " %"}});
  size_t slow_count = 0;
  for (const Comparison& c : comparisons) {
    report.figures.push_back(FigureOf(c));
    slow_count += c.verdict == CompareVerdict::kTooSlow ? 1 : 0;
  }
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j) {
    PrintRows(comparisons);
    std::printf(
        "\ncompare: %zu of %zu figures more than %g %% slower than %s; dataplane only, no "
        "NIC; %s\n",
        slow_count, comparisons.size(), FLAGS_gate, sides.old_name.c_str(),
        Provenance(report).c_str());
  }
  return slow_count == 0 ? kExitYes : kExitNo;
}

std::vector<Comparison> CompareAll(const std::vector<MeasuredTwice>& measured,
                                   Comparison (*compare)(const MeasuredTwice&, double)) {
  std::vector<Comparison> comparisons;
  for (const MeasuredTwice& one : measured) {
    comparisons.push_back(compare(one, FLAGS_gate / 100));
  }
  return comparisons;
}

int Fail(const absl::Status& status) {
  if (!Interruption::happened()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(status.message()).c_str());
  }
  return kExitNo;
}

// What a report knows of a figure: its rounds, or else its median and quartiles.
std::vector<double> ValuesOf(const ReadFigure& figure) {
  return figure.rounds_ns.empty()
             ? std::vector<double>{figure.ns.low, figure.ns.median, figure.ns.high}
             : figure.rounds_ns;
}

int CompareReports(const Sides& sides) {
  const auto before = ReadReportFile(sides.old_name);
  const auto now = ReadReportFile(sides.new_name);
  if (!before.ok() || !now.ok()) {
    return Fail(before.ok() ? now.status() : before.status());
  }
  std::vector<MeasuredTwice> measured;
  for (const ReadFigure& figure : now->figures) {
    if (const ReadFigure* old = before->Find(figure.name); old != nullptr) {
      measured.push_back({figure.name, ValuesOf(*old), ValuesOf(figure)});
    }
  }
  if (measured.empty()) {
    return Fail(absl::NotFoundError("the two reports have no figure of the same name"));
  }
  if (!FLAGS_j && (before->cpu != now->cpu || before->memory != now->memory)) {
    std::printf("  not of the same machine: %s, %s; %s, %s\n", before->cpu.c_str(),
                before->memory.c_str(), now->cpu.c_str(), now->memory.c_str());
  }
  return Finish(sides, CompareAll(measured, &CompareUnpaired));
}

// Says on a terminal how far it is.
void ShowProgress(uint32_t pair) {
  if (isatty(STDERR_FILENO) != 0) {
    std::fprintf(stderr, "\rpair %u of %u%s", pair, FLAGS_pairs, pair == FLAGS_pairs ? "\n" : "");
  }
}

// What both sides are asked for.
std::vector<std::string> CommandOf(const Sides& sides, bool quick) {
  std::vector<std::string> command = {FLAGS_of};
  if (quick) {
    command.push_back("--quick");
  }
  command.insert(command.end(), sides.flags.begin(), sides.flags.end());
  return command;
}

std::string NewProgram(const Sides& sides) {
  return sides.new_name.empty() ? OwnPath() : sides.new_name;
}

// Whether the new side knows the flags behind `--`: it runs with them once, quickly, which takes
// less than a build. False after its own message.
bool FlagsAreKnown(const Sides& sides) {
  std::vector<std::string> words = CommandOf(sides, true);
  words.insert(words.begin(), NewProgram(sides));
  words.push_back("-j");
  const ChildResult result = RunChild(words);
  if (result.exit_code == kExitUsage) {
    std::fprintf(stderr, "%s\n", LastLines(result.err, 5).c_str());
    UsageError("`" + FLAGS_of + "` does not understand what stands behind `--`; nothing was built");
  }
  return result.exit_code != kExitUsage;
}

int ComparePrograms(const Sides& sides, const std::string& old_program) {
  PairedRuns runs;
  runs.old_program = old_program;
  runs.new_program = NewProgram(sides);
  runs.pairs = FLAGS_quick ? 6 : FLAGS_pairs;
  runs.command = CommandOf(sides, FLAGS_quick);
  absl::StatusOr<std::vector<MeasuredTwice>> measured = RunPairs(runs, ShowProgress);
  if (!measured.ok()) {
    return Fail(measured.status());
  }
  std::vector<Comparison> comparisons = CompareAll(*measured, &ComparePairs);
  const bool suspicious =
      std::any_of(comparisons.begin(), comparisons.end(),
                  [](const Comparison& c) { return IsSuspicious(c, FLAGS_gate / 100); });
  if (suspicious) {  // chance is not slower twice: the second time counts
    if (!FLAGS_j) {
      PrintRows(comparisons);
      std::printf("  above the gate: measured once more\n");
    }
    measured = RunPairs(runs, ShowProgress);
    if (!measured.ok()) {
      return Fail(measured.status());
    }
    comparisons = CompareAll(*measured, &ComparePairs);
  }
  return Finish(sides, comparisons);
}

// False after a usage message.
bool OfMeasures() {
  std::vector<std::pair<std::string_view, bool>> words;
  for (const Verb& verb : MeasuringCommands()) {
    words.emplace_back(verb.name, true);
  }
  bool measures = false;
  return OneOf<bool>("of", FLAGS_of, std::span<const std::pair<std::string_view, bool>>(words),
                     measures);
}

int RunCompareCommand(const Arguments& arguments) {
  const std::optional<Sides> sides = ReadSides(arguments);
  if (!sides.has_value() || !OfMeasures() || !InRange("pairs", FLAGS_pairs, 2, 10'000) ||
      !InRange("jobs", FLAGS_jobs, 0, 1024) || !OutputIsWritable()) {
    return kExitUsage;
  }
  if (!(FLAGS_gate >= 0 && FLAGS_gate <= 100)) {
    return UsageError("--gate is not in 0..100 per cent");
  }
  const Interruption interruption;  // outlives the base's folder
  if (IsProgram(sides->old_name)) {
    return ComparePrograms(*sides, std::filesystem::absolute(sides->old_name).string());
  }
  if (IsFile(sides->old_name)) {
    return sides->new_name.empty()
               ? UsageError("a report is compared with another: `compare OLD.json NEW.json`")
               : CompareReports(*sides);
  }
  if (!sides->flags.empty() && !FlagsAreKnown(*sides)) {
    return kExitUsage;
  }
  if (Interruption::happened()) {
    return kExitNo;
  }
  if (!FLAGS_j) {
    std::fprintf(stderr, "building %s\n", sides->old_name.c_str());
  }
  const auto base = BaseBuild::Make(sides->old_name, FLAGS_jobs);
  return base.ok() ? ComparePrograms(*sides, (*base)->program()) : Fail(base.status());
}

}  // namespace

Verb CompareCommand() {
  return {
      "compare",
      "OLD [NEW] [--pairs=N] [--of=SUBCOMMAND] [-j] [-- FLAG…]",
      "Whether this is slower than another commit, and how sure that is.",
      "OLD is a commit, which is built in a temporary folder (release, sluice-bench only), or "
      "the\n"
      "sluice-bench of another build; NEW another one, or this program. Both run in turn, old "
      "new\n"
      "new old …, with the flags behind `--`. For each figure: medians and half their "
      "quartiles'\n"
      "distance, the ratio as median over the pairs with its 95 % interval, and p of there "
      "being\n"
      "no difference (Mann-Whitney). Above the gate everything is measured once more, and that\n"
      "counts. Exit 1 when a figure is certainly slower by more than --gate per cent. Two -j\n"
      "reports or Google Benchmark files are compared by their rounds, which are no pairs.",
      {"pairs", "gate", "of", "jobs", "quick", "benchmark_out", "j"},
      RunCompareCommand};
}

}  // namespace sluice
