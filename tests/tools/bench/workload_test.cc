// The packets of benches: their law, their sameness under a seed, their bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "perf/workload/frame_sizes.h"
#include "perf/workload/key_stream.h"
#include "perf/workload/stamp.h"
#include "tests/support/packet_builder.h"

namespace sluice {
namespace {

std::vector<uint32_t> Draw(KeyLaw law, uint32_t count, double exponent, uint64_t seed, size_t n) {
  KeyStream stream(law, count, exponent, seed);
  std::vector<uint32_t> keys(n);
  std::generate(keys.begin(), keys.end(), [&] { return stream.Next(); });
  return keys;
}

std::vector<double> SortedShares(const std::vector<uint32_t>& keys, uint32_t count) {
  std::vector<double> shares(count);
  for (const uint32_t key : keys) {
    shares[key] += 1.0 / static_cast<double>(keys.size());
  }
  std::sort(shares.rbegin(), shares.rend());
  return shares;
}

TEST(KeyStreamTest, ZipfFollowsItsLaw) {
  for (const double exponent : {0.7, 1.0, 1.3}) {
    constexpr uint32_t kCount = 1000;
    const std::vector<double> shares =
        SortedShares(Draw(KeyLaw::kZipf, kCount, exponent, 7, 2'000'000), kCount);
    double norm = 0;
    for (uint32_t k = 1; k <= kCount; ++k) {
      norm += std::pow(k, -exponent);
    }
    for (const uint32_t rank : {1u, 2u, 3u, 10u, 100u}) {
      const double expected = std::pow(rank, -exponent) / norm;
      EXPECT_NEAR(shares[rank - 1] / expected, 1, 0.06) << exponent << " rank " << rank;
    }
  }
}

TEST(KeyStreamTest, UniformMeetsEveryKeyAlike) {
  const std::vector<double> shares =
      SortedShares(Draw(KeyLaw::kUniform, 100, 1, 7, 1'000'000), 100);
  EXPECT_LT(shares.front(), 0.0105);
  EXPECT_GT(shares.back(), 0.0095);
}

TEST(KeyStreamTest, TheSameSeedGivesTheSameKeysAndAnotherOthers) {
  for (const KeyLaw law : {KeyLaw::kUniform, KeyLaw::kZipf}) {
    EXPECT_EQ(Draw(law, 12345, 1, 3, 1000), Draw(law, 12345, 1, 3, 1000));
    EXPECT_NE(Draw(law, 12345, 1, 3, 1000), Draw(law, 12345, 1, 4, 1000));
  }
}

TEST(KeyStreamTest, KeysStayInRangeAtTheBounds) {
  for (const KeyLaw law : {KeyLaw::kUniform, KeyLaw::kZipf}) {
    for (const uint32_t count : {1u, 2u, 3u, 1u << 24}) {
      for (const uint32_t key : Draw(law, count, 1, 5, 1000)) {
        ASSERT_LT(key, count);
      }
    }
  }
}

TEST(FrameSizesTest, AcceptsWireSizesAndImix) {
  EXPECT_EQ(FrameSizes::Parse("64")->mean_bytes(), 64);
  EXPECT_EQ(FrameSizes::Parse("1518")->mean_bytes(), 1518);
  EXPECT_NEAR(FrameSizes::Parse("imix")->mean_bytes(), 361.83, 0.01);
  for (const char* wrong : {"", "63", "1519", "64b", "-64", "imax", "70000"}) {
    EXPECT_FALSE(FrameSizes::Parse(wrong).has_value()) << wrong;
  }
}

testing::PacketSpec SpecOf(const PacketHeads& heads, size_t payload_bytes) {
  testing::PacketSpec spec;
  spec.src = heads.src;
  spec.dst = heads.dst;
  spec.protocol = heads.protocol;
  spec.src_port = heads.src_l4_port;
  spec.dst_port = heads.dst_l4_port;
  spec.tcp_flags = heads.tcp_flags;
  spec.seq = heads.tcp_seq;
  spec.ack = heads.tcp_ack;
  spec.dont_fragment = true;
  spec.payload.assign(payload_bytes, 0);
  return spec;
}

TEST(StampTest, FramesAreThoseOfAnIndependentBuilder) {
  WorkloadRandom random(11);
  for (int i = 0; i < 2000; ++i) {
    SCOPED_TRACE(i);
    PacketHeads heads;
    heads.protocol = random.Below(2) == 0 ? 6 : 17;
    heads.src = static_cast<uint32_t>(random.Next());
    heads.dst = static_cast<uint32_t>(random.Next());
    heads.src_l4_port = static_cast<uint16_t>(random.Next());
    heads.dst_l4_port = static_cast<uint16_t>(random.Next());
    if (heads.protocol == 6) {
      heads.tcp_flags = static_cast<uint8_t>(random.Below(64));
      heads.tcp_seq = static_cast<uint32_t>(random.Below(256));
      heads.tcp_ack = static_cast<uint32_t>(random.Below(256));
    }
    const bool tagged = random.Below(2) == 0;
    const size_t payload_bytes = 18 + random.Below(1400);
    testing::PacketSpec spec = SpecOf(heads, payload_bytes);
    spec.vlan = tagged ? 12 : -1;
    const Link link = MakeLink(PortIdx(0), tagged ? 12 : 0, spec.dst_mac, spec.src_mac);
    const testing::Bytes expected = testing::BuildFrame(spec);
    testing::Bytes frame =
        FrameOf(MakeStamp(heads, link, static_cast<uint16_t>(expected.size()), 0), link);
    if (heads.protocol == 6) {
      frame[link.l2_bytes + 34u] = expected[link.l2_bytes + 34u];  // the window, which the
      frame[link.l2_bytes + 35u] = expected[link.l2_bytes + 35u];  // builder does not leave 0,
      frame[link.l2_bytes + 36u] = expected[link.l2_bytes + 36u];  // and so the checksum
      frame[link.l2_bytes + 37u] = expected[link.l2_bytes + 37u];
    }
    ASSERT_EQ(frame, expected);
    const testing::Bytes whole =
        FrameOf(MakeStamp(heads, link, static_cast<uint16_t>(expected.size()), 0), link);
    ASSERT_EQ(testing::ChecksumComplaint(whole, link.l2_bytes), "");
  }
}

}  // namespace
}  // namespace sluice
