#include "tests/semantics/vpc_test.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "control/explain/reference_world.h"
#include "control/intent/validated_intent.h"
#include "tests/support/frame_view.h"
#include "tests/support/invariants.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {
namespace {

constexpr int64_t kMillisecondNs = 1'000'000;

// What became of one input, as one player tells it.
struct Fate {
  std::string verdict;  // "forward", "drop sg_ingress", "drop nacl_ingress acl-app 90"
  std::vector<SentFrame> sent;
  std::vector<bool> id_is_free;  // reference world: the frame's IP id may be any
  bool answer_may_miss = false;  // reference world: the answer is rate-limited
};

// One dataplane and the fates it has told so far.
struct Pipeline {
  std::unique_ptr<OfflineDataplane> dataplane;
  InvariantChecker checker;
  std::string broken_invariant;
  std::vector<std::pair<uint64_t, Fate>> told;  // since TakeTold, in order
};

std::string FullText(const Fate& fate) {
  std::string text = fate.verdict;
  for (size_t i = 0; i < fate.sent.size(); ++i) {
    text += (i == 0 ? " " : " | ") + fate.sent[i].port_name + ": " + TextOf(fate.sent[i].frame);
  }
  return text;
}

std::string BytesText(const Fate& fate) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const SentFrame& sent : fate.sent) {
    for (const uint8_t byte : sent.frame) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    text += " ";
  }
  return text;
}

// A single frame that says what the input said is only named by its port.
std::string ShortText(const Fate& fate, const Bytes& input) {
  if (fate.sent.size() == 1 && TextOf(fate.sent[0].frame) == TextOf(input)) {
    return fate.verdict + " " + fate.sent[0].port_name;
  }
  return FullText(fate);
}

Fate Tell(const OfflineResult& result, const CompiledConfig& config) {
  Fate fate;
  fate.verdict = std::string(VerdictName(result.verdict));
  if (result.reason != DropReason::kNone) {
    fate.verdict += " " + std::string(DropReasonName(result.reason));
  }
  if (result.rule_subnet.has_value() && result.rule != 0) {
    fate.verdict +=
        " " + config.nacl_ids[result.rule_subnet.index()] + " " + std::to_string(result.rule);
  }
  for (const OfflineOutput& output : result.outputs) {
    fate.sent.push_back({config.port_names[output.port.index()], output.bytes});
  }
  return fate;
}

Fate Tell(const Outcome& outcome) {
  Fate fate;
  fate.verdict = std::string(VerdictName(outcome.verdict));
  if (outcome.reason != DropReason::kNone && outcome.verdict != Verdict::kHold) {
    fate.verdict += " " + std::string(DropReasonName(outcome.reason));
  }
  if (outcome.rule) {
    fate.verdict += " " + outcome.rule->nacl_id + " " + std::to_string(outcome.rule->number);
  }
  for (const Emission& emission : outcome.outputs) {
    fate.sent.push_back({emission.port, emission.frame});
    fate.id_is_free.push_back(emission.identification_is_free);
  }
  fate.answer_may_miss = outcome.answer_is_rate_limited;
  return fate;
}

bool SameFrames(const Fate& expected, const Fate& observed) {
  for (size_t i = 0; i < expected.sent.size(); ++i) {
    const SentFrame& a = expected.sent[i];
    const SentFrame& b = observed.sent[i];
    const bool free = !expected.id_is_free.empty() && expected.id_is_free[i];
    if (a.port_name != b.port_name ||
        !(a.frame == b.frame || (free && SameExceptIdentification(a.frame, b.frame)))) {
      return false;
    }
  }
  return true;
}

// Empty, or how another player's fate differs from the pipeline's.
std::string Difference(const Fate& pipeline, const Fate& other) {
  if (other.answer_may_miss && pipeline.sent.empty()) {
    return "";
  }
  if (FullText(pipeline) != FullText(other)) {
    return FullText(other);
  }
  return SameFrames(other, pipeline)
             ? ""
             : "the same in other bytes: " + BytesText(other) + "instead of " + BytesText(pipeline);
}

std::string NatText(const NatCounters& counters) {
  const auto way = [](const NatWay& w) {
    const uint64_t packets = w.left_packets.Read();
    const uint64_t bytes = w.left_bytes.Read();
    return std::to_string(packets + w.stayed_packets.Read()) + "/" +
           std::to_string(bytes + w.stayed_bytes.Read()) + " left " + std::to_string(packets) +
           "/" + std::to_string(bytes);
  };
  return "source " + way(counters.from_source) + ", destination " + way(counters.from_destination) +
         ", dropped " + std::to_string(counters.dropped.Read()) + ", tcp " +
         std::to_string(counters.established.Read()) + " of " +
         std::to_string(counters.attempted.Read()) + ", no port " +
         std::to_string(counters.no_port.Read());
}

}  // namespace

struct VpcTest::Scene {
  std::shared_ptr<const ValidatedIntent> intent;
  Pipeline cached;
  std::unique_ptr<Pipeline> uncached;
  Pipeline undropped;  // never sees what the first drops, fragments excepted (P5)
  ObservedNatPorts nat_ports;
  std::unique_ptr<ReferenceWorld> world;
  int64_t now_ns = 0;
  std::vector<Bytes> inputs;
  std::vector<SentFrame> sent;
  std::vector<std::string> settled;
  std::vector<SentFrame> settled_frames;

  void MakePipeline(Pipeline& pipeline, bool session_cache, uint64_t seed) const {
    OfflineOptions options;
    options.seed = seed;
    options.batch_capacity = 1;
    options.session_cache = session_cache;
    auto made = OfflineDataplane::Make(intent, options);
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    pipeline.dataplane = *std::move(made);
    pipeline.checker.Configure(*pipeline.dataplane);
  }

  auto SinkOf(Pipeline& pipeline) {
    return [&pipeline](const OfflineResult& result) {
      pipeline.checker.Check(result, pipeline.broken_invariant);
      pipeline.told.emplace_back(result.number, Tell(result, pipeline.dataplane->config()));
    };
  }

  // Gives input `number` to a pipeline. Its fate: "hold" if it is not told yet; others' fates told
  // on the way go to `others`.
  Fate Run(Pipeline& pipeline, uint64_t number, PortIdx port,
           std::vector<std::pair<uint64_t, Fate>>& others) {
    const OfflineInput input{number, port, inputs[number]};
    pipeline.checker.Receive(input);
    pipeline.dataplane->Receive(now_ns, {input}, SinkOf(pipeline));
    Fate own;
    own.verdict = "hold";
    for (auto& [told, fate] : pipeline.told) {
      if (told == number) {
        own = std::move(fate);
      } else {
        others.emplace_back(told, std::move(fate));
      }
    }
    pipeline.told.clear();
    return own;
  }

  void CheckFrames(uint64_t number, const Fate& fate) const {
    const bool originated = fate.verdict.rfind("consume", 0) == 0;
    const bool input_was_right =
        !fate.sent.empty() && !originated && FrameComplaint(inputs[number]).empty();
    for (const SentFrame& sent_frame : fate.sent) {
      if (input_was_right || originated) {
        EXPECT_EQ(FrameComplaint(sent_frame.frame), "") << TextOf(sent_frame.frame);
      }
    }
  }

  void Settle(const std::vector<std::pair<uint64_t, Fate>>& others) {
    for (const auto& [number, fate] : others) {
      CheckFrames(number, fate);
      settled.push_back(ShortText(fate, inputs[number]));
      settled_frames.insert(settled_frames.end(), fate.sent.begin(), fate.sent.end());
    }
  }

  void CompareSettled(const std::vector<std::pair<uint64_t, Fate>>& pipeline,
                      const std::vector<std::pair<uint64_t, Fate>>& other, const char* who) {
    EXPECT_EQ(pipeline.size(), other.size()) << who << " settles another number of packets";
    for (size_t i = 0; i < std::min(pipeline.size(), other.size()); ++i) {
      EXPECT_EQ(pipeline[i].first, other[i].first) << who;
      EXPECT_EQ(Difference(pipeline[i].second, other[i].second), "")
          << who << ", while the pipeline says " << FullText(pipeline[i].second);
    }
  }

  std::vector<Pipeline*> Pipelines() {
    std::vector<Pipeline*> all = {&cached, &undropped};
    if (uncached != nullptr) {
      all.push_back(uncached.get());
    }
    return all;
  }

  // P5: without the packets that were dropped, all others fare the same.
  void CheckUndropped(uint64_t number, PortIdx port, const Fate& fate) {
    if (fate.verdict.rfind("drop", 0) == 0 && !IsFragment(inputs[number])) {
      return;
    }
    std::vector<std::pair<uint64_t, Fate>> undropped_others;
    Fate without = Run(undropped, number, port, undropped_others);
    EXPECT_EQ(without.verdict, fate.verdict) << "P5: but for what was dropped before";
    without.answer_may_miss = fate.verdict.rfind("consume", 0) == 0;
    without.id_is_free.assign(without.sent.size(), true);
    EXPECT_EQ(Difference(fate, without), "")
        << "P5: but for what was dropped before, while the pipeline says " << FullText(fate);
  }

  PortIdx PortOf(const std::string& name) const {
    const std::vector<std::string>& names = cached.dataplane->config().port_names;
    const auto it = std::find(names.begin(), names.end(), name);
    EXPECT_NE(it, names.end()) << "no port " << name;
    return PortIdx(static_cast<uint16_t>(it - names.begin()));
  }
};

VpcTest::VpcTest() = default;
VpcTest::~VpcTest() = default;

void VpcTest::Start(const VpcConfig& config, const Players& players) {
  TearDown();
  scene_ = std::make_unique<Scene>();
  Scene& scene = *scene_;
  scene.intent = config.Load();
  ASSERT_NE(scene.intent, nullptr);
  scene.MakePipeline(scene.cached, true, players.seed);
  scene.MakePipeline(scene.undropped, true, players.seed);
  if (players.uncached) {
    scene.uncached = std::make_unique<Pipeline>();
    scene.MakePipeline(*scene.uncached, false, players.seed);
  }
  if (players.reference_world) {
    scene.world = std::make_unique<ReferenceWorld>(scene.intent, &scene.nat_ports);
  }
}

void VpcTest::Apply(const VpcConfig& config) {
  Scene& scene = *scene_;
  scene.intent = config.Load();
  ASSERT_NE(scene.intent, nullptr);
  for (Pipeline* pipeline : scene.Pipelines()) {
    pipeline->checker.CheckSessions(*pipeline->dataplane, pipeline->broken_invariant);
    const absl::Status status = pipeline->dataplane->Apply(scene.intent);
    ASSERT_TRUE(status.ok()) << status.ToString();
    pipeline->checker.Configure(*pipeline->dataplane);
  }
  if (scene.world != nullptr) {
    scene.world->Replace(scene.intent);
  }
}

void VpcTest::Wait(double seconds) {
  scene_->now_ns += std::llround(seconds * 1000) * kMillisecondNs;
}

MacAddress VpcTest::MacOf(const std::string& eni_id) const {
  const NetworkInterface* eni = scene_->intent->FindNetworkInterface(eni_id);
  return eni == nullptr ? kNextHopMac : eni->mac.value_or(MacAddress{});
}

Bytes VpcTest::FrameOf(const std::string& port_name, const PacketSpec& spec) const {
  PacketSpec addressed = spec;
  addressed.src_mac = MacOf(port_name);
  addressed.dst_mac = kRouterMac;
  return BuildFrame(addressed);
}

std::string VpcTest::SendFrame(const std::string& port_name, const Bytes& frame) {
  Scene& scene = *scene_;
  const uint64_t number = scene.inputs.size();
  scene.inputs.push_back(frame);
  const PortIdx port = scene.PortOf(port_name);
  std::vector<std::pair<uint64_t, Fate>> others;
  Fate fate = scene.Run(scene.cached, number, port, others);
  scene.CheckFrames(number, fate);
  scene.CheckUndropped(number, port, fate);
  if (scene.uncached != nullptr) {
    std::vector<std::pair<uint64_t, Fate>> uncached_others;
    const Fate uncached = scene.Run(*scene.uncached, number, port, uncached_others);
    EXPECT_EQ(Difference(fate, uncached), "")
        << "without session cache, while the pipeline says " << FullText(fate);
    scene.CompareSettled(others, uncached_others, "without session cache");
  }
  if (scene.world != nullptr) {
    std::vector<Bytes> frames;
    for (const SentFrame& sent_frame : fate.sent) {
      frames.push_back(sent_frame.frame);
    }
    scene.nat_ports.Observe(frames, fate.verdict.find("nat_ports_exhausted") != std::string::npos);
    const Receipt receipt = scene.world->Receive(scene.now_ns, {port_name, frame});
    EXPECT_EQ(receipt.outcome.complaint, "");
    EXPECT_EQ(Difference(fate, Tell(receipt.outcome)), "")
        << "the reference world, while the pipeline says " << FullText(fate);
    std::vector<std::pair<uint64_t, Fate>> world_others;
    for (const Outcome& settled : receipt.settled) {
      world_others.emplace_back(settled.arrival_number, Tell(settled));
    }
    scene.CompareSettled(others, world_others, "the reference world");
  }
  scene.Settle(others);
  scene.sent = fate.sent;
  return ShortText(fate, frame);
}

std::string VpcTest::Send(const std::string& port_name, const PacketSpec& spec) {
  return SendFrame(port_name, FrameOf(port_name, spec));
}

void VpcTest::ExpectFrame(const std::string& port_name, const Bytes& frame,
                          const std::string& expected, const Where& where) {
  const ::testing::ScopedTrace trace(where.file, where.line, port_name + " sends " + TextOf(frame));
  const std::string text = SendFrame(port_name, frame);
  if (!Matches(text, expected)) {
    ADD_FAILURE() << "  expected: " << expected << "\n  observed: " << text;
  }
}

void VpcTest::Expect(const std::string& port_name, const PacketSpec& spec,
                     const std::string& expected, const Where& where) {
  ExpectFrame(port_name, FrameOf(port_name, spec), expected, where);
}

void VpcTest::ExpectSettled(const std::vector<std::string>& expected, const Where& where) {
  const ::testing::ScopedTrace trace(where.file, where.line, "settled");
  const std::vector<std::string>& settled = scene_->settled;
  EXPECT_EQ(settled.size(), expected.size());
  for (size_t i = 0; i < std::min(settled.size(), expected.size()); ++i) {
    EXPECT_TRUE(Matches(settled[i], expected[i]))
        << "  expected: " << expected[i] << "\n  observed: " << settled[i];
  }
  scene_->settled.clear();
  scene_->settled_frames.clear();
}

void VpcTest::Drain() {
  Scene& scene = *scene_;
  std::vector<std::pair<uint64_t, Fate>> told;
  for (Pipeline* pipeline : scene.Pipelines()) {
    pipeline->dataplane->AdvanceTo(scene.now_ns, scene.SinkOf(*pipeline));
    pipeline->dataplane->Drain(scene.SinkOf(*pipeline));
  }
  if (scene.uncached != nullptr) {
    scene.CompareSettled(scene.cached.told, scene.uncached->told, "without session cache");
    scene.uncached->told.clear();
  }
  if (scene.world != nullptr) {
    std::vector<std::pair<uint64_t, Fate>> world_told;
    for (const Outcome& outcome : scene.world->Finish(scene.now_ns)) {
      world_told.emplace_back(outcome.arrival_number, Tell(outcome));
    }
    scene.CompareSettled(scene.cached.told, world_told, "the reference world");
  }
  scene.Settle(scene.cached.told);
  scene.cached.told.clear();
  scene.undropped.told.clear();
}

const std::vector<SentFrame>& VpcTest::sent() const {
  return scene_->sent;
}
const std::vector<SentFrame>& VpcTest::settled_frames() const {
  return scene_->settled_frames;
}

Seen VpcTest::LastSent(size_t index) const {
  EXPECT_LT(index, scene_->sent.size());
  return index < scene_->sent.size() && IsIpv4Frame(scene_->sent[index].frame)
             ? Read(scene_->sent[index].frame)
             : Seen{};
}

uint64_t VpcTest::LiveSessions() const {
  Scene& scene = *scene_;
  scene.cached.dataplane->AdvanceTo(scene.now_ns, scene.SinkOf(scene.cached));
  const uint64_t live = scene.cached.dataplane->LiveSessions();
  if (scene.world != nullptr) {
    EXPECT_EQ(scene.world->LiveSessionCount(scene.now_ns), live) << "the reference world";
  }
  return live;
}

uint64_t VpcTest::Count(const std::string& reason) const {
  uint64_t count = 0;
  for (size_t r = 0; r < kDropReasonCount; ++r) {
    if (DropReasonName(static_cast<DropReason>(r)) != reason) {
      continue;
    }
    for (const PortCounters& port : scene_->cached.dataplane->counters().ports) {
      count += port.dropped[r].Read() + port.consumed[r].Read();
    }
  }
  return count;
}

uint64_t VpcTest::SessionHits() const {
  return scene_->cached.dataplane->counters().session_hits.Read();
}

std::string VpcTest::NatCounts(const std::string& nat_gateway_id) const {
  std::string first;
  Scene& scene = *scene_;
  for (Pipeline* pipeline : {&scene.cached, scene.uncached.get()}) {
    if (pipeline == nullptr) {
      continue;
    }
    pipeline->dataplane->AdvanceTo(scene.now_ns, scene.SinkOf(*pipeline));
    const std::vector<std::string>& ids = pipeline->dataplane->config().nat_gateway_ids;
    const auto at = std::find(ids.begin(), ids.end(), nat_gateway_id) - ids.begin();
    const std::string text =
        NatText(pipeline->dataplane->counters().nat_gateways.at(at)) + ", idle " +
        std::to_string(pipeline->dataplane->sessions().IdleTimeoutsOf(static_cast<uint32_t>(at)));
    EXPECT_TRUE(first.empty() || first == text) << "without session cache: " << text;
    first = first.empty() ? text : first;
  }
  return first;
}

uint64_t VpcTest::ConntrackExceeded(const std::string& eni_id) const {
  const OfflineDataplane& dataplane = *scene_->cached.dataplane;
  const std::vector<std::string>& names = dataplane.config().interface_names;
  const auto at = std::find(names.begin(), names.end(), eni_id) - names.begin();
  return dataplane.counters().conntrack_exceeded.at(at).Read();
}

void VpcTest::TearDown() {
  if (scene_ == nullptr || scene_->cached.dataplane == nullptr) {
    return;
  }
  Drain();
  for (Pipeline* pipeline : scene_->Pipelines()) {
    pipeline->checker.CheckTotals(*pipeline->dataplane, pipeline->broken_invariant);
    EXPECT_EQ(pipeline->broken_invariant, "");
  }
  EXPECT_EQ(scene_->cached.dataplane->LiveSessions(), scene_->undropped.dataplane->LiveSessions())
      << "P5: what was dropped left or took sessions";
  scene_.reset();
}

}  // namespace sluice::testing
