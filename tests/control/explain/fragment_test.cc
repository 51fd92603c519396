// D-FRAG and AWS-NAT-09.
#include <algorithm>

#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

class FragmentTest : public WorldTest {
 protected:
  // 24 payload bytes a part; UDP to `destination`, id 42.
  static std::vector<Bytes> ThreeParts(const PacketHeader& header) {
    return Fragmented(MakePacket({.header = header, .payload_bytes = 60, .identification = 42}),
                      44);
  }
};

TEST_F(FragmentTest, D_FRAG_AllSixOrdersPass) {
  std::vector<size_t> order = {0, 1, 2};
  do {
    Start();
    const std::vector<Bytes> parts = ThreeParts(Udp("10.0.1.10", 4000, "203.0.113.9", 53));
    ASSERT_EQ(parts.size(), 3u);
    size_t sent = 0;
    for (const size_t index : order) {
      const Receipt receipt = SendIp("eni-app", parts[index]);
      for (const Outcome& late : receipt.settled) {
        ExpectForwarded(late, "internet");
        EXPECT_EQ(Sent(late).header.source, Ip("198.51.100.200"));
        ++sent;
      }
      if (receipt.outcome.verdict == Verdict::kHold) {
        EXPECT_TRUE(receipt.outcome.outputs.empty());
      } else {
        ExpectForwarded(receipt.outcome, "internet");
        EXPECT_TRUE(receipt.outcome.outputs[0].identification_is_free);
        ++sent;
      }
    }
    EXPECT_EQ(sent, 3u);
    EXPECT_TRUE(world_->Finish(now_ns_).empty());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(FragmentTest, D_FRAG_HeldAtMostTwoSeconds) {
  Start();
  const std::vector<Bytes> parts = ThreeParts(Udp("10.0.0.11", 4000, "10.0.1.10", 53));
  EXPECT_EQ(SendIp("eni-two", parts[1]).outcome.verdict, Verdict::kHold);
  Advance(2 * kSecond);
  EXPECT_EQ(SendIp("eni-two", parts[2]).outcome.verdict, Verdict::kHold);
  Advance(1);
  const Receipt receipt = SendIp("eni-two", parts[0]);
  ExpectForwarded(receipt.outcome, "eni-app");
  ASSERT_EQ(receipt.settled.size(), 2u);
  EXPECT_EQ(receipt.settled[0].arrival_number, 0u);
  ExpectDropped(receipt.settled[0], DropReason::kFragmentOrphan);
  ExpectForwarded(receipt.settled[1], "eni-app");
}

TEST_F(FragmentTest, D_FRAG_LaterOnesShareTheFateOfTheFirst) {
  Start({{"APP_IN", ""}});
  const std::vector<Bytes> parts = ThreeParts(Udp("10.0.0.11", 4000, "10.0.1.10", 53));
  EXPECT_EQ(SendIp("eni-two", parts[1]).outcome.verdict, Verdict::kHold);
  const Receipt receipt = SendIp("eni-two", parts[0]);
  ExpectDropped(receipt.outcome, DropReason::kSgIngress);
  ASSERT_EQ(receipt.settled.size(), 1u);
  ExpectDropped(receipt.settled[0], DropReason::kSgIngress);
  ExpectDropped(SendIp("eni-two", parts[2]).outcome, DropReason::kSgIngress);
}

TEST_F(FragmentTest, D_FRAG_Overlap) {
  Start();
  const std::vector<Bytes> parts = ThreeParts(Udp("10.0.0.11", 4000, "10.0.1.10", 53));
  ExpectForwarded(SendIp("eni-two", parts[0]).outcome, "eni-app");
  ExpectDropped(SendIp("eni-two", parts[0]).outcome, DropReason::kFragmentOverlap);
  Bytes shifted = parts[1];
  Write16(shifted, 6, static_cast<uint16_t>(Read16(shifted, 6) - 1));
  SealIpv4Header(shifted, 0);
  ExpectDropped(SendIp("eni-two", shifted).outcome, DropReason::kFragmentOverlap);
  ExpectForwarded(SendIp("eni-two", parts[1]).outcome, "eni-app");
  ExpectForwarded(SendIp("eni-two", parts[2]).outcome, "eni-app");
  // Complete: the same id may be used again.
  ExpectForwarded(SendIp("eni-two", parts[0]).outcome, "eni-app");
}

TEST_F(FragmentTest, D_FRAG_Tiny) {
  Start();
  Bytes tcp = MakePacket({.header = Tcp("10.0.0.11", 1, "10.0.1.10", 80), .payload_bytes = 20});
  const std::vector<Bytes> parts = Fragmented(tcp, 36);  // 16 bytes of TCP header in the first
  ExpectDropped(SendIp("eni-two", parts[0]).outcome, DropReason::kFragmentTiny);
  const std::vector<Bytes> eights = Fragmented(tcp, 28);
  ExpectDropped(SendIp("eni-two", eights[1]).outcome, DropReason::kFragmentTiny);
}

TEST_F(FragmentTest, AWS_NAT_09_TcpAndIcmpFragmentsAreDropped) {
  Start();
  const Bytes tcp =
      MakePacket({.header = Tcp("10.0.1.10", 1, "203.0.113.9", 80), .payload_bytes = 60});
  const Bytes icmp =
      MakePacket({.header = Icmp("10.0.1.10", "203.0.113.9", 8, 0, 9), .payload_bytes = 60});
  for (const Bytes& whole : {tcp, icmp}) {
    for (const Bytes& part : Fragmented(whole, 44)) {
      ExpectDropped(SendIp("eni-app", part).outcome, DropReason::kNatFragment);
    }
  }
}

TEST_F(FragmentTest, Rfc791_OnlyCopiedOptionsAreRepeated) {
  Bytes ip = MakePacket({.header = Udp("1.2.3.4", 5, "6.7.8.9", 10), .payload_bytes = 40});
  ip.insert(ip.begin() + 20,
            {7, 4, 4, 0, 0x94, 4, 0, 0});  // record route (not copied), router alert (copied)
  ip[0] = 0x47;
  Write16(ip, 2, static_cast<uint16_t>(ip.size()));
  SealIpv4Header(ip, 0);
  const std::vector<Bytes> parts = Fragmented(ip, 52);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0][0], 0x47);
  EXPECT_EQ(parts[1][0], 0x46);
  EXPECT_EQ(parts[1][20], 0x94);
}

}  // namespace
}  // namespace sluice::testing
