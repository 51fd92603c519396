#include "dataplane/stage/interface.h"

#include <gtest/gtest.h>

#include "dataplane/stage/parse.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

struct Judged {
  DropReason reason = DropReason::kNone;
  InterfaceIdx sender;
  InterfaceIdx target;
  bool dhcp = false;
  bool direct = false;
};

Judged Judge(const PacketSpec& spec, uint16_t port) {
  EdgeWorld world;
  const uint32_t lane = world.Add(BuildFrame(spec), port);
  LaneList arp, ip, dhcp, out;
  ParseStage(world.snapshot, world.worker, *world.batch, world.Lanes(), arp, ip);
  EXPECT_EQ(ip.count, 1u);
  InterfaceStage(world.snapshot, world.worker, *world.batch, ip, dhcp, out);
  Judged judged;
  judged.reason = out.count + dhcp.count == 1 ? DropReason::kNone : world.batch->reason[lane];
  judged.sender = world.batch->sender[lane];
  judged.target = world.batch->target[lane];
  judged.dhcp = dhcp.count == 1;
  judged.direct = (world.batch->traits[lane] & kTraitL2Direct) != 0;
  return judged;
}

TEST(InterfaceTest, SenderByPortVlanAndMac) {
  PacketSpec spec = UdpSpec();
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kNone);
  EXPECT_EQ(Judge(spec, 0).sender, InterfaceIdx(0));
  spec.vlan = 0;
  EXPECT_EQ(Judge(spec, 0).sender, InterfaceIdx(0)) << "a priority tag is untagged";
  spec.vlan = 9;
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kUnknownInterface);
  EXPECT_EQ(Judge(UdpSpec(), 5).reason, DropReason::kUnknownInterface);
  spec = UdpSpec();
  spec.src_mac = EniMac(9);
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kSourceCheck);
  EXPECT_EQ(Judge(spec, 0).sender, InterfaceIdx(0)) << "the only ENI there is the sender";
  EXPECT_EQ(Judge(spec, 2).reason, DropReason::kSourceCheck);
  EXPECT_FALSE(Judge(spec, 2).sender.has_value());
  for (const MacAddress& nobody : {kBroadcastMac, MacAddress{}}) {
    spec.src_mac = nobody;
    EXPECT_EQ(Judge(spec, 0).reason, DropReason::kSourceCheck);
  }
  spec = UdpSpec();
  spec.src_mac = EniMac(2);
  spec.src = Address("10.0.0.12");
  EXPECT_EQ(Judge(spec, 2).sender, InterfaceIdx(2));
}

TEST(InterfaceTest, AWS_ADDR_14_SourceCheck) {
  PacketSpec spec = UdpSpec();
  spec.src = Address("10.0.0.20");
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kNone) << "a secondary address";
  for (const char* foreign : {"10.0.0.12", "10.9.0.1", "203.0.113.10", "8.8.8.8"}) {
    spec.src = Address(foreign);
    EXPECT_EQ(Judge(spec, 0).reason, DropReason::kSourceCheck) << foreign;
  }
  spec.src_mac = EniMac(3);
  EXPECT_EQ(Judge(spec, 2).reason, DropReason::kNone) << "the check is off";
}

TEST(InterfaceTest, AWS_RT_10_DestinationMac) {
  PacketSpec spec = UdpSpec();
  spec.dst_mac = EniMac(1);
  EXPECT_TRUE(Judge(spec, 0).direct);
  EXPECT_EQ(Judge(spec, 0).target, InterfaceIdx(1));
  spec.dst_mac = EniMac(4);
  EXPECT_EQ(Judge(spec, 0).target, InterfaceIdx(4)) << "a NAT gateway's ENI";
  for (const MacAddress& mac : {EniMac(0), EniMac(9), kBroadcastMac, MacAddress{{1, 0, 0x5e}}}) {
    spec.dst_mac = mac;
    EXPECT_EQ(Judge(spec, 0).reason, DropReason::kUnknownMac);
  }
}

TEST(InterfaceTest, D_ROUTER_Destinations) {
  const auto to = [](const char* dst) {
    PacketSpec spec = UdpSpec();
    spec.dst = Address(dst);
    return Judge(spec, 0).reason;
  };
  for (const char* dst : {"10.0.0.0", "10.0.0.1", "10.0.0.3", "10.0.0.255"}) {
    EXPECT_EQ(to(dst), DropReason::kReservedAddress) << dst;
  }
  for (const char* dst : {"10.0.0.2", "169.254.169.254", "169.254.0.1"}) {
    EXPECT_EQ(to(dst), DropReason::kLinkLocalRange) << dst;
  }
  EXPECT_EQ(to("10.0.0.99"), DropReason::kNone) << "the walk judges what nobody owns";
  EXPECT_EQ(to("127.0.0.1"), DropReason::kMartianAddress);
}

TEST(InterfaceTest, OrderOfChecks) {
  PacketSpec spec = UdpSpec();
  spec.dst_mac = EniMac(9);
  spec.src = Address("127.0.0.1");
  spec.dst = Address("10.0.0.1");
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kUnknownMac);
  spec.dst_mac = kRouterMac;
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kMartianAddress);
  spec.src = Address("10.7.7.7");
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kSourceCheck);
  spec.src = Address("10.0.0.10");
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kReservedAddress);
}

TEST(InterfaceTest, SidesAreTheirPortsSenders) {
  PacketSpec spec = UdpSpec();
  spec.dst_mac = EniMac(9);
  spec.src_mac = kNextHopMac;
  spec.src = Address("8.8.8.8");
  spec.dst = Address("203.0.113.10");
  EXPECT_EQ(Judge(spec, 3).reason, DropReason::kNone);
  EXPECT_EQ(Judge(spec, 3).sender, InterfaceIdx(5));
  spec.src = Address("127.0.0.1");
  EXPECT_EQ(Judge(spec, 3).reason, DropReason::kMartianAddress);
  spec.src = Address("8.8.8.8");
  spec.vlan = 30;
  EXPECT_EQ(Judge(spec, 4).sender, InterfaceIdx(6));
  spec.vlan = 31;
  EXPECT_EQ(Judge(spec, 4).reason, DropReason::kUnknownInterface);
}

TEST(InterfaceTest, DhcpGoesToTheRouter) {
  PacketSpec spec = UdpSpec();
  spec.src_port = 68;
  spec.dst_port = 67;
  spec.src = 0;
  spec.dst = Address("255.255.255.255");
  spec.dst_mac = kBroadcastMac;
  EXPECT_TRUE(Judge(spec, 0).dhcp);
  spec.src = Address("10.0.0.10");
  spec.dst = Address("10.0.0.1");
  spec.dst_mac = kRouterMac;
  EXPECT_TRUE(Judge(spec, 0).dhcp);
  spec.dst = Address("10.0.0.11");
  EXPECT_FALSE(Judge(spec, 0).dhcp) << "another server is an ordinary destination";
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kNone);
  spec.src_port = 69;
  spec.src = 0;
  spec.dst = Address("255.255.255.255");
  EXPECT_EQ(Judge(spec, 0).reason, DropReason::kMartianAddress);
}

}  // namespace
}  // namespace sluice::testing
