#include "tools/bench/contest_table.h"

#include <cstdio>

#include "tools/bench/flags.h"

namespace sluice {

void PrintContestHead(const char* title) {
  if (!FLAGS_j) {
    std::printf("  %-40s %8s %18s %8s %9s %7s %12s %10s\n", title, "NS", "QUARTILES", "TICKS",
                "M/S/CORE", "RATIO", "BYTES", "BUILD MS");
  }
}

void PrintContestFigure(const Machine& machine, const Figure& figure) {
  if (FLAGS_j) {
    return;
  }
  const double ratio = CounterOf(figure, "ratio");
  char ratio_text[16] = "";
  if (ratio != 0) {
    std::snprintf(ratio_text, sizeof ratio_text, "%.2f", ratio);
  }
  const double build_ms = CounterOf(figure, "build_ms") + CounterOf(figure, "build_us") / 1e3;
  std::printf("  %-40s %8.2f %8.2f..%-8.2f %8.1f %9.1f %7s %12.0f %10.2f\n",
              figure.name.substr(figure.name.find('/') + 1).c_str(), figure.ns.median,
              figure.ns.low, figure.ns.high, Ticks(machine, figure.ns.median),
              Mpps(figure.ns.median), ratio_text, CounterOf(figure, "bytes"), build_ms);
  if (figure.source_ns.median > 0) {
    std::printf("    its source: %.2f ns a packet, taken off\n", figure.source_ns.median);
  }
}

bool TakeContestRow(const absl::StatusOr<ContestRow>& row, Report& report) {
  if (!row.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(row.status().message()).c_str());
    return false;
  }
  for (const Figure& figure : row->figures) {
    PrintContestFigure(report.machine, figure);
    report.figures.push_back(figure);
    report.figures.back().memory_mode = row->memory_mode;
  }
  for (const std::string& absent : row->absent) {
    NoteAbsent(absent, report);
  }
  for (const std::string& note : row->notes) {
    if (!FLAGS_j) {
      std::printf("    %s\n", note.c_str());
    }
    const size_t colon = note.find(": ");
    report.settings.emplace_back(note.substr(0, colon), note.substr(colon + 2));
  }
  std::fflush(stdout);
  report.memory_mode = row->memory_mode;
  report.broken_claims.insert(report.broken_claims.end(), row->mistaken.begin(),
                              row->mistaken.end());
  return true;
}

void NoteAbsent(const std::string& absent, Report& report) {
  if (!FLAGS_j) {
    std::printf("    not run: %s\n", absent.c_str());
  }
  report.settings.emplace_back("not run: " + absent.substr(0, absent.find(':')), absent);
}

}  // namespace sluice
