// Starting and ending DPDK's environment: once a process. Main thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "dataplane/runtime/eal_plan.h"
#include "dataplane/runtime/runtime_folder.h"

namespace sluice {

class Eal {
 public:
  // `show_log`: DPDK's own messages go to stderr; otherwise they are kept and appear in errors
  // only. A second call in one process fails.
  static absl::StatusOr<std::unique_ptr<Eal>> Start(const EalPlan& plan, bool show_log);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // Removes DPDK's folder now instead of at the end: for a start that keeps no file in it
  // (--no-shconf, no telemetry). What ends the process later leaves nothing behind.
  void RemoveFolder() { folder_.reset(); }

 private:
  explicit Eal(RuntimeFolder folder) : folder_(std::move(folder)) {}
  std::optional<RuntimeFolder> folder_;
};

// Calls to DPDK whose messages explain a failure: Forget before, Last after. Last is one line: the
// latest messages joined by "; ", at most 400 bytes, empty when nothing was said.
void ForgetDpdkMessages();
std::string LastDpdkMessages();

}  // namespace sluice
