#include "dataplane/table/sender_map.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <tuple>

#include "dataplane/packet/wire.h"

namespace sluice {
namespace {

MacAddress MacOf(uint64_t number) {
  MacAddress mac;
  for (int i = 5; i >= 0; --i, number >>= 8) {
    mac.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(number);
  }
  return mac;
}

TEST(SenderMapTest, FindsExactlyWhatIsAttached) {
  constexpr uint32_t kSeed = 11;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937_64 random(kSeed);
  std::map<std::tuple<uint16_t, uint16_t, uint64_t>, uint32_t> wanted;
  std::vector<SenderMap::Attachment> attachments;
  for (uint32_t i = 0; i < 3000; ++i) {
    const auto port = static_cast<uint16_t>(random() % 4);
    const auto vlan = static_cast<uint16_t>(random() % 3);
    const uint64_t mac = random() % 5000;  // many ports have the same MAC
    if (wanted.emplace(std::tuple(port, vlan, mac), i).second) {
      attachments.push_back({PortIdx(port), vlan, MacOf(mac), InterfaceIdx(i)});
    }
  }
  const auto map = SenderMap::Build(attachments, 7, HeapMemory());
  ASSERT_NE(map, nullptr);
  uint32_t at_once = 0;
  for (uint16_t port = 0; port < 5; ++port) {
    for (uint16_t vlan = 0; vlan < 4; ++vlan) {
      for (uint64_t mac = 0; mac < 5000; ++mac) {
        const auto at = wanted.find({port, vlan, mac});
        const InterfaceIdx expected =
            at == wanted.end() ? InterfaceIdx::None() : InterfaceIdx(at->second);
        const uint64_t packed = PackMac(MacOf(mac));
        ASSERT_EQ(map->Find(PortIdx(port), vlan, packed), expected);
        const InterfaceIdx first = map->first_probe().Find(PortIdx(port), vlan, packed);
        ASSERT_TRUE(!first.has_value() || first == expected);
        at_once += first.has_value() ? 1 : 0;
      }
    }
  }
  EXPECT_GT(at_once, wanted.size() * 8 / 10) << "the first probe ends most searches";
}

TEST(SenderMapTest, EightAreFoundAsOneIs) {
  constexpr uint32_t kSeed = 12;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<SenderMap::Attachment> attachments;
  for (uint32_t i = 0; i < 500; ++i) {
    attachments.push_back({PortIdx(static_cast<uint16_t>(i % 7)),
                           static_cast<uint16_t>(i % 11 / 10),
                           MacOf(random() % 4 * 0x123456789abull + i), InterfaceIdx(i)});
  }
  const auto map = SenderMap::Build(attachments, 7, HeapMemory());
  ASSERT_NE(map, nullptr);
  uint32_t found = 0;
  for (uint32_t round = 0; round < 4000; ++round) {
    alignas(32) uint32_t port[kEight], low[kEight], high[kEight], interface[kEight];
    for (uint32_t i = 0; i < kEight; ++i) {
      const SenderMap::Attachment& a = attachments[random() % attachments.size()];
      const uint64_t mac = PackMac(a.mac) ^ (random() % 8 == 0 ? random() % 4 << 32 : 0);
      port[i] = a.port.value;
      low[i] = static_cast<uint32_t>(mac);
      high[i] = static_cast<uint32_t>(mac >> 32);
    }
    Store(interface, map->first_probe().FindEight(Load(port), Load(low), Load(high)));
    for (uint32_t i = 0; i < kEight; ++i) {
      const uint64_t mac = uint64_t{high[i]} << 32 | low[i];
      const InterfaceIdx one =
          map->first_probe().Find(PortIdx(static_cast<uint16_t>(port[i])), 0, mac);
      ASSERT_EQ(InterfaceIdx(interface[i]), one);
      found += one.has_value() ? 1 : 0;
    }
  }
  EXPECT_GT(found, 4000 * kEight / 2);
}

TEST(SenderMapTest, SoleOwnersAreNoSenders) {
  const auto map = SenderMap::Build({{PortIdx(0), 0, MacOf(1), InterfaceIdx(4)},
                                     {PortIdx(1), 0, MacOf(2), InterfaceIdx(5)},
                                     {PortIdx(1), 0, MacOf(3), InterfaceIdx(6)}},
                                    7, HeapMemory());
  EXPECT_EQ(map->SoleOwner(PortIdx(0), 0), InterfaceIdx(4));
  EXPECT_FALSE(map->SoleOwner(PortIdx(1), 0).has_value());
  EXPECT_TRUE(map->HasOwner(PortIdx(1), 0));
  EXPECT_FALSE(map->HasOwner(PortIdx(2), 0));
  for (const MacAddress& nobody : {kBroadcastMac, MacAddress{}}) {
    EXPECT_FALSE(map->Find(PortIdx(0), 0, PackMac(nobody)).has_value());
  }
}

TEST(SenderMapTest, ManySendersAreAllFound) {
  std::vector<SenderMap::Attachment> attachments;
  for (uint32_t i = 0; i < 20'000; ++i) {
    attachments.push_back({PortIdx(0), 0, MacOf(0x020000000000 + i), InterfaceIdx(i)});
  }
  const auto map = SenderMap::Build(attachments, 7, HeapMemory());
  ASSERT_NE(map, nullptr);
  for (const SenderMap::Attachment& a : attachments) {
    ASSERT_EQ(map->Find(a.port, a.vlan, PackMac(a.mac)), a.interface);
  }
  EXPECT_FALSE(map->Find(PortIdx(0), 0, PackMac(MacOf(0x020000000000 + 20'000))).has_value());
}

// A few senders, as on most hosts: none of them costs a second probe.
TEST(SenderMapTest, FewSendersAreAllFoundAtOnce) {
  std::vector<SenderMap::Attachment> attachments;
  for (uint32_t i = 0; i < 20; ++i) {
    attachments.push_back({PortIdx(0), 0, MacOf(0x020000000000 + i), InterfaceIdx(i)});
  }
  for (const uint64_t key : {1u, 2u, 3u, 4u}) {
    const auto map = SenderMap::Build(attachments, key, HeapMemory());
    for (uint32_t i = 0; i < 20; ++i) {
      EXPECT_EQ(map->first_probe().Find(PortIdx(0), 0, PackMac(attachments[i].mac)),
                InterfaceIdx(i));
    }
  }
}

}  // namespace
}  // namespace sluice
