// The edges of the world: shared ports and VLANs, ARP of the uplink, DHCP, gateway route tables,
// shared services sides, route priorities, interface endpoints.
#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

class EdgeTest : public WorldTest {
 protected:
  Outcome Frame(const std::string& port, const MacAddress& destination, const MacAddress& source,
                uint16_t vlan, uint16_t ethertype, const Bytes& payload) {
    return world_
        ->Receive(now_ns_, {port, MakeFrame(destination, source, vlan, ethertype, payload)})
        .outcome;
  }
};

constexpr const char* kHost = R"(, "Host": {
  "Ports": [{"Name": "trunk"}, {"Name": "wan"}, {"Name": "svc"}],
  "Attachments": [
    {"NetworkInterfaceId": "eni-web", "Port": "trunk"}, {"NetworkInterfaceId": "eni-two", "Port": "trunk"},
    {"NetworkInterfaceId": "eni-app", "Port": "trunk", "Vlan": 12},
    {"NetworkInterfaceId": "eni-mid", "Port": "trunk", "Vlan": 13},
    {"NetworkInterfaceId": "eni-b", "Port": "trunk", "Vlan": 14}],
  "Uplink": {"Port": "wan", "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"},
  "Services": {"Port": "svc", "Address": "192.0.3.2/24", "NextHop": "192.0.3.1"}})";

TEST_F(EdgeTest, SharedPortIsToldApartByVlanAndMac) {
  Start({{"MORE", kHost}});
  const MacAddress router = intent_->host().router_mac;
  const MacAddress web = MacOf(*intent_, "eni-web");
  const MacAddress app = MacOf(*intent_, "eni-app");
  const Bytes ip = MakePacket({.header = Tcp("10.0.0.10", 1, "10.0.1.10", 80)});
  const Outcome out = Frame("trunk", router, web, 0, kEtherTypeIpv4, ip);
  ExpectForwarded(out, "trunk");
  EXPECT_EQ(out.eni_id, "eni-web");
  EXPECT_EQ(out.outputs[0].frame, MakeFrame(app, router, 12, kEtherTypeIpv4, ip));
  const Outcome nobody = Frame("trunk", router, kBroadcastMac, 0, kEtherTypeIpv4, ip);
  ExpectDropped(nobody, DropReason::kSourceCheck);
  EXPECT_EQ(nobody.eni_id, "");
  ExpectDropped(Frame("trunk", router, web, 99, kEtherTypeIpv4, ip), DropReason::kUnknownInterface);
}

TEST_F(EdgeTest, UplinkAnswersForPublicAddressesAndLearnsItsNextHop) {
  Start({{"MORE", kHost}});
  const MacAddress peer = {{2, 9, 9, 9, 9, 9}};
  const auto arp = [&](uint16_t operation, const char* sender, const char* target) {
    Bytes bytes;
    Append32(bytes, 0x00010800);
    Append16(bytes, 0x0604);
    Append16(bytes, operation);
    AppendMac(bytes, peer);
    Append32(bytes, Ip(sender).value);
    bytes.resize(24, 0);
    Append32(bytes, Ip(target).value);
    return Arrival{"wan", MakeFrame(kBroadcastMac, peer, 0, kEtherTypeArp, bytes)};
  };
  EXPECT_EQ(world_->Receive(0, arp(1, "192.0.2.1", "192.0.2.2")).outcome.reason,
            DropReason::kArpReply);
  EXPECT_EQ(world_->Receive(0, arp(1, "192.0.2.1", "198.51.100.200")).outcome.reason,
            DropReason::kArpReply);
  EXPECT_EQ(world_->Receive(0, arp(1, "192.0.2.1", "198.51.100.99")).outcome.reason,
            DropReason::kArpIgnored);
  EXPECT_EQ(world_->Receive(0, arp(2, "192.0.2.1", "192.0.2.2")).outcome.reason,
            DropReason::kArpLearned);
  world_->ObserveNextHop(arp(2, "192.0.2.1", "192.0.2.2"));
  const Bytes ip = MakePacket({.header = Tcp("10.0.0.10", 1, "8.8.8.8", 80)});
  const Outcome out =
      Frame("trunk", intent_->host().router_mac, MacOf(*intent_, "eni-web"), 0, kEtherTypeIpv4, ip);
  ExpectForwarded(out, "wan");
  EXPECT_EQ(ReadMac(out.outputs[0].frame, 0), peer);
}

Bytes DhcpMessage(uint8_t type, std::optional<Ipv4Address> requested) {
  Bytes bootp;
  Append32(bootp, 0x01010600);
  Append32(bootp, 0xdeadbeef);
  bootp.resize(28, 0);
  AppendMac(bootp, {{0x02, 0x0a, 0, 0, 0, 0x10}});
  bootp.resize(236, 0);
  Append32(bootp, 0x63825363);
  bootp.insert(bootp.end(), {53, 1, type});
  if (requested.has_value()) {
    bootp.insert(bootp.end(), {50, 4});
    Append32(bootp, requested->value);
  }
  bootp.push_back(255);
  Bytes ip = MakePacket(
      {.header = Udp("0.0.0.0", 68, "255.255.255.255", 67), .payload_bytes = bootp.size()});
  std::copy(bootp.begin(), bootp.end(), ip.begin() + 28);
  return ip;
}

TEST_F(EdgeTest, D_ROUTER_DhcpOfferAckAndNak) {
  Start();
  const auto ask = [&](uint8_t type, std::optional<Ipv4Address> requested) {
    return SendIp("eni-web", DhcpMessage(type, requested), kBroadcastMac).outcome;
  };
  const Outcome offer = ask(1, std::nullopt);
  EXPECT_EQ(offer.verdict, Verdict::kConsume);
  EXPECT_EQ(offer.reason, DropReason::kDhcpReply);
  const Packet packet = Sent(offer);
  EXPECT_EQ(packet.header, Udp("10.0.0.1", 67, "10.0.0.10", 68));
  EXPECT_EQ(packet.ip.size(), 334u);
  EXPECT_EQ(Read32(packet.ip, 28 + 4), 0xdeadbeef);
  EXPECT_EQ(Read32(packet.ip, 28 + 16), Ip("10.0.0.10").value);
  const Bytes options(packet.ip.begin() + 28 + 240, packet.ip.end());
  const Bytes expected = {53,  1,   2,   54,  4,   10,  0,   0,    1,    51,  4,   0,   0,   14,
                          16,  1,   4,   255, 255, 255, 0,   3,    4,    10,  0,   0,   1,   6,
                          4,   10,  0,   0,   2,   15,  26,  'e',  'u',  '-', 'w', 'e', 's', 't',
                          '-', '1', '.', 'c', 'o', 'm', 'p', 'u',  't',  'e', '.', 'i', 'n', 't',
                          'e', 'r', 'n', 'a', 'l', 26,  2,   0x23, 0x29, 255};
  ASSERT_GE(options.size(), expected.size());
  EXPECT_EQ(Bytes(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(expected.size())),
            expected);
  EXPECT_EQ(Sent(ask(3, Ip("10.0.0.10"))).ip[28 + 242], 5);
  const Outcome nak = ask(3, Ip("10.0.0.99"));
  EXPECT_EQ(Sent(nak).ip[28 + 242], 6);
  EXPECT_EQ(Sent(nak).header.destination, Ipv4Address(0xffffffff));
  EXPECT_EQ(ReadMac(nak.outputs[0].frame, 0), kBroadcastMac);
  EXPECT_TRUE(ask(7, std::nullopt).outputs.empty());
}

TEST_F(EdgeTest, AWS_RT_11_GatewayRouteTableSendsToTheAppliance) {
  Start({{"MORE", R"(, "RouteTables": [{"RouteTableId": "rtb-edge", "VpcId": "vpc-a",
    "Associations": [{"Main": false, "GatewayId": "igw-a"}],
    "Routes": [{"DestinationCidrBlock": "10.0.0.0/24", "NetworkInterfaceId": "eni-mid"}]}])"}});
  const Outcome in = Send("internet", Tcp("203.0.113.9", 5, "198.51.100.10", 80));
  ExpectForwarded(in, "eni-mid");
  EXPECT_EQ(Sent(in).header, Tcp("203.0.113.9", 5, "10.0.0.10", 80));
}

TEST_F(EdgeTest, AWS_RT_07_08_PriorityOfEqualDestinations) {
  const char* lists = R"(, "ManagedPrefixLists": [
    {"PrefixListId": "pl-b", "PrefixListName": "b", "MaxEntries": 1, "Entries": [{"Cidr": "9.0.0.0/8"}]},
    {"PrefixListId": "pl-a", "PrefixListName": "a", "MaxEntries": 1, "Entries": [{"Cidr": "9.0.0.0/8"}]}])";
  const std::string two_lists =
      R"({"DestinationPrefixListId": "pl-b", "NatGatewayId": "nat-gone"},
         {"DestinationPrefixListId": "pl-a", "GatewayId": "igw-a"})";
  Start({{"MORE", lists}, {"ROUTES_PUB", two_lists}});
  ExpectForwarded(Send("eni-web", Tcp("10.0.0.10", 1, "9.1.1.1", 80)), "internet");  // D-PREFIX
  Change({{"MORE", lists},
          {"ROUTES_PUB",
           two_lists + R"(, {"DestinationCidrBlock": "9.0.0.0/8", "NatGatewayId": "nat-gone"})"}});
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "9.1.1.1", 80)), DropReason::kBlackholeRoute);
}

TEST_F(EdgeTest, ServicesSideSharedByTwoVpcsRefusesTheSecondHolder) {
  // vpc-b has an interface with the address of vpc-a's eni-app.
  Start({{"MORE", R"(,
    "Vpcs": [{"VpcId": "vpc-c", "CidrBlock": "10.0.0.0/16"}],
    "Subnets": [{"SubnetId": "subnet-c", "VpcId": "vpc-c", "CidrBlock": "10.0.1.0/24"}],
    "RouteTables": [{"RouteTableId": "rtb-c", "VpcId": "vpc-c", "Associations": [{"Main": true}]}],
    "VpcEndpoints": [{"VpcEndpointId": "vpce-c", "VpcEndpointType": "Gateway", "VpcId": "vpc-c",
      "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": ["rtb-c"]}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "eni-c", "SubnetId": "subnet-c", "PrivateIpAddress": "10.0.1.10",
      "MacAddress": "02:0c:00:00:01:10"}])"}});
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5, "52.216.1.1", 443)), "services");
  ExpectDropped(Send("eni-c", Tcp("10.0.1.10", 5, "52.216.1.1", 443)),
                DropReason::kEndpointUnavailable);
  ExpectForwarded(Send("eni-c", Tcp("10.0.1.10", 6, "52.216.1.1", 443)), "services");
  ExpectForwarded(Send("services", Tcp("52.216.1.1", 443, "10.0.1.10", 6), kTcpSyn | kTcpAck),
                  "eni-c");
  ExpectForwarded(Send("services", Tcp("52.216.1.1", 443, "10.0.1.10", 5), kTcpSyn | kTcpAck),
                  "eni-app");
}

TEST_F(EdgeTest, AWS_IGW_04_NobodyBorrowsANatGatewaysAddress) {
  Start();
  ExpectDropped(Send("eni-mid", Tcp("10.0.0.200", 1, "8.8.8.8", 80)), DropReason::kIgwNoPublicIp);
  // AWS-RT-12: an appliance may hand on what another interface sent.
  const Outcome handed_on = Send("eni-mid", Tcp("10.0.0.10", 1, "8.8.8.8", 80));
  ExpectForwarded(handed_on, "internet");
  EXPECT_EQ(Sent(handed_on).header.source, Ip("198.51.100.10"));
}

TEST_F(EdgeTest, AWS_NAT_01_PrivateGatewayCannotReachTheInternet) {
  Start({{"ROUTES_APP", R"({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-p"})"},
         {"MORE",
          R"(, "NatGateways": [{"NatGatewayId": "nat-p", "VpcId": "vpc-a", "SubnetId": "subnet-mid",
            "ConnectivityType": "private", "State": "available", "NatGatewayAddresses": [{"PrivateIp": "10.0.2.200"}]}])"}});
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 1, "8.8.8.8", 80)), DropReason::kIgwNoPublicIp);
}

}  // namespace
}  // namespace sluice::testing
