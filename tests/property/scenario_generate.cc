#include <algorithm>
#include <memory>

#include "tests/property/ordinary_packets.h"
#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000 * kMillisecondNs;
constexpr uint32_t kRemembered = 64;  // sent frames kept as material for answers

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), packets_(random_) {
    scenario_.seed = seed;
    if (AddConfig(scenario_, RandomConfig(seed))) {
      packets_.Configure(scenario_.configs[0].intent);
      pipeline_ =
          std::make_unique<PipelineUnderTest>(seed, scenario_.configs[0].intent, PipelineOptions{});
    }
  }

  Generated Run(size_t step_count) {
    if (pipeline_ == nullptr) {
      return {};
    }
    while (scenario_.steps.size() < step_count) {
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
    packets_.Configure(scenario_.configs.back().intent);
    Step step;
    step.time_ns = now_ns_;
    step.apply = static_cast<int>(scenario_.configs.size() - 1);
    scenario_.steps.push_back(step);
    pipeline_->Apply(now_ns_, scenario_.configs.back().intent);
  }

  void Send(Step step) {
    const size_t number = scenario_.steps.size();
    pipeline_->Receive(step.time_ns, number, step.port, step.frame);
    pipeline_->Flush();
    for (const SentFrame& sent : pipeline_->told(number).sent) {
      if (sent_.size() < kRemembered) {
        sent_.emplace_back();
      }
      (fresh_ < kRemembered ? sent_[fresh_++] : sent_[Below(random_, kRemembered)]) = sent;
    }
    scenario_.steps.push_back(std::move(step));
  }

  Step NextStep() {
    Step step;
    step.time_ns = now_ns_;
    const uint32_t dice = Below(random_, 100);
    if (!sent_.empty() && dice < 45) {
      Answer(step, sent_[Below(random_, static_cast<uint32_t>(sent_.size()))]);
    } else if (!sent_.empty() && dice < 52) {
      Error(step, sent_[Below(random_, static_cast<uint32_t>(sent_.size()))]);
    } else if (!scenario_.steps.empty() && dice < 65) {
      Repeat(step);
    } else {
      packets_.Fresh(step);
    }
    if (Chance(random_, 2) && step.frame.size() > 15) {
      step.frame[14 + Below(random_, static_cast<uint32_t>(step.frame.size() - 14))] ^=
          static_cast<uint8_t>(1u << Below(random_, 8));
    }
    return step;
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
    step.port = old.port;
    step.frame = old.frame;
    if (Chance(random_, 50) && old.frame.size() >= 54 && old.frame[23] == 6) {
      FrameSpec spec = ReadFrame(old.frame);
      spec.tcp_flags = packets_.TcpFlags();
      spec.tcp_sequence += Below(random_, 3) == 0 ? 1 : 11;
      step.frame = MakeFrame(spec);
    }
  }

  Random random_;
  Scenario scenario_;
  OrdinaryPackets packets_;
  std::unique_ptr<PipelineUnderTest> pipeline_;
  std::vector<SentFrame> sent_;  // material for answers and ICMP errors
  uint32_t fresh_ = 0;           // slots of sent_ in use
  int64_t now_ns_ = kStartNs;
};

}  // namespace

Generated GenerateScenario(uint64_t seed, size_t step_count) {
  return Generator(seed).Run(step_count);
}

}  // namespace sluice::testing
