#include "dataplane/table/classifier.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/dataplane/table/failing_memory.h"
#include "tests/dataplane/table/naive_match.h"

namespace sluice {
namespace {

// With and without records.
void ExpectFirstMatch(const RuleList& list, const std::vector<Packet>& packets,
                      ClassifierLimits limits = {}, uint32_t* max_steps = nullptr) {
  for (const size_t records_above : {size_t{0}, SIZE_MAX}) {
    SCOPED_TRACE(testing::Message() << "records above " << records_above);
    limits.records_above = records_above;
    ExpectFirstMatchWith(list, packets, limits, max_steps);
    if (testing::Test::HasFatalFailure()) {
      return;
    }
  }
}

Ipv4Prefix RandomPrefix(uint32_t shape, std::mt19937& random) {
  const auto length = static_cast<uint8_t>(random() % 33);
  const uint32_t address = static_cast<uint32_t>(random());
  if (shape == 0) {  // anywhere
    return {Ipv4Address(address), length};
  }
  if (shape == 1) {  // deeply nested
    return {Ipv4Address(0x0a0a0a0au ^ (random() % 4)), length};
  }
  return {Ipv4Address(0x0a000000u | (address & 0xffffu)), static_cast<uint8_t>(8 + length % 25)};
}

void AddRandomRule(RuleList& list, uint32_t shape, uint32_t value, std::mt19937& random) {
  static constexpr uint16_t kProtocols[] = {6, 6, 6, 17, 17, 1, 0, 255, 47, kAnyProtocol};
  std::vector<Ipv4Prefix> where;
  const size_t prefix_count = random() % 10 == 0 ? random() % 12 : 1;
  for (size_t i = 0; i < prefix_count; ++i) {
    where.push_back(RandomPrefix(shape, random));
  }
  const uint16_t protocol = kProtocols[random() % 10];
  auto low = static_cast<uint16_t>(random());
  auto high = static_cast<uint16_t>(random());
  switch (random() % 4) {
    case 0:
      low = 0;
      high = 0xffff;
      break;
    case 1:
      high = low;
      break;
    case 2:
      low = static_cast<uint16_t>(random() % 50);
      high = static_cast<uint16_t>(low + random() % 50);
      break;
    default:
      break;
  }
  if (protocol == kAnyProtocol && random() % 8 != 0) {
    low = 0;
    high = 0xffff;
  }
  list.Add(where, protocol, std::min(low, high), std::max(low, high), value);
}

TEST(ClassifierTest, EmptyListMatchesNothing) {
  ExpectFirstMatch({}, PacketsFor({}, 100, *std::make_unique<std::mt19937>(1)));
}

TEST(ClassifierTest, RulesWithoutPrefixesMatchNothing) {
  RuleList list;
  list.Add({}, kAnyProtocol, 0, 0xffff, 1);
  std::mt19937 random(2);
  ExpectFirstMatch(list, PacketsFor(list, 100, random));
}

TEST(ClassifierTest, FirstMatchWinsOnRandomLists) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    RuleList list;
    const size_t count = 1 + random() % (seed % 10 == 0 ? 1500 : 60);
    for (size_t i = 0; i < count; ++i) {
      AddRandomRule(list, seed % 3, static_cast<uint32_t>(seed % 5 == 0 ? i % 2 : i), random);
    }
    ExpectFirstMatch(list, PacketsFor(list, 600, random));
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST(ClassifierTest, FirstMatchWinsAmongTenThousand) {
  for (const uint32_t shape : {0u, 2u}) {
    std::mt19937 random(shape + 99);
    RuleList list;
    for (uint32_t i = 0; i < 10'000; ++i) {
      AddRandomRule(list, shape, i, random);
    }
    ExpectFirstMatch(list, PacketsFor(list, 3000, random));
  }
}

// Long lists at every prefix length: nothing can be merged, and the chain reaches its bound.
TEST(ClassifierTest, NestedLongListsReachTheStepBoundAndNoMore) {
  std::mt19937 random(5);
  RuleList list;
  uint32_t value = 0;
  for (int round = 0; round < 300; ++round) {
    for (uint32_t length = 0; length <= 32; ++length) {
      const auto low = static_cast<uint16_t>(random());
      list.Add({{Ipv4Address(0x0a0a0a0au), static_cast<uint8_t>(length)}}, 6, low, low, value++);
    }
  }
  const std::vector<Packet> packets = PacketsFor(list, 3000, random);
  for (const size_t records_above : {size_t{0}, SIZE_MAX}) {
    SCOPED_TRACE(testing::Message() << "records above " << records_above);
    uint32_t max_steps = 0;
    ClassifierLimits limits;
    limits.records_above = records_above;
    limits.merged_ranges = 0;
    ExpectFirstMatchWith(list, packets, limits, &max_steps);
    EXPECT_EQ(max_steps, Classifier::kMaxSteps);
    limits.merged_ranges = 20'000;  // ends in the middle
    ExpectFirstMatchWith(list, packets, limits, &max_steps);
    EXPECT_GT(max_steps, 2u);
    EXPECT_LT(max_steps, Classifier::kMaxSteps);
    limits.merged_ranges = 1'000'000;
    ExpectFirstMatchWith(list, packets, limits, &max_steps);
    EXPECT_EQ(max_steps, 1u);
  }
}

// All of a small world: addresses of a /29, 3 protocols, 4 keys.
TEST(ClassifierTest, EveryPacketOfASmallWorld) {
  std::mt19937 random(31);
  for (int round = 0; round < 400; ++round) {
    RuleList list;
    const size_t count = random() % 7;
    for (uint32_t i = 0; i < count; ++i) {
      const auto low = static_cast<uint16_t>(random() % 4);
      const auto high = static_cast<uint16_t>(low + random() % (4 - low));
      const uint32_t any = random() % 4;
      list.Add({{Ipv4Address(random() % 8), static_cast<uint8_t>(29 + random() % 4)}},
               any == 0 ? kAnyProtocol : static_cast<uint16_t>(random() % 3), low, high, i);
    }
    std::vector<Packet> packets;
    for (uint32_t bits = 0; bits < 9 * 3 * 5; ++bits) {
      packets.push_back(
          {bits % 9, static_cast<uint8_t>(bits / 9 % 3), static_cast<uint16_t>(bits / 27)});
    }
    ExpectFirstMatch(list, packets);
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST(ClassifierTest, IcmpTypesAndCodesAreKeyRanges) {
  RuleList list;
  list.Add({{Ipv4Address(0u), 0}}, 1, 0x0304, 0x0304, 1);  // type 3 code 4
  list.Add({{Ipv4Address(0u), 0}}, 1, 0x0800, 0x08ff, 2);  // type 8, any code
  const std::vector<Packet> packets = {{9, 1, 0x0304}, {9, 1, 0x0303}, {9, 1, 0x0305},
                                       {9, 1, 0x0800}, {9, 1, 0x08ff}, {9, 1, 0x0900},
                                       {9, 6, 0x0304}};
  ExpectFirstMatch(list, packets);
}

// 1,000 rules over one list of 100 prefixes: the work and the memory of one list, not of 100,000
// rules.
TEST(ClassifierTest, APrefixListIsNotExpandedIntoRules) {
  std::mt19937 random(12);
  std::vector<Ipv4Prefix> where;
  for (uint32_t i = 0; i < 100; ++i) {
    where.push_back({Ipv4Address(0x0a000000u + (i << 16)), 24});
  }
  RuleList list;
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto low = static_cast<uint16_t>(random());
    list.Add(where, 6, low, low, i);
  }
  ClassifierBuilder builder(HeapMemory());
  const auto classifier = builder.Build(list.rules);
  ASSERT_TRUE(classifier.ok());
  EXPECT_LE((*classifier)->bytes(), 32u * 1024);
  ExpectFirstMatch(list, PacketsFor(list, 2000, random));
}

TEST(ClassifierTest, OneBatchMixesClassifiersAndMayWriteOverItsInput) {
  std::mt19937 random(77);
  ClassifierBuilder builder(HeapMemory());
  std::vector<RuleList> lists(5);
  std::vector<std::shared_ptr<const Classifier>> classifiers;
  for (size_t i = 0; i < lists.size(); ++i) {
    for (uint32_t r = 0; r < 3 + 300 * i; ++r) {
      AddRandomRule(lists[i], 1, r, random);
    }
    classifiers.push_back(*builder.Build(lists[i].rules));
  }
  const auto set = ClassifierSet::Make(classifiers, HeapMemory());
  ASSERT_TRUE(set.ok());
  for (const size_t n : {0u, 1u, 31u, 32u, 33u, 500u}) {
    std::vector<uint32_t> idx, address, expected;
    std::vector<uint8_t> protocol;
    std::vector<uint16_t> key;
    for (size_t i = 0; i < n; ++i) {
      idx.push_back(static_cast<uint32_t>(random() % lists.size()));
      const Packet packet = PacketsFor(lists[idx.back()], 1, random).front();
      address.push_back(packet.address);
      protocol.push_back(packet.protocol);
      key.push_back(packet.key);
      expected.push_back(NaiveMatch(lists[idx.back()], packet));
      EXPECT_EQ(set->Lookup(ClassifierIdx(idx.back()), packet.address, packet.protocol, packet.key),
                expected.back());
      EXPECT_EQ(classifiers[idx.back()]->Lookup(packet.address, packet.protocol, packet.key),
                expected.back());
    }
    set->LookupBatch(idx.data(), address.data(), protocol.data(), key.data(), idx.data(), n);
    EXPECT_EQ(idx, expected);
  }
}

TEST(ClassifierTest, IdenticalListsAreShared) {
  ClassifierBuilder builder(HeapMemory());
  RuleList list;
  list.Add({{Ipv4Address(0u), 0}}, kAnyProtocol, 0, 0xffff, 100);
  const auto a = builder.Build(list.rules);
  const auto b = builder.Build(list.rules);
  list.rules[0].port.value = 101;
  const auto c = builder.Build(list.rules);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ(a->get(), b->get());
  EXPECT_NE(a->get(), c->get());
}

TEST(ClassifierTest, WrongRulesAreRefused) {
  ClassifierBuilder builder(HeapMemory());
  const Ipv4Prefix all{};
  const Ipv4Prefix host_bits{Ipv4Address(1u), 24};
  const ClassifierRule wrong[] = {{{&host_bits, 1}, {6, 0, 1, 1}},
                                  {{&all, 1}, {6, 2, 1, 1}},
                                  {{&all, 1}, {257, 0, 1, 1}},
                                  {{&all, 1}, {6, 0, 1, kNoMatch}}};
  for (const ClassifierRule& rule : wrong) {
    EXPECT_EQ(builder.Build({&rule, 1}).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ClassifierTest, BudgetAndShortageFailAndLeaveNothing) {
  std::mt19937 random(4);
  RuleList list;
  for (uint32_t i = 0; i < 500; ++i) {
    AddRandomRule(list, 0, i, random);
  }
  ClassifierBuilder free_builder(HeapMemory());
  const size_t bytes = (*free_builder.Build(list.rules))->bytes();
  for (const size_t budget : {size_t{64}, bytes / 2, bytes - 1}) {
    FailingMemory memory(bytes * 2);
    ClassifierLimits limits;
    limits.max_bytes = budget;
    ClassifierBuilder builder(memory, limits);
    EXPECT_EQ(builder.Build(list.rules).status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(memory.held_bytes(), 0u);
    FailingMemory little(budget);
    ClassifierBuilder starved(little);
    EXPECT_EQ(starved.Build(list.rules).status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(little.held_bytes(), 0u);
  }
  ClassifierLimits exact;
  exact.max_bytes = bytes;
  EXPECT_TRUE(ClassifierBuilder(HeapMemory(), exact).Build(list.rules).ok());
}

// A list as its rules one by one, edited as a network ACL is: numbers rise, each names one prefix.
struct EditedList {
  struct Rule {
    Ipv4Prefix prefix;
    PortRule port;
  };
  std::vector<Rule> rules;

  static Rule Draw(std::mt19937& random) {
    RuleList one;
    do {
      one = {};
      AddRandomRule(one, random() % 3, 0, random);
    } while (one.prefixes[0].size() != 1);
    return {one.prefixes[0][0], one.rules[0].port};
  }
  RuleList AsList() const {
    RuleList list;
    for (const auto& [prefix, port] : rules) {
      list.Add({prefix}, port.protocol, port.key_low, port.key_high, port.value);
    }
    return list;
  }
};

// Edits of a kept list answer as the edited list does, whatever was edited before. Lists of odd
// seeds have records.
TEST(ClassifierTest, EditsOfALargeListAreThoseOfTheList) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ClassifierLimits limits;
    limits.records_above = seed % 2 == 0 ? SIZE_MAX : 0;
    std::mt19937 random(seed);
    EditedList edited;
    for (uint32_t i = 0; i < 1100; ++i) {
      edited.rules.push_back(EditedList::Draw(random));
      edited.rules.back().port.value = 1000 + 10 * i;
    }
    ClassifierBuilder builder(HeapMemory(), limits);
    std::shared_ptr<const Classifier> held;
    for (uint32_t step = 0; step < 40; ++step) {
      const size_t at = random() % edited.rules.size();
      const uint32_t kind = random() % 3;
      if (kind == 0) {  // a rule between two
        EditedList::Rule rule = EditedList::Draw(random);
        rule.port.value = edited.rules[at].port.value;
        edited.rules.insert(edited.rules.begin() + static_cast<ptrdiff_t>(at), rule);
      } else if (kind == 1) {
        edited.rules.erase(edited.rules.begin() + static_cast<ptrdiff_t>(at));
      } else {
        const uint32_t value = edited.rules[at].port.value;
        edited.rules[at] = EditedList::Draw(random);
        edited.rules[at].port.value = value;
      }
      const RuleList list = edited.AsList();
      const auto built = builder.Build(list.rules);
      ASSERT_TRUE(built.ok()) << built.status();
      held = *built;
      for (const Packet& packet : PacketsFor(list, 400, random)) {
        ASSERT_EQ(held->Lookup(packet.address, packet.protocol, packet.key),
                  NaiveMatch(list, packet))
            << "step " << step;
      }
      EXPECT_EQ(builder.Build(list.rules)->get(), held.get());  // and again is the same
    }
  }
}

}  // namespace
}  // namespace sluice
