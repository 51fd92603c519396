// The session tables that ours is compared with find what is in them, and only that.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "perf/rivals/hash_rival.h"
#include "perf/rivals/inline_table.h"
#include "tests/dataplane/table/failing_memory.h"

namespace sluice {
namespace {

constexpr uint32_t kKeys = 1000;

std::vector<SessionKey> Keys(uint32_t scope) {
  std::vector<SessionKey> keys;
  for (uint32_t i = 0; i < kKeys; ++i) {
    keys.push_back(MakeSessionKey(scope, 0x0a000001 + i, 0x08080808,
                                  static_cast<uint16_t>(1024 + i), 443, kProtocolTcp));
  }
  return keys;
}

constexpr uint64_t kSumOfNumbers = uint64_t{kKeys} * (kKeys - 1) / 2;

TEST(HashRivalTest, FindsEveryKeyAndNoOther) {
  const auto rival = HashRival::Make(Keys(1), HeapMemory());
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_EQ((*rival)->Run(Keys(1).data(), kKeys, 32), kSumOfNumbers);
  EXPECT_EQ((*rival)->Run(Keys(1).data(), kKeys, 7), kSumOfNumbers);
  EXPECT_EQ((*rival)->Run(Keys(2).data(), kKeys, 32), 0u);
  EXPECT_GT((*rival)->bytes(), kKeys * sizeof(RivalLine));
}

TEST(HashRivalTest, GivesItsMemoryBackAndSaysWhenThereIsNone) {
  FailingMemory memory(size_t{1} << 30);
  ASSERT_TRUE(HashRival::Make(Keys(1), memory).ok());
  EXPECT_EQ(memory.held_bytes(), 0u);
  FailingMemory none(0);
  EXPECT_EQ(HashRival::Make(Keys(1), none).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(InlineTableTest, FindsEveryKeyAndNoOther) {
  for (const uint32_t percent : {50u, 75u}) {
    const auto table = InlineTable::Make(Keys(1), percent, HeapMemory());
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->Run(Keys(1).data(), kKeys, 32), kSumOfNumbers);
    EXPECT_EQ(table->Run(Keys(1).data(), kKeys, 7), kSumOfNumbers);
    EXPECT_EQ(table->Run(Keys(2).data(), kKeys, 32), 0u);
  }
  FailingMemory none(0);
  EXPECT_EQ(InlineTable::Make(Keys(1), 50, none), nullptr);
}

}  // namespace
}  // namespace sluice
