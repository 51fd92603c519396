#include "tests/control/explain/world_fixture.h"

#include <algorithm>

namespace sluice::testing {
namespace {

constexpr const char* kTemplate = R"json({
  "Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"}, {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"}],
  "Subnets": [
    {"SubnetId": "subnet-pub", "VpcId": "vpc-a", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-app", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-mid", "VpcId": "vpc-a", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-b", "VpcId": "vpc-b", "CidrBlock": "10.1.0.0/24", "AvailabilityZone": "eu-west-1a"}],
  "InternetGateways": [
    {"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]},
    {"InternetGatewayId": "igw-b", "Attachments": [{"VpcId": "vpc-b", "State": "available"}]}],
  "NatGateways": [{"NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-pub", "State": "available",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200"}]}],
  "PrefixLists": [{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.eu-west-1.s3", "Cidrs": ["52.216.0.0/15"]}],
  "VpcEndpoints": [{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway", "VpcId": "vpc-a", "State": "available",
    "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": ["rtb-app"]}],
  "VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-ab", "Status": {"Code": "active"},
    "RequesterVpcInfo": {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"},
    "AccepterVpcInfo": {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"}}],
  "RouteTables": [
    {"RouteTableId": "rtb-pub", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-pub"}],
     "Routes": [@ROUTES_PUB@]},
    {"RouteTableId": "rtb-app", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-app"}],
     "Routes": [@ROUTES_APP@]},
    {"RouteTableId": "rtb-mid", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-mid"}],
     "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"}]},
    {"RouteTableId": "rtb-b", "VpcId": "vpc-b", "Associations": [{"Main": true}],
     "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": "pcx-ab"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-b"}]}],
  "NetworkAcls": [
    {"NetworkAclId": "acl-pub", "VpcId": "vpc-a", "IsDefault": false, "Associations": [{"SubnetId": "subnet-pub"}],
     "Entries": [@ACL_PUB@]},
    {"NetworkAclId": "acl-app", "VpcId": "vpc-a", "IsDefault": false, "Associations": [{"SubnetId": "subnet-app"}],
     "Entries": [@ACL_APP@]}],
  "SecurityGroups": [
    {"GroupId": "sg-web", "GroupName": "web", "VpcId": "vpc-a", "IpPermissions": [@WEB_IN@], "IpPermissionsEgress": [@WEB_OUT@]},
    {"GroupId": "sg-app", "GroupName": "app", "VpcId": "vpc-a", "IpPermissions": [@APP_IN@], "IpPermissionsEgress": [@APP_OUT@]},
    {"GroupId": "sg-open", "GroupName": "open", "VpcId": "vpc-a", "IpPermissions": [@ALL@], "IpPermissionsEgress": [@ALL@]},
    {"GroupId": "sg-b", "GroupName": "b", "VpcId": "vpc-b", "IpPermissions": [@ALL@], "IpPermissionsEgress": [@ALL@]}],
  "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-web", "SubnetId": "subnet-pub", "PrivateIpAddress": "10.0.0.10",
     "MacAddress": "02:0a:00:00:00:10", "Groups": [{"GroupId": "sg-web"}], "Association": {"PublicIp": "198.51.100.10"}},
    {"NetworkInterfaceId": "eni-two", "SubnetId": "subnet-pub", "PrivateIpAddress": "10.0.0.11",
     "MacAddress": "02:0a:00:00:00:11", "Groups": [{"GroupId": "sg-open"}],
     "PrivateIpAddresses": [
       {"PrivateIpAddress": "10.0.0.11", "Primary": true, "Association": {"PublicIp": "198.51.100.11"}},
       {"PrivateIpAddress": "10.0.0.12", "Primary": false, "Association": {"PublicIp": "198.51.100.12"}}]},
    {"NetworkInterfaceId": "eni-app", "SubnetId": "subnet-app", "PrivateIpAddress": "10.0.1.10",
     "MacAddress": "02:0a:00:00:01:10", "Groups": [{"GroupId": "sg-app"}] @APP_EXTRA@},
    {"NetworkInterfaceId": "eni-mid", "SubnetId": "subnet-mid", "PrivateIpAddress": "10.0.2.10", "SourceDestCheck": false,
     "MacAddress": "02:0a:00:00:02:10", "Groups": [{"GroupId": "sg-open"}]},
    {"NetworkInterfaceId": "eni-b", "SubnetId": "subnet-b", "PrivateIpAddress": "10.1.0.10",
     "MacAddress": "02:0a:01:00:00:10", "Groups": [{"GroupId": "sg-b"}], "Association": {"PublicIp": "198.51.101.10"}}]
  @MORE@
})json";

constexpr const char* kAllowAll = R"({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})";
constexpr const char* kAclAllowAll =
    R"({"RuleNumber": 100, "Egress": false, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"},
       {"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"})";

void Replace(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string ConfigText(const Holes& holes) {
  Holes filled = holes;
  filled.insert({{"APP_IN", kAllowAll},
                 {"APP_OUT", kAllowAll},
                 {"WEB_IN", kAllowAll},
                 {"WEB_OUT", kAllowAll},
                 {"ACL_APP", kAclAllowAll},
                 {"ACL_PUB", kAclAllowAll},
                 {"ROUTES_PUB", R"({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"})"},
                 {"ROUTES_APP",
                  R"({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-a"},
                     {"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-ab"})"},
                 {"APP_EXTRA", ""},
                 {"MORE", ""}});
  std::string text = kTemplate;
  for (const auto& [name, value] : filled) {
    Replace(text, "@" + name + "@", value);
  }
  Replace(text, "@ALL@", kAllowAll);
  return text;
}

std::shared_ptr<const ValidatedIntent> LoadConfig(const Holes& holes) {
  ValidationResult result = LoadIntentText("test.json", ConfigText(holes), {});
  std::string errors;
  for (const IntentIssue& issue : result.issues) {
    if (!issue.is_warning) {
      errors += issue.json_path + ": " + issue.what + "\n";
    }
  }
  EXPECT_NE(result.intent, nullptr) << errors;
  return result.intent;
}

Ipv4Address Ip(const char* text) {
  return *ParseIpv4Address(text);
}

MacAddress MacOf(const ValidatedIntent& intent, const std::string& eni_id) {
  return *intent.FindNetworkInterface(eni_id)->mac;
}

PacketHeader Tcp(const char* source, uint16_t source_port, const char* destination,
                 uint16_t destination_port) {
  return {.source = Ip(source),
          .destination = Ip(destination),
          .protocol = kProtocolTcp,
          .source_port = source_port,
          .destination_port = destination_port};
}

PacketHeader Udp(const char* source, uint16_t source_port, const char* destination,
                 uint16_t destination_port) {
  PacketHeader header = Tcp(source, source_port, destination, destination_port);
  header.protocol = kProtocolUdp;
  return header;
}

PacketHeader Icmp(const char* source, const char* destination, uint8_t type, uint8_t code,
                  uint16_t id) {
  return {.source = Ip(source),
          .destination = Ip(destination),
          .protocol = kProtocolIcmp,
          .icmp_type = type,
          .icmp_code = code,
          .icmp_id = id};
}

void WorldTest::Start(const Holes& holes) {
  intent_ = LoadConfig(holes);
  ASSERT_NE(intent_, nullptr);
  world_ = std::make_unique<ReferenceWorld>(intent_);
}

void WorldTest::Change(const Holes& holes) {
  intent_ = LoadConfig(holes);
  ASSERT_NE(intent_, nullptr);
  world_->Replace(intent_);
}

Receipt WorldTest::SendIp(const std::string& from, const Bytes& ip,
                          std::optional<MacAddress> destination) {
  const NetworkInterface* eni = intent_->FindNetworkInterface(from);
  const MacAddress source = eni != nullptr ? *eni->mac : MacAddress{{0x02, 0, 0, 0, 0, 0xfe}};
  return world_->Receive(now_ns_, {from, MakeFrame(destination.value_or(intent_->host().router_mac),
                                                   source, 0, kEtherTypeIpv4, ip)});
}

Outcome WorldTest::Send(const std::string& from, const PacketShape& shape) {
  return SendIp(from, MakePacket(shape)).outcome;
}

Outcome WorldTest::Send(const std::string& from, const PacketHeader& header, uint8_t tcp_flags) {
  return Send(from, PacketShape{.header = header, .tcp_flags = tcp_flags});
}

Packet WorldTest::Sent(const Outcome& outcome, size_t index) {
  EXPECT_LT(index, outcome.outputs.size()) << DropReasonName(outcome.reason);
  if (index >= outcome.outputs.size()) {
    return {};
  }
  const auto frame = ParseEthernet(outcome.outputs[index].frame);
  const auto parsed = ParseIpv4(std::get<EthernetFrame>(frame).payload);
  const Packet* packet = std::get_if<Packet>(&parsed);
  EXPECT_NE(packet, nullptr);
  if (packet == nullptr) {
    return {};
  }
  const PacketHeader& header = packet->header;
  if (!packet->IsFragment() &&
      (header.protocol == kProtocolTcp || header.protocol == kProtocolUdp)) {
    EXPECT_TRUE(ChecksumIsRight(packet->ip, packet->header_bytes, packet->ip.size(),
                                PseudoHeaderSum(header.source, header.destination, header.protocol,
                                                packet->PayloadBytes())))
        << ToString(header);
  }
  if (!packet->IsFragment() && header.protocol == kProtocolIcmp) {
    EXPECT_TRUE(ChecksumIsRight(packet->ip, packet->header_bytes, packet->ip.size()));
  }
  return *packet;
}

void WorldTest::ExpectDropped(const Outcome& outcome, DropReason reason) {
  EXPECT_EQ(VerdictName(outcome.verdict), "drop");
  EXPECT_EQ(DropReasonName(outcome.reason), DropReasonName(reason));
  EXPECT_TRUE(outcome.outputs.empty());
}

void WorldTest::ExpectForwarded(const Outcome& outcome, const std::string& port) {
  EXPECT_EQ(VerdictName(outcome.verdict), "forward") << DropReasonName(outcome.reason);
  EXPECT_EQ(DropReasonName(outcome.reason), "none");
  ASSERT_EQ(outcome.outputs.size(), 1u);
  EXPECT_EQ(outcome.outputs[0].port, port);
  EXPECT_EQ(outcome.complaint, "");
}

}  // namespace sluice::testing
