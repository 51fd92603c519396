// What an established packet may touch, and that the counting would notice more.
#include <gtest/gtest.h>

#include "perf/workload/access_trace.h"
#include "perf/workload/sample_network.h"
#include "tools/bench/budget_run.h"

namespace sluice {
namespace {

TEST(AccessTraceTest, EveryAccessIsNotedWithItsKind) {
  WatchedMemory memory;
  auto* words = static_cast<volatile uint64_t*>(memory.Allocate("words", 8192, 64));
  const auto at = [&](size_t i) { return reinterpret_cast<uintptr_t>(words + i); };
  {
    const AccessTrace trace(memory);
    const auto accesses = trace.Of([&] {
      words[0] = 7;
      (void)words[8];
      words[600] = words[600] + 1;
    });
    ASSERT_EQ(accesses.size(), 4u);
    EXPECT_EQ(accesses[0].address, at(0));
    EXPECT_TRUE(accesses[0].write);
    EXPECT_EQ(accesses[1].address, at(8));
    EXPECT_FALSE(accesses[1].write);
    EXPECT_EQ(accesses[1].line(), accesses[0].line() + 1);
    EXPECT_FALSE(accesses[2].write);
    EXPECT_TRUE(accesses[3].write);
    EXPECT_EQ(accesses[3].address, at(600));
    EXPECT_TRUE(trace.Of([] {}).empty());
  }
  EXPECT_EQ(words[0], 7u);  // nobody watches any more
  EXPECT_EQ(words[600], 1u);
  memory.Free(const_cast<uint64_t*>(words), 8192);
  EXPECT_TRUE(memory.regions().empty());
}

TEST(AccessTraceTest, WritingWhatIsThereIsAWrite) {
  WatchedMemory memory;
  auto* word = static_cast<volatile uint64_t*>(memory.Allocate("word", 8, 64));
  {
    const AccessTrace trace(memory);
    const auto accesses = trace.Of([&] { *word = 0; });
    ASSERT_EQ(accesses.size(), 1u);
    EXPECT_TRUE(accesses[0].write);
  }
  memory.Free(const_cast<uint64_t*>(word), 8);
}

BudgetResult Measure(Traffic traffic, bool session_cache) {
  WatchedMemory memory;
  WorkbenchOptions options;
  SampleNetwork network;
  network.max_sessions = 200'000;
  options.intent = LoadIntentText("test", SampleNetworkJson(network), {}).intent;
  options.traffic = traffic;
  options.flows = 5000;
  options.burst = 1;
  options.burst_ns = 50;
  options.memory = &memory;
  options.session_cache = session_cache;
  const auto bench = Workbench::Make(options);
  EXPECT_TRUE(bench.ok()) << bench.status();
  return MeasureBudget(**bench, memory, {200, 1});
}

TEST(BudgetTest, EstablishedPacketsTouchTwoColdLinesAndWriteTheirOwn) {
  for (const Traffic traffic : {Traffic::kNat, Traffic::kVpc}) {
    const BudgetResult result = Measure(traffic, true);
    for (const std::string& claim : BrokenBudget(result)) {
      ADD_FAILURE() << claim;
    }
    EXPECT_EQ(result.packets, 400u);
    EXPECT_GE(result.index_lines, result.packets);
    EXPECT_GE(result.session_lines, result.packets);
    EXPECT_GE(result.own_writes, result.packets);
  }
}

TEST(BudgetTest, WalksAreNoticed) {
  const BudgetResult result = Measure(Traffic::kNat, false);
  EXPECT_FALSE(BrokenBudget(result).empty());
  EXPECT_GT(result.cold_lines, 0u);
}

BudgetResult Sound() {
  BudgetResult result;
  result.packets = result.forwarded = result.hits = 100;
  result.index_lines = result.session_lines = result.own_writes = 100;
  result.bytes_per_session = 150;
  return result;
}

TEST(BrokenBudgetTest, EveryClaimCanBreak) {
  EXPECT_TRUE(BrokenBudget(Sound()).empty());
  const auto breaks = [](auto change, const char* word) {
    BudgetResult result = Sound();
    change(result);
    const std::vector<std::string> broken = BrokenBudget(result);
    ASSERT_EQ(broken.size(), 1u) << word;
    EXPECT_NE(broken[0].find(word), std::string::npos) << broken[0];
  };
  breaks([](BudgetResult& r) { r.hits = 99; }, "hits");
  breaks([](BudgetResult& r) { r.index_lines = 120; }, "cold lines");
  breaks([](BudgetResult& r) { r.peer_lines = 1; }, "other direction's line");
  breaks([](BudgetResult& r) { r.cold_lines = 1; }, "cold part");
  breaks([](BudgetResult& r) { r.own_writes = 0; }, "nothing was traced");
  breaks([](BudgetResult& r) { r.contested_lines = 1; }, "both directions");
  breaks([](BudgetResult& r) { r.bytes_per_session = 193; }, "bytes a session");
  breaks(
      [](BudgetResult& r) {
        r.shared_writes = 1;
        r.first_shared_write = "session_index";
      },
      "session_index");
}

}  // namespace
}  // namespace sluice
