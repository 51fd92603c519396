// Every operator verb, every refusal, against a daemon without EAL.
#include "control/api/operator_verbs.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/control/api/fake_daemon.h"

namespace sluice {
namespace {

using testing::FakeDaemon;
using testing::FakeSession;
using testing::SampleWithHost;
using Json = nlohmann::ordered_json;

class OperatorVerbsTest : public ::testing::Test {
 protected:
  Json Ask(const Json& request) { return AskLine(request.dump()); }
  Json AskLine(const std::string& line) {
    const std::string answer = AnswerOperator(daemon_.view(), line);
    EXPECT_EQ(answer.find('\n'), std::string::npos) << answer;
    Json json = Json::parse(answer, nullptr, false);
    EXPECT_TRUE(json.is_object()) << answer;
    EXPECT_TRUE(json.contains("Ok") && json.contains("ExitCode")) << answer;
    return json;
  }
  Json ResultOf(const Json& request) {
    const Json answer = Ask(request);
    EXPECT_EQ(answer["Ok"], true) << answer;
    return answer.value("Result", Json());
  }
  Json Show(const std::string& what, Json filters = Json::object()) {
    filters["Verb"] = "show";
    filters["What"] = what;
    return ResultOf(filters);
  }
  static Json WithText(const std::string& verb, const std::string& text) {
    return {{"Verb", verb}, {"Texts", {{{"Name", "new.json"}, {"Text", text}}}}};
  }

  FakeDaemon daemon_;
};

#define EXPECT_REFUSED(answer, code, words)                                       \
  do {                                                                            \
    const Json refused = (answer);                                                \
    EXPECT_EQ(refused["Ok"], false);                                              \
    EXPECT_EQ(refused["ExitCode"], code);                                         \
    EXPECT_NE(refused["Error"].get<std::string>().find(words), std::string::npos) \
        << refused["Error"];                                                      \
  } while (false)

TEST_F(OperatorVerbsTest, WhatIsNoRequestIsToldHowToMendIt) {
  for (const char* line :
       {"", "x", "[]", "3", "{}", "{\"Verb\":3}", "{\"Verb\":\"show\"", "\xff"}) {
    EXPECT_REFUSED(AskLine(line), 2, "a request is one JSON object on one line with a \"Verb\"");
  }
  EXPECT_REFUSED(Ask({{"Verb", "fly"}}), 2,
                 "there is no verb \"fly\"; there are: apply, diff, export, rollback, show");
  EXPECT_REFUSED(Ask({{"Verb", "rollback"}, {"Generatoin", 1}}), 2,
                 "\"rollback\" has no member \"Generatoin\"; it has: As, Generation");
  EXPECT_REFUSED(Ask({{"Verb", "top"}, {"Eni", "x"}}), 2, "it has: As");
  EXPECT_REFUSED(Ask({{"Verb", "export"}, {"As", "xml"}}), 2, "\"json\" or \"text\"");
  EXPECT_REFUSED(Ask({{"Verb", "show"}, {"What", 3}}), 2, "\"What\" is a string");
  EXPECT_REFUSED(Ask({{"Verb", "apply"}}), 2, "needs either \"Paths\" or \"Texts\"");
  EXPECT_REFUSED(Ask({{"Verb", "diff"}, {"Paths", {"relative"}}}), 2, "absolute paths");
  EXPECT_REFUSED(Ask({{"Verb", "diff"}, {"Paths", "/x"}}), 2, "absolute paths");
  EXPECT_REFUSED(Ask({{"Verb", "apply"}, {"Texts", {"x"}}}), 2, "\"Texts\" is a list of");
  EXPECT_REFUSED(Ask({{"Verb", "rollback"}}), 2, "needs the \"Generation\"");
  EXPECT_REFUSED(Ask({{"Verb", "rollback"}, {"Generation", -1}}), 2, "is a number from 1");
  EXPECT_REFUSED(Ask({{"Verb", "rollback"}, {"Generation", 1.5}}), 2, "is a number from 1");
}

TEST_F(OperatorVerbsTest, ApplySaysTheGenerationAndWhatChanged) {
  const Json result = ResultOf(WithText("apply", SampleWithHost() + testing::kOneMoreGroup));
  EXPECT_EQ(result["Generation"], 2);
  EXPECT_EQ(result["Summary"], "1 change: + SecurityGroups sg-extra");
  EXPECT_EQ(result["Effective"], true);
  EXPECT_TRUE(result["Laggard"].is_null());
  ASSERT_EQ(result["Changes"].size(), 1u);
  EXPECT_EQ(result["Changes"][0]["ObjectId"], "sg-extra");
  EXPECT_EQ(result["MoreChanges"], 0);
  ASSERT_FALSE(result["Issues"].empty());
  std::set<std::string> members;  // as `sluice check -j`
  for (const auto& [name, value] : result["Issues"][0].items()) {
    members.insert(name);
  }
  EXPECT_EQ(members, (std::set<std::string>{"Severity", "Path", "ObjectId", "What", "Code"}));
  EXPECT_EQ(result["Issues"][0]["Severity"], "warning");
  EXPECT_TRUE(result["Issues"][0]["Code"].is_null());
  Json again = WithText("apply", SampleWithHost());
  again["As"] = "text";
  EXPECT_EQ(ResultOf(again)["Text"],
            "generation 3 runs: 1 change\n- SecurityGroups sg-extra\n"
            "2 warnings; `sluice check` lists them\n");
  EXPECT_EQ(daemon_.applier().generation(), 3u);
}

TEST_F(OperatorVerbsTest, ARefusedConfigurationNamesEveryErrorAndTheOldOneGoesOn) {
  const Json answer = Ask(WithText("apply", SampleWithHost() + testing::kNoSuchVpc));
  EXPECT_REFUSED(answer, 1, "the configuration is not valid (1 error); generation 1 goes on");
  const Json& issue = answer["Issues"][0];
  EXPECT_EQ(issue["Path"], "new.json#3:$.Subnets[0].VpcId");
  EXPECT_EQ(issue["ObjectId"], "subnet-x");
  EXPECT_EQ(issue["Code"], "InvalidVpcID.NotFound");
  EXPECT_EQ(issue["Severity"], "error");
  EXPECT_REFUSED(Ask(WithText("diff", "{")), 1, "is not valid (1 error)");
  EXPECT_REFUSED(Ask(WithText("apply", std::string(testing::kSampleConfig))), 1,
                 "the configuration has no Host");
  EXPECT_EQ(daemon_.applier().generation(), 1u);
}

TEST_F(OperatorVerbsTest, IssuesAreBoundedAndErrorsComeFirst) {
  std::string subnets;
  for (int i = 0; i < 1500; ++i) {
    subnets += (i == 0 ? "" : ",") + std::string("{\"SubnetId\":\"s") + std::to_string(i) +
               "\",\"VpcId\":\"vpc-x\",\"CidrBlock\":\"10." + std::to_string(i / 256) + "." +
               std::to_string(i % 256) + ".0/24\",\"Odd" + std::to_string(i) + "\":1}";
  }
  const Json answer = Ask(WithText("apply", "{\"Subnets\":[" + subnets + "]}"));
  EXPECT_REFUSED(answer, 1, "(1500 errors)");
  EXPECT_EQ(answer["Issues"].size(), kMaxToldIssues);
  EXPECT_EQ(answer["Issues"][0]["Severity"], "error");
  EXPECT_EQ(answer["Issues"][kMaxToldIssues - 1]["Severity"], "error");
}

TEST_F(OperatorVerbsTest, PathsAreReadHereOrSaidToBeUnreadable) {
  char folder[] = "/tmp/operator_verbs_test-XXXXXX";
  const std::string path = mkdtemp(folder);
  std::ofstream(path + "/a.json") << testing::kSampleConfig;
  std::ofstream(path + "/b.json") << testing::kSampleHost;
  EXPECT_EQ(ResultOf({{"Verb", "apply"}, {"Paths", {path}}})["Changes"].size(), 0u);
  EXPECT_EQ(
      ResultOf({{"Verb", "apply"}, {"Paths", {path + "/b.json", path + "/a.json"}}})["Generation"],
      3);
  for (const char* verb : {"apply", "diff"}) {
    const Json answer = Ask({{"Verb", verb}, {"Paths", {path + "/gone"}}});
    EXPECT_REFUSED(answer, 1, "sluiced cannot read " + path + "/gone");
    EXPECT_EQ(answer["Unreadable"], true);
  }
  std::filesystem::remove_all(path);
}

TEST_F(OperatorVerbsTest, DiffTellsWhatApplyWouldChangeAndRefuse) {
  Json request = WithText("diff", SampleWithHost() + testing::kOneMoreGroup);
  const Json result = ResultOf(request);
  EXPECT_EQ(result["Changes"][0]["Kind"], "added");
  EXPECT_TRUE(result["Refusal"].is_null());
  request["As"] = "text";
  EXPECT_EQ(ResultOf(request)["Text"],
            "+ SecurityGroups sg-extra\n2 warnings; `sluice check` lists them\n");
  const Json refused = Ask(WithText("diff", std::string(testing::kSampleConfig)));
  EXPECT_EQ(refused["Ok"], true);
  EXPECT_EQ(refused["ExitCode"], 1);
  EXPECT_NE(refused["Result"]["Refusal"].get<std::string>().find("has no Host"), std::string::npos);
  EXPECT_EQ(daemon_.applier().generation(), 1u) << "diff changes nothing";
}

TEST_F(OperatorVerbsTest, ChangesAreBounded) {
  std::string groups;
  for (size_t i = 0; i < kMaxToldChanges + 5; ++i) {
    groups += (i == 0 ? "" : ",") + std::string("{\"GroupId\":\"sg-n") + std::to_string(i) +
              "\",\"GroupName\":\"n" + std::to_string(i) + "\",\"VpcId\":\"vpc-b\"}";
  }
  const Json result =
      ResultOf(WithText("diff", SampleWithHost() + "{\"SecurityGroups\":[" + groups + "]}"));
  EXPECT_EQ(result["Changes"].size(), kMaxToldChanges);
  EXPECT_EQ(result["MoreChanges"], 5);
}

TEST_F(OperatorVerbsTest, ExportGoesRoundAndRollbackGoesBack) {
  const std::string text = ResultOf({{"Verb", "export"}, {"As", "text"}})["Text"];
  EXPECT_EQ(Json::parse(text), ResultOf({{"Verb", "export"}}));
  EXPECT_EQ(ResultOf(WithText("diff", text))["Changes"].size(), 0u);
  ResultOf(WithText("apply", SampleWithHost() + testing::kOneMoreGroup));
  const Json back = ResultOf({{"Verb", "rollback"}, {"Generation", 1}});
  EXPECT_EQ(back["Generation"], 3);
  EXPECT_EQ(back["Summary"], "rollback to 1: 1 change: - SecurityGroups sg-extra");
  EXPECT_REFUSED(Ask({{"Verb", "rollback"}, {"Generation", 9}}), 1,
                 "generation 9 is not kept; kept are 1 to 3; generation 3 goes on");
  const Json generations = Show("generations")["generations"];
  ASSERT_EQ(generations.size(), 3u);
  EXPECT_EQ(generations[0]["running"], false);
  EXPECT_EQ(generations[2]["running"], true);
  EXPECT_EQ(generations[2]["applied_at"], 1700000000);
}

TEST_F(OperatorVerbsTest, ExplainAsksTheRunningConfiguration) {
  Json question = {{"Verb", "explain"},
                   {"From", "eni-web"},
                   {"To", "10.0.1.10"},
                   {"Proto", "tcp"},
                   {"Dport", "8080"}};
  const Json forwarded = Ask(question);
  EXPECT_EQ(forwarded["ExitCode"], 0) << forwarded;
  EXPECT_EQ(forwarded["Result"]["Verdict"], "forward");
  question["Dport"] = "22";
  question["As"] = "text";
  const Json dropped = Ask(question);
  EXPECT_EQ(dropped["ExitCode"], 1);
  EXPECT_NE(dropped["Result"]["Text"].get<std::string>().find("nacl_ingress"), std::string::npos);
  question["To"] = "nowhere";
  EXPECT_REFUSED(Ask(question), 2, "--to=nowhere is no IPv4 address");
  EXPECT_REFUSED(Ask({{"Verb", "explain"}}), 2, "needs --from and --to");
  EXPECT_REFUSED(Ask({{"Verb", "explain"}, {"From", "eni-z"}, {"To", "10.0.1.10"}, {"Dport", "1"}}),
                 2, "eni-z");
}

TEST_F(OperatorVerbsTest, StopAsksTheDaemonToEnd) {
  EXPECT_EQ(ResultOf({{"Verb", "stop"}}), Json::object());
  EXPECT_EQ(daemon_.stops, 1);
}

TEST(LongRequestTest, IsOneThatWorksOnAConfiguration) {
  for (const char* verb : {"show\",\"What\":\"drops", "top", "stop", "no such verb"}) {
    EXPECT_FALSE(IsLongRequest("{\"Verb\":\"" + std::string(verb) + "\"}")) << verb;
  }
  EXPECT_TRUE(IsLongRequest("{\"Verb\":\"export\"}"));
  EXPECT_TRUE(IsLongRequest("{\"Verb\":\"apply\",\"Paths\":[\"/etc/sluice\"]}"));
  EXPECT_TRUE(IsLongRequest("{\"Verb\":\"rollback\",\"Generation\":1}"));
  EXPECT_TRUE(IsLongRequest(std::string(1 << 20, 'x')));
}

}  // namespace
}  // namespace sluice
