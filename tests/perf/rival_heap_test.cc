// The rivals' environment and their memory.
#include "perf/rivals/rival_heap.h"

#include <gtest/gtest.h>
#include <rte_config.h>
#include <rte_malloc.h>

#include "perf/rivals/eal.h"
#include "tests/dataplane/table/failing_memory.h"

namespace sluice {
namespace {

TEST(RivalEalTest, StartsOnceAndSaysSoAgain) {
  EXPECT_TRUE(StartRivalEal().ok());
  EXPECT_TRUE(StartRivalEal().ok());
}

TEST(RivalHeapTest, DpdkAllocatesInOurPages) {
  const auto heap = RivalHeap::Make(HeapMemory(), RivalHeap::kPageBytes + 1);
  ASSERT_TRUE(heap.ok()) << heap.status();
  EXPECT_EQ((*heap)->used_bytes(), 0u);
  void* first = rte_zmalloc_socket("first", size_t{3} << 20, 64, (*heap)->socket());
  ASSERT_NE(first, nullptr);
  EXPECT_GE((*heap)->used_bytes(), size_t{3} << 20);
  // Two pages hold no more than that.
  EXPECT_EQ(rte_zmalloc_socket("second", size_t{1} << 20, 64, (*heap)->socket()), nullptr);
  rte_free(first);
  EXPECT_EQ((*heap)->used_bytes(), 0u);
}

TEST(RivalHeapTest, TwoHeapsAreApart) {
  const auto one = RivalHeap::Make(HeapMemory(), RivalHeap::kPageBytes);
  const auto other = RivalHeap::Make(HeapMemory(), RivalHeap::kPageBytes);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE((*one)->socket(), (*other)->socket());
  EXPECT_NE((*one)->name(), (*other)->name());
}

TEST(RivalHeapTest, SaysWhenMemoryIsShort) {
  FailingMemory memory(0);
  const auto heap = RivalHeap::Make(memory, size_t{64} << 20);
  EXPECT_EQ(heap.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(heap.status().message().find("64 MB"), std::string_view::npos) << heap.status();
}

}  // namespace
}  // namespace sluice
