// What holds for every configuration, sound or damaged: loading never crashes and explains every
// refusal; what loads exports to a text that loads to the same; nothing differs from itself; every
// question about it has an answer. SLUICE_TEST_SEED and SLUICE_TEST_CONFIGS choose the run.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "control/explain/explanation.h"
#include "control/intent/check_report.h"
#include "control/intent/diff.h"
#include "control/intent/validated_intent.h"
#include "tests/property/config_mutator.h"
#include "tests/property/random_config.h"
#include "tests/support/sample_config.h"

namespace sluice::testing {
namespace {

constexpr std::string_view kHost = R"({
  "Ports": [{"Name": "web", "Device": "net_tap0"}, {"Name": "wan", "Mtu": 1500}, {"Name": "svc"}],
  "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "web"},
                  {"NetworkInterfaceId": "eni-app", "Port": "svc", "Vlan": 12}],
  "Uplink": {"Port": "wan", "Address": "198.51.100.2/24", "NextHop": "198.51.100.1"},
  "Services": [{"Port": "svc", "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"}],
  "Workers": 2, "MaxSessions": 4096, "RouterMac": "02:00:00:00:00:01",
  "FlowLogFolder": {"arn:aws:s3:::logs": "/var/log/x"}})";

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

uint64_t Seed() {
  const uint64_t seed = FromEnvironment("SLUICE_TEST_SEED", 20'261'124);
  std::printf("[ seed     ] %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// The sample, the sample with a Host, or a random configuration with every kind of resource.
std::string SoundConfig(Random& random) {
  const uint32_t which = Below(random, 4);
  if (which >= 2) {
    return RandomConfig(random());
  }
  nlohmann::json config = nlohmann::json::parse(kSampleConfig);
  if (which == 1) {
    config["Host"] = nlohmann::json::parse(kHost);
  }
  return config.dump();
}

// Some question about the configuration, most often one with two ends that exist.
Question SomeQuestion(const Intent& intent, Random& random) {
  Question question;
  question.from = Chance(random, 20) ? "internet" : Chance(random, 5) ? "services" : "eni-none";
  question.to = Ipv4Address(static_cast<uint32_t>(random()));
  const auto& enis = intent.network_interfaces;
  if (!enis.empty()) {
    const NetworkInterface& to = enis[Below(random, static_cast<uint32_t>(enis.size()))];
    question.to = to.addresses.front().public_ip.value_or(to.addresses.front().address);
    if (question.from == "eni-none") {
      question.from = enis[Below(random, static_cast<uint32_t>(enis.size()))].id;
    } else {
      question.source = Ipv4Address(203, 0, 113, 9);
    }
  }
  constexpr uint8_t kProtocols[] = {1, 6, 17, 47};
  question.protocol = kProtocols[Below(random, 4)];
  question.destination_port = static_cast<uint16_t>(Below(random, 9000));
  return question;
}

void ExpectRoundTrip(const ValidatedIntent& intent) {
  const std::string exported = ExportIntentJson(intent);
  const ValidationResult again = LoadIntentText("export", exported, {});
  ASSERT_NE(again.intent, nullptr) << CheckReportText(again) << exported;
  EXPECT_EQ(ExportIntentJson(*again.intent), exported);
  EXPECT_EQ(DiffText(DiffIntents(intent, *again.intent)), "no change\n");
}

void ExpectAnswer(const ValidatedIntent& intent, Random& random) {
  const Question question = SomeQuestion(intent.intent(), random);
  const auto answer = Explain(intent, question);
  if (!answer.ok()) {
    EXPECT_FALSE(answer.status().message().empty());
    return;
  }
  ASSERT_FALSE(answer->forward_hops.empty());
  EXPECT_FALSE(RenderExplanationText(*answer).empty());
  const auto json = nlohmann::json::parse(RenderExplanationJson(*answer));
  EXPECT_EQ(json["Explanations"].empty(), !answer->reason && !answer->reply_reason);
}

TEST(ConfigPropertyTest, EveryConfigurationSurvivesItsExport) {
  Random random(Seed());
  const uint64_t configs = FromEnvironment("SLUICE_TEST_CONFIGS", 300);
  for (uint64_t i = 0; i < configs && !HasFailure(); ++i) {
    const std::string config = RandomConfig(random());
    const ValidationResult result = LoadIntentText("random", config, {});
    ASSERT_NE(result.intent, nullptr) << CheckReportText(result) << config;
    ExpectRoundTrip(*result.intent);
    EXPECT_TRUE(DiffIntents(*result.intent, *result.intent).empty());
    ExpectAnswer(*result.intent, random);
  }
}

TEST(ConfigPropertyTest, DamagedConfigurationsAreRefusedOrSound) {
  Random random(Seed());
  const uint64_t configs = FromEnvironment("SLUICE_TEST_CONFIGS", 3000);
  uint64_t loaded = 0;
  for (uint64_t i = 0; i < configs && !HasFailure(); ++i) {
    std::string text = SoundConfig(random);
    text = Chance(random, 30) ? MutateBytes(std::move(text), random) : MutateValues(text, random);
    const ValidationResult result = LoadIntentText("t.json", text, {});
    bool refused = false;
    for (const IntentIssue& issue : result.issues) {
      refused = refused || !issue.is_warning;
      ASSERT_FALSE(issue.what.empty());
      ASSERT_TRUE(issue.is_warning || !issue.json_path.empty()) << issue.what << "\n" << text;
    }
    ASSERT_EQ(result.intent == nullptr, refused) << text;
    ASSERT_TRUE(nlohmann::json::accept(CheckReportJson(result))) << text;
    if (result.intent != nullptr) {
      ++loaded;
      SCOPED_TRACE(text);
      ExpectRoundTrip(*result.intent);
      ExpectAnswer(*result.intent, random);
    }
  }
  std::printf("[ configs  ] %llu damaged, %llu of them still sound\n",
              static_cast<unsigned long long>(configs), static_cast<unsigned long long>(loaded));
  EXPECT_GT(loaded, configs / 50);
}

}  // namespace
}  // namespace sluice::testing
