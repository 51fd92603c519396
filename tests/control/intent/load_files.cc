// Loads the paths it is given and prints what was found; exit 0 when valid and its export loads to
// the same export.
#include <cstdio>
#include <string>
#include <vector>

#include "control/intent/check_report.h"

int main(int argc, char** argv) {
  const sluice::ValidationResult result =
      sluice::LoadIntent(std::vector<std::string>(argv + 1, argv + argc), {});
  std::fputs(sluice::CheckReportText(result).c_str(), stdout);
  if (result.intent == nullptr) {
    return 1;
  }
  const std::string exported = sluice::ExportIntentJson(*result.intent);
  const sluice::ValidationResult again = sluice::LoadIntentText("export", exported, {});
  if (again.intent == nullptr || sluice::ExportIntentJson(*again.intent) != exported) {
    std::fputs(sluice::CheckReportText(again).c_str(), stdout);
    std::puts("the export does not round-trip");
    return 1;
  }
  return 0;
}
