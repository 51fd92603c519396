// A full table within one burst: results never depend on where bursts begin and end (decision 15).
#include "control/intent/intent.h"
#include "tests/semantics/vpc_test.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {
namespace {

constexpr int64_t kNow = 1'000'000'000;

class FullTableSemantics : public VpcTest {
 protected:
  // All packets at one instant; the reasons of those that were dropped.
  static std::vector<DropReason> Dropped(
      OfflineDataplane& dataplane, const std::vector<std::pair<std::string, Bytes>>& packets) {
    const std::vector<std::string>& names = dataplane.config().port_names;
    std::vector<OfflineInput> inputs;
    for (const auto& [port, frame] : packets) {
      const auto at = std::find(names.begin(), names.end(), port);
      inputs.push_back({inputs.size(), PortIdx(static_cast<uint16_t>(at - names.begin())), frame});
    }
    std::vector<DropReason> dropped;
    dataplane.Receive(kNow, std::move(inputs), [&](const OfflineResult& result) {
      if (result.verdict == Verdict::kDrop) {
        dropped.push_back(result.reason);
      }
    });
    return dropped;
  }
};

TEST_F(FullTableSemantics, AWS_SG_14_AConnectionThatEndsGivesWayToTheNextPacketOfItsBurst) {
  constexpr uint32_t kConnections = 16;
  VpcConfig config;
  config.MaxSessions(kConnections).In("sg-app", {"tcp 22 10.0.0.0/8"});
  Start(config, {.reference_world = false});
  const auto ask = [&](uint32_t n, uint8_t flags, uint32_t seq, uint32_t ack) {
    return std::pair<std::string, Bytes>(
        "eni-web",
        FrameOf("eni-web", Tcp(End("10.0.0.10", 1000 + n), "10.0.1.10:22", flags, seq, ack)));
  };
  const auto reply = [&](uint32_t n, uint8_t flags, uint32_t seq, uint32_t ack) {
    return std::pair<std::string, Bytes>(
        "eni-app",
        FrameOf("eni-app", Tcp("10.0.1.10:22", End("10.0.0.10", 1000 + n), flags, seq, ack)));
  };
  for (const uint32_t burst : {1u, 64u}) {
    OfflineOptions options;
    options.batch_capacity = burst;
    const auto dataplane = OfflineDataplane::Make(config.Load(), options).value();
    for (uint32_t n = 0; n < kConnections; ++n) {
      for (const auto& packet :
           {ask(n, kSyn, 1000, 0), reply(n, kSynAck, 5000, 1001), ask(n, kAck, 1001, 5001)}) {
        ASSERT_EQ(Dropped(*dataplane, {packet}), std::vector<DropReason>()) << n;
      }
    }
    ASSERT_EQ(Dropped(*dataplane, {ask(100, kSyn, 1000, 0)}),
              std::vector<DropReason>{DropReason::kConntrackFull});
    ASSERT_EQ(Dropped(*dataplane, {ask(7, kFin | kAck, 1001, 5001)}), std::vector<DropReason>());
    ASSERT_EQ(Dropped(*dataplane, {reply(7, kFin | kAck, 5001, 1002)}), std::vector<DropReason>());
    EXPECT_EQ(Dropped(*dataplane,
                      {ask(7, kAck, 1002, 5002), ask(101, kSyn, 1000, 0), ask(102, kSyn, 1000, 0)}),
              std::vector<DropReason>{DropReason::kConntrackFull})
        << "bursts of " << burst << ": one has ended, so one is let in";
  }
}

}  // namespace
}  // namespace sluice::testing
