// A whole small configuration: what validation completes and what it leaves as written.
#include <gtest/gtest.h>

#include <string>

#include "control/intent/validated_intent.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

std::string Print(const std::vector<IntentIssue>& issues) {
  std::string text;
  for (const IntentIssue& issue : issues) {
    text += issue.json_path + " " + issue.object_id + ": " + issue.what + "\n";
  }
  return text;
}

class SampleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ValidationResult result = LoadIntentText("sample.json", testing::kSampleConfig, {});
    ASSERT_NE(result.intent, nullptr) << Print(result.issues);
    EXPECT_TRUE(result.issues.empty()) << Print(result.issues);
    intent_ = result.intent;
  }
  std::shared_ptr<const ValidatedIntent> intent_;
};

TEST_F(SampleTest, EveryVpcHasItsDefaults) {
  ASSERT_NE(intent_->FindRouteTable("rtb-main-vpc-a"), nullptr);
  EXPECT_TRUE(intent_->FindRouteTable("rtb-main-vpc-a")->main);
  EXPECT_EQ(intent_->FindRouteTable("rtb-main-vpc-b"), nullptr);  // rtb-b is the main one
  ASSERT_NE(intent_->FindNetworkAcl("acl-default-vpc-b"), nullptr);
  const SecurityGroup* group = intent_->FindSecurityGroup("sg-default-vpc-b");
  ASSERT_NE(group, nullptr);
  ASSERT_EQ(group->ingress.size(), 1u);
  EXPECT_EQ(group->ingress[0].group_id, "sg-default-vpc-b");
  EXPECT_FALSE(group->ingress[0].id.empty());
  ASSERT_EQ(group->egress.size(), 1u);
  EXPECT_EQ(group->egress[0].cidr, (Ipv4Prefix{}));
}

TEST_F(SampleTest, EverySubnetHasOneTableAndOneAcl) {
  EXPECT_EQ(intent_->FindSubnet("subnet-b")->route_table_id, "rtb-b");
  EXPECT_EQ(intent_->FindSubnet("subnet-b")->network_acl_id, "acl-default-vpc-b");
  EXPECT_EQ(intent_->FindSubnet("subnet-private")->route_table_id, "rtb-private");
  EXPECT_EQ(intent_->FindSubnet("subnet-private")->network_acl_id, "acl-private");
}

TEST_F(SampleTest, LocalRoutesAreInEveryTable) {
  for (const RouteTable& table : intent_->intent().route_tables) {
    const Vpc* vpc = intent_->FindVpc(table.vpc_id);
    int locals = 0;
    for (const Route& route : table.routes) {
      locals += route.target.kind == RouteTargetKind::kLocal && route.destination == vpc->cidrs[0];
      EXPECT_FALSE(route.blackhole);
    }
    EXPECT_EQ(locals, 1) << table.id;
  }
}

TEST_F(SampleTest, TheNatGatewayHasItsInterface) {
  const NatGateway* gateway = intent_->FindNatGateway("nat-a");
  ASSERT_NE(gateway, nullptr);
  EXPECT_EQ(gateway->network_interface_id, "eni-nat-a");
  const NetworkInterface* eni = intent_->FindNetworkInterface("eni-nat-a");
  ASSERT_NE(eni, nullptr);
  EXPECT_EQ(eni->kind, InterfaceKind::kNatGateway);
  ASSERT_EQ(eni->addresses.size(), 1u);
  EXPECT_EQ(ToString(eni->addresses[0].address), "10.0.0.200");
  ASSERT_TRUE(eni->addresses[0].public_ip.has_value());
  EXPECT_TRUE(eni->group_ids.empty());
  EXPECT_TRUE(eni->mac.has_value());
}

TEST_F(SampleTest, AnInterfaceWithoutGroupsIsInTheDefaultGroup) {
  EXPECT_EQ(intent_->FindNetworkInterface("eni-b")->group_ids,
            std::vector<std::string>{"sg-default-vpc-b"});
  EXPECT_EQ(intent_->FindNetworkInterface("eni-b")->vpc_id, "vpc-b");
}

TEST_F(SampleTest, TheHostIsImplied) {
  EXPECT_FALSE(intent_->host_was_written());
  const Host& host = intent_->host();
  EXPECT_EQ(host.attachments.size(), 3u);
  EXPECT_EQ(host.ports.size(), 5u);
  ASSERT_TRUE(host.uplink.has_value());
  EXPECT_EQ(host.uplink->port, "internet");
  ASSERT_EQ(host.services.size(), 1u);
  EXPECT_EQ(host.services[0].port, "services");
}

TEST_F(SampleTest, AclRulesAreSortedWithoutTheFinalOne) {
  const NetworkAcl* acl = intent_->FindNetworkAcl("acl-private");
  ASSERT_EQ(acl->ingress.size(), 2u);
  EXPECT_EQ(acl->ingress[0].number, 90);
  EXPECT_EQ(acl->ingress[0].ports, (PortRange{22, 22}));
  EXPECT_EQ(acl->ingress[1].number, 100);
  EXPECT_EQ(acl->egress.size(), 1u);
}

TEST_F(SampleTest, Lookups) {
  EXPECT_EQ(intent_->InternetGatewayOf("vpc-a")->id, "igw-a");
  EXPECT_EQ(intent_->InternetGatewayOf("vpc-b"), nullptr);
  EXPECT_EQ(intent_->FindVpc("vpc-c"), nullptr);
  EXPECT_NE(intent_->FindVpcPeering("pcx-ab"), nullptr);
}

}  // namespace
}  // namespace sluice
