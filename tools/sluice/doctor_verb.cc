// `sluice doctor`: is this machine fit for sluiced, and if not, what to type.
#include <cstdio>

#include "tools/sluice/doctor.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/verbs.h"

namespace sluice {

int RunDoctor(const Arguments& arguments) {
  if (!arguments.words.empty()) {
    return UsageError("`sluice doctor` takes no words, not " + arguments.words[0]);
  }
  const std::vector<Finding> findings = Diagnose(ReadMachine(RealMachine()));
  std::fputs((FLAGS_j ? DoctorJson(findings) : DoctorText(findings)).c_str(), stdout);
  return Overall(findings) == Health::kFix ? kExitNo : kExitYes;
}

}  // namespace sluice
