// The small parts of replay: words of flags, next hops, ports, verdict lines, summary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "tests/support/packet_builder.h"
#include "tests/support/sample_config.h"
#include "tools/sluice/replay/capture_writer.h"
#include "tools/sluice/replay/next_hop_macs.h"
#include "tools/sluice/replay/replay_ports.h"
#include "tools/sluice/replay/replay_summary.h"
#include "tools/sluice/replay/replay_words.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

TEST(ReplayWordsTest, Inputs) {
  const ReplayInput input = ParseReplayInput("eni-web=a=b.pcap").value();
  EXPECT_EQ(input.port, "eni-web");
  EXPECT_EQ(input.path, "a=b.pcap");
  for (const char* wrong : {"", "web", "=a.pcap", "web="}) {
    EXPECT_THAT(std::string(ParseReplayInput(wrong).status().message()),
                HasSubstr("say PORT=FILE"));
  }
}

TEST(ReplayWordsTest, Changes) {
  ReplayChangeWords words = ParseReplayChange("1700000000.000000001:apply:a.json,b:c.json").value();
  EXPECT_FALSE(words.since_first_packet);
  EXPECT_EQ(words.time_ns, 1'700'000'000 * kSecond + 1);
  EXPECT_EQ(words.paths, "a.json,b:c.json");
  words = ParseReplayChange("+2.5:apply:x").value();
  EXPECT_TRUE(words.since_first_packet);
  EXPECT_EQ(words.time_ns, 2 * kSecond + kSecond / 2);
  EXPECT_EQ(ParseReplayChange("0:apply:x").value().time_ns, 0);
  for (const char* wrong : {"", "5", "5:apply", "5:apply:", "5:x:y", "5:x"}) {
    EXPECT_THAT(std::string(ParseReplayChange(wrong).status().message()),
                HasSubstr("say TIME:apply:PATH"))
        << wrong;
  }
  for (const char* wrong : {":apply:x", "+:apply:x", "-1:apply:x", "1.:apply:x", "1e3:apply:x",
                            "++1:apply:x", "1.0000000001:apply:x", "99999999999:apply:x"}) {
    EXPECT_THAT(std::string(ParseReplayChange(wrong).status().message()),
                HasSubstr("TIME is seconds"))
        << wrong;
  }
}

class NextHopMacsTest : public ::testing::Test {
 protected:
  NextHopMacsTest() {
    Host host;
    HostSide side;
    side.port = "wan";
    side.next_hop = kHop;
    host.uplink = side;
    side.port = "svc";
    side.vlan = 7;
    host.services.push_back(side);
    macs_.Want(host);
  }
  testing::ArpSpec Arp(uint8_t last) {
    testing::ArpSpec arp;
    arp.src_mac = arp.sender_mac = {{2, 2, 2, 2, 2, last}};
    arp.sender = kHop.value;
    arp.target = kHop.value + 1;
    return arp;
  }
  static constexpr Ipv4Address kHop{198, 51, 100, 1};
  static constexpr MacAddress kUnresolved = {{2, 0, 0, 0, 0, 0xfe}};
  NextHopMacs macs_;
};

TEST_F(NextHopMacsTest, TheFirstArpOfTheHostOnItsPortAndVlanCounts) {
  EXPECT_EQ(macs_.Of("wan", 0, kHop), kUnresolved);
  macs_.Look("svc", testing::BuildArp(Arp(1)));
  EXPECT_EQ(macs_.Of("wan", 0, kHop), kUnresolved) << "another port";
  EXPECT_EQ(macs_.Of("svc", 7, kHop), kUnresolved) << "untagged";
  macs_.Look("wan", testing::BuildArp(Arp(2)));
  macs_.Look("wan", testing::BuildArp(Arp(3)));
  EXPECT_EQ(macs_.Of("wan", 0, kHop), Arp(2).sender_mac);
  testing::ArpSpec tagged = Arp(4);
  tagged.vlan = 7;
  tagged.operation = 2;
  macs_.Look("svc", testing::BuildArp(tagged));
  EXPECT_EQ(macs_.Of("svc", 7, kHop), Arp(4).sender_mac);
}

TEST_F(NextHopMacsTest, OtherHostsShortFramesAndFalseMacsAreIgnored) {
  testing::ArpSpec other = Arp(1);
  other.sender += 5;
  macs_.Look("wan", testing::BuildArp(other));
  testing::ArpSpec multicast = Arp(1);
  multicast.sender_mac = {{3, 0, 0, 0, 0, 1}};
  macs_.Look("wan", testing::BuildArp(multicast));
  const testing::Bytes whole = testing::BuildArp(Arp(1));
  for (size_t length = 0; length < whole.size() && length < 42; ++length) {
    macs_.Look("wan", {whole.data(), length});
  }
  EXPECT_EQ(macs_.Of("wan", 0, kHop), kUnresolved);
}

ReplayPlan SamplePlan() {
  ReplayPlan plan;
  plan.intent = LoadIntentText("sample", testing::kSampleConfig, {}).intent;
  plan.out = "/nonexistent";
  return plan;
}

TEST(ReplayPortsTest, TheUnionInOrderOfAppearance) {
  ReplayPlan plan = SamplePlan();
  EXPECT_THAT(PortsOf(plan), ElementsAre("eni-web", "eni-app", "eni-b", "internet", "services"));
  ReplayChange change;
  change.intent = LoadIntentText("other", R"({"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/16"}],
    "Subnets": [{"SubnetId": "s", "VpcId": "v", "CidrBlock": "10.0.0.0/24"}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "eni-a", "SubnetId": "s",
                           "PrivateIpAddress": "10.0.0.9"}]})",
                                 {})
                      .intent;
  plan.changes.push_back(change);
  EXPECT_THAT(PortsOf(plan),
              ElementsAre("eni-web", "eni-app", "eni-b", "internet", "services", "eni-a"));
}

TEST(ReplayPortsTest, UnknownOnesAreRefusedWithTheListOfThoseThereAre) {
  ReplayPlan plan = SamplePlan();
  plan.inputs = {{"eni-x", "a.pcap"}};
  const absl::Status status = CheckReplayPorts(plan, PortsOf(plan));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(
      status.message(),
      "there is no port \"eni-x\"; the ports are eni-web, eni-app, eni-b, internet, services");
  plan.inputs.clear();
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckReplayPorts(plan, {"../web"})));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckReplayPorts(plan, {std::string(251, 'x')})));
  EXPECT_TRUE(CheckReplayPorts(plan, {std::string(250, 'x'), "web 1"}).ok());
}

TEST(ReplayTest, AnInterruptedRunLeavesNothingBehind) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("replay_test." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  CaptureWriter capture(folder / "in.pcap");
  capture.Add(kSecond, std::vector<uint8_t>(60));
  ASSERT_TRUE(capture.Finish().ok());
  std::atomic<bool> interrupted{true};
  ReplayPlan plan = SamplePlan();
  plan.inputs = {{"eni-web", folder / "in.pcap"}};
  plan.out = folder / "out";
  plan.interrupted = &interrupted;
  EXPECT_TRUE(absl::IsCancelled(RunReplay(plan).status()));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  interrupted = false;
  EXPECT_EQ(RunReplay(plan).value().summary.received, 1u);
  EXPECT_TRUE(std::filesystem::exists(folder / "out" / "summary.json"));
  std::filesystem::remove_all(folder);
}

TEST(ReplaySummaryTest, JsonListsEveryReasonAndTheTextWhatOccurred) {
  ReplaySummary summary;
  summary.Count(Verdict::kForward, DropReason::kNone);
  summary.Count(Verdict::kDrop, DropReason::kSgIngress);
  summary.Count(Verdict::kConsume, DropReason::kArpReply);
  summary.Count(Verdict::kConsume, DropReason::kTtlExpired);
  summary.sessions = 3;
  summary.generation = 2;
  const std::string json = summary.Json();
  EXPECT_THAT(json, HasSubstr("\"received\": 4,\n  \"forwarded\": 1,\n  \"consumed\": 2,\n"));
  EXPECT_THAT(json, HasSubstr("\"sg_ingress\": 1"));
  EXPECT_THAT(json, HasSubstr("\"sessions\": 3"));
  size_t lines = 0;
  for (const char c : json) {
    lines += c == '\n' ? 1 : 0;
  }
  EXPECT_EQ(lines, 2 * kDropReasonCount + 10);
  EXPECT_EQ(summary.Text(),
            "FATE      REASON       PACKETS\n"
            "forward   -                  1\n"
            "consume   ttl_expired        1\n"
            "consume   arp_reply          1\n"
            "drop      sg_ingress         1\n"
            "received  -                  4\n"
            "\nsessions 3, generation 2\n");
}

}  // namespace
}  // namespace sluice
