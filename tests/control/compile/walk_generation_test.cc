// Whose remembered walks an edit makes stale (decision 18).
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "control/compile/compiler.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// The sample, and a VPC of its own that shares nothing with the other two but the internet side.
Json Sample() {
  Json config = Json::parse(testing::kSampleConfig);
  config["Vpcs"].push_back({{"VpcId", "vpc-c"}, {"CidrBlock", "10.0.0.0/16"}});
  config["Subnets"].push_back(
      {{"SubnetId", "subnet-c"}, {"VpcId", "vpc-c"}, {"CidrBlock", "10.0.0.0/24"}});
  config["InternetGateways"].push_back(
      {{"InternetGatewayId", "igw-c"},
       {"Attachments", {{{"VpcId", "vpc-c"}, {"State", "available"}}}}});
  config["NetworkInterfaces"].push_back({{"NetworkInterfaceId", "eni-c"},
                                         {"SubnetId", "subnet-c"},
                                         {"PrivateIpAddress", "10.0.0.10"},
                                         {"MacAddress", "02:0c:00:00:00:10"}});
  return config;
}

class WalkGenerationTest : public ::testing::Test {
 protected:
  WalkGenerationTest() : compiler_(HeapMemory(), {}) { Compile(); }

  void Compile() {
    ValidationResult loaded = LoadIntentText("test", config_.dump(), {});
    for (const IntentIssue& issue : loaded.issues) {
      ASSERT_TRUE(issue.is_warning) << issue.json_path << ": " << issue.what;
    }
    auto compiled = compiler_.Compile(std::move(loaded.intent), ++generation_);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    compiled_ = *std::move(compiled);
    walked_.clear();
    for (size_t i = 0; i < compiled_->interface_names.size(); ++i) {
      walked_[compiled_->interface_names[i]] = compiled_->snapshot->walk_generation[i];
    }
  }

  Json config_ = Sample();
  Compiler compiler_;
  uint64_t generation_ = 0;
  std::shared_ptr<const CompiledConfig> compiled_;
  std::map<std::string, uint32_t> walked_;  // interface -> walk generation
};

TEST_F(WalkGenerationTest, TheSameConfigurationMakesNothingStale) {
  const std::map<std::string, uint32_t> before = walked_;
  Compile();
  EXPECT_TRUE(compiled_->changes.empty());
  for (const auto& [name, walked] : before) {
    if (name != "internet" && name != "services") {
      EXPECT_EQ(walked_[name], walked) << name;
    }
  }
}

TEST_F(WalkGenerationTest, AnEditIsFeltInItsVpcAndItsPeersOnly) {
  const std::map<std::string, uint32_t> before = walked_;
  config_["SecurityGroups"][0]["IpPermissions"].erase(0);
  Compile();
  EXPECT_FALSE(compiled_->changes.empty());
  for (const char* name : {"eni-web", "eni-app", "eni-b"}) {
    EXPECT_GT(walked_[name], before.at(name)) << name;
  }
  EXPECT_EQ(walked_["eni-c"], before.at("eni-c"));
}

TEST_F(WalkGenerationTest, EveryKindOfObjectIsFeltInItsVpc) {
  const auto stale_after = [&](const char* list, size_t position, const char* member,
                               const Json& value) {
    const std::map<std::string, uint32_t> before = walked_;
    config_[list][position][member] = value;
    Compile();
    EXPECT_GT(walked_["eni-app"], before.at("eni-app")) << list;
    EXPECT_EQ(walked_["eni-c"], before.at("eni-c")) << list;
  };
  stale_after("NetworkAcls", 0, "Entries", Json::array());
  stale_after("RouteTables", 1, "Routes", Json::array());
  stale_after("NetworkInterfaces", 1, "SourceDestCheck", false);
  stale_after("Subnets", 1, "AvailabilityZone", "eu-west-1b");
  stale_after("NatGateways", 0, "NatGatewayAddresses",
              {{{"PrivateIp", "10.0.0.201"}, {"PublicIp", "198.51.100.200"}}});
}

TEST_F(WalkGenerationTest, APublicAddressConcernsEveryVpcWithAnInternetGateway) {
  const std::map<std::string, uint32_t> before = walked_;
  config_["NetworkInterfaces"][1]["Association"] = {{"PublicIp", "198.51.100.77"}};
  Compile();
  EXPECT_GT(walked_["eni-c"], before.at("eni-c")) << "a packet to it turns back in from now on";
}

TEST_F(WalkGenerationTest, WhatEverybodySharesMakesEverythingStale) {
  const std::map<std::string, uint32_t> before = walked_;
  config_["PrefixLists"] = {{{"PrefixListId", "pl-1"}, {"Cidrs", {"203.0.113.0/24"}}}};
  Compile();
  for (const auto& [name, walked] : before) {
    EXPECT_GT(walked_[name], walked) << name;
  }
}

TEST_F(WalkGenerationTest, AnInterfaceThatComesBackIsNotTakenForTheOldOne) {
  const uint32_t before = walked_["eni-c"];
  const Json eni = config_["NetworkInterfaces"].back();
  config_["NetworkInterfaces"].erase(config_["NetworkInterfaces"].size() - 1);
  Compile();
  config_["NetworkInterfaces"].push_back(eni);
  Compile();
  EXPECT_GT(walked_["eni-c"], before);
}

}  // namespace
}  // namespace sluice
