#include "tools/bench/rivals/testpmd.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/status/status.h"
#include "dataplane/runtime/eal_plan.h"
#include "dataplane/runtime/runtime_folder.h"
#include "tools/bench/child_process.h"
#include "tools/bench/interruption.h"

namespace sluice {
namespace {

// The forwarding thread's CPU time is read while it still runs; what testpmd counts until it has
// stopped is a few milliseconds more.
constexpr const char* kScript = R"sh(
"$@" </dev/null & p=$!
sleep "$SECONDS_TO_RUN"
for t in /proc/$p/task/*; do echo "thread $(cat $t/comm) $(cat $t/schedstat)"; done
kill -INT $p; wait $p
)sh";
constexpr const char* kThreadLine = "thread rte-worker-1 ";

std::string NumberAfter(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  return at == std::string::npos ? "" : text.substr(at + words.size(), 20);
}

}  // namespace

TestpmdResult ReadTestpmd(const std::string& out) {
  TestpmdResult result;
  const double cpu_ns = std::strtod(NumberAfter(out, kThreadLine).c_str(), nullptr);
  const size_t total = out.find("/ total ");  // "/ total mac packets=123)"
  if (total != std::string::npos && cpu_ns > 0) {
    result.packets = std::strtoull(NumberAfter(out.substr(total), "packets=").c_str(), nullptr, 10);
  }
  result.ns = result.packets == 0 ? 0 : cpu_ns / static_cast<double>(result.packets);
  return result;
}

absl::StatusOr<TestpmdResult> RunTestpmd(const std::string& mode, uint32_t burst,
                                         uint32_t seconds) {
  if (RunChild({"sh", "-c", "command -v dpdk-testpmd"}).exit_code != 0) {
    return absl::UnavailableError("dpdk-testpmd is not installed; apt-get install dpdk-dev");
  }
  const Interruption interruption;  // ends testpmd, and then its folder goes
  const absl::StatusOr<RuntimeFolder> folder = RuntimeFolder::Make();
  if (!folder.ok()) {
    return folder.status();
  }
  const std::vector<int> cpus = ReadMachineFacts().cpus;
  const std::string lcores =
      "0@" + std::to_string(cpus.front()) + ",1@" + std::to_string(cpus.back());
  const ChildResult run = RunChild({"timeout",
                                    "-k",
                                    "1",
                                    std::to_string(seconds + 15),
                                    "env",
                                    "SECONDS_TO_RUN=" + std::to_string(seconds),
                                    "sh",
                                    "-c",
                                    kScript,
                                    "testpmd",
                                    "dpdk-testpmd",
                                    "--lcores",
                                    lcores,
                                    "--no-huge",
                                    "-m",
                                    "256",
                                    "--no-pci",
                                    "--no-telemetry",
                                    "--no-shconf",
                                    "--file-prefix=testpmd" + std::to_string(getpid()),
                                    "--vdev",
                                    "net_null0,size=64",
                                    "--vdev",
                                    "net_null1,size=64",
                                    "--",
                                    "--forward-mode=" + mode,
                                    "--burst=" + std::to_string(burst),
                                    "--total-num-mbufs=8192",
                                    "--mbcache=512",
                                    "--record-core-cycles",
                                    "--stats-period=1",
                                    "--no-mlockall"});
  const TestpmdResult result = ReadTestpmd(run.out);
  if (result.packets == 0) {
    return absl::InternalError("dpdk-testpmd " + mode + " does not run: " + LastLines(run.err, 1));
  }
  return result;
}

}  // namespace sluice
