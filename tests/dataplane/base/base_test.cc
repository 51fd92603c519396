// Arrays of a memory source, ids, the check macro, grace periods.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <type_traits>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/check.h"
#include "dataplane/base/grace_period.h"
#include "dataplane/base/strong_id.h"
#include "tests/dataplane/table/failing_memory.h"

namespace sluice {
namespace {

TEST(MemorySourceTest, ZeroedAndAlignedAtEverySize) {
  for (const size_t alignment : {size_t{1}, size_t{8}, size_t{64}, size_t{4096}}) {
    for (const size_t bytes : {size_t{1}, size_t{63}, size_t{64}, size_t{4097}, size_t{3} << 20}) {
      auto* memory = static_cast<uint8_t*>(HeapMemory().Allocate("test", bytes, alignment));
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % alignment, 0u);
      EXPECT_TRUE(std::all_of(memory, memory + bytes, [](uint8_t byte) { return byte == 0; }));
      std::memset(memory, 0xff, bytes);  // what is given again must be zeroed again
      HeapMemory().Free(memory, bytes);
    }
  }
}

struct alignas(128) TwoLines {
  uint8_t bytes[128];
};

TEST(MemorySourceTest, TheHeapDoesNotPromiseWhatTheMachineDoesNotHave) {
  std::ifstream meminfo("/proc/meminfo");
  uint64_t available_kib = 0;
  for (std::string name; meminfo >> name;) {
    if (name == "MemAvailable:") {
      meminfo >> available_kib;
    }
  }
  if (available_kib == 0) {
    GTEST_SKIP() << "/proc/meminfo does not say what is available";
  }
  const size_t more_bytes = (available_kib + available_kib / 4) * 1024;
  EXPECT_EQ(HeapMemory().Allocate("test", more_bytes, 64), nullptr);
}

TEST(AlignedArrayTest, ElementsAreZeroAndOnLinesOfTheirOwn) {
  auto words = AlignedArray<uint32_t>::Make(HeapMemory(), "words", 100);
  ASSERT_TRUE(words.ok());
  EXPECT_EQ(words.size(), 100u);
  EXPECT_EQ(words.bytes(), 400u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(words.data()) % kCacheLineBytes, 0u);
  EXPECT_EQ(std::count(words.span().begin(), words.span().end(), 0u), 100);
  auto pairs = AlignedArray<TwoLines>::Make(HeapMemory(), "pairs", 3);
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&pairs[1]) % 128, 0u);
}

TEST(AlignedArrayTest, MovesHandOverAndGiveBackExactlyOnce) {
  FailingMemory memory(1000);
  {
    auto first = AlignedArray<uint64_t>::Make(memory, "first", 50);
    auto second = AlignedArray<uint64_t>::Make(memory, "second", 25);
    EXPECT_EQ(memory.held_bytes(), 600u);
    first[49] = 7;
    second = std::move(first);
    EXPECT_EQ(second.size(), 50u);
    EXPECT_EQ(second[49], 7u);
    EXPECT_EQ(memory.held_bytes(), 400u);
    AlignedArray<uint64_t> third(std::move(second));
    EXPECT_EQ(third[49], 7u);
    EXPECT_EQ(second.size(), 0u);  // NOLINT: moved from is empty
    EXPECT_EQ(memory.held_bytes(), 400u);
  }
  EXPECT_EQ(memory.held_bytes(), 0u);
}

TEST(AlignedArrayTest, ShortMemoryIsAnEmptyArray) {
  FailingMemory memory(99);
  auto array = AlignedArray<uint32_t>::Make(memory, "too large", 25);
  EXPECT_FALSE(array.ok());
  EXPECT_EQ(array.size(), 0u);
  EXPECT_EQ(array.bytes(), 0u);
  EXPECT_TRUE(array.span().empty());
  EXPECT_EQ(memory.held_bytes(), 0u);
}

struct DogTag;
struct CatTag;
using Dog = StrongId<DogTag, uint16_t>;
using Cat = StrongId<CatTag, uint16_t>;

static_assert(sizeof(Dog) == 2 && std::is_trivially_copyable_v<Dog>);
static_assert(!std::is_convertible_v<Dog, Cat> && !std::is_convertible_v<uint16_t, Dog> &&
              !std::is_convertible_v<Dog, uint16_t> && !std::is_constructible_v<Dog, Cat>);

TEST(StrongIdTest, NoneIsTheLargestValueAndOrderIsThatOfValues) {
  EXPECT_FALSE(Dog().has_value());
  EXPECT_EQ(Dog(), Dog::None());
  EXPECT_EQ(Dog(0xffff), Dog::None());
  EXPECT_TRUE(Dog(0xfffe).has_value());
  EXPECT_LT(Dog(3), Dog(4));
  EXPECT_EQ(Dog(7).index(), 7u);
}

TEST(CheckTest, NamesThePlaceAndTheExpression) {
  int evaluated = 0;
  SLUICE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
  EXPECT_DEATH(SLUICE_CHECK(evaluated == 2), "base_test.cc:[0-9]+: check failed: evaluated == 2");
}

TEST(GracePeriodTest, WithoutReadersEveryPeriodIsOver) {
  NoReaders readers;
  EXPECT_TRUE(readers.IsOver(readers.Begin()));
}

}  // namespace
}  // namespace sluice
