#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/property/fragment_plan.h"
#include "tests/property/local_packets.h"
#include "tests/property/ordinary_packets.h"
#include "tests/property/scenario.h"
#include "tests/property/unusual_packets.h"
#include "tests/support/frame_view.h"

namespace sluice::testing {
namespace {

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000 * kMillisecondNs;
constexpr uint32_t kRemembered = 64;  // sent frames kept as material for answers
constexpr size_t kMaxPlans = 4;       // of datagrams in fragments, at once

// Through a NAT gateway: some port changed with its address. Of whole packets.
bool PassedNat(const Frame& in, const Frame& out) {
  const FrameSpec a = ReadFrame(in);
  const FrameSpec b = ReadFrame(out);
  return (a.source != b.source && a.source_port != b.source_port) ||
         (a.destination != b.destination && a.destination_port != b.destination_port);
}

// As MakeFrame makes it: material to make something else of.
bool IsPlain(const Frame& frame) {
  const std::optional<FrameView> view = ViewFrame(frame);
  return view && !view->fragment && view->l4 == view->ip + 20 && view->end == frame.size();
}

// A ring of the last frames seen, full or not.
template <typename T>
class Remembered {
 public:
  void Add(Random& random, const T& value) {
    if (kept_.size() < kRemembered) {
      kept_.push_back(value);
    } else {
      kept_[Below(random, kRemembered)] = value;
    }
  }
  bool empty() const { return kept_.empty(); }
  const T& Any(Random& random) const {
    return kept_[Below(random, static_cast<uint32_t>(kept_.size()))];
  }

 private:
  std::vector<T> kept_;
};

class Generator {
 public:
  explicit Generator(uint64_t seed)
      : random_(seed),
        packets_(random_),
        unusual_(random_),
        local_(random_, packets_),
        fragments_(random_),
        cuts_much_(Chance(random_, 30)) {
    scenario_.seed = seed;
    if (AddConfig(scenario_, RandomConfig(seed))) {
      Configure();
      pipeline_ =
          std::make_unique<PipelineUnderTest>(seed, scenario_.configs[0].intent, PipelineOptions{});
    }
  }

  Generated Run(size_t step_count) {
    if (pipeline_ == nullptr) {
      return {};
    }
    while (scenario_.steps.size() < step_count) {
      if (!plans_.empty() && Chance(random_, 60)) {
        PlayAct();
        continue;
      }
      Advance();
      if (Chance(random_, 2)) {
        Change();
      } else {
        Send(NextStep());
      }
    }
    PipelineRun run = pipeline_->Finish();
    run.told.resize(scenario_.steps.size());
    return {std::move(scenario_), std::move(run)};
  }

 private:
  struct Plan {
    FragmentPlan acts;
    std::optional<int64_t> began_ns;
  };

  void Configure() {
    const auto& intent = scenario_.configs.back().intent;
    packets_.Configure(intent);
    unusual_.Configure(intent);
    local_.Configure(intent);
  }

  void Advance() {
    const uint32_t dice = Below(random_, 100);
    constexpr int64_t kJumps[] = {9, 11, 29, 31, 59, 61, 179, 181, 349, 351, 601};
    if (dice < 40) {
      return;
    }
    now_ns_ += dice < 96 ? static_cast<int64_t>(1 + Below(random_, 400)) * kMillisecondNs
                         : Pick(random_, kJumps) * kSecondNs;
  }

  void Change() {
    if (!AddConfig(scenario_, ChangedConfig(scenario_.configs.back().json, random_()))) {
      return;
    }
    Configure();
    Step step;
    step.time_ns = now_ns_;
    step.apply = static_cast<int>(scenario_.configs.size() - 1);
    scenario_.steps.push_back(step);
    pipeline_->Apply(now_ns_, scenario_.configs.back().intent);
  }

  void Send(Step step) {
    const size_t number = scenario_.steps.size();
    step.time_ns = now_ns_;
    pipeline_->Receive(step.time_ns, number, step.port, step.frame);
    pipeline_->Flush();
    const Told& told = pipeline_->told(number);
    for (const SentFrame& sent : told.sent) {
      if (IsPlain(sent.bytes)) {
        sent_.Add(random_, sent);
      }
    }
    if (told.verdict == Verdict::kForward && told.sent.size() == 1 &&
        step.kind <= PacketClass::kRepeat && IsPlain(step.frame)) {
      passed_.Add(random_, step);
      if (PassedNat(step.frame, told.sent.front().bytes)) {
        passed_nat_.Add(random_, step);
      }
    }
    scenario_.steps.push_back(std::move(step));
  }

  Step NextStep() {
    Step step;
    const uint32_t dice = Below(random_, 1000);
    if (dice < 75) {
      const PacketClass kind = unusual_.AnyClass();
      step = Basis(kind == PacketClass::kTtl ? 80 : 40);
      unusual_.Change(step, kind);
    } else if (dice < 92) {
      local_.Arp(step);
    } else if (dice < 105) {
      local_.Dhcp(step);
    } else {
      if (dice < (cuts_much_ ? 185 : 118) && plans_.size() < kMaxPlans) {
        plans_.push_back({fragments_.Make(Basis(50), Basis(40)), std::nullopt});
      }
      step = Ordinary();
    }
    return step;
  }

  Step Ordinary() {
    Step step;
    const uint32_t dice = Below(random_, 100);
    if (!sent_.empty() && dice < 45) {
      Answer(step, sent_.Any(random_));
    } else if (!sent_.empty() && dice < 52) {
      Error(step, sent_.Any(random_));
    } else if (!scenario_.steps.empty() && dice < 65) {
      Repeat(step);
    } else {
      packets_.Fresh(step);
    }
    if (Chance(random_, 2) && step.frame.size() > 15) {
      step.kind = PacketClass::kFlippedBit;
      step.frame[14 + Below(random_, static_cast<uint32_t>(step.frame.size() - 14))] ^=
          static_cast<uint8_t>(1u << Below(random_, 8));
    }
    return step;
  }

  // A whole packet to make something of: mostly one that passes, through a NAT gateway with
  // `nat_percent` where one has passed so.
  Step Basis(uint32_t nat_percent) {
    Step step;
    if (!passed_nat_.empty() && Chance(random_, nat_percent)) {
      step = passed_nat_.Any(random_);
    } else if (!passed_.empty() && Chance(random_, 60)) {
      step = passed_.Any(random_);
    } else if (!sent_.empty() && Chance(random_, 50)) {
      Chance(random_, 75) ? Answer(step, sent_.Any(random_)) : Error(step, sent_.Any(random_));
    } else {
      packets_.Fresh(step);
    }
    return step;
  }

  // --- fragments ---

  // One act of a datagram under way, mostly of the one that had the last.
  void PlayAct() {
    if (last_plan_ >= plans_.size() || Chance(random_, 30)) {
      last_plan_ = Below(random_, static_cast<uint32_t>(plans_.size()));
    }
    Plan& plan = plans_[last_plan_];
    FragmentAct act = std::move(plan.acts.front());
    plan.acts.pop_front();
    plan.began_ns = plan.began_ns.value_or(now_ns_);
    const int64_t until_ns = *plan.began_ns + act.wait_ns;
    if (plan.acts.empty()) {
      plans_.erase(plans_.begin() + static_cast<ptrdiff_t>(last_plan_));
    }
    switch (act.kind) {
      case FragmentAct::Kind::kSend:
        return Send(std::move(act.step));
      case FragmentAct::Kind::kWait:
        now_ns_ = std::max(now_ns_, until_ns);
        return;
      case FragmentAct::Kind::kChange:
        return Change();
    }
  }

  // --- answers ---

  FrameSpec Reverse(const SentFrame& sent) {
    FrameSpec spec = ReadFrame(sent.bytes);
    std::swap(spec.source, spec.destination);
    std::swap(spec.source_port, spec.destination_port);
    std::swap(spec.source_mac, spec.destination_mac);
    spec.ttl = 64;
    spec.identification = static_cast<uint16_t>(random_());
    return spec;
  }

  void Answer(Step& step, const SentFrame& sent) {
    step.kind = PacketClass::kAnswer;
    FrameSpec spec = Reverse(sent);
    if (spec.protocol == 6) {
      const uint8_t asked = spec.tcp_flags;
      spec.tcp_flags = packets_.TcpFlags();
      if ((asked & 0x12) == 0x02 && Chance(random_, 70)) {
        spec.tcp_flags = 0x12;
      }
      std::swap(spec.tcp_sequence, spec.tcp_acknowledgment);
      spec.tcp_acknowledgment += 1 + spec.payload_bytes;
    } else if (spec.protocol == 1) {
      spec.source_port = std::max(spec.source_port, spec.destination_port);
      spec.icmp_type = spec.icmp_type == 8 ? 0 : 8;
      if (spec.icmp_code != 0) {
        spec.icmp_code = 0;
      }
    }
    spec.payload_bytes = static_cast<uint16_t>(Below(random_, 30));
    step.port = sent.port;
    step.frame = MakeFrame(spec);
  }

  void Error(Step& step, const SentFrame& sent) {
    step.kind = PacketClass::kIcmpError;
    FrameSpec spec = Reverse(sent);
    constexpr uint8_t kTypes[] = {3, 3, 11, 12, 4, 5};
    spec.protocol = 1;
    spec.icmp_type = Pick(random_, kTypes);
    spec.icmp_code = static_cast<uint8_t>(Below(random_, 5));
    spec.quoted = PacketOf(sent.bytes, 28 + Below(random_, 20));
    if ((sent.port == "internet" || sent.port == "services") && Chance(random_, 40)) {
      spec.source = packets_.Host();
    }
    spec.payload_bytes = 0;
    step.port = sent.port;
    step.frame = MakeFrame(spec);
  }

  void Repeat(Step& step) {
    const Step& old =
        scenario_.steps[Below(random_, static_cast<uint32_t>(scenario_.steps.size()))];
    if (old.apply >= 0) {
      packets_.Fresh(step);
      return;
    }
    step.kind = PacketClass::kRepeat;
    step.port = old.port;
    step.frame = old.frame;
    if (Chance(random_, 50) && IsPlain(old.frame) && old.frame.size() >= 54 && old.frame[23] == 6) {
      FrameSpec spec = ReadFrame(old.frame);
      spec.tcp_flags = packets_.TcpFlags();
      spec.tcp_sequence += Below(random_, 3) == 0 ? 1 : 11;
      step.frame = MakeFrame(spec);
    }
  }

  Random random_;
  Scenario scenario_;
  OrdinaryPackets packets_;
  UnusualPackets unusual_;
  LocalPackets local_;
  FragmentPlans fragments_;
  const bool cuts_much_;  // many datagrams come in fragments: their rare ends need many
  std::unique_ptr<PipelineUnderTest> pipeline_;
  Remembered<SentFrame> sent_;  // material for answers and ICMP errors
  Remembered<Step> passed_;     // whole packets that were forwarded
  Remembered<Step> passed_nat_;
  std::vector<Plan> plans_;  // under way
  size_t last_plan_ = 0;
  int64_t now_ns_ = kStartNs;
};

}  // namespace

Generated GenerateScenario(uint64_t seed, size_t step_count) {
  return Generator(seed).Run(step_count);
}

}  // namespace sluice::testing
