// Texts that are no configuration: each is refused where it goes wrong, whatever its bytes are.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "control/intent/check_report.h"
#include "tests/control/intent/intent_builder.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::Count;
using testing::Found;
using testing::Load;
using testing::LoadWithBase;

class BadTextTest : public ::testing::Test {
 protected:
  BadTextTest() {
    folder_ = fs::path(::testing::TempDir()) / ("sluice-" + std::to_string(getpid()) + "-text");
    fs::create_directories(folder_);
  }
  ~BadTextTest() override { fs::remove_all(folder_); }
  std::string Name(const char* name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

TEST_F(BadTextTest, TheSecondDocumentHasItsOwnPlaceInTheFile) {
  EXPECT_EQ(Count(Load("{\"Vpcs\": []} junk"), false, "line 1, column 14", "t.json#2:$"), 1)
      << Found(Load("{\"Vpcs\": []} junk"));
  EXPECT_EQ(Count(Load("{\"Vpcs\": []}\n\n {\"Subnets\": }"), false, "line 3, column 14"), 1);
  EXPECT_EQ(Count(Load("{\"Vpcs\": [{\"VpcId\": \"a\"\n,, }]}"), false, "line 2, column 2"), 1);
}

TEST_F(BadTextTest, DeepNestingHasAPlace) {
  std::string text = "{\"Foo\":\n " + std::string(64, '[') + std::string(64, ']') + "}";
  EXPECT_EQ(Count(Load(text), false, "line 2, column 65: nested deeper than 64 levels"), 1)
      << Found(Load(text));
}

TEST_F(BadTextTest, OpenCommentsAndZeroBytes) {
  EXPECT_EQ(Count(Load("{\"Vpcs\": []} /* no end"), false, "line 1, column"), 1);
  EXPECT_EQ(Count(Load(std::string_view("\0\1{}", 4)), false, "column 1: a zero byte"), 1);
  EXPECT_EQ(Load(std::string_view("{\"Vpcs\": []}\0", 13)).intent, nullptr);
}

// Nothing a configuration holds may end a report early, break its lines, or steer a terminal.
TEST_F(BadTextTest, ReportsAreOneLineAFinding) {
  const ValidationResult result = Load(
      R"({"Vpcs": [{"VpcId": "a\u0000\n\u001b[31m", "CidrBlock": "10.0.0.0/33\r"}], "k\u0007": 1})");
  const std::string report = CheckReportText(result);
  EXPECT_NE(report.find("a\\u0000\\u000a\\u001b[31m"), std::string::npos) << report;
  for (const char c : report) {
    EXPECT_TRUE(c == '\n' || static_cast<uint8_t>(c) >= 0x20);
  }
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'),
            static_cast<int64_t>(result.issues.size()) + 1);
  const std::string longest = CheckReportText(Load(
      "{\"Vpcs\": [{\"VpcId\": \"v\", \"CidrBlock\": \"" + std::string(1000000, 'x') + "\"}]}"));
  EXPECT_LT(longest.size(), 3000u);
}

TEST_F(BadTextTest, IdsAreWords) {
  for (const char* id : {"a b", "a\\tb", "a/b", "\\u0007", " "}) {
    const ValidationResult result =
        Load(R"({"Vpcs": [{"VpcId": ")" + std::string(id) + R"(", "CidrBlock": "10.0.0.0/16"}]})");
    EXPECT_REFUSED(result, "an id has", "$.Vpcs[0].VpcId", "InvalidParameterValue");
  }
  EXPECT_REFUSED(Load(R"({"Vpcs": [{"VpcId": ")" + std::string(256, 'v') +
                      R"(", "CidrBlock": "10.0.0.0/16"}]})"),
                 "an id has", "", "");
  EXPECT_LOADS(Load(R"({"Vpcs": [{"VpcId": "vpc-Prüfung_1.x:y", "CidrBlock": "10.0.0.0/16"}]})"));
  EXPECT_REFUSED(LoadWithBase(R"({"NetworkInterfaces": [{"NetworkInterfaceId": "internet",
                      "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.20"}]})"),
                 "names a side of the router", "NetworkInterfaceId", "InvalidParameterValue");
}

// What is refused as a whole is not refused again for each member it lacks.
TEST_F(BadTextTest, AWrongKindIsOneFinding) {
  EXPECT_REFUSED(LoadWithBase(R"({"Host": {"Uplink": "wan"}})"), "an object is expected",
                 "Host.Uplink", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(R"({"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-a",
                     "Associations": ["subnet-a"]}]})"),
                 "an object is expected", "Associations[0]", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(R"({"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-a",
                     "Entries": [{"RuleNumber": 1, "Protocol": "1", "CidrBlock": "0.0.0.0/0",
                                  "RuleAction": "deny", "IcmpTypeCode": {"Type": 300, "Code": 0}}]}]})"),
                 "300 is outside", "Type", "InvalidParameterValue");
}

TEST_F(BadTextTest, PipesAreReadLikeFiles) {
  const std::string pipe = Name("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&pipe] { std::ofstream(pipe) << testing::kSampleConfig; });
  const ValidationResult result = LoadIntent({pipe}, {});
  writer.join();
  EXPECT_LOADS(result);
}

TEST_F(BadTextTest, WhatCannotBeReadSaysWhy) {
  EXPECT_EQ(Count(LoadIntent({Name("none.json")}, {}), false, "no such file or folder"), 1);
  EXPECT_EQ(Count(LoadIntent({Name("")}, {}), false, "a folder without *.json"), 1);
  std::ofstream(Name("empty.json")).flush();
  EXPECT_EQ(Count(LoadIntent({Name("empty.json")}, {}), false, "empty: a JSON object"), 1);
  std::ofstream(Name("b.json")) << "{\"Vpcs\": 5";
  const ValidationResult both = LoadIntent({Name("")}, {});
  EXPECT_EQ(Count(both, false, ""), 2) << "every broken file is named: " << Found(both);
}

}  // namespace
}  // namespace sluice
