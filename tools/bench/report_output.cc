#include "tools/bench/report_output.h"

#include <cstdio>
#include <ctime>
#include <fstream>

#include "tools/bench/flags.h"
#include "tools/sluice/command_line.h"

namespace sluice {

Report StartReport(std::vector<std::pair<std::string, std::string>> settings) {
  Report report;
  report.machine = DescribeMachine();
  report.memory_mode = MemoryModeNow();
  report.settings = std::move(settings);
  report.settings.emplace_back("nic", "none: dataplane only");
  return report;
}

bool WriteGoogleBenchmark(const Report& report) {
  if (FLAGS_benchmark_out.empty()) {
    return true;
  }
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm local;
  localtime_r(&now, &local);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
  std::ofstream file(FLAGS_benchmark_out);
  file << GoogleBenchmarkJson(report, date);
  file.flush();
  if (!file) {
    std::fprintf(stderr, "sluice-bench: %s cannot be written\n", FLAGS_benchmark_out.c_str());
    return false;
  }
  return true;
}

void PrintJson(const Report& report) {
  if (FLAGS_j) {
    std::fputs(ReportJson(report).c_str(), stdout);
  }
}

int JudgeReport(const Report& report) {
  for (const std::string& claim : report.broken_claims) {
    std::fprintf(stderr, "sluice-bench: not what is named: %s\n", claim.c_str());
  }
  return report.broken_claims.empty() ? kExitYes : kExitNo;
}

}  // namespace sluice
