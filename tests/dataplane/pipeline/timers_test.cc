#include <gtest/gtest.h>

#include "dataplane/base/memory_source.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/fragment_cache.h"

namespace sluice {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kMinuteMs = 60'000;

// A worker on which no packet comes any more.
struct QuietWorker {
  QuietWorker() {
    context.fragments = fragments.get();
    context.account = account.get();
    context.emits = &emits;
    context.counters = &counters;
  }
  void At(int64_t epoch_ms) {
    context.now_ns = epoch_ms * kNsPerMs;
    context.now_ms = static_cast<uint32_t>(epoch_ms - kMinuteMs * 1000);
  }

  const HashSecret secret = HashSecret::FromSeed(1);
  std::unique_ptr<FragmentCache> fragments = FragmentCache::Make(HeapMemory(), {}, secret);
  std::unique_ptr<FlowAccount> account = FlowAccount::Make(HeapMemory(), {8192, 16, 1}, secret);
  EmitList emits;
  WorkerCounters counters{1};
  WorkerContext context;
};

// A refused packet that nothing follows: its REJECT must still reach the flow log.
TEST(TimersTest, AnEndedWindowReachesTheRingWithoutAnotherPacket) {
  QuietWorker worker;
  worker.At(kMinuteMs * 1000);
  FlowSighting seen;
  seen.interface_idx = 0;
  seen.action = FlowAction::kReject;
  worker.account->Count(seen, 60, 0, {worker.context.now_ms, kMinuteMs * 1000});

  FlowRecord record;
  for (int ms = 0; ms < 1000; ++ms) {
    worker.At(kMinuteMs * 1000 + ms);
    RunTimers(worker.context, false);
  }
  EXPECT_FALSE(worker.account->Take(&record)) << "the window is still open";
  for (int ms = 0; ms < 1000; ++ms) {
    worker.At(kMinuteMs * 1001 + ms);
    RunTimers(worker.context, false);
  }
  ASSERT_TRUE(worker.account->Take(&record));
  EXPECT_EQ(record.action, FlowAction::kReject);
  EXPECT_EQ(record.packets, 1u);
  EXPECT_FALSE(worker.account->Take(&record));
}

}  // namespace
}  // namespace sluice
