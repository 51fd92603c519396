// What sluiced was asked to do, free of where it was said (flags.h reads the command line). Plain
// values; main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/intent/intent.h"
#include "control/intent/validated_intent.h"
#include "dataplane/runtime/runtime.h"
#include "dataplane/table/simd.h"

namespace sluice {

struct DaemonOptions {
  std::vector<std::string> config_paths;
  uint32_t workers = 0;  // 0: Host.Workers
  std::string eal_arguments;
  std::string socket_path;
  std::string state_folder;    // empty: nothing is kept
  std::string metrics_listen;  // "ADDRESS:PORT"; empty: no metrics are served
  bool session_cache = true;
  bool enforce_quotas = false;
  bool show_dpdk_log = false;
  bool time_stages = false;
  PollMode poll = PollMode::kAdaptive;
  SimdLevel simd = DetectSimdLevel();  // of table lookups
  uint64_t seed = 0;                   // 0: secrets from the system's random source
};

// "on" or "off", "adaptive" or "busy": InvalidArgument says what is allowed.
absl::StatusOr<bool> ParseSwitch(const std::string& flag, const std::string& text);
absl::StatusOr<PollMode> ParsePollMode(const std::string& text);
// "auto", "scalar", "avx2" or "avx512": InvalidArgument also for what this CPU does not have.
absl::StatusOr<SimdLevel> ParseSimdLevel(const std::string& text);
// "a,b" in parts; empty ones are left out.
std::vector<std::string> SplitPaths(const std::string& text);

struct ListenAddress {
  std::string address;  // numeric; empty: every one
  std::string l4_port;  // 0..65535; 0: any free one
};
// "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT": InvalidArgument says what is wrong.
absl::StatusOr<ListenAddress> ParseMetricsListen(const std::string& text);

// What the runtime opens for this Host. FailedPrecondition where the configuration has none.
absl::StatusOr<RuntimeOptions> RuntimeOptionsFor(const ValidatedIntent& intent,
                                                 const DaemonOptions& options);

}  // namespace sluice
