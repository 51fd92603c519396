// Generations of the configuration: compiles a validated one, publishes it to the workers in one
// step, remembers what ran before, goes back to it. All or nothing: whatever is refused leaves the
// running generation as it is.
//
// Threads. Apply and Rollback: any thread, one after another by a lock of their own, without the
// control lock: they compile and wait for workers outside of it, and take it only to publish. What
// follows "with the control lock" below: whoever holds it. Nothing here stalls a worker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/compile/compiler.h"
#include "control/intent/diff.h"
#include "control/intent/validated_intent.h"
#include "dataplane/publish/publisher.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

inline constexpr size_t kKeptGenerations = 64;  // the running one included
inline constexpr int64_t kEffectiveWithinNs = 1'000'000'000;

// Time as an argument: clocks, and a short rest while workers finish their bursts.
class ApplyClock {
 public:
  virtual ~ApplyClock() = default;
  virtual int64_t EpochNs() = 0;
  virtual int64_t MonotonicNs() = 0;
  virtual void Pause() = 0;  // far shorter than kEffectiveWithinNs
};

// What became of one Apply or Rollback that was not refused.
struct ApplyReport {
  uint64_t generation = 0;
  std::vector<IntentChange> changes;  // against the generation before; all objects are new in the
                                      // first, which lists none
  std::string summary;                // the same in one bounded line
  // Every packet received from now on is judged by this generation or a newer one (decision 20).
  // Otherwise `laggard` is the worker that had not come round after kEffectiveWithinNs; it will
  // when it does.
  bool effective = true;
  uint32_t laggard = kNoWorker;
  int64_t effective_after_ns = 0;  // from publication to the last worker's report
};

struct GenerationRecord {
  uint64_t generation = 0;
  int64_t applied_at_ns = 0;  // since the epoch
  std::string summary;
  bool running = false;
  std::shared_ptr<const ValidatedIntent> intent;
};

class Applier {
 public:
  // Called after each publication, with the control lock, before Apply waits for the workers: what
  // else follows the running configuration (next hops, flow logs) takes it up.
  using Follower = std::function<void(const CompiledConfig&)>;

  // The references outlive the applier. Compiler and publisher are this applier's alone; `control`
  // is the control lock.
  Applier(Compiler& compiler, Publisher<Snapshot>& publisher, ApplyClock& clock,
          std::mutex& control)
      : compiler_(compiler), publisher_(publisher), clock_(clock), control_(control) {}

  // Before the first Apply.
  void Follow(Follower follower) { followers_.push_back(std::move(follower)); }

  // The first call starts generation 1. Refused, with nothing changed: FailedPrecondition where
  // only a restart can do it (Host.Ports, Host.Workers, Host.MaxSessions), ResourceExhausted where
  // a table would outgrow its budget or a worker keeps too many old generations alive.
  absl::StatusOr<ApplyReport> Apply(std::shared_ptr<const ValidatedIntent> intent);

  // Applies what generation `number` was, as a new generation. NotFound: not kept (any more).
  absl::StatusOr<ApplyReport> Rollback(uint64_t number);

  // --- with the control lock ---

  // Destroys replaced snapshots no worker holds any more. Now and then.
  void Reclaim() { publisher_.Reclaim(); }

  // nullptr before the first Apply.
  const std::shared_ptr<const CompiledConfig>& running() const { return running_; }
  uint64_t generation() const { return generation_; }
  // The last kKeptGenerations, oldest first.
  const std::deque<GenerationRecord>& history() const { return history_; }
  // The first worker that has not reached the running generation, or kNoWorker.
  uint32_t Laggard() const { return publisher_.LaggardOf(generation_); }

 private:
  absl::StatusOr<ApplyReport> Change(std::shared_ptr<const ValidatedIntent> intent,
                                     const std::string& cause);
  // When it was published, monotonic.
  absl::StatusOr<int64_t> Publish(std::shared_ptr<const CompiledConfig> compiled,
                                  const ApplyReport& report);
  void AwaitWorkers(int64_t published_ns, ApplyReport& report);

  Compiler& compiler_;  // of the holder of applying_
  Publisher<Snapshot>& publisher_;
  ApplyClock& clock_;
  std::mutex& control_;
  std::mutex applying_;  // taken before control_, held through Apply and Rollback
  std::vector<Follower> followers_;
  // Written by a holder of both locks, so read by a holder of either.
  std::shared_ptr<const CompiledConfig> running_;
  uint64_t generation_ = 0;
  bool compiled_is_running_ = false;  // what the compiler compiled last; of the holder of applying_
  std::deque<GenerationRecord> history_;
};

// Whether `next` can follow `running` without a restart; the refusal names every member that
// differs.
absl::Status CheckSameHost(const Host& running, const ValidatedIntent& next);

// "2 changes: + Subnets subnet-b, ~ SecurityGroups sg-web"; at most kSummaryObjects objects, then
// "and 3 more".
inline constexpr size_t kSummaryObjects = 4;
std::string ChangeSummary(const std::vector<IntentChange>& changes);

}  // namespace sluice
