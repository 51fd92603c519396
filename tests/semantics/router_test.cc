// What the router itself answers, and what it refuses before any rule is asked: ARP, DHCP, broken
// packets, options; checksums on the way.
#include <algorithm>

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class RouterSemantics : public VpcTest {
 protected:
  Bytes Ask(const std::string& eni, const char* sender, const char* target,
            uint16_t operation = 1) const {
    ArpSpec arp;
    arp.src_mac = arp.sender_mac = MacOf(eni);
    arp.sender = Address(sender);
    arp.target = Address(target);
    arp.operation = operation;
    return BuildArp(arp);
  }
  Bytes Dhcp(const std::string& eni, uint8_t type, const char* requested = nullptr) const {
    Bytes bootp;
    Put32(bootp, 0x01010600);
    Put32(bootp, 0xdeadbeef);
    bootp.resize(28, 0);
    const MacAddress mac = MacOf(eni);
    bootp.insert(bootp.end(), mac.bytes.begin(), mac.bytes.end());
    bootp.resize(236, 0);
    Put32(bootp, 0x63825363);
    bootp.insert(bootp.end(), {53, 1, type});
    if (requested != nullptr) {
      bootp.insert(bootp.end(), {50, 4});
      Put32(bootp, Address(requested));
    }
    bootp.push_back(255);
    PacketSpec spec = Udp("0.0.0.0:68", "255.255.255.255:67");
    spec.payload = bootp;
    spec.src_mac = mac;
    spec.dst_mac = kBroadcastMac;
    return BuildFrame(spec);
  }
  // The value of a DHCP option in the last answer.
  Bytes Option(uint8_t code) const {
    const Bytes l4 = LastSent().l4;
    for (size_t at = 8 + 240; at + 1 < l4.size() && l4[at] != 255; at += 2u + l4[at + 1]) {
      if (l4[at] == code) {
        const auto from = l4.begin() + static_cast<std::ptrdiff_t>(at) + 2;
        return Bytes(from, from + l4[at + 1]);
      }
    }
    return {};
  }
};

TEST_F(RouterSemantics, D_ARP_D_ROUTER_AnsweredFromTheConfigurationOnly) {
  Start();
  ExpectFrame("eni-web", Ask("eni-web", "10.0.0.10", "10.0.0.1"),
              "consume arp_reply eni-web: arp 10.0.0.1 is 02:00:00:00:00:01 to 10.0.0.10");
  EXPECT_EQ(sent()[0].frame.size(), 42u);
  ExpectFrame("eni-web", Ask("eni-web", "10.0.0.10", "10.0.0.11"),
              "consume arp_reply eni-web: arp 10.0.0.11 is *");
  const Bytes& reply = sent()[0].frame;
  const MacAddress two = MacOf("eni-two");
  EXPECT_TRUE(std::equal(two.bytes.begin(), two.bytes.end(), reply.begin() + 22));
  EXPECT_TRUE(std::equal(two.bytes.begin(), two.bytes.end(), reply.begin() + 6));
  ExpectFrame("eni-web", Ask("eni-web", "10.0.0.10", "10.0.0.12"),
              "consume arp_reply *");  // secondary
  for (const char* nobody :
       {"10.0.0.99", "10.0.0.2", "10.0.0.255", "10.0.1.1", "10.0.1.10", "203.0.113.9"}) {
    ExpectFrame("eni-web", Ask("eni-web", "10.0.0.10", nobody), "consume arp_ignored");
  }
  ExpectFrame("eni-web", Ask("eni-web", "10.0.0.10", "10.0.0.10"),
              "consume arp_ignored");  // its own
  ExpectFrame("eni-two", Ask("eni-two", "10.0.0.11", "10.0.0.13"), "consume arp_ignored");
}

TEST_F(RouterSemantics, D_ARP_RFC_ROW_91_NothingIsLearnedFromATenant) {
  Start();
  for (const char* claimed : {"10.0.0.1", "10.0.0.11", "10.0.1.10", "203.0.113.9"}) {
    ExpectFrame("eni-web", Ask("eni-web", claimed, claimed), "consume arp_*");  // gratuitous
    ExpectFrame("eni-web", Ask("eni-web", claimed, "10.0.0.10", 2), "consume arp_ignored");
    ExpectFrame("eni-web", Ask("eni-web", claimed, "10.0.0.1", 2), "consume arp_ignored");
  }
  ExpectFrame("eni-two", Ask("eni-two", "10.0.0.11", "10.0.0.10"),
              "consume arp_reply eni-two: arp 10.0.0.10 is *");
  Expect("eni-app", Udp("10.0.1.10:5", "10.0.0.11:6"), "forward eni-two");
  const MacAddress two = MacOf("eni-two");
  EXPECT_TRUE(std::equal(two.bytes.begin(), two.bytes.end(), sent()[0].frame.begin()));
}

TEST_F(RouterSemantics, D_ARP_TheUplinkAnswersForPublicAddressesInUse) {
  Start();
  const auto ask = [&](const char* target) {
    ArpSpec arp;
    arp.src_mac = arp.sender_mac = kNextHopMac;
    arp.sender = Address("192.0.2.1");
    arp.target = Address(target);
    return BuildArp(arp);
  };
  for (const char* ours :
       {"192.0.2.2", "198.51.100.10", "198.51.100.12", "198.51.100.200", "198.51.101.10"}) {
    ExpectFrame("internet", ask(ours),
                "consume arp_reply internet: arp " + std::string(ours) +
                    " is 02:00:00:00:00:01 to 192.0.2.1");
  }
  for (const char* other : {"198.51.100.99", "10.0.0.10", "192.0.2.3", "192.0.3.2"}) {
    ExpectFrame("internet", ask(other), "consume arp_ignored");
  }
}

TEST_F(RouterSemantics, D_ROUTER_DhcpOffersAcksAndRefuses) {
  Start();
  ExpectFrame("eni-web", Dhcp("eni-web", 1),
              "consume dhcp_reply eni-web: udp 10.0.0.1:67 > 10.0.0.10:68");
  EXPECT_EQ(Option(53), Bytes{2});
  EXPECT_EQ(Option(1), (Bytes{255, 255, 255, 0}));
  EXPECT_EQ(Option(3), (Bytes{10, 0, 0, 1}));
  EXPECT_EQ(Option(6), (Bytes{10, 0, 0, 2}));
  const std::string domain = "eu-west-1.compute.internal";
  EXPECT_EQ(Option(15), Bytes(domain.begin(), domain.end()));
  EXPECT_EQ(Option(26), (Bytes{0x23, 0x29}));  // 9001
  ExpectFrame("eni-web", Dhcp("eni-web", 3, "10.0.0.10"),
              "consume dhcp_reply eni-web: udp 10.0.0.1:67 > *");
  EXPECT_EQ(Option(53), Bytes{5});
  ExpectFrame("eni-web", Dhcp("eni-web", 3, "10.0.0.11"),
              "consume dhcp_reply eni-web: udp 10.0.0.1:67 > 255.255.255.255:68");
  EXPECT_EQ(Option(53), Bytes{6});
  ExpectFrame("eni-web", Dhcp("eni-web", 7), "consume dhcp_reply");  // release: no answer
  EXPECT_TRUE(sent().empty());
}

TEST_F(RouterSemantics, D_ROUTER_DhcpTellsTheVpcsOptionSet) {
  VpcConfig config;
  config.Add("DhcpOptions", R"({"DhcpOptionsId": "dopt-a", "DhcpConfigurations": [
    {"Key": "domain-name", "Values": [{"Value": "example.com"}]},
    {"Key": "domain-name-servers", "Values": [{"Value": "10.0.2.10"}, {"Value": "AmazonProvidedDNS"}]},
    {"Key": "ntp-servers", "Values": [{"Value": "10.0.2.11"}]}]})");
  config.Set("Vpcs", "vpc-a", "DhcpOptionsId", R"("dopt-a")");
  Start(config);
  ExpectFrame("eni-app", Dhcp("eni-app", 1), "consume dhcp_reply eni-app: *");
  const std::string domain = "example.com";
  EXPECT_EQ(Option(15), Bytes(domain.begin(), domain.end()));
  EXPECT_EQ(Option(6), (Bytes{10, 0, 2, 10, 10, 0, 0, 2}));
  EXPECT_EQ(Option(42), (Bytes{10, 0, 2, 11}));
}

TEST_F(RouterSemantics, AWS_SG_15_FirewallsCannotBlockDhcp) {
  VpcConfig config;
  config.In("sg-web", {}).Out("sg-web", {}).Acl("acl-pub", {});
  Start(config);
  ExpectFrame("eni-web", Dhcp("eni-web", 1), "consume dhcp_reply eni-web: *");
  EXPECT_EQ(LiveSessions(), 0u);
}

TEST_F(RouterSemantics, D_ROUTER_AWS_ADDR_08_TheRouterIsTheSubnetsFirstAddress) {
  Start();
  ExpectFrame("eni-app", Ask("eni-app", "10.0.1.10", "10.0.1.1"),
              "consume arp_reply eni-app: arp 10.0.1.1 is 02:00:00:00:00:01 to 10.0.1.10");
  ExpectFrame("eni-b", Ask("eni-b", "10.1.0.10", "10.1.0.1"), "consume arp_reply eni-b: *");
  ExpectFrame("eni-app", Dhcp("eni-app", 1),
              "consume dhcp_reply eni-app: udp 10.0.1.1:67 > 10.0.1.10:68");
}

TEST_F(RouterSemantics, RFC_ROW_77_BrokenHeaders) {
  Start();
  const Bytes good = FrameOf("eni-web", Udp("10.0.0.10:5", "10.0.1.10:80"));
  const auto with = [&](size_t at, uint8_t value, bool seal) {
    Bytes frame = good;
    frame[14 + at] = value;
    if (seal) {
      frame[24] = frame[25] = 0;
      const uint32_t sum = 0xffff & ~SlowSum(frame, 14, 34);
      frame[24] = static_cast<uint8_t>(sum >> 8);
      frame[25] = static_cast<uint8_t>(sum);
    }
    return frame;
  };
  ExpectFrame("eni-web", with(0, 0x65, true), "drop malformed_ipv4");  // version 6
  ExpectFrame("eni-web", with(0, 0x44, true), "drop malformed_ipv4");  // IHL 4
  ExpectFrame("eni-web", with(0, 0x4f, true), "drop malformed_ipv4");  // IHL beyond the packet
  ExpectFrame("eni-web", with(3, 19, true),
              "drop malformed_ipv4");  // total length below the header
  ExpectFrame("eni-web", with(3, 37, true), "drop malformed_ipv4");  // and beyond the frame
  ExpectFrame("eni-web", with(10, static_cast<uint8_t>(good[24] ^ 1), false),
              "drop bad_ipv4_checksum");
  ExpectFrame("eni-web", with(8, 63, false), "drop bad_ipv4_checksum");
  ExpectFrame("eni-web", with(20 + 5, 7, false), "drop malformed_l4");   // UDP length 7
  ExpectFrame("eni-web", with(20 + 5, 17, false), "drop malformed_l4");  // beyond the packet
  for (size_t bytes = 0; bytes < good.size(); ++bytes) {                 // cut anywhere
    const std::string fate = SendFrame(
        "eni-web", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes)));
    EXPECT_EQ(fate, bytes < 14 ? "drop malformed_ethernet" : "drop malformed_ipv4") << bytes;
  }
  Bytes padded = good;  // a short frame's padding is no part of the packet
  padded.resize(60, 0xee);
  ExpectFrame("eni-web", padded, "forward eni-app");
  EXPECT_EQ(sent()[0].frame.size(), good.size());
}

TEST_F(RouterSemantics, RFC_ROW_77_BrokenTransports) {
  Start();
  PacketSpec raw = Raw("10.0.0.10", "10.0.1.10", 6);
  for (size_t bytes = 1; bytes < 20; ++bytes) {
    raw.payload.assign(bytes, 0);
    Expect("eni-web", raw, "drop malformed_l4");
  }
  raw.payload.assign(20, 0);
  for (const uint8_t words : {0, 4, 6, 15}) {
    raw.payload[12] = static_cast<uint8_t>(words << 4);
    Expect("eni-web", raw, "drop malformed_l4");
  }
  raw.protocol = 17;
  for (size_t bytes = 1; bytes < 8; ++bytes) {
    raw.payload.assign(bytes, 0);
    Expect("eni-web", raw, "drop malformed_l4");
  }
  raw.protocol = 1;
  for (size_t bytes = 1; bytes < 8; ++bytes) {
    raw.payload.assign(bytes, 8);
    Expect("eni-web", raw, "drop malformed_l4");
  }
}

TEST_F(RouterSemantics, RFC_ROW_84_SourceRoutesAreRefusedOtherOptionsPass) {
  Start();
  const auto send = [&](Bytes options) {
    PacketSpec spec = Udp("10.0.0.10:5", "10.0.1.10:80");
    spec.options = std::move(options);
    spec.options.resize((spec.options.size() + 3) / 4 * 4, 0);
    return spec;
  };
  Expect("eni-web", send({131, 7, 4, 10, 0, 0, 1}), "drop ipv4_options");  // loose
  Expect("eni-web", send({137, 7, 4, 10, 0, 0, 1}), "drop ipv4_options");  // strict
  Expect("eni-web", send({1, 1, 131, 3, 4}), "drop ipv4_options");         // behind others
  Expect("eni-web", send({7, 7, 4, 0, 0, 0, 0}), "forward eni-app");       // record route
  Expect("eni-web", send({68, 8, 5, 0, 0, 0, 0, 0}), "forward eni-app");   // timestamp
  Expect("eni-web", send({148, 4, 0, 0}), "forward eni-app");              // router alert
  Expect("eni-web", send({0, 0, 0, 0}), "forward eni-app");                // end of list
  Expect("eni-web", send({222, 40, 1}), "drop malformed_ipv4");            // runs past the header
  Expect("eni-web", send({222, 1, 1, 1}), "drop malformed_ipv4");          // length 1
  Bytes longest(40, 1);
  longest[0] = 222;  // unknown, 40 bytes
  longest[1] = 40;
  Expect("eni-web", send(longest), "forward eni-app");
  EXPECT_EQ(LastSent().ip, BuildIpv4(send(longest)));  // unchanged
}

TEST_F(RouterSemantics, RFC_ROW_82_OtherEthertypesAndTags) {
  Start();
  Bytes frame = FrameOf("eni-web", Udp("10.0.0.10:5", "10.0.1.10:80"));
  for (const uint16_t type : {0x86dd, 0x8847, 0x88cc, 0x0801, 0x05dc}) {
    frame[12] = static_cast<uint8_t>(type >> 8);
    frame[13] = static_cast<uint8_t>(type);
    ExpectFrame("eni-web", frame, "drop unsupported_ethertype");
  }
  PacketSpec tagged = Udp("10.0.0.10:5", "10.0.1.10:80");
  tagged.src_mac = MacOf("eni-web");
  tagged.vlan = 7;  // nobody is attached there
  ExpectFrame("eni-web", BuildFrame(tagged), "drop unknown_interface");
  tagged.vlan = 0;  // priority tag: untagged
  ExpectFrame("eni-web", BuildFrame(tagged), "forward eni-app*");
}

TEST_F(RouterSemantics, RFC_ROW_71_UdpWithoutChecksumStaysWithout) {
  Start();
  PacketSpec spec = Udp("10.0.0.10:5", "203.0.113.9:53");
  spec.udp_checksum = false;
  Expect("eni-web", spec, "forward internet: *");
  EXPECT_EQ(Get16(LastSent().l4, 6), 0u);
  spec = Udp("10.0.1.10:5", "203.0.113.9:53");
  spec.udp_checksum = false;
  Expect("eni-app", spec, "forward internet: *");
  EXPECT_EQ(Get16(LastSent().l4, 6), 0u);
}

// Every 16-bit word in the payload, so that every sum is met, the one that is zero too.
TEST_F(RouterSemantics, RFC_ROW_72_RFC_ROW_73_NoChecksumIsEverAWrongZero) {
  Start(VpcConfig(), {.reference_world = false, .uncached = false});
  int zero_sums = 0;
  PacketSpec spec = Udp("10.0.0.10:5", "203.0.113.9:53", 2);
  for (uint32_t word = 0; word < 0x10000; ++word) {
    spec.payload = {static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word)};
    Send("eni-web", spec);  // the fixture verifies the checksums of what leaves
    const uint32_t checksum = Get16(LastSent().l4, 6);
    ASSERT_NE(checksum, 0u) << word;
    zero_sums += checksum == 0xffff ? 1 : 0;
  }
  EXPECT_EQ(zero_sums, 1);
}

TEST_F(RouterSemantics, RFC_ROW_79_NoErrorToAMartianOrABroadcast) {
  Start();
  PacketSpec rigid = Udp("10.0.0.10:5", "203.0.113.9:53", 1473);
  rigid.dont_fragment = true;
  for (const char* source : {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255"}) {
    rigid.src = Address(source);
    Expect("eni-mid", rigid, "drop martian_address");
  }
}

}  // namespace
}  // namespace sluice::testing
