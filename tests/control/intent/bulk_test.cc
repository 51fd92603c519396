// A million rules and tens of thousands of VPCs: reading takes time in proportion to the text.
// SLUICE_TEST_RULES chooses the first number.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/control/intent/intent_builder.h"

namespace sluice {
namespace {

using testing::Found;
using testing::Load;

// `text` is read without an error; *seconds gets the processor time that took.
ValidationResult LoadTimed(const std::string& text, double* seconds) {
  const std::clock_t start = std::clock();
  ValidationResult result = Load(text);
  *seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_NE(result.intent, nullptr) << Found(result);
  return result;
}

// Ten times the text may take this many times the processor time: ten where the reader is linear, a
// hundred where it is quadratic. Seconds would judge the machine and the sanitizer instead.
constexpr double kTenfoldCost = 33;

constexpr int kLists = 20;

// 20 security groups and 20 network ACLs with `rules` rules each.
std::string ManyRules(int rules) {
  std::string text =
      R"({"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/16"}], "SecurityGroups": [)";
  for (int g = 0; g < kLists; ++g) {
    text += (g == 0 ? "" : ",") + std::string(R"({"GroupId": "sg-)") + std::to_string(g) +
            R"(", "VpcId": "v", "IpPermissionsEgress": [], "IpPermissions": [)";
    for (int r = 0; r < rules; ++r) {
      text += (r == 0 ? "" : ",") + std::string(R"({"IpProtocol": "tcp", "FromPort": )") +
              std::to_string(r) + R"(, "ToPort": )" + std::to_string(r) +
              R"(, "IpRanges": [{"CidrIp": "10.)" + std::to_string(r % 250) + R"(.0.0/16"}]})";
    }
    text += "]}";
  }
  text += R"(], "NetworkAcls": [)";
  for (int a = 0; a < kLists; ++a) {
    text += (a == 0 ? "" : ",") + std::string(R"({"NetworkAclId": "acl-)") + std::to_string(a) +
            R"(", "VpcId": "v", "Entries": [)";
    for (int r = 1; r <= rules; ++r) {
      text += (r == 1 ? "" : ",") + std::string(R"({"RuleNumber": )") + std::to_string(r) +
              R"(, "Egress": false, "Protocol": "6", "PortRange": {"From": 1, "To": )" +
              std::to_string(r) + R"(}, "CidrBlock": "10.0.0.0/16", "RuleAction": "allow"})";
    }
    text += "]}";
  }
  return text + "]}";
}

TEST(BulkTest, AMillionRulesLoadInLinearTime) {
  const char* wanted = std::getenv("SLUICE_TEST_RULES");
  const int rules = (wanted == nullptr ? 1'000'000 : std::atoi(wanted)) / (2 * kLists);
  double tenth = 0;
  double whole = 0;
  LoadTimed(ManyRules(rules / 10), &tenth);
  const std::string text = ManyRules(rules);
  const ValidationResult result = LoadTimed(text, &whole);
  ASSERT_NE(result.intent, nullptr);
  std::printf("%d rules, %zu bytes of JSON: %.2f s\n", 2 * kLists * rules, text.size(), whole);
  EXPECT_EQ(result.intent->FindSecurityGroup("sg-7")->ingress.size(), static_cast<size_t>(rules));
  EXPECT_LT(whole, kTenfoldCost * tenth);
}

std::string ManyVpcs(int count) {
  std::string text = R"({"Vpcs": [)";
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ",") + std::string(R"({"VpcId": "vpc-)") + std::to_string(i) +
            R"(", "CidrBlock": "10.0.0.0/16"})";
  }
  return text + "]}";
}

TEST(BulkTest, DefaultsOfManyVpcsTakeLinearTime) {
  double tenth = 0;
  double whole = 0;
  LoadTimed(ManyVpcs(6'000), &tenth);
  const ValidationResult result = LoadTimed(ManyVpcs(60'000), &whole);
  ASSERT_NE(result.intent, nullptr);
  EXPECT_NE(result.intent->FindSecurityGroup("sg-default-vpc-59999"), nullptr);
  EXPECT_LT(whole, kTenfoldCost * tenth);
}

}  // namespace
}  // namespace sluice
