// What a user of `sluice explain` reads: components in the order asked, verdicts, AWS's shapes.
#include "control/explain/explanation.h"

#include <nlohmann/json.hpp>

#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

std::vector<std::string> Ids(const std::vector<Hop>& hops) {
  std::vector<std::string> ids;
  for (const Hop& hop : hops) {
    ids.push_back(hop.component_id);
  }
  return ids;
}

Explanation Ask(const Holes& holes, const Question& question) {
  const auto intent = LoadConfig(holes);
  absl::StatusOr<Explanation> answer = Explain(*intent, question);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return *std::move(answer);
}

using Path = std::vector<std::string>;

TEST(ExplanationTest, AcrossSubnetsInTheOrderAsked) {
  const Explanation answer =
      Ask({}, {.from = "eni-web", .to = Ip("10.0.1.10"), .destination_port = 8080});
  EXPECT_EQ(Ids(answer.forward_hops),
            (Path{"eni-web", "sg-web", "acl-pub", "rtb-pub", "acl-app", "sg-app", "eni-app"}));
  EXPECT_EQ(Ids(answer.return_hops),
            (Path{"eni-app", "sg-app", "acl-app", "rtb-app", "acl-pub", "sg-web", "eni-web"}));
  EXPECT_EQ(answer.exit_code(), 0);
}

TEST(ExplanationTest, TheOneThatDropsIsLast) {
  const Explanation answer =
      Ask({{"APP_IN", ""}}, {.from = "eni-web", .to = Ip("10.0.1.10"), .destination_port = 1});
  EXPECT_EQ(answer.forward_hops.back().component_id, "sg-app");
  EXPECT_EQ(answer.reason, DropReason::kSgIngress);
  EXPECT_FALSE(answer.reply_verdict.has_value());
  EXPECT_EQ(answer.exit_code(), 1);
  const auto json = nlohmann::json::parse(RenderExplanationJson(answer));
  EXPECT_EQ(json["NetworkPathFound"], false);
  EXPECT_EQ(json["Verdict"], "drop");
  EXPECT_EQ(json["DropReason"], "sg_ingress");
  EXPECT_TRUE(json["ReplyVerdict"].is_null());
  EXPECT_TRUE(json["ReplyDropReason"].is_null());
  EXPECT_EQ(json["Explanations"][0]["Component"]["Id"], "sg-app");
  EXPECT_EQ(json["Explanations"][0]["ExplanationCode"], "ENI_SG_RULES_MISMATCH");
}

TEST(ExplanationTest, ThroughNatAndBack) {
  const Explanation answer =
      Ask({}, {.from = "eni-app", .to = Ip("8.8.8.8"), .destination_port = 443});
  EXPECT_EQ(Ids(answer.forward_hops), (Path{"eni-app", "sg-app", "acl-app", "rtb-app", "acl-pub",
                                            "nat-a", "acl-pub", "rtb-pub", "igw-a"}));
  EXPECT_EQ(answer.forward_hops[5].outbound, Tcp("10.0.0.200", 40000, "8.8.8.8", 443));
  EXPECT_EQ(answer.forward_hops.back().outbound, Tcp("198.51.100.200", 40000, "8.8.8.8", 443));
  EXPECT_EQ(Ids(answer.return_hops), (Path{"igw-a", "acl-pub", "nat-a", "acl-pub", "rtb-pub",
                                           "acl-app", "sg-app", "eni-app"}));
  EXPECT_EQ(answer.exit_code(), 0);
  const auto json = nlohmann::json::parse(RenderExplanationJson(answer));
  const auto& rtb = json["ForwardPathComponents"][3];
  EXPECT_EQ(rtb["Component"]["Id"], "rtb-app");
  EXPECT_EQ(rtb["RouteTableRoute"]["NatGatewayId"], "nat-a");
  EXPECT_EQ(json["ForwardPathComponents"][2]["AclRule"]["RuleNumber"], 100);
  EXPECT_EQ(json["ForwardPathComponents"][1]["SecurityGroupRule"]["Direction"], "egress");
  EXPECT_EQ(json["ForwardPathComponents"][5]["OutboundHeader"]["SourceAddresses"][0],
            "10.0.0.200/32");
}

TEST(ExplanationTest, QuestionsBehindTheNatGatewayNameThePort) {
  const Explanation answer =
      Ask({}, {.from = "eni-app", .to = Ip("8.8.8.8"), .destination_port = 443});
  for (size_t i = 6; i < answer.forward_hops.size(); ++i) {
    EXPECT_EQ(answer.forward_hops[i].asked.find(":0 "), std::string::npos)
        << answer.forward_hops[i].asked;
  }
  EXPECT_NE(answer.forward_hops[6].asked.find("10.0.0.200:40000 -> 8.8.8.8:443"),
            std::string::npos);
}

TEST(ExplanationTest, AWS_LL_01_TheRouterConsumesDhcp) {
  for (const char* to : {"255.255.255.255", "10.0.0.1"}) {
    const Explanation answer = Ask({}, {.from = "eni-web",
                                        .to = Ip(to),
                                        .protocol = kProtocolUdp,
                                        .source_port = 68,
                                        .destination_port = 67});
    EXPECT_EQ(answer.verdict, Verdict::kConsume) << to;
    EXPECT_EQ(answer.reason, DropReason::kDhcpReply) << to;
    EXPECT_EQ(Ids(answer.forward_hops), Path{"eni-web"}) << to;
    EXPECT_EQ(answer.exit_code(), 1) << to;
    const auto json = nlohmann::json::parse(RenderExplanationJson(answer));
    EXPECT_EQ(json["Verdict"], "consume");
    EXPECT_EQ(json["NetworkPathFound"], false);
    EXPECT_TRUE(json["ReplyVerdict"].is_null());
  }
}

TEST(ExplanationTest, ReplyStoppedByAnAcl) {
  const char* no_return =
      R"({"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"})";
  const Explanation answer = Ask({{"ACL_PUB", no_return}},
                                 {.from = "eni-web", .to = Ip("8.8.8.8"), .destination_port = 443});
  EXPECT_EQ(answer.verdict, Verdict::kForward);
  EXPECT_EQ(answer.reply_verdict, Verdict::kDrop);
  EXPECT_EQ(answer.reply_reason, DropReason::kNaclIngress);
  EXPECT_EQ(answer.exit_code(), 1);
  const auto json = nlohmann::json::parse(RenderExplanationJson(answer));
  EXPECT_EQ(json["NetworkPathFound"], true);
  EXPECT_EQ(json["Explanations"][0]["AclRule"]["RuleNumber"], 32767);
}

TEST(ExplanationTest, AnApplianceEndsTheQuestion) {
  const Explanation answer = Ask(
      {{"ROUTES_APP", R"({"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-mid"})"}},
      {.from = "eni-app", .to = Ip("8.8.8.8"), .destination_port = 443});
  EXPECT_EQ(answer.verdict, Verdict::kForward);
  EXPECT_EQ(answer.forward_hops.back().component_id, "eni-mid");
  EXPECT_FALSE(answer.reply_verdict.has_value());
  EXPECT_EQ(answer.exit_code(), 1);
}

// interface.md 5 asks for no attachment: the ENI is as if on a port named by its id.
TEST(ExplanationTest, AnEniWithoutAttachmentIsExplainedAsIfOnAPortOfItsOwn) {
  const auto with = [](const std::string& host) {
    ValidationResult loaded = LoadIntentText("host.json", ConfigText({}) + host, {});
    EXPECT_NE(loaded.intent, nullptr);
    return loaded.intent;
  };
  const Question question = {.from = "eni-web", .to = Ip("10.0.1.10"), .destination_port = 8080};
  const auto carried = with(R"json({"Host": {
    "Ports": [{"Name": "app", "Device": "net_null0"}, {"Name": "web", "Device": "net_null1"}],
    "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "app"},
                    {"NetworkInterfaceId": "eni-web", "Port": "web"}]}})json");
  const auto not_carried = with(R"json({"Host": {
    "Ports": [{"Name": "app", "Device": "net_null0"}],
    "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "app"}]}})json");
  const absl::StatusOr<Explanation> answer = Explain(*not_carried, question);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->exit_code(), 0);
  EXPECT_EQ(RenderExplanationJson(*answer), RenderExplanationJson(*Explain(*carried, question)));
  EXPECT_FALSE(Explain(*not_carried, {.from = "eni-none", .to = Ip("10.0.1.10")}).ok());
}

TEST(ExplanationTest, FromTheInternetNeedsASource) {
  const auto intent = LoadConfig({});
  EXPECT_FALSE(Explain(*intent, {.from = "internet", .to = Ip("198.51.100.10")}).ok());
  EXPECT_FALSE(Explain(*intent, {.from = "eni-none", .to = Ip("198.51.100.10")}).ok());
  const Explanation answer = Ask({}, {.from = "internet",
                                      .to = Ip("198.51.100.10"),
                                      .source = Ip("203.0.113.9"),
                                      .destination_port = 80});
  EXPECT_EQ(Ids(answer.forward_hops), (Path{"igw-a", "acl-pub", "sg-web", "eni-web"}));
  EXPECT_EQ(answer.exit_code(), 0);
}

TEST(ExplanationTest, TextNumbersTheHopsAndNamesBothVerdicts) {
  const Explanation answer =
      Ask({}, {.from = "eni-web", .to = Ip("10.0.0.11"), .destination_port = 80});
  const std::string text = RenderExplanationText(answer);
  EXPECT_NE(text.find("1. eni-web\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Verdict of the request: forward\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Verdict of the reply: forward\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace sluice::testing
