// Questions to `sluice explain` with answers derived by hand from the semantics: the demo's VPCs
// (tools/lab/demo) and a third one beside the sample's.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/explain/explanation.h"
#include "control/intent/check_report.h"
#include "control/intent/validated_intent.h"
#include "tests/support/sample_config.h"

namespace sluice::testing {
namespace {

struct Row {
  const char* name;  // of the statement that decides
  const char* from;
  const char* to;
  const char* traffic;  // "tcp 443", "udp 53", "icmp 8", "ip 47"
  // "forward", or a drop reason; the reply's: also "none".
  const char* request;
  const char* reply;
  const char* forward_path;  // ids separated by blanks
  const char* return_path = "";
  uint16_t source_port = 40000;
  const char* source = nullptr;
};

std::string Path(const nlohmann::json& components) {
  std::string path;
  size_t number = 0;
  for (const auto& component : components) {
    EXPECT_EQ(component["SequenceNumber"], ++number);
    path += path.empty() ? "" : " ";
    path += component["Component"]["Id"].get<std::string>();
  }
  return path;
}

Question QuestionOf(const Row& row) {
  Question question;
  question.from = row.from;
  question.to = *ParseIpv4Address(row.to);
  if (row.source != nullptr) {
    question.source = ParseIpv4Address(row.source);
  }
  const std::string traffic = row.traffic;
  const size_t blank = traffic.find(' ');
  const std::string protocol = traffic.substr(0, blank);
  const int number = std::stoi(traffic.substr(blank + 1));
  question.source_port = row.source_port;
  if (protocol == "icmp") {
    question.protocol = kProtocolIcmp;
    question.icmp_type = static_cast<uint8_t>(number);
  } else if (protocol == "ip") {
    question.protocol = static_cast<uint8_t>(number);
  } else {
    question.protocol = protocol == "tcp" ? kProtocolTcp : kProtocolUdp;
    question.destination_port = static_cast<uint16_t>(number);
  }
  return question;
}

// "forward", a reason, or "none", as the JSON says it.
std::string Fate(const nlohmann::json& verdict, const nlohmann::json& reason) {
  if (verdict.is_null()) {
    EXPECT_TRUE(reason.is_null());
    return "none";
  }
  EXPECT_EQ(reason.is_null(), verdict == "forward");
  return verdict == "forward" ? "forward" : reason.get<std::string>();
}

void ExpectAnswers(const ValidatedIntent& intent, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto answer = Explain(intent, QuestionOf(row));
    ASSERT_TRUE(answer.ok()) << answer.status();
    const auto json = nlohmann::json::parse(RenderExplanationJson(*answer));
    const std::string request = Fate(json["Verdict"], json["DropReason"]);
    const std::string reply = Fate(json["ReplyVerdict"], json["ReplyDropReason"]);
    EXPECT_EQ(request, row.request);
    EXPECT_EQ(reply, row.reply);
    EXPECT_EQ(json["NetworkPathFound"], request == "forward");
    EXPECT_EQ(answer->exit_code(), request == "forward" && reply == "forward" ? 0 : 1);
    EXPECT_EQ(Path(json["ForwardPathComponents"]), row.forward_path);
    EXPECT_EQ(Path(json["ReturnPathComponents"]), row.return_path);
    const bool reply_dropped = reply != "forward" && reply != "none";
    const bool dropped = request != "forward" || reply_dropped;
    ASSERT_EQ(json["Explanations"].size(), dropped ? 1u : 0u);
    if (dropped) {
      const auto& path = json[reply_dropped ? "ReturnPathComponents" : "ForwardPathComponents"];
      EXPECT_EQ(json["Explanations"][0]["Component"]["Id"], path.back()["Component"]["Id"]);
      EXPECT_FALSE(json["Explanations"][0]["ExplanationCode"].get<std::string>().empty());
    }
  }
}

std::shared_ptr<const ValidatedIntent> LoadDemo() {
  ValidationResult result = LoadIntent({SLUICE_DEMO_CONFIG}, {});
  EXPECT_EQ(CheckReportText(result), "valid: 0 errors, 0 warnings\n");
  return result.intent;
}

constexpr const char* kPublicAcl = "acl-default-vpc-shop";

TEST(QuestionTableTest, InsideTheShop) {
  const auto intent = LoadDemo();
  ASSERT_NE(intent, nullptr);
  ExpectAnswers(
      *intent,
      {
          {"AWS-SG-05 a group names its peer, AWS-NACL-07 four ACLs", "eni-web", "10.0.2.20",
           "tcp 8080", "forward", "forward",
           "eni-web sg-web acl-default-vpc-shop rtb-public acl-private sg-app eni-app",
           "eni-app sg-app acl-private rtb-private acl-default-vpc-shop sg-web eni-web"},
          {"AWS-NACL-02 first match wins", "eni-web", "10.0.2.20", "tcp 9000", "nacl_ingress",
           "none", "eni-web sg-web acl-default-vpc-shop rtb-public acl-private"},
          {"AWS-NACL-05 replies need a rule", "eni-web", "10.0.2.20", "tcp 9050", "forward",
           "nacl_egress",
           "eni-web sg-web acl-default-vpc-shop rtb-public acl-private sg-app eni-app",
           "eni-app sg-app acl-private", 50999},
          {"AWS-SG-01 nothing else comes in", "eni-web", "10.0.2.20", "tcp 22", "sg_ingress",
           "none", "eni-web sg-web acl-default-vpc-shop rtb-public acl-private sg-app"},
          {"AWS-NACL-06 and AWS-RT-10 in one subnet", "eni-app", "10.0.2.30", "tcp 5432", "forward",
           "forward", "eni-app sg-app sg-db eni-db", "eni-db sg-db sg-app eni-app"},
          {"AWS-SG-01 no outbound rule", "eni-db", "10.0.2.20", "tcp 8080", "sg_egress", "none",
           "eni-db sg-db"},
          {"AWS-EP-05 an endpoint's interface", "eni-app", "10.0.2.50", "tcp 443", "forward",
           "forward", "eni-app sg-app sg-api eni-api", "eni-api sg-api sg-app eni-app"},
          {"AWS-SG-10 a group of an endpoint", "eni-web", "10.0.2.50", "tcp 443", "sg_ingress",
           "none", "eni-web sg-web acl-default-vpc-shop rtb-public acl-private sg-api"},
          {"AWS-SG-04 ICMP type and code", "eni-app", "10.0.1.10", "icmp 8", "forward", "forward",
           "eni-app sg-app acl-private rtb-private acl-default-vpc-shop sg-web eni-web",
           "eni-web sg-web acl-default-vpc-shop rtb-public acl-private sg-app eni-app"},
          {"AWS-SG-04 another ICMP type", "eni-app", "10.0.1.10", "icmp 13", "sg_ingress", "none",
           "eni-app sg-app acl-private rtb-private acl-default-vpc-shop sg-web"},
          {"nobody owns the address", "eni-web", "10.0.2.99", "tcp 80", "unknown_destination",
           "none", "eni-web sg-web acl-default-vpc-shop rtb-public acl-private subnet-private"},
          {"AWS-ADDR-08 the router's address", "eni-web", "10.0.1.1", "icmp 8", "reserved_address",
           "none", "eni-web subnet-public"},
          {"AWS-LL-01 the resolver", "eni-web", "10.0.0.2", "udp 53", "link_local_range", "none",
           "eni-web subnet-public"},
          {"AWS-ADDR-14 source check", "eni-web", "10.0.2.20", "tcp 8080", "source_check", "none",
           "eni-web", "", 40000, "10.0.1.99"},
          {"D-ISOLATION the twin sees its own", "eni-twin", "10.0.1.11", "tcp 80", "forward",
           "forward", "eni-twin sg-twin sg-twin eni-twin2", "eni-twin2 sg-twin sg-twin eni-twin"},
          {"D-NOROUTE", "eni-twin", "8.8.8.8", "tcp 80", "no_route", "none",
           "eni-twin sg-twin acl-default-vpc-twin rtb-main-vpc-twin"},
      });
}

TEST(QuestionTableTest, GatewaysOfTheShop) {
  const auto intent = LoadDemo();
  ASSERT_NE(intent, nullptr);
  ASSERT_NE(intent->FindNetworkAcl(kPublicAcl), nullptr);
  constexpr const char* kThroughNat =
      "eni-app sg-app acl-private rtb-private acl-default-vpc-shop nat-shop acl-default-vpc-shop "
      "rtb-public igw-shop";
  constexpr const char* kBackThroughNat =
      "igw-shop acl-default-vpc-shop nat-shop acl-default-vpc-shop rtb-public acl-private sg-app "
      "eni-app";
  ExpectAnswers(
      *intent,
      {
          {"AWS-NAT-03 two translations", "eni-app", "8.8.8.8", "tcp 443", "forward", "forward",
           kThroughNat, kBackThroughNat},
          {"AWS-NAT-16 echo", "eni-app", "8.8.8.8", "icmp 8", "forward", "forward", kThroughNat,
           kBackThroughNat},
          {"AWS-NAT-02 other protocols", "eni-app", "8.8.8.8", "ip 47", "nat_unsupported_protocol",
           "none", "eni-app sg-app acl-private rtb-private acl-default-vpc-shop nat-shop"},
          {"AWS-NAT-08 its own address", "eni-web", "10.0.1.5", "tcp 80", "nat_unsolicited", "none",
           "eni-web sg-web rtb-public nat-shop"},
          {"AWS-NAT-08 from the internet", "internet", "203.0.113.20", "tcp 80", "nat_unsolicited",
           "none", "igw-shop acl-default-vpc-shop nat-shop", "", 40000, "9.9.9.9"},
          {"AWS-IGW-03 out", "eni-web", "8.8.8.8", "udp 53", "forward", "forward",
           "eni-web sg-web acl-default-vpc-shop rtb-public igw-shop",
           "igw-shop acl-default-vpc-shop sg-web eni-web"},
          {"AWS-IGW-04 no public address", "eni-bare", "8.8.8.8", "tcp 443", "igw_no_public_ip",
           "none", "eni-bare sg-bare acl-default-vpc-shop rtb-public igw-shop"},
          {"AWS-IGW-05 in", "internet", "203.0.113.10", "tcp 80", "forward", "forward",
           "igw-shop acl-default-vpc-shop sg-web eni-web",
           "eni-web sg-web acl-default-vpc-shop rtb-public igw-shop", 40000, "9.9.9.9"},
          {"AWS-SG-01 not every port", "internet", "203.0.113.10", "tcp 22", "sg_ingress", "none",
           "igw-shop acl-default-vpc-shop sg-web", "", 40000, "9.9.9.9"},
          {"AWS-IGW-05 nobody's", "internet", "203.0.113.99", "tcp 80", "igw_unknown_public_ip",
           "none", "internet", "", 40000, "9.9.9.9"},
          {"D-HAIRPIN through NAT and back in", "eni-app", "203.0.113.10", "tcp 80", "forward",
           "forward",
           "eni-app sg-app acl-private rtb-private acl-default-vpc-shop nat-shop "
           "acl-default-vpc-shop rtb-public igw-shop igw-shop acl-default-vpc-shop sg-web eni-web",
           "eni-web sg-web acl-default-vpc-shop rtb-public igw-shop igw-shop acl-default-vpc-shop "
           "nat-shop acl-default-vpc-shop rtb-public acl-private sg-app eni-app"},
          {"AWS-EP-02 the prefix list wins", "eni-app", "198.18.128.7", "tcp 443", "forward",
           "forward", "eni-app sg-app acl-private rtb-private vpce-store",
           "vpce-store acl-private sg-app eni-app"},
          {"AWS-PEER-01", "eni-app", "10.1.1.10", "tcp 80", "forward", "forward",
           "eni-app sg-app acl-private rtb-private pcx-partner acl-default-vpc-partner sg-partner "
           "eni-partner",
           "eni-partner sg-partner acl-default-vpc-partner rtb-partner pcx-partner acl-private "
           "sg-app eni-app"},
          {"AWS-PEER-01 no edge-to-edge", "eni-partner", "8.8.8.8", "tcp 443",
           "peering_not_transitive", "none",
           "eni-partner sg-partner acl-default-vpc-partner rtb-partner pcx-partner"},
          {"AWS-PEER-01 the answer takes its own table", "eni-partner", "10.0.1.10", "tcp 80",
           "forward", "forward",
           "eni-partner sg-partner acl-default-vpc-partner rtb-partner pcx-partner "
           "acl-default-vpc-shop sg-web eni-web",
           "eni-web sg-web acl-default-vpc-shop rtb-public igw-shop"},
      });
}

// vpc-c: eni-c asks; its table leads to an appliance, a deleted gateway, an interface that checks
// destinations, and to vpc-b, which has no route back.
constexpr std::string_view kThirdVpc = R"json({
  "Vpcs": [{"VpcId": "vpc-c", "CidrBlock": "10.2.0.0/16"}],
  "Subnets": [{"SubnetId": "subnet-c", "VpcId": "vpc-c", "CidrBlock": "10.2.1.0/24"},
              {"SubnetId": "subnet-d", "VpcId": "vpc-c", "CidrBlock": "10.2.2.0/24"}],
  "RouteTables": [{"RouteTableId": "rtb-c", "VpcId": "vpc-c", "Associations": [{"Main": true}],
    "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-mid"},
               {"DestinationCidrBlock": "10.8.0.0/16", "NatGatewayId": "nat-gone"},
               {"DestinationCidrBlock": "10.7.0.0/16", "NetworkInterfaceId": "eni-strict"},
               {"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-bc"}]}],
  "NetworkAcls": [{"NetworkAclId": "acl-c", "VpcId": "vpc-c",
    "Associations": [{"SubnetId": "subnet-c"}],
    "Entries": [
      {"RuleNumber": 10, "Egress": true, "Protocol": "17", "PortRange": {"From": 500, "To": 600},
       "CidrBlock": "0.0.0.0/0", "RuleAction": "deny"},
      {"RuleNumber": 20, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
       "RuleAction": "allow"},
      {"RuleNumber": 20, "Egress": false, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
       "RuleAction": "allow"}]}],
  "VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-bc", "Status": {"Code": "active"},
    "RequesterVpcInfo": {"VpcId": "vpc-b"}, "AccepterVpcInfo": {"VpcId": "vpc-c"}}],
  "SecurityGroups": [
    {"GroupId": "sg-all", "GroupName": "all", "VpcId": "vpc-c",
     "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
     "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
    {"GroupId": "sg-empty", "GroupName": "empty", "VpcId": "vpc-c", "IpPermissions": [],
     "IpPermissionsEgress": []},
    {"GroupId": "sg-gre", "GroupName": "gre", "VpcId": "vpc-c",
     "IpPermissions": [{"IpProtocol": "47", "IpRanges": [{"CidrIp": "10.2.0.0/16"}]}],
     "IpPermissionsEgress": []},
    {"GroupId": "sg-open", "GroupName": "open", "VpcId": "vpc-b",
     "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.2.0.0/16"}]}],
     "IpPermissionsEgress": []}],
  "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-c", "SubnetId": "subnet-c", "PrivateIpAddress": "10.2.1.10",
     "Groups": [{"GroupId": "sg-all"}],
     "PrivateIpAddresses": [{"PrivateIpAddress": "10.2.1.10", "Primary": true},
                            {"PrivateIpAddress": "10.2.1.11", "Primary": false}]},
    {"NetworkInterfaceId": "eni-mid", "SubnetId": "subnet-d", "PrivateIpAddress": "10.2.2.10",
     "Groups": [{"GroupId": "sg-all"}], "SourceDestCheck": false},
    {"NetworkInterfaceId": "eni-strict", "SubnetId": "subnet-d", "PrivateIpAddress": "10.2.2.20",
     "Groups": [{"GroupId": "sg-all"}]},
    {"NetworkInterfaceId": "eni-two", "SubnetId": "subnet-d", "PrivateIpAddress": "10.2.2.30",
     "Groups": [{"GroupId": "sg-empty"}, {"GroupId": "sg-gre"}]},
    {"NetworkInterfaceId": "eni-b2", "SubnetId": "subnet-b", "PrivateIpAddress": "10.1.0.20",
     "Groups": [{"GroupId": "sg-open"}]}]
})json";

TEST(QuestionTableTest, TheThirdVpc) {
  const ValidationResult result =
      LoadIntentText("t", std::string(kSampleConfig) + std::string(kThirdVpc), {});
  ASSERT_NE(result.intent, nullptr) << CheckReportText(result);
  ExpectAnswers(
      *result.intent,
      {
          {"AWS-RT-09 a blackhole does not fall through", "eni-c", "10.8.1.1", "tcp 80",
           "blackhole_route", "none", "eni-c sg-all acl-c rtb-c"},
          {"AWS-RT-12 an appliance ends the question", "eni-c", "9.9.9.9", "tcp 80", "forward",
           "none", "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-all eni-mid"},
          {"AWS-RT-12 the appliance itself answers", "eni-c", "10.2.2.10", "tcp 80", "forward",
           "forward", "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-all eni-mid",
           "eni-mid sg-all acl-default-vpc-c rtb-c acl-c sg-all eni-c"},
          {"AWS-ADDR-14 destination check", "eni-c", "10.7.1.1", "tcp 80", "dest_check", "none",
           "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-all eni-strict"},
          {"D-RETURN", "eni-c", "10.1.0.20", "tcp 80", "forward", "no_route",
           "eni-c sg-all acl-c rtb-c pcx-bc acl-default-vpc-b sg-open eni-b2",
           "eni-b2 sg-open acl-default-vpc-b rtb-b"},
          {"AWS-NACL-04 outbound", "eni-c", "10.2.2.10", "udp 500", "nacl_egress", "none",
           "eni-c sg-all acl-c"},
          {"AWS-SG-03 the union of groups", "eni-c", "10.2.2.30", "ip 47", "forward", "forward",
           "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-empty sg-gre eni-two",
           "eni-two sg-empty acl-default-vpc-c rtb-c acl-c sg-all eni-c"},
          {"AWS-SG-03 no group allows", "eni-c", "10.2.2.30", "ip 50", "sg_ingress", "none",
           "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-empty sg-gre"},
          {"AWS-ADDR-12 a secondary address", "eni-c", "10.2.2.10", "tcp 80", "forward", "forward",
           "eni-c sg-all acl-c rtb-c acl-default-vpc-c sg-all eni-mid",
           "eni-mid sg-all acl-default-vpc-c rtb-c acl-c sg-all eni-c", 40000, "10.2.1.11"},
          {"AWS-SG-02 the default group admits itself", "eni-app", "10.1.0.10", "tcp 80",
           "sg_ingress", "none",
           "eni-app sg-app acl-private rtb-private pcx-ab acl-default-vpc-b sg-default-vpc-b"},
      });
}

// What a hop says of rules and routes, and what an explanation says of who refused.
TEST(QuestionTableTest, RulesRoutesAndHeadersAreNamed) {
  const ValidationResult result =
      LoadIntentText("t", std::string(kSampleConfig) + std::string(kThirdVpc), {});
  ASSERT_NE(result.intent, nullptr) << CheckReportText(result);
  const auto ask = [&](const Row& row) {
    const auto answer = Explain(*result.intent, QuestionOf(row));
    EXPECT_TRUE(answer.ok());
    return nlohmann::json::parse(RenderExplanationJson(*answer));
  };
  const auto hole = ask({"", "eni-c", "10.8.1.1", "tcp 80", "", "", ""});
  EXPECT_EQ(hole["Explanations"][0]["ExplanationCode"], "BAD_STATE_ROUTE");
  EXPECT_EQ(hole["Explanations"][0]["RouteTable"]["Id"], "rtb-c");
  EXPECT_EQ(hole["Explanations"][0]["RouteTableRoute"]["State"], "blackhole");
  EXPECT_EQ(hole["ForwardPathComponents"][3]["NextBestRoute"]["DestinationCidr"], "0.0.0.0/0");
  const auto groups = ask({"", "eni-c", "10.2.2.30", "ip 50", "", "", ""});
  EXPECT_EQ(groups["Explanations"][0]["Direction"], "ingress");
  EXPECT_EQ(groups["Explanations"][0]["SecurityGroups"],
            nlohmann::json::parse(R"([{"Id": "sg-empty"}, {"Id": "sg-gre"}])"));
  const auto acl = ask({"", "eni-c", "10.2.2.10", "udp 500", "", "", ""});
  EXPECT_EQ(acl["Explanations"][0]["Acl"]["Id"], "acl-c");
  EXPECT_EQ(acl["Explanations"][0]["Direction"], "egress");
  EXPECT_EQ(acl["Explanations"][0]["Path"], "forward");
  EXPECT_EQ(acl["Explanations"][0]["AclRule"]["PortRange"]["To"], 600);
  const auto back = ask({"", "eni-c", "10.1.0.20", "tcp 80", "", "", ""});
  EXPECT_EQ(back["Explanations"][0]["Path"], "return");
  EXPECT_EQ(back["Explanations"][0]["ExplanationCode"], "NO_ROUTE_TO_DESTINATION");
  const auto& first = back["ForwardPathComponents"][0];
  EXPECT_EQ(first["InboundHeader"]["SourceAddresses"][0], "10.2.1.10/32");
  EXPECT_EQ(first["InboundHeader"]["SourcePortRanges"][0]["From"], 40000);
  EXPECT_EQ(first["OutboundHeader"]["DestinationPortRanges"][0]["To"], 80);
}

TEST(QuestionTableTest, TextSaysHeaderRuleAndNextBestRoute) {
  const auto intent = LoadDemo();
  ASSERT_NE(intent, nullptr);
  const auto answer =
      Explain(*intent, QuestionOf({"", "eni-app", "10.1.1.10", "tcp 80", "", "", ""}));
  ASSERT_TRUE(answer.ok());
  const std::string text = RenderExplanationText(*answer);
  for (const char* part :
       {"1. eni-app\n", "header:  tcp 10.0.2.20:40000 -> 10.1.1.10:80\n", "rule 100 allows",
        "matched: route 10.1.0.0/16 -> pcx-partner, before 0.0.0.0/0 -> nat-shop\n",
        "allows tcp 80 from 10.0.0.0/16\n", "Verdict of the request: forward\n",
        "Verdict of the reply: forward\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace sluice::testing
