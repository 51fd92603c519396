#include "perf/rivals/eal.h"

#include <signal.h>
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

// Signals that end a program wait for the object's life: they act when it goes.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      sigaddset(&ending, signal);
    }
    pthread_sigmask(SIG_BLOCK, &ending, &before_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_;
};

absl::StatusOr<std::unique_ptr<Eal>> StartWithoutFolder() {
  const SignalsWait wait;  // the folder is there while DPDK starts
  absl::StatusOr<std::unique_ptr<Eal>> eal = Eal::Start(PlanRivalEal(), false);
  if (eal.ok()) {
    (*eal)->RemoveFolder();
  }
  return eal;
}

}  // namespace

absl::Status StartRivalEal() {
  static const absl::StatusOr<std::unique_ptr<Eal>> eal = StartWithoutFolder();
  return eal.status();
}

}  // namespace sluice
