#include "dataplane/packet/checksum.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/packet_builder.h"

namespace sluice {
namespace {

using testing::Bytes;

TEST(ChecksumTest, AgreesWithTheWordByWordSumForEveryLength) {
  std::mt19937 random(1);
  Bytes bytes(71);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(random());
  }
  for (size_t n = 0; n <= bytes.size(); ++n) {
    EXPECT_EQ(SumBytes(bytes.data(), n), testing::SlowSum(bytes, 0, n)) << n;
  }
}

uint16_t Fresh(uint32_t fixed, uint32_t word) {
  const uint32_t sum = fixed + word;
  return static_cast<uint16_t>(~((sum & 0xffff) + (sum >> 16)));
}

// RFC 1624: for all 2^32 pairs of an old and a new word the updated field is the field computed
// afresh, in a header that holds another, fixed word; for other fixed words a part of the pairs.
TEST(ChecksumTest, DeltaEqualsFreshChecksumForAllPairsOfWords) {
  for (const uint32_t fixed : {0x4500u, 0x0001u, 0xfffeu, 0xffffu}) {
    const uint32_t step = fixed == 0x4500 ? 1 : 251;
    uint64_t wrong = 0;
    for (uint32_t a = 0; a <= 0xffff; ++a) {
      const uint16_t before = Fresh(fixed, a);
      for (uint32_t b = a % step; b <= 0xffff; b += step) {
        ChecksumDelta delta;
        delta.Replace16(static_cast<uint16_t>(a), static_cast<uint16_t>(b));
        wrong += ApplyDelta(before, delta.value()) != Fresh(fixed, b);
      }
    }
    EXPECT_EQ(wrong, 0u) << fixed;
  }
}

// All 2^32 pairs of a field and a delta: the result is never 0xffff unless the field was, and
// adding the opposite delta gives the same sum.
TEST(ChecksumTest, NoFieldBecomesMinusZero) {
  uint64_t wrong = 0;
  for (uint32_t field = 0; field < 0xffff; ++field) {
    for (uint32_t delta = 0; delta < 0xffff; ++delta) {
      wrong += ApplyDelta(static_cast<uint16_t>(field), static_cast<uint16_t>(delta)) == 0xffff;
    }
  }
  EXPECT_EQ(wrong, 0u);
}

TEST(ChecksumTest, UdpZeroes) {
  EXPECT_EQ(ApplyUdpDelta(0, 0x1234), 0);
  for (uint32_t field = 1; field <= 0xffff; ++field) {
    for (const uint32_t delta : {0u, 1u, field, 0xffff - field, 0xfffeu}) {
      EXPECT_NE(ApplyUdpDelta(static_cast<uint16_t>(field), static_cast<uint16_t>(delta)), 0);
    }
  }
}

TEST(ChecksumTest, DeltasAddUp) {
  EXPECT_EQ(AddDeltas(0, 0), 0);
  EXPECT_EQ(AddDeltas(1, 0xfffe), 0);
  EXPECT_EQ(AddDeltas(0xfffe, 0xfffe), 0xfffd);
}

TEST(ChecksumTest, Ipv4HeaderHoldsLikeTheGeneralSum) {
  testing::PacketSpec spec;
  spec.src = testing::Address("10.0.0.1");
  spec.dst = testing::Address("10.0.0.2");
  Bytes ip = testing::BuildIpv4(spec);
  EXPECT_TRUE(Ipv4HeaderHolds(ip.data()));
  for (size_t bit = 0; bit < 160; ++bit) {
    Bytes flipped = ip;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(Ipv4HeaderHolds(flipped.data())) << bit;
    EXPECT_FALSE(ChecksumHolds(flipped.data(), 20)) << bit;
  }
}

}  // namespace
}  // namespace sluice
