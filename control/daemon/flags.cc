#include "control/daemon/flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>

#include "control/api/protocol.h"

DEFINE_string(
    config, "",
    "Configuration: files or folders of *.json, separated by commas or each with a --config "
    "of its own, united. Needed.");
DEFINE_uint32(workers, 0, "Poll-mode workers, 1..64; 0: Host.Workers of the configuration.");
DEFINE_string(eal, "",
              "Arguments for DPDK's EAL in one text; those of a kind (cores, memory, devices, …) "
              "replace the derived ones.");
DEFINE_string(socket, "",
              "Operator socket, made with mode 0660. Empty: sluiced.sock in RUNTIME_DIRECTORY, or "
              "in sluice/ below XDG_RUNTIME_DIR or /run.");
DEFINE_string(state, "",
              "Folder, made when missing, in which running.json always holds the running "
              "configuration (start with it: --config=FOLDER/running.json). Empty: none.");
DEFINE_string(session_cache, "on", "on or off. Off: every packet walks; changes no verdict.");
DEFINE_bool(enforce_quotas, false, "Quotas are errors, not warnings.");
DEFINE_string(metrics_listen, "",
              "ADDRESS:PORT (or :PORT) on which /metrics serves Prometheus text. Empty: nowhere.");
DEFINE_string(poll, "adaptive",
              "adaptive: an idle worker sleeps 50 us at a time; busy: it never sleeps.");
DEFINE_string(simd, "auto",
              "Variant of table lookups: auto (what this CPU and calibration choose), scalar, avx2 "
              "or avx512. Changes no verdict.");
DEFINE_bool(stage_times, false, "Time every stage for `sluice show stages`; costs some speed.");
DEFINE_bool(dpdk_log, false, "Show DPDK's own messages.");
DEFINE_uint64(seed, 0,
              "Of hashes, NAT ports and IP identifications, for measurements; guessable, so not "
              "for tenants. 0: from the system's random source.");

namespace sluice {
namespace {

constexpr std::string_view kFlags[] = {"config",
                                       "workers",
                                       "eal",
                                       "socket",
                                       "state",
                                       "session_cache",
                                       "enforce_quotas",
                                       "metrics_listen",
                                       "poll",
                                       "simd",
                                       "stage_times",
                                       "dpdk_log",
                                       "seed"};

gflags::CommandLineFlagInfo FlagOf(std::string_view name) {
  return gflags::GetCommandLineFlagInfoOrDie(std::string(name).c_str());
}

bool IsFlag(std::string_view name) {
  return std::find(std::begin(kFlags), std::end(kFlags), name) != std::end(kFlags);
}

bool IsSwitch(std::string_view name) {
  return FlagOf(name).type == "bool";
}

absl::Status Set(const std::string& name, const std::string& value, const std::string& origin) {
  if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) {
    return absl::InvalidArgumentError("\"" + value + "\" is no value for " + origin + " (" +
                                      FlagOf(name).type + ")");
  }
  return absl::OkStatus();
}

std::string Variable(std::string_view flag) {
  std::string name = "SLUICE_" + std::string(flag);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

// The flag word at `i`; moves `i` on when its value is the next word.
absl::Status TakeFlag(const std::vector<std::string>& words, size_t& i,
                      std::set<std::string>& given) {
  const std::string& word = words[i];
  const size_t equals = word.find('=');
  const std::string shown = word.substr(0, equals);
  std::string name = shown.substr(shown.rfind("--", 0) == 0 ? 2 : 1);
  std::replace(name.begin(), name.end(), '-', '_');
  std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (!IsFlag(name) && name.rfind("no", 0) == 0 && equals == std::string::npos &&
      IsFlag(name.substr(2)) && IsSwitch(name.substr(2))) {
    name = name.substr(2);
    value = "false";
  } else if (!IsFlag(name)) {
    return absl::InvalidArgumentError("there is no flag " + shown);
  } else if (equals == std::string::npos && IsSwitch(name)) {
    value = "true";
  } else if (equals == std::string::npos) {
    if (++i == words.size()) {
      return absl::InvalidArgumentError(shown + " needs a value");
    }
    value = words[i];
  }
  if (!given.insert(name).second && name == "config") {
    value = FLAGS_config + "," + value;
  }
  return Set(name, value, shown);
}

absl::Status TakeEnvironment(const std::set<std::string>& given) {
  for (const std::string_view flag : kFlags) {
    const char* value = std::getenv(Variable(flag).c_str());
    if (value == nullptr || given.count(std::string(flag)) != 0) {
      continue;
    }
    if (absl::Status status = Set(std::string(flag), value, Variable(flag)); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<DaemonOptions> OptionsFromFlags() {
  DaemonOptions options;
  options.config_paths = SplitPaths(FLAGS_config);
  if (options.config_paths.empty()) {
    return absl::InvalidArgumentError("--config=PATH is needed");
  }
  if (FLAGS_workers > kMaxWorkers) {
    return absl::InvalidArgumentError("--workers=" + std::to_string(FLAGS_workers) + ": at most " +
                                      std::to_string(kMaxWorkers));
  }
  const absl::StatusOr<bool> cache = ParseSwitch("session_cache", FLAGS_session_cache);
  if (!cache.ok()) {
    return cache.status();
  }
  const absl::StatusOr<PollMode> poll = ParsePollMode(FLAGS_poll);
  if (!poll.ok()) {
    return poll.status();
  }
  const absl::StatusOr<SimdLevel> simd = ParseSimdLevel(FLAGS_simd);
  if (!simd.ok()) {
    return simd.status();
  }
  options.socket_path = FLAGS_socket.empty() ? DefaultSocketPath() : FLAGS_socket;
  if (options.socket_path.size() > kMaxSocketPathBytes) {
    return absl::InvalidArgumentError("--socket: the path has " +
                                      std::to_string(options.socket_path.size()) +
                                      " bytes, at most " + std::to_string(kMaxSocketPathBytes) +
                                      " are possible: " + options.socket_path);
  }
  if (!FLAGS_metrics_listen.empty()) {
    if (absl::Status status = ParseMetricsListen(FLAGS_metrics_listen).status(); !status.ok()) {
      return status;
    }
  }
  options.workers = FLAGS_workers;
  options.eal_arguments = FLAGS_eal;
  options.state_folder = FLAGS_state;
  options.metrics_listen = FLAGS_metrics_listen;
  options.session_cache = *cache;
  options.enforce_quotas = FLAGS_enforce_quotas;
  options.show_dpdk_log = FLAGS_dpdk_log;
  options.time_stages = FLAGS_stage_times;
  options.poll = *poll;
  options.simd = *simd;
  options.seed = FLAGS_seed;
  return options;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words) {
  CommandLine line;
  if (std::any_of(words.begin(), words.end(),
                  [](const std::string& word) { return word == "--help" || word == "-h"; })) {
    line.help = true;
    return line;
  }
  if (words.size() == 1 && words[0] == "--version") {
    line.version = true;
    return line;
  }
  std::set<std::string> given;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() < 2 || words[i][0] != '-') {
      return absl::InvalidArgumentError("what is \"" + words[i] +
                                        "\"? Paths belong to --config=PATH[,PATH…]");
    }
    if (absl::Status status = TakeFlag(words, i, given); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = TakeEnvironment(given); !status.ok()) {
    return status;
  }
  absl::StatusOr<DaemonOptions> options = OptionsFromFlags();
  if (!options.ok()) {
    return options.status();
  }
  line.options = *std::move(options);
  return line;
}

std::string HelpText() {
  std::string help =
      "usage: sluiced --config=PATH[,PATH…] [FLAGS]\n\n"
      "The dataplane of Sluice VPCs: forwards between the ports of the configuration's Host until\n"
      "SIGTERM or SIGINT, which drain and exit 0. SIGHUP reads --config again and applies it; "
      "what\n"
      "is refused leaves the running configuration as it is. Ask and change it with `sluice`.\n\n"
      "Flags (also with - for _; each also as environment variable SLUICE_<FLAG>):\n";
  for (const std::string_view name : kFlags) {
    const gflags::CommandLineFlagInfo flag = FlagOf(name);
    help += "  --" + flag.name + (flag.type == "bool" ? "" : "=…") + "\n      " + flag.description;
    if (!flag.default_value.empty() && flag.type != "bool") {
      help += " (default: " + flag.default_value + ")";
    }
    help += "\n";
  }
  return help +
         "  --help\n      This text.\n  --version\n      The version.\n\n"
         "Exit codes: 0 ended as asked, 1 cannot run (the configuration or the machine), 2 "
         "usage.\n";
}

}  // namespace sluice
