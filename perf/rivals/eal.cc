#include "perf/rivals/eal.h"

#include <unistd.h>

#include <memory>
#include <string>

#include "dataplane/runtime/eal.h"
#include "dataplane/runtime/eal_plan.h"

namespace sluice {
namespace {

// lcore 0 is the calling thread, free to run where it ran before.
EalPlan PlanRivalEal() {
  const MachineFacts machine = ReadMachineFacts();
  std::string cpus;
  for (const int cpu : machine.cpus) {
    cpus += std::string(cpus.empty() ? "" : ",") + std::to_string(cpu);
  }
  EalRequest request;
  request.file_prefix = "rivals" + std::to_string(getpid());
  request.given = "--lcores 0@(" + cpus +
                  ") --no-huge --no-shconf -m 64 --no-pci --force-max-simd-bitwidth=512";
  return PlanEal(request, machine);
}

}  // namespace

absl::Status StartRivalEal() {
  static const absl::StatusOr<std::unique_ptr<Eal>> eal = Eal::Start(PlanRivalEal(), false);
  return eal.status();
}

}  // namespace sluice
