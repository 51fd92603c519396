#include "control/daemon/options.h"

#include <gtest/gtest.h>

#include "tests/support/sample_config.h"

namespace sluice {
namespace {

constexpr char kHost[] = R"json({"Host": {
  "Ports": [{"Name": "wan", "Device": "net_null0"}, {"Name": "web", "Device": "net_null1"},
            {"Name": "app", "Device": "net_null2", "Mtu": 4000},
            {"Name": "svc", "Device": "net_null3"}],
  "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "web"},
                  {"NetworkInterfaceId": "eni-app", "Port": "app"}],
  "Uplink": {"Port": "wan", "Address": "203.0.113.2/24", "NextHop": "203.0.113.1"},
  "Services": {"Port": "svc", "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"},
  "Workers": 2}})json";

std::shared_ptr<const ValidatedIntent> Load(const std::string& text) {
  return LoadIntentText("test.json", text, {}).intent;
}

TEST(DaemonOptionsTest, TheRuntimeGetsWhatHostSays) {
  const auto intent = Load(std::string(testing::kSampleConfig) + kHost);
  ASSERT_NE(intent, nullptr);
  DaemonOptions options;
  options.poll = PollMode::kBusy;
  const absl::StatusOr<RuntimeOptions> runtime = RuntimeOptionsFor(*intent, options);
  ASSERT_TRUE(runtime.ok()) << runtime.status();
  ASSERT_EQ(runtime->ports.size(), 4u);
  EXPECT_EQ(runtime->ports[0].device, "net_null0");
  EXPECT_EQ(runtime->ports[0].default_mtu_bytes, 1500) << "the uplink";
  EXPECT_EQ(runtime->ports[1].default_mtu_bytes, 9001);
  EXPECT_EQ(runtime->ports[2].mtu_bytes, 4000);
  EXPECT_EQ(runtime->ports[3].default_mtu_bytes, 1500) << "a Services side";
  EXPECT_EQ(runtime->workers, 2u);
  EXPECT_EQ(runtime->poll, PollMode::kBusy);
  options.workers = 3;
  EXPECT_EQ(RuntimeOptionsFor(*intent, options)->workers, 3u) << "the flag wins";
}

TEST(DaemonOptionsTest, WithoutHostNothingCanBeOpened) {
  const auto intent = Load(std::string(testing::kSampleConfig));
  ASSERT_NE(intent, nullptr);
  const absl::StatusOr<RuntimeOptions> runtime = RuntimeOptionsFor(*intent, {});
  EXPECT_EQ(runtime.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(DaemonOptionsTest, WordsOfFlags) {
  EXPECT_TRUE(*ParseSwitch("session_cache", "on"));
  EXPECT_FALSE(*ParseSwitch("session_cache", "off"));
  EXPECT_FALSE(ParseSwitch("session_cache", "maybe").ok());
  EXPECT_EQ(*ParsePollMode("busy"), PollMode::kBusy);
  EXPECT_FALSE(ParsePollMode("lazy").ok());
  EXPECT_EQ(*ParseSimdLevel("scalar"), SimdLevel::kScalar);
  EXPECT_EQ(*ParseSimdLevel("auto"), DetectSimdLevel());
  EXPECT_FALSE(ParseSimdLevel("mmx").ok());
  EXPECT_FALSE(ParseSimdLevel("").ok());
  EXPECT_EQ(SplitPaths("a,,b/c,"), (std::vector<std::string>{"a", "b/c"}));
  EXPECT_TRUE(SplitPaths("").empty());
}

TEST(DaemonOptionsTest, MetricsListenIsANumericAddressAndAPort) {
  EXPECT_EQ(ParseMetricsListen("127.0.0.1:9100")->address, "127.0.0.1");
  EXPECT_EQ(ParseMetricsListen("127.0.0.1:9100")->l4_port, "9100");
  EXPECT_EQ(ParseMetricsListen("[::1]:0")->address, "::1");
  EXPECT_EQ(ParseMetricsListen(":65535")->address, "");
  for (const char* text : {"", "9100", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1: 1", "127.0.0.1:http",
                           "127.0.0.1:4294967297", "localhost:9100", "127.0.0.300:1"}) {
    EXPECT_EQ(ParseMetricsListen(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace sluice
