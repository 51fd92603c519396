#include "tools/sluice/config_source.h"

#include <cstdio>
#include <filesystem>

#include "control/intent/check_report.h"

namespace sluice {

std::vector<std::string> SplitPaths(const std::vector<std::string>& values) {
  std::vector<std::string> paths;
  for (const std::string& value : values) {
    std::error_code ignored;
    size_t start = 0;
    if (!std::filesystem::exists(value, ignored)) {
      for (size_t comma = value.find(','); comma != std::string::npos;
           comma = value.find(',', start)) {
        paths.push_back(value.substr(start, comma - start));
        start = comma + 1;
      }
    }
    paths.push_back(value.substr(start));
  }
  std::erase(paths, std::string());
  return paths;
}

std::shared_ptr<const ValidatedIntent> LoadOrReport(const std::vector<std::string>& paths) {
  ValidationResult result = LoadIntent(paths, {});
  if (result.intent == nullptr) {
    const std::string report = CheckReportText(result);
    std::fwrite(report.data(), 1, report.size(), stderr);
  } else if (!result.issues.empty()) {
    std::fprintf(stderr,
                 "sluice: %zu warning%s about the configuration; `sluice check` lists them\n",
                 result.issues.size(), result.issues.size() == 1 ? "" : "s");
  }
  return result.intent;
}

}  // namespace sluice
