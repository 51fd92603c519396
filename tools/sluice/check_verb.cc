// `sluice check`: every finding about a configuration, not the first.
#include <cstdio>

#include "control/intent/check_report.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/verbs.h"

namespace sluice {

int RunCheck(const Arguments& arguments) {
  const std::vector<std::string> paths = SplitPaths(arguments.words);
  if (paths.empty()) {
    return UsageError("`sluice check` needs a PATH: a file or a folder of *.json");
  }
  ValidationOptions options;
  options.enforce_quotas = FLAGS_enforce_quotas;
  const ValidationResult result = LoadIntent(paths, options);
  const std::string report = FLAGS_j ? CheckReportJson(result) : CheckReportText(result);
  std::fwrite(report.data(), 1, report.size(), stdout);
  return result.intent != nullptr ? kExitYes : kExitNo;
}

}  // namespace sluice
