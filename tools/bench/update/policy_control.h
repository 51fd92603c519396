// The daemon's parts that make a change of policy, for a bench whose dataplane runs the first
// version already: the compiler here makes that snapshot once more, the same, and then the next
// ones. One thread; workers take what it publishes.
#pragma once

#include <cstdint>
#include <mutex>

#include "control/apply/applier.h"
#include "control/compile/compiler.h"
#include "dataplane/publish/publisher.h"

namespace sluice {

// Nanoseconds of a clock that never goes back.
int64_t SteadyNs();
// Gives the CPU away for so long.
void RestNs(int64_t ns);

// The applier reads the time right before it publishes; the counter is read with it.
class PublishClock final : public ApplyClock {
 public:
  void Expect() { published_ticks_ = 0; }
  uint64_t published_ticks() const { return published_ticks_; }

  int64_t EpochNs() override { return SteadyNs(); }
  int64_t MonotonicNs() override;
  void Pause() override { RestNs(50'000); }

 private:
  uint64_t published_ticks_ = 0;
};

struct PolicyControl {
  // `seed` as the bench's dataplane was made with.
  explicit PolicyControl(uint64_t seed);

  PublishClock clock;
  std::mutex lock;
  Compiler compiler;
  Qsbr qsbr;  // of one worker
  Publisher<Snapshot> publisher;
  Applier applier;
};

}  // namespace sluice
