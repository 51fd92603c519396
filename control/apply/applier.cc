#include "control/apply/applier.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

std::string FirstSummary(const Intent& intent) {
  return "first: " + std::to_string(intent.vpcs.size()) + " VPCs, " +
         std::to_string(intent.network_interfaces.size()) + " interfaces";
}

bool SamePorts(const Host& a, const Host& b) {
  return std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), b.ports.end(),
                    [](const HostPort& p, const HostPort& q) {
                      return p.name == q.name && p.device == q.device && p.mtu == q.mtu;
                    });
}

std::string_view Sign(ChangeKind kind) {
  return kind == ChangeKind::kAdded ? "+ " : kind == ChangeKind::kRemoved ? "- " : "~ ";
}

// One name an object, however many of its members changed.
std::vector<std::string> ChangedObjects(const std::vector<IntentChange>& changes) {
  std::vector<std::string> names;
  for (const IntentChange& change : changes) {
    std::string name = std::string(Sign(change.kind)) + change.list;
    if (change.object_id != change.list) {
      name += " " + change.object_id;
    }
    if (names.empty() || names.back() != name) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace

std::string ChangeSummary(const std::vector<IntentChange>& changes) {
  if (changes.empty()) {
    return "no change";
  }
  const std::vector<std::string> names = ChangedObjects(changes);
  std::string summary =
      std::to_string(changes.size()) + (changes.size() == 1 ? " change: " : " changes: ");
  for (size_t i = 0; i < std::min(names.size(), kSummaryObjects); ++i) {
    summary += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kSummaryObjects) {
    summary += " and " + std::to_string(names.size() - kSummaryObjects) + " more";
  }
  return summary;
}

absl::Status CheckSameHost(const Host& running, const ValidatedIntent& next) {
  if (!next.host_was_written()) {
    return absl::FailedPreconditionError(
        "the configuration has no Host, so nothing says how this machine carries it; add the Host "
        "of the running one (`sluice export` prints it)");
  }
  const Host& host = next.host();
  std::string differing;
  const auto note = [&differing](bool same, const char* member) {
    if (!same) {
      differing += (differing.empty() ? "" : ", ") + std::string(member);
    }
  };
  note(SamePorts(running, host), "Host.Ports");
  note(running.workers == host.workers, "Host.Workers");
  note(running.max_sessions == host.max_sessions, "Host.MaxSessions");
  if (differing.empty()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(differing +
                                       " cannot change while packets flow; restart sluiced with "
                                       "the new configuration to change it");
}

absl::StatusOr<ApplyReport> Applier::Apply(std::shared_ptr<const ValidatedIntent> intent) {
  const std::lock_guard<std::mutex> applying(applying_);
  if (running_ != nullptr) {
    if (absl::Status status = CheckSameHost(running_->intent->host(), *intent); !status.ok()) {
      return status;
    }
  }
  return Change(std::move(intent), "");
}

absl::StatusOr<ApplyReport> Applier::Rollback(uint64_t number) {
  const std::lock_guard<std::mutex> applying(applying_);
  const auto kept = std::find_if(
      history_.begin(), history_.end(),
      [number](const GenerationRecord& record) { return record.generation == number; });
  if (kept == history_.end()) {
    return absl::NotFoundError("generation " + std::to_string(number) + " is not kept" +
                               (history_.empty()
                                    ? std::string()
                                    : "; kept are " + std::to_string(history_.front().generation) +
                                          " to " + std::to_string(history_.back().generation)));
  }
  return Change(kept->intent, "rollback to " + std::to_string(number) + ": ");
}

absl::StatusOr<ApplyReport> Applier::Change(std::shared_ptr<const ValidatedIntent> intent,
                                            const std::string& cause) {
  absl::StatusOr<std::shared_ptr<const CompiledConfig>> compiled =
      compiler_.Compile(intent, generation_ + 1);
  if (!compiled.ok()) {
    return compiled.status();
  }
  ApplyReport report;
  report.generation = generation_ + 1;
  // The compiler compares with what it compiled last: the running one, unless publishing that was
  // refused. To compare again takes most of the time of a change.
  const bool against_running = std::exchange(compiled_is_running_, false);
  if (running_ != nullptr) {
    report.changes =
        against_running ? (*compiled)->changes : DiffIntents(*running_->intent, *intent);
    report.summary = cause + ChangeSummary(report.changes);
  } else {
    report.summary = FirstSummary(intent->intent());
  }
  const absl::StatusOr<int64_t> published_ns = Publish(*std::move(compiled), report);
  if (!published_ns.ok()) {
    return published_ns.status();
  }
  compiled_is_running_ = true;
  AwaitWorkers(*published_ns, report);
  return report;
}

absl::StatusOr<int64_t> Applier::Publish(std::shared_ptr<const CompiledConfig> compiled,
                                         const ApplyReport& report) {
  std::deque<GenerationRecord> forgotten;  // destroyed after the lock is given back
  const std::lock_guard<std::mutex> control(control_);
  const int64_t published_ns = clock_.MonotonicNs();
  absl::Status status = publisher_.Publish(compiled->snapshot, report.generation);
  if (!status.ok()) {
    return status;
  }
  generation_ = report.generation;
  running_.swap(compiled);
  if (!history_.empty()) {
    history_.back().running = false;
  }
  history_.push_back({generation_, clock_.EpochNs(), report.summary, true, running_->intent});
  if (history_.size() > kKeptGenerations) {
    forgotten.push_back(std::move(history_.front()));
    history_.pop_front();
  }
  for (const Follower& follower : followers_) {
    follower(*running_);
  }
  return published_ns;
}

// Without the control lock: that no other generation is published meanwhile is enough to ask the
// publisher who lags.
void Applier::AwaitWorkers(int64_t published_ns, ApplyReport& report) {
  int64_t now_ns = clock_.MonotonicNs();
  while ((report.laggard = publisher_.LaggardOf(report.generation)) != kNoWorker &&
         now_ns - published_ns < kEffectiveWithinNs) {
    clock_.Pause();
    now_ns = clock_.MonotonicNs();
  }
  report.effective = report.laggard == kNoWorker;
  report.effective_after_ns = now_ns - published_ns;
  const std::lock_guard<std::mutex> control(control_);
  publisher_.Reclaim();
}

}  // namespace sluice
