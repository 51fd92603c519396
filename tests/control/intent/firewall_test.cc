// AWS-SG-*, AWS-NACL-*, AWS-FL-*.
#include <gtest/gtest.h>

#include "tests/control/intent/intent_builder.h"

namespace sluice {
namespace {

using testing::Count;
using testing::Found;
using testing::LoadWithBase;

std::string Group(const std::string& permission, const std::string& id = "sg-x") {
  return R"({"SecurityGroups": [{"GroupId": ")" + id + R"(", "GroupName": ")" + id +
         R"(", "VpcId": "vpc-a", "IpPermissions": [)" + permission +
         R"(], "IpPermissionsEgress": []}]})";
}
std::string Tcp(int from, int to, const std::string& peers) {
  return R"({"IpProtocol": "tcp", "FromPort": )" + std::to_string(from) +
         ", \"ToPort\": " + std::to_string(to) + ", " + peers + "}";
}
constexpr char kAnyone[] = R"("IpRanges": [{"CidrIp": "0.0.0.0/0"}])";

TEST(FirewallTest, AWS_SG_04_PortsAndProtocols) {
  EXPECT_LOADS(LoadWithBase(Group(Tcp(80, 90, kAnyone))));
  EXPECT_REFUSED(LoadWithBase(Group(Tcp(90, 80, kAnyone))), "empty", ".FromPort", "");
  EXPECT_REFUSED(LoadWithBase(Group(Tcp(80, 70000, kAnyone))), "70000 is outside", ".ToPort", "");
  EXPECT_REFUSED(LoadWithBase(Group(R"({"IpProtocol": "tpc", "IpRanges": []})")), "not a protocol",
                 ".IpProtocol", "");
  EXPECT_REFUSED(LoadWithBase(Group(Tcp(1, 2, R"("IpRanges": [{"CidrIp": "10.0.0.300/8"}])"))),
                 "not an IPv4 CIDR", ".IpRanges[0].CidrIp", "");
  const ValidationResult all = LoadWithBase(
      Group(R"({"IpProtocol": "50", "FromPort": 1, "IpRanges": [{"CidrIp": "1.0.0.7/8"}]})"));
  EXPECT_LOADS(all);
  const SecurityGroupRule& rule = all.intent->FindSecurityGroup("sg-x")->ingress[0];
  EXPECT_EQ(rule.protocol, 50);
  EXPECT_EQ(rule.ports, (PortRange{}));
  EXPECT_EQ(ToString(*rule.cidr), "1.0.0.0/8");
}

TEST(FirewallTest, AWS_SG_06_AbsentPeersAreStale) {
  const ValidationResult result = LoadWithBase(
      Group(Tcp(1, 2, R"("UserIdGroupPairs": [{"GroupId": "sg-gone"}, {"GroupId": "sg-a"}],
                         "PrefixListIds": [{"PrefixListId": "pl-gone"}])")));
  EXPECT_LOADS(result);
  EXPECT_EQ(Count(result, true, "stale"), 2) << Found(result);
  const auto& rules = result.intent->FindSecurityGroup("sg-x")->ingress;
  ASSERT_EQ(rules.size(), 3u);
  for (const SecurityGroupRule& rule : rules) {
    EXPECT_EQ(rule.stale, rule.group_id != "sg-a");
  }
}

TEST(FirewallTest, AWS_SG_07_GroupsPerInterface) {
  std::string groups;
  std::string references;
  for (int i = 0; i < 17; ++i) {
    groups += Group("", "sg-" + std::to_string(i));
    references +=
        std::string(i == 0 ? "" : ",") + R"({"GroupId": "sg-)" + std::to_string(i) + "\"}";
    const std::string text =
        groups + R"({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-x", "SubnetId": "subnet-a",
          "PrivateIpAddress": "10.0.1.20", "Groups": [)" +
        references + "]}]}";
    const ValidationResult result = LoadWithBase(text);
    EXPECT_LOADS(result);
    EXPECT_EQ(Count(result, true, "5 security groups"), i >= 5 ? 1 : 0) << i;
    EXPECT_EQ(LoadWithBase(text, true).intent != nullptr, i < 5) << i;
  }
}

TEST(FirewallTest, AWS_SG_16_AGroupServesItsOwnVpc) {
  const std::string other = R"({"Vpcs": [{"VpcId": "vpc-o", "CidrBlock": "10.7.0.0/16"}],
    "SecurityGroups": [{"GroupId": "sg-o", "VpcId": "vpc-o", "IpPermissions": [],
                        "IpPermissionsEgress": []}]})";
  const std::string eni = R"({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-x",
    "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.20", "Groups": [{"GroupId": ")";
  EXPECT_REFUSED(LoadWithBase(other + eni + R"(sg-o"}]}]})"), "belongs to vpc-o", ".Groups",
                 "InvalidGroup.NotFound");
  EXPECT_REFUSED(LoadWithBase(eni + R"(sg-none"}]}]})"), "no security group", ".Groups",
                 "InvalidGroup.NotFound");
}

TEST(FirewallTest, SecurityGroupRulesJoinTheirGroups) {
  const ValidationResult result =
      LoadWithBase(Group(Tcp(80, 80, kAnyone)) + R"({"SecurityGroupRules": [
      {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-x", "IsEgress": false, "IpProtocol": "tcp",
       "FromPort": 80, "ToPort": 80, "CidrIpv4": "0.0.0.0/0"},
      {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-x", "IsEgress": true, "IpProtocol": "-1",
       "FromPort": -1, "ToPort": -1, "ReferencedGroupInfo": {"GroupId": "sg-a"}}]})");
  EXPECT_LOADS(result);
  const SecurityGroup* group = result.intent->FindSecurityGroup("sg-x");
  ASSERT_EQ(group->ingress.size(), 1u);
  EXPECT_EQ(group->ingress[0].id, "sgr-1");
  ASSERT_EQ(group->egress.size(), 1u);
  EXPECT_EQ(group->egress[0].group_id, "sg-a");
}

std::string Acl(const std::string& entries, const std::string& more = "") {
  return R"({"NetworkAcls": [{"NetworkAclId": "acl-x", "VpcId": "vpc-a", )" + more +
         R"("Entries": [)" + entries + "]}]}";
}
std::string Entry(const std::string& number, const std::string& members) {
  return R"({"RuleNumber": )" + number +
         R"(, "Egress": false, "RuleAction": "allow", "CidrBlock": "10.0.0.9/8", )" + members + "}";
}

TEST(FirewallTest, AWS_NACL_01_ASubnetHasOneAcl) {
  EXPECT_REFUSED(LoadWithBase(R"({"NetworkAcls": [
    {"NetworkAclId": "acl-1", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-a"}]},
    {"NetworkAclId": "acl-2", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-a"}]}]})"),
                 "associated with acl-1", "", "Resource.AlreadyAssociated");
  EXPECT_REFUSED(LoadWithBase(Acl("", R"("Associations": [{"SubnetId": "subnet-none"}],)")),
                 "no subnet", "", "InvalidSubnetID.NotFound");
}

TEST(FirewallTest, AWS_NACL_02_RuleNumbers) {
  const std::string all = R"("Protocol": "-1")";
  EXPECT_LOADS(LoadWithBase(Acl(Entry("1", all) + "," + Entry("32766", all))));
  EXPECT_REFUSED(LoadWithBase(Acl(Entry("0", all))), "0 is outside", ".RuleNumber", "");
  EXPECT_REFUSED(LoadWithBase(Acl(Entry("32767", all))), "final deny", ".RuleNumber", "");
  EXPECT_REFUSED(LoadWithBase(Acl(Entry("5", all) + "," + Entry("5", R"("Protocol": "1")"))),
                 "number 5", ".Entries[1]", "NetworkAclEntryAlreadyExists");
  EXPECT_LOADS(LoadWithBase(Acl(Entry("5", all) + "," + Entry("5", all))));
}

TEST(FirewallTest, AWS_NACL_03_ACustomAclDeniesEverything) {
  const ValidationResult result = LoadWithBase(Acl(""));
  EXPECT_LOADS(result);
  EXPECT_TRUE(result.intent->FindNetworkAcl("acl-x")->ingress.empty());
  const NetworkAcl* made = result.intent->FindNetworkAcl("acl-default-vpc-a");
  ASSERT_EQ(made->ingress.size(), 1u);
  EXPECT_TRUE(made->ingress[0].allow);
  EXPECT_EQ(made->ingress[0].number, 100);
}

TEST(FirewallTest, AWS_NACL_04_ProtocolPortsAndCidr) {
  const ValidationResult result = LoadWithBase(
      Acl(Entry("1", R"("Protocol": "6", "PortRange": {"From": 22, "To": 25})") + "," +
          Entry("2", R"("Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1})") + "," +
          Entry("3", R"("Protocol": "-1", "PortRange": {"From": 22, "To": 25})")));
  EXPECT_LOADS(result);
  const auto& rules = result.intent->FindNetworkAcl("acl-x")->ingress;
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].ports, (PortRange{22, 25}));
  EXPECT_EQ(ToString(rules[0].cidr), "10.0.0.0/8");
  EXPECT_EQ(rules[1].ports, (PortRange{8, -1}));
  EXPECT_EQ(rules[2].ports, (PortRange{}));
  EXPECT_REFUSED(
      LoadWithBase(Acl(Entry("1", R"("Protocol": "6", "PortRange": {"From": 9, "To": 5})"))),
      "empty", "", "");
  EXPECT_REFUSED(
      LoadWithBase(Acl(Entry("1", R"("Protocol": "1", "IcmpTypeCode": {"Type": -1, "Code": 4})"))),
      "without a type", "", "");
}

TEST(FirewallTest, AWS_NACL_04_AnEmptyCidrIsNoCidr) {
  const std::string rest = R"("Protocol": "-1", "RuleAction": "allow", "Egress": false)";
  const auto with_cidr = [&](const std::string& cidr) {
    return LoadWithBase(Acl("{\"RuleNumber\": 1, " + rest + ", \"CidrBlock\": " + cidr + "}"));
  };
  EXPECT_REFUSED(with_cidr("\"\""), "CidrBlock is missing", "Entries[0]", "MissingParameter");
  EXPECT_REFUSED(with_cidr("null"), "CidrBlock is missing", "Entries[0]", "MissingParameter");
}

TEST(FirewallTest, AWS_NACL_08_QuotaCountsTheFinalRule) {
  std::string entries;
  for (int i = 1; i <= 20; ++i) {
    entries += (i == 1 ? "" : ",") + Entry(std::to_string(i), R"("Protocol": "-1")");
    EXPECT_EQ(Count(LoadWithBase(Acl(entries)), true, "20 rules"), i == 20 ? 1 : 0) << i;
  }
}

std::string Log(const std::string& members, const std::string& resource = "subnet-a") {
  return R"({"FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": ")" + resource + "\", " + members +
         "}]}";
}

TEST(FirewallTest, AWS_FL_03_IntervalsAre60Or600) {
  for (const char* interval : {"60", "600"}) {
    EXPECT_LOADS(LoadWithBase(Log(R"("MaxAggregationInterval": )" + std::string(interval))));
  }
  EXPECT_REFUSED(LoadWithBase(Log(R"("MaxAggregationInterval": 61)")), "60 or 600",
                 ".MaxAggregationInterval", "InvalidParameterValue");
}

TEST(FirewallTest, AWS_FL_06_FormatsNameKnownFields) {
  EXPECT_LOADS(LoadWithBase(Log(R"("LogFormat": "${version} ${pkt-srcaddr}")")));
  EXPECT_REFUSED(LoadWithBase(Log(R"("LogFormat": "${version} ${colour}")")), "colour",
                 ".LogFormat", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(Log(R"("LogFormat": "version")")), "${field}", ".LogFormat", "");
  EXPECT_REFUSED(LoadWithBase(Log(R"("TrafficType": "SOME")")), "none of", ".TrafficType", "");
  EXPECT_REFUSED(LoadWithBase(Log(R"("TrafficType": "ALL")", "eni-none")), "eni-none",
                 ".ResourceId", "");
}

}  // namespace
}  // namespace sluice
