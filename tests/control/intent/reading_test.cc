// How text becomes objects: documents, folders, uniting, unknown members, wrong kinds, Host, and
// broken input.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "control/intent/check_report.h"
#include "control/intent/diff.h"
#include "tests/control/intent/intent_builder.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

using testing::Count;
using testing::Found;
using testing::kSampleConfig;
using testing::Load;
using testing::LoadWithBase;

TEST(ReadingTest, CommentsSeveralDocumentsAndByteOrderMark) {
  const ValidationResult result = Load(
      "\xef\xbb\xbf// one\n{\"Vpcs\": [ /* two */ {\"VpcId\": \"v\", \"CidrBlock\": "
      "\"10.0.0.0/16\"}]} // } three\n\n{\"Subnets\": [{\"SubnetId\": \"s\", \"VpcId\": \"v\", "
      "\"CidrBlock\": \"10.0.0.0/24\"}]}\n");
  EXPECT_LOADS(result);
  EXPECT_TRUE(result.issues.empty()) << Found(result);
  EXPECT_EQ(result.intent->FindSubnet("s")->json_path, "t.json#2:$.Subnets[0]");
}

TEST(ReadingTest, TheEmptyConfigurationIsValid) {
  EXPECT_LOADS(Load("{}"));
  EXPECT_EQ(Count(Load(""), false, "empty"), 1);
}

TEST(ReadingTest, FoldersAreReadRecursivelyInNameOrder) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "sluice_reading_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "b");
  std::ofstream(folder / "b" / "vpcs.json") << R"({"Vpcs": [{"VpcId": "v",
    "CidrBlock": "10.0.0.0/16"}]})";
  std::ofstream(folder / "a.json") << R"({"Subnets": [{"SubnetId": "s", "VpcId": "v",
    "CidrBlock": "10.0.0.0/24"}]})";
  std::ofstream(folder / "notes.txt") << "not JSON";
  const ValidationResult result = LoadIntent({folder.string()}, {});
  EXPECT_LOADS(result);
  EXPECT_EQ(result.intent->FindSubnet("s")->json_path,
            (folder / "a.json").string() + ":$.Subnets[0]");
  EXPECT_EQ(LoadIntent({(folder / "none").string()}, {}).intent, nullptr);
  fs::remove_all(folder);
}

TEST(ReadingTest, TheSameObjectTwice) {
  const std::string vpc = R"({"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/16")";
  EXPECT_LOADS(Load(vpc + "}]}" + vpc + R"(, "Tags": [{"Key": "Name", "Value": "x"}]}]})"));
  const ValidationResult result = Load(vpc + "}]}" + vpc + R"(, "OwnerId": "1"}]})");
  EXPECT_REFUSED(result, "t.json:$.Vpcs[0]", "t.json#2:$.Vpcs[0]", "");
}

TEST(ReadingTest, FindingsQuoteOnlyTheBeginningOfALongText) {
  std::string id;
  for (int i = 0; i < 50'000; ++i) {
    id += "ä";
  }
  const ValidationResult result = Load("{\"Vpcs\": [{\"VpcId\": \"" + id + "\", \"CidrBlock\": \"" +
                                       id + "\", \"" + id + "\": 1}]}");
  EXPECT_EQ(result.intent, nullptr);
  EXPECT_GE(result.issues.size(), 3u);
  for (const IntentIssue& issue : result.issues) {
    EXPECT_LE(issue.object_id.size(), 260u);
    EXPECT_LE(issue.what.size(), 2010u);
    EXPECT_LE(issue.json_path.size(), 2010u);
    EXPECT_EQ(issue.object_id.substr(0, 4), "ää");
    EXPECT_EQ(issue.object_id.substr(issue.object_id.size() - 5), "ä…");
  }
}

TEST(ReadingTest, APrefixListIsPrintedByTwoCommands) {
  const std::string managed = R"({"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "s3",
    "AddressFamily": "IPv4", "State": "create-complete"}]})";
  const std::string plain = R"({"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "s3",
    "Cidrs": ["1.0.0.0/8"]}]})";
  for (const std::string& text : {managed + plain, plain + managed}) {
    const ValidationResult result = Load(text);
    EXPECT_LOADS(result);
    EXPECT_TRUE(result.issues.empty()) << Found(result);
    EXPECT_EQ(result.intent->FindPrefixList("pl-1")->cidrs.size(), 1u);
  }
  EXPECT_REFUSED(Load(plain + R"({"ManagedPrefixLists": [{"PrefixListId": "pl-1",
    "Entries": [{"Cidr": "2.0.0.0/8"}]}]})"),
                 "other CIDRs at t.json:$.PrefixLists[0]", "t.json#2:$.ManagedPrefixLists[0]", "");
}

TEST(ReadingTest, UnknownNamesWarnOnce) {
  const ValidationResult result = Load(R"({"Volumes": [], "Vpcs": [
    {"VpcId": "v", "CidrBlock": "10.0.0.0/16", "Colour": "red", "InstanceTenancy": "default"},
    {"VpcId": "w", "CidrBlock": "10.0.0.0/16", "Colour": "red"}]}{"Volumes": []})");
  EXPECT_LOADS(result);
  EXPECT_EQ(Count(result, true, "Volumes"), 1) << Found(result);
  EXPECT_EQ(Count(result, true, "Colour"), 1);
  EXPECT_EQ(Count(result, true, ""), 2);
}

TEST(ReadingTest, EveryErrorIsReportedWithItsPath) {
  const ValidationResult result = Load(R"({"Vpcs": [{"VpcId": "v", "CidrBlock": 7},
    {"CidrBlock": "10.0.0.0/16"}, 5], "Subnets": {}, "Addresses": [{"PublicIp": ["x"]}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "e", "SubnetId": "none", "Groups": "sg",
      "PrivateIpAddress": "10.0.0.0.1", "SourceDestCheck": "yes"}]})");
  EXPECT_EQ(result.intent, nullptr);
  EXPECT_EQ(Count(result, false, "", "t.json:$.Vpcs[0].CidrBlock"), 1) << Found(result);
  EXPECT_EQ(Count(result, false, "VpcId is missing", "t.json:$.Vpcs[1]"), 1);
  EXPECT_EQ(Count(result, false, "object", "t.json:$.Vpcs[2]"), 1);
  EXPECT_EQ(Count(result, false, "list", "t.json:$.Subnets"), 1);
  EXPECT_EQ(Count(result, false, "", "t.json:$.Addresses[0].PublicIp"), 1);
  EXPECT_EQ(Count(result, false, "no subnet", ".NetworkInterfaces[0].SubnetId"), 1);
  EXPECT_EQ(Count(result, false, "list", ".NetworkInterfaces[0].Groups"), 1);
  EXPECT_EQ(Count(result, false, "", ".NetworkInterfaces[0].PrivateIpAddress"), 1);
  EXPECT_EQ(Count(result, false, "", ".NetworkInterfaces[0].SourceDestCheck"), 1);
}

TEST(ReadingTest, ReportsAsTextAndJson) {
  const ValidationResult result = Load(R"({"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/8"}]})");
  EXPECT_NE(CheckReportText(result).find("error: t.json:$.Vpcs[0].CidrBlock: v: 10.0.0.0/8 is "
                                         "not between /16 and /28 (InvalidVpc.Range)\n"
                                         "not valid: 1 error, 0 warnings\n"),
            std::string::npos)
      << CheckReportText(result);
  EXPECT_NE(CheckReportJson(result).find("\"Code\": \"InvalidVpc.Range\""), std::string::npos);
}

constexpr char kHost[] = R"({"Host": {
  "Ports": [{"Name": "web", "Device": "net_tap0"}, {"Name": "wan", "Device": "0000:3b:00.0",
             "Mtu": 1500}],
  "Attachments": [{"NetworkInterfaceId": "eni-a", "Port": "web", "Vlan": 12}],
  "Uplink": {"Port": "wan", "Address": "198.51.100.2/24", "NextHop": "198.51.100.1"},
  "Workers": 2, "FlowLogFolder": {"arn:x": "/tmp/x"}}})";

ValidationResult LoadHostWith(const std::string& from, const std::string& to) {
  std::string text = kHost;
  text.replace(text.find(from), from.size(), to);
  return LoadWithBase(text);
}

TEST(ReadingTest, HostIsRead) {
  const ValidationResult result = LoadWithBase(kHost);
  EXPECT_LOADS(result);
  EXPECT_TRUE(result.intent->host_was_written());
  const Host& host = result.intent->host();
  EXPECT_EQ(host.workers, 2u);
  EXPECT_EQ(host.attachments[0].vlan, 12);
  EXPECT_EQ(ToString(host.uplink->address), "198.51.100.2/24");
  EXPECT_EQ(host.flow_log_folder_for.at("arn:x"), "/tmp/x");
}

TEST(ReadingTest, HostRules) {
  EXPECT_REFUSED(LoadHostWith("12", "4095"), "4095 is outside", ".Vlan", "");
  EXPECT_REFUSED(LoadHostWith("12", "0"), "0 is outside", ".Vlan", "");
  EXPECT_REFUSED(LoadHostWith("eni-a", "eni-none"), "no network interface",
                 ".Attachments[0].NetworkInterfaceId", "");
  EXPECT_REFUSED(LoadHostWith("\"Port\": \"web\"", "\"Port\": \"wab\""), "no port",
                 ".Attachments[0].Port", "");
  EXPECT_REFUSED(LoadHostWith("100.1\"", "101.1\""), "not another host", ".Uplink.NextHop", "");
  EXPECT_REFUSED(LoadHostWith("100.2/24", "100.0/24"), "not the address", ".Uplink.Address", "");
  EXPECT_REFUSED(LoadHostWith("\"Workers\": 2", "\"Workers\": 0"), "outside", ".Workers", "");
  EXPECT_REFUSED(LoadHostWith("\"Workers\": 2", "\"Workers\": 65"), "outside 1..64", ".Workers",
                 "");
  EXPECT_REFUSED(LoadHostWith("\"Workers\"", "\"MaxSessions\": 536870913, \"Workers\""),
                 "outside 1..536870912", ".MaxSessions", "");
  EXPECT_REFUSED(LoadHostWith("\"Workers\"", "\"BehaviorProfile\": \"rfc\", \"Workers\""),
                 "not a profile", ".BehaviorProfile", "");
  EXPECT_REFUSED(LoadHostWith("{\"Name\": \"wan\"", "{\"Name\": \"web\"}, {\"Name\": \"wan\""),
                 "another port", ".Ports[1].Name", "");
}

TEST(ReadingTest, HostAttachesAnInterfaceOnce) {
  const ValidationResult twice = LoadHostWith(
      "\"Vlan\": 12}", "\"Vlan\": 12}, {\"NetworkInterfaceId\": \"eni-a\", \"Port\": \"web\"}");
  EXPECT_REFUSED(twice, "attached already", ".Attachments[1].NetworkInterfaceId", "");
}

// Round trip: the export loads to the same export, and nothing differs.
TEST(ReadingTest, UplinkAndServicesAreToldApart) {
  const auto with_services = [](const std::string& link) {
    return LoadWithBase(R"({"Host": {"Ports": [{"Name": "wan"}],
      "Uplink": {"Port": "wan", "Address": "198.51.100.2/24", "NextHop": "198.51.100.1"},
      "Services": {"Port": "wan", )" +
                        link + R"("Address": "192.0.2.2/24", "NextHop": "192.0.2.1"}}})");
  };
  EXPECT_REFUSED(with_services(""), "Uplink uses port", "Services.Port", "");
  EXPECT_LOADS(with_services("\"Vlan\": 7, "));
}

TEST(ReadingTest, ANearMissIsNamed) {
  const ValidationResult result = Load(R"({"Vpc": [], "Vpcs": [{"VpcId": "vpc-a", "CidrBlok": 1,
      "CidrBlock": "10.0.0.0/16"}], "Subnets": [{"SubnetId": "subnet-web", "VpcId": "vpc-b",
      "CidrBlock": "10.0.1.0/24"}], "NetworkInterfaces": [
      {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-wbe", "PrivateIpAddress": "10.0.1.9"},
      {"NetworkInterfaceId": "eni-2", "SubnetId": "other", "PrivateIpAddress": "10.0.1.8"}]})");
  EXPECT_EQ(Count(result, true, "\"Vpc\" is ignored: did you mean Vpcs?"), 1) << Found(result);
  EXPECT_EQ(Count(result, true, "elsewhere"), 0);
  EXPECT_EQ(Count(result, true, "wherever it appears: did you mean CidrBlock?"), 1);
  EXPECT_EQ(Count(result, false, "there is no VPC vpc-b: did you mean vpc-a?"), 1);
  EXPECT_EQ(Count(result, false, "there is no subnet subnet-wbe: did you mean subnet-web?"), 1);
  EXPECT_EQ(Count(result, false, "there is no subnet other: list it under Subnets"), 1);
}

// A gateway may name an allocation that Addresses leaves out, another account's for one.
TEST(ReadingTest, AnAllocationMayBeAbsent) {
  const ValidationResult result = LoadWithBase(R"({"Addresses": [{"PublicIp": "9.9.9.8"}],
      "NatGateways": [{"NatGatewayId": "nat-a",
      "SubnetId": "subnet-a", "NatGatewayAddresses": [
        {"PrivateIp": "10.0.1.77", "PublicIp": "9.9.9.9", "AllocationId": "eipalloc-none"}]}]})");
  EXPECT_LOADS(result);
  EXPECT_EQ(Count(result, true, "eipalloc-none is not in Addresses"), 1) << Found(result);
}

TEST(ReadingTest, ExportsRoundTrip) {
  for (const std::string& text :
       {std::string(kSampleConfig), std::string(testing::kBase) + kHost}) {
    const ValidationResult first = Load(text);
    ASSERT_NE(first.intent, nullptr);
    const std::string exported = ExportIntentJson(*first.intent);
    const ValidationResult second = Load(exported);
    EXPECT_LOADS(second);
    EXPECT_EQ(Count(second, true, "unknown"), 0) << Found(second);
    EXPECT_EQ(ExportIntentJson(*second.intent), exported);
    EXPECT_TRUE(DiffIntents(*first.intent, *second.intent).empty());
  }
}

TEST(ReadingTest, DiffNamesObjectAndMember) {
  std::string text(kSampleConfig);
  const ValidationResult before = Load(text);
  const std::string port = "\"FromPort\": 8080, \"ToPort\": 8080";
  text.replace(text.find(port), port.size(), "\"FromPort\": 8081, \"ToPort\": 8081");
  const std::string deny = "\"RuleAction\": \"deny\"},\n       {\"RuleNumber\": 100";
  ASSERT_NE(text.find(deny), std::string::npos);
  text.replace(text.find(deny), 20, "\"RuleAction\": \"allow\"");
  const ValidationResult after = Load(text);
  ASSERT_NE(after.intent, nullptr) << Found(after);
  const std::vector<IntentChange> changes = DiffIntents(*before.intent, *after.intent);
  ASSERT_EQ(changes.size(), 3u) << DiffText(changes);
  EXPECT_EQ(changes[0].object_id, "acl-private");
  EXPECT_EQ(changes[0].member, "Entries[ingress 90]");
  EXPECT_EQ(changes[1].object_id, "sg-app");
  EXPECT_NE(DiffJson(changes).find("\"Kind\": \"changed\""), std::string::npos);
  EXPECT_EQ(DiffText({}), "no change\n");
}

// A cut text is refused whole, with a path.
TEST(BadInputTest, EveryTruncationIsRefused) {
  const std::string text(kSampleConfig);
  for (size_t length = 0; length < text.size(); ++length) {
    const ValidationResult result = Load(std::string_view(text).substr(0, length));
    ASSERT_EQ(result.intent, nullptr) << length;
    ASSERT_FALSE(result.issues.empty());
    ASSERT_EQ(result.issues[0].json_path.rfind("t.json:$", 0), 0u) << result.issues[0].json_path;
  }
}

TEST(BadInputTest, RandomMutationsNeverCrash) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  const std::string original(kSampleConfig);
  const std::string_view pieces[] = {"{",    "}",  "[",    "]",       "\"",
                                     ":",    ",",  "null", "-1",      "1e999",
                                     "\xff", "//", "/*",   "\\u0000", "18446744073709551616"};
  for (int round = 0; round < 3000; ++round) {
    std::string text = original;
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 40);
          break;
        case 2:
          text.insert(at, pieces[random() % std::size(pieces)]);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 60));
      }
      if (text.empty()) {
        text = " ";
      }
    }
    const ValidationResult result = Load(text);
    bool error = false;
    for (const IntentIssue& issue : result.issues) {
      error = error || !issue.is_warning;
      ASSERT_TRUE(issue.is_warning || !issue.json_path.empty()) << issue.what << text;
    }
    ASSERT_EQ(result.intent == nullptr, error) << text;
    CheckReportJson(result);
  }
}

TEST(BadInputTest, DeepNestingIsBounded) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string text = "{\"Vpcs\": ";
    for (int i = 0; i < 1000000; ++i) {
      text += open;
    }
    EXPECT_EQ(Count(Load(text), false, "deeper than 64"), 1);
  }
}

TEST(BadInputTest, InvalidUtf8IsRefused) {
  EXPECT_EQ(Load("{\"Vpcs\": [{\"VpcId\": \"\xc3\x28\", \"CidrBlock\": \"10.0.0.0/16\"}]}").intent,
            nullptr);
  EXPECT_EQ(Count(Load("{\"Vpcs\": [{\"VpcId\": \"a\"\n,, }]}"), false, "line 2, column 2"), 1);
}

}  // namespace
}  // namespace sluice
