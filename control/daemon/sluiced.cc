// Who may touch what. Everything in LiveDataplane that the workers do not own belongs to the holder
// of `control_`: this thread for a tick of bounded length, the servers' threads for a question, an
// applier for a publication. Configurations are read, validated, compiled, waited for and saved
// without the lock, on other threads than this one. Workers never wait for it.
#include "control/daemon/sluiced.h"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "control/api/metrics.h"
#include "control/api/operator_server.h"
#include "control/api/operator_verbs.h"
#include "control/daemon/dataplane.h"
#include "control/daemon/errand.h"
#include "control/daemon/live_view.h"
#include "control/daemon/metrics_server.h"
#include "control/daemon/saved_configuration.h"
#include "control/daemon/signals.h"
#include "control/intent/check_report.h"

namespace sluice {
namespace {

constexpr int kTickMs = 10;
constexpr int kShortTickMs = 1;  // while the session table is short of pairs

void Say(const std::string& line) {
  std::fprintf(stderr, "sluiced: %s\n", line.c_str());
}

int Fail(const absl::Status& status) {
  Say(std::string(status.message()));
  return 1;
}

class Daemon {
 public:
  explicit Daemon(const DaemonOptions& options) : options_(options) {}
  int Run();

 private:
  std::shared_ptr<const ValidatedIntent> Load();
  absl::Status Start(std::shared_ptr<const ValidatedIntent> intent);
  void SayReady();
  void Serve();
  void Tick();
  bool ReturnSessions();
  void Reload();
  void FollowGeneration();
  int End();

  const DaemonOptions options_;
  std::unique_ptr<SignalQueue> signals_;
  std::mutex control_;
  std::unique_ptr<LiveDataplane> dataplane_;
  std::unique_ptr<DaemonView> view_;  // of dataplane_
  std::unique_ptr<OperatorServer> server_;
  std::unique_ptr<MetricsServer> metrics_;
  std::atomic<bool> stop_{false};     // by an operator; nothing is ordered by it
  uint64_t noticed_generation_ = 0;   // by the ticks
  uint64_t followed_generation_ = 0;  // by FollowGeneration: one thread at a time
  std::string last_note_;
  std::unique_ptr<Errand> reload_;
  std::unique_ptr<Errand> follow_;
};

// Prints what is wrong, and what is odd. nullptr when it cannot run.
std::shared_ptr<const ValidatedIntent> Daemon::Load() {
  const ValidationResult result =
      LoadIntent(options_.config_paths, {.enforce_quotas = options_.enforce_quotas});
  if (!result.issues.empty()) {
    std::fputs(CheckReportText(result).c_str(), stderr);
  }
  return result.intent;
}

absl::Status Daemon::Start(std::shared_ptr<const ValidatedIntent> intent) {
  absl::StatusOr<std::unique_ptr<LiveDataplane>> dataplane =
      LiveDataplane::Open(*intent, options_, control_);
  if (!dataplane.ok()) {
    return dataplane.status();
  }
  dataplane_ = *std::move(dataplane);
  const absl::StatusOr<ApplyReport> report = dataplane_->applier().Apply(intent);
  if (!report.ok()) {
    return report.status();
  }
  noticed_generation_ = followed_generation_ = report->generation;
  // An operator who is early waits for the lock. Another daemon at this socket is found before
  // anything is forwarded.
  view_ =
      std::make_unique<DaemonView>(ViewOf(*dataplane_, control_, options_.enforce_quotas, [this] {
        stop_.store(true, std::memory_order_relaxed);
      }));
  const std::lock_guard<std::mutex> lock(control_);
  absl::StatusOr<std::unique_ptr<OperatorServer>> server = OperatorServer::Start(
      {.path = options_.socket_path, .is_long = IsLongRequest},
      [this](std::string_view request) { return AnswerOperator(*view_, request); });
  if (!server.ok()) {
    return server.status();
  }
  server_ = *std::move(server);
  if (!options_.metrics_listen.empty()) {
    absl::StatusOr<std::unique_ptr<MetricsServer>> metrics =
        MetricsServer::Start(options_.metrics_listen, [this] { return MetricsText(*view_); });
    if (!metrics.ok()) {
      return metrics.status();
    }
    metrics_ = *std::move(metrics);
  }
  // Plain pointers: each outlives its own thread, and the operators' server the other.
  view_->accept_failures = [operators = server_.get(), metrics = metrics_.get()] {
    std::vector<AcceptFailures> failures = {{"operators", operators->accept_failures()}};
    if (metrics != nullptr) {
      failures.push_back({"metrics", metrics->accept_failures()});
    }
    return failures;
  };
  if (absl::Status status = dataplane_->StartWorkers(); !status.ok()) {
    return status;
  }
  // Not before it runs: the folder may still be that of a daemon which holds the socket.
  return options_.state_folder.empty() ? absl::OkStatus()
                                       : SaveConfiguration(options_.state_folder, *intent);
}

void Daemon::SayReady() {
  const Runtime& runtime = dataplane_->runtime();
  if (!runtime.notice().empty()) {
    Say(runtime.notice());
  }
  const uint32_t workers = runtime.worker_count();
  size_t ports = 0;
  {
    const std::lock_guard<std::mutex> lock(control_);
    ports = dataplane_->applier().running()->port_names.size();
  }
  Say("ready: generation 1, " + std::to_string(ports) + " ports, " + std::to_string(workers) +
      (workers == 1 ? " worker" : " workers") + (runtime.shares_cpus() ? " on shared CPUs" : "") +
      ", memory " + std::string(MemoryModeName(runtime.memory_mode())) + ", lookups " +
      std::string(SimdLevelName(ActiveSimdLevel())) + ", operators at " + options_.socket_path);
}

void Daemon::Serve() {
  reload_ = std::make_unique<Errand>([this] { Reload(); });
  follow_ = std::make_unique<Errand>([this] { FollowGeneration(); });
  int until_tick_ms = kTickMs;
  while (!stop_.load(std::memory_order_relaxed)) {
    const int wait_ms = ReturnSessions() ? kShortTickMs : until_tick_ms;
    const DaemonSignal signal = signals_->Wait(std::min(wait_ms, until_tick_ms));
    if (signal == DaemonSignal::kStop) {
      return;
    }
    if (signal == DaemonSignal::kReload) {
      reload_->Ask();
    }
    until_tick_ms -= wait_ms;
    if (until_tick_ms <= 0 || signal != DaemonSignal::kNone) {
      until_tick_ms = kTickMs;
      Tick();
    }
  }
}

// Whether it is worth coming back soon.
bool Daemon::ReturnSessions() {
  const std::lock_guard<std::mutex> lock(control_);
  if (!dataplane_->ReturningIsUrgent()) {
    return false;
  }
  dataplane_->ReturnSessions();
  return true;
}

void Daemon::Tick() {
  std::vector<std::string> notes;
  uint64_t generation = 0;
  {
    const std::lock_guard<std::mutex> lock(control_);
    dataplane_->Tick();
    notes = dataplane_->TakeNotes();
    generation = dataplane_->applier().generation();
  }
  for (const std::string& note : notes) {
    if (note != last_note_) {  // a full disk says so every second
      Say(note);
      last_note_ = note;
    }
  }
  if (generation != noticed_generation_) {
    noticed_generation_ = generation;
    follow_->Ask();
  }
}

void Daemon::Reload() {
  std::shared_ptr<const ValidatedIntent> intent = Load();
  if (intent == nullptr) {
    Say("SIGHUP: refused; the running configuration stays");
    return;
  }
  const absl::StatusOr<ApplyReport> report = dataplane_->applier().Apply(std::move(intent));
  if (!report.ok()) {
    Say("SIGHUP: refused: " + std::string(report.status().message()));
  } else if (!report->effective) {
    Say("SIGHUP: worker " + std::to_string(report->laggard) + " has not taken generation " +
        std::to_string(report->generation) + " up after 1 s");
  }
}

// Whoever applied it, a new generation is told and kept.
void Daemon::FollowGeneration() {
  std::shared_ptr<const ValidatedIntent> intent;
  {
    const std::lock_guard<std::mutex> lock(control_);
    const Applier& applier = dataplane_->applier();
    if (applier.generation() == followed_generation_) {
      return;
    }
    for (const GenerationRecord& record : applier.history()) {  // several may have come at once
      if (record.generation > followed_generation_) {
        Say("generation " + std::to_string(record.generation) + ": " + record.summary);
      }
    }
    followed_generation_ = applier.generation();
    intent = applier.running()->intent;
  }
  if (!options_.state_folder.empty()) {
    if (absl::Status status = SaveConfiguration(options_.state_folder, *intent); !status.ok()) {
      Say(std::string(status.message()));
    }
  }
}

int Daemon::End() {
  metrics_.reset();
  server_.reset();  // no request runs from here on
  reload_.reset();
  follow_.reset();
  FollowGeneration();  // one may have been applied since the last tick
  const MbufAccount account = dataplane_->Stop();
  for (const std::string& note : dataplane_->TakeNotes()) {
    Say(note);
  }
  dataplane_.reset();
  if (account.missing != 0) {
    Say(std::to_string(account.missing) + " of " + std::to_string(account.count) +
        " packet buffers were not given back: a defect, please report it");
    return 1;
  }
  Say("ended; all " + std::to_string(account.count) + " packet buffers were given back");
  return 0;
}

int Daemon::Run() {
  std::shared_ptr<const ValidatedIntent> intent = Load();
  if (intent == nullptr) {
    return 1;
  }
  absl::StatusOr<std::unique_ptr<SignalQueue>> signals = SignalQueue::Make();
  if (!signals.ok()) {
    return Fail(signals.status());
  }
  signals_ = *std::move(signals);
  if (absl::Status status = Start(std::move(intent)); !status.ok()) {
    metrics_.reset();
    server_.reset();
    dataplane_.reset();
    return Fail(status);
  }
  SayReady();
  Serve();
  return End();
}

}  // namespace

int RunDaemon(const DaemonOptions& options) {
  return Daemon(options).Run();
}

}  // namespace sluice
