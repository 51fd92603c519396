#include "tools/sluice/packet_words.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(PacketWordsTest, SecondsHaveAtMostNineDecimals) {
  EXPECT_EQ(ParseSeconds("0"), 0);
  EXPECT_EQ(ParseSeconds("12.5"), 12'500'000'000);
  EXPECT_EQ(ParseSeconds("1700000000.000000001"), 1'700'000'000'000'000'001);
  EXPECT_EQ(ParseSeconds("1.0000000000"), std::nullopt);
  EXPECT_EQ(ParseSeconds("1."), std::nullopt);
  EXPECT_EQ(ParseSeconds(".5"), std::nullopt);
  EXPECT_EQ(ParseSeconds("-1"), std::nullopt);
  EXPECT_EQ(ParseSeconds("1e3"), std::nullopt);
  EXPECT_EQ(ParseSeconds("9223372035"), 9'223'372'035'000'000'000);
  EXPECT_EQ(ParseSeconds("9223372036"), std::nullopt);
  EXPECT_EQ(ParseSeconds(""), std::nullopt);
}

TEST(PacketWordsTest, Protocols) {
  EXPECT_EQ(ParseProtocol("tcp"), 6);
  EXPECT_EQ(ParseProtocol("udp"), 17);
  EXPECT_EQ(ParseProtocol("icmp"), 1);
  EXPECT_EQ(ParseProtocol("255"), 255);
  EXPECT_EQ(ParseProtocol("256"), std::nullopt);
  EXPECT_EQ(ParseProtocol("TCPX"), std::nullopt);
}

TEST(PacketWordsTest, IcmpTypeCode) {
  EXPECT_EQ(ParseIcmpTypeCode("8/0"), (std::pair<uint8_t, uint8_t>(8, 0)));
  EXPECT_EQ(ParseIcmpTypeCode("3"), (std::pair<uint8_t, uint8_t>(3, 0)));
  EXPECT_EQ(ParseIcmpTypeCode("3/256"), std::nullopt);
  EXPECT_EQ(ParseIcmpTypeCode("3/"), std::nullopt);
}

}  // namespace
}  // namespace sluice
