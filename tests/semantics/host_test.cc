// How this machine carries a configuration: several interfaces on one port, tags, next hops.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class HostSemantics : public VpcTest {
 protected:
  static VpcConfig Shared() {
    return VpcConfig().Host(R"({"MaxSessions": 2048,
      "Ports": [{"Name": "trunk"}, {"Name": "wan"}, {"Name": "svc"}],
      "Attachments": [
        {"NetworkInterfaceId": "eni-web", "Port": "trunk"},
        {"NetworkInterfaceId": "eni-two", "Port": "trunk"},
        {"NetworkInterfaceId": "eni-app", "Port": "trunk", "Vlan": 12},
        {"NetworkInterfaceId": "eni-app2", "Port": "trunk", "Vlan": 12},
        {"NetworkInterfaceId": "eni-c", "Port": "trunk", "Vlan": 13}],
      "Uplink": {"Port": "wan", "Vlan": 100, "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"},
      "Services": {"Port": "svc", "Address": "192.0.3.2/24", "NextHop": "192.0.3.1"}})");
  }
  PacketSpec From(const std::string& eni, PacketSpec spec, int vlan) const {
    spec.src_mac = MacOf(eni);
    spec.dst_mac = kRouterMac;
    spec.vlan = vlan;
    return spec;
  }
  // The frame as it leaves: from the router to the interface.
  Bytes To(const std::string& eni, PacketSpec spec, int vlan) const {
    spec.src_mac = kRouterMac;
    spec.dst_mac = MacOf(eni);
    spec.vlan = vlan;
    return BuildFrame(spec);
  }
  void ExpectOut(const PacketSpec& in, const Bytes& out) {
    const std::string fate = SendFrame("trunk", BuildFrame(in));
    EXPECT_TRUE(Matches(fate, "forward trunk*")) << fate;
    ASSERT_EQ(sent().size(), 1u);
    EXPECT_EQ(sent()[0].frame, out);
  }
};

TEST_F(HostSemantics, D_WALK_SeveralInterfacesOnOnePort) {
  Start(Shared());
  const PacketSpec ask = Tcp("10.0.0.10:5", "10.0.1.10:80");
  ExpectOut(From("eni-web", ask, -1), To("eni-app", ask, 12));
  const PacketSpec reply = Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck);
  ExpectOut(From("eni-app", reply, 12), To("eni-web", reply, -1));
  const PacketSpec neighbour = Udp("10.0.1.11:5", "10.0.1.10:80");
  ExpectOut(From("eni-app2", neighbour, 12), To("eni-app", neighbour, 12));
}

TEST_F(HostSemantics, AWS_ADDR_14_TheSourceMacTellsTheSender) {
  Start(Shared());
  const PacketSpec ask = Udp("10.0.0.10:5", "10.0.1.10:80");
  ExpectFrame("trunk", BuildFrame(From("eni-two", ask, -1)),
              "drop source_check");  // not its address
  PacketSpec nobody = From("eni-web", ask, -1);
  nobody.src_mac = {{2, 9, 9, 9, 9, 9}};
  ExpectFrame("trunk", BuildFrame(nobody), "drop source_check");
  ExpectFrame("trunk", BuildFrame(From("eni-web", ask, 12)),
              "drop source_check");  // of another tag
  ExpectFrame("trunk", BuildFrame(From("eni-web", ask, 99)), "drop unknown_interface");
  // Alone on its tag, an interface is the sender; its MAC must still be right.
  PacketSpec alone = From("eni-c", Udp("10.0.0.10:5", "10.0.0.11:80"), 13);
  alone.src_mac = {{2, 9, 9, 9, 9, 9}};
  ExpectFrame("trunk", BuildFrame(alone), "drop source_check");
}

TEST_F(HostSemantics, D_ISOLATION_TagsKeepTwoVpcsApart) {
  VpcConfig config = Shared();
  Start(config);
  // The same tuple from both VPCs on one wire.
  const PacketSpec spec = Udp("10.0.0.10:5", "10.0.0.11:80");
  ExpectOut(From("eni-web", spec, -1), To("eni-two", spec, -1));
  ExpectFrame("trunk", BuildFrame(From("eni-c", spec, 13)),
              "drop next_hop_unresolved");  // eni-c2 hangs nowhere
}

TEST_F(HostSemantics, D_ARP_AConfiguredNextHopIsLearnedAndNobodyElse) {
  Start(Shared());
  const MacAddress router = {{0x02, 7, 7, 7, 7, 7}};
  const auto arp = [&](uint16_t operation, const char* sender, const char* target, int vlan) {
    ArpSpec spec;
    spec.src_mac = spec.sender_mac = router;
    spec.dst_mac = kRouterMac;
    spec.sender = Address(sender);
    spec.target = Address(target);
    spec.operation = operation;
    spec.vlan = vlan;
    return BuildArp(spec);
  };
  ExpectFrame("wan", arp(2, "192.0.2.1", "192.0.2.2", 100), "consume arp_learned");
  ExpectFrame("wan", arp(2, "192.0.2.9", "192.0.2.2", 100), "consume arp_ignored");
  ExpectFrame("svc", arp(2, "192.0.3.1", "192.0.3.2", -1), "consume arp_learned");
  ExpectFrame("wan", arp(2, "192.0.2.1", "192.0.2.2", -1),
              "drop unknown_interface");  // without the tag
  ExpectFrame("trunk", arp(2, "192.0.2.1", "192.0.2.2", -1), "drop source_check");
}

TEST_F(HostSemantics, AWS_IGW_03_TheUplinkMayBeTagged) {
  Start(Shared());
  PacketSpec out = Udp("10.0.0.10:5", "203.0.113.9:53");
  const std::string fate = SendFrame("trunk", BuildFrame(From("eni-web", out, -1)));
  EXPECT_TRUE(Matches(fate, "forward wan*")) << fate;
  PacketSpec expected = out;
  expected.src = AddressOf("198.51.100.10");
  expected.src_mac = kRouterMac;
  expected.dst_mac = kNextHopMac;
  expected.vlan = 100;
  ASSERT_EQ(sent().size(), 1u);
  EXPECT_EQ(sent()[0].frame, BuildFrame(expected));
}

}  // namespace
}  // namespace sluice::testing
