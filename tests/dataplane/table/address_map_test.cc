#include "dataplane/table/address_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "tests/dataplane/table/failing_memory.h"

namespace sluice {
namespace {

constexpr AddressHashKey kKey = {{0x0123456789abcdefull, 0xfedcba9876543210ull}};

std::vector<AddressEntry> RandomEntries(size_t count, uint32_t vpc_count, std::mt19937& random) {
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> distinct;
  while (distinct.size() < count) {
    distinct[{random() % vpc_count, 0x0a000000u | (random() & 0xffffffu)}] = random() & 0x7fffffffu;
  }
  std::vector<AddressEntry> entries;
  for (const auto& [key, value] : distinct) {
    entries.push_back({key.first, Ipv4Address(key.second), value});
  }
  return entries;
}

TEST(AddressMapTest, FindsEveryAddressAndNoOther) {
  for (const size_t count : {0, 1, 2, 4, 5, 6, 8, 9, 10, 33, 1000, 50'000}) {
    std::mt19937 random(static_cast<uint32_t>(count) + 1);
    const auto entries = RandomEntries(count, 7, random);
    const auto map = AddressMap::Build(entries, kKey, HeapMemory());
    ASSERT_TRUE(map.ok()) << count << " " << map.status();
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> expected;
    std::vector<uint32_t> vpcs, addresses;
    for (const AddressEntry& entry : entries) {
      expected[{entry.vpc_idx, entry.address.value}] = entry.value;
      for (uint32_t near = 0; near < 3; ++near) {
        vpcs.push_back(entry.vpc_idx);
        addresses.push_back(entry.address.value + near - 1);
      }
      vpcs.push_back(entry.vpc_idx + 1);
      addresses.push_back(entry.address.value);
    }
    vpcs.push_back(0);
    addresses.push_back(0);  // the content of a free slot's address
    std::vector<uint32_t> got(vpcs.size());
    (*map)->LookupBatch(vpcs.data(), addresses.data(), got.data(), got.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const auto it = expected.find({vpcs[i], addresses[i]});
      ASSERT_EQ(got[i], it == expected.end() ? kNoAddress : it->second) << count << " lane " << i;
      ASSERT_EQ((*map)->Lookup(vpcs[i], addresses[i]), got[i]);
    }
  }
}

TEST(AddressMapTest, TakesAtMost16BytesAnAddressAndFillsUnderEveryKey) {
  std::mt19937 random(9);
  for (const size_t count : {4u, 1000u, 20'000u}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto map = AddressMap::Build(RandomEntries(count, 3, random),
                                         {{seed * 0x9e3779b97f4a7c15ull, seed}}, HeapMemory());
      ASSERT_TRUE(map.ok()) << map.status();
      EXPECT_LE((*map)->bytes(), 16 * count);
    }
  }
}

TEST(AddressMapTest, DuplicatesAndReservedValuesAreRefused) {
  std::vector<AddressEntry> entries = {{1, Ipv4Address(10, 0, 0, 1), 5},
                                       {1, Ipv4Address(10, 0, 0, 1), 6}};
  EXPECT_EQ(AddressMap::Build(entries, kKey, HeapMemory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  entries[1] = entries[0];
  EXPECT_EQ(AddressMap::Build(entries, kKey, HeapMemory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  entries.assign(100, entries[0]);
  EXPECT_EQ(AddressMap::Build(entries, kKey, HeapMemory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  entries = {{1, Ipv4Address(10, 0, 0, 1), kNoAddress}};
  EXPECT_FALSE(AddressMap::Build(entries, kKey, HeapMemory()).ok());
  entries = {{0xffffffffu, Ipv4Address(10, 0, 0, 1), 1}};
  EXPECT_FALSE(AddressMap::Build(entries, kKey, HeapMemory()).ok());
}

TEST(AddressMapTest, ShortageOfMemoryIsReported) {
  FailingMemory memory(63);
  EXPECT_EQ(AddressMap::Build({}, kKey, memory).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace sluice
