#include <algorithm>
#include <memory>

#include "tests/property/random_config.h"
#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000 * kMillisecondNs;
constexpr uint16_t kPorts[] = {21, 22, 53, 80, 443, 1023, 1024, 8080, 32768, 40000, 40001, 65535};
constexpr uint8_t kProtocols[] = {6, 6, 6, 17, 17, 17, 1, 1, 47, 50};
constexpr Ipv4Address kHosts[] = {{8, 8, 8, 8}, {203, 0, 113, 9}, {52, 0, 3, 4}, {198, 51, 100, 7}};
constexpr uint32_t kRemembered = 64;  // sent frames kept as material for answers
constexpr MacAddress kPeerMac = {{0x02, 0, 0, 0, 0, 0xfe}};

template <typename T, size_t N>
const T& Pick(Random& random, const T (&values)[N]) {
  return values[Below(random, N)];
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {
    scenario_.seed = seed;
    if (AddConfig(scenario_, RandomConfig(seed))) {
      intent_ = scenario_.configs[0].intent;
      pipeline_ = std::make_unique<PipelineUnderTest>(seed, intent_, PipelineOptions{});
    }
  }

  Generated Run(size_t step_count) {
    if (intent_ == nullptr) {
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
    intent_ = scenario_.configs.back().intent;
    Step step;
    step.time_ns = now_ns_;
    step.apply = static_cast<int>(scenario_.configs.size() - 1);
    scenario_.steps.push_back(step);
    pipeline_->Apply(now_ns_, intent_);
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
      Fresh(step);
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
      spec.tcp_flags = NextTcpFlags();
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
      spec.source = Pick(random_, kHosts);
    }
    spec.payload_bytes = 0;
    step.port = sent.port;
    step.frame = MakeFrame(spec);
  }

  void Repeat(Step& step) {
    const Step& old =
        scenario_.steps[Below(random_, static_cast<uint32_t>(scenario_.steps.size()))];
    if (old.apply >= 0) {
      Fresh(step);
      return;
    }
    step.port = old.port;
    step.frame = old.frame;
    if (Chance(random_, 50) && old.frame.size() >= 54 && old.frame[23] == 6) {
      FrameSpec spec = ReadFrame(old.frame);
      spec.tcp_flags = NextTcpFlags();
      spec.tcp_sequence += Below(random_, 3) == 0 ? 1 : 11;
      step.frame = MakeFrame(spec);
    }
  }

  // --- fresh packets ---

  uint8_t NextTcpFlags() {
    constexpr uint8_t kFlags[] = {0x02, 0x02, 0x10, 0x10, 0x10, 0x18,
                                  0x11, 0x04, 0x14, 0x12, 0x03, 0x00};
    return Pick(random_, kFlags);
  }

  const NetworkInterface& AnyEni() {
    const auto& enis = intent_->intent().network_interfaces;
    return enis[Below(random_, static_cast<uint32_t>(enis.size()))];
  }

  Ipv4Address AnyDestination() {
    switch (Below(random_, 8)) {
      case 0:
      case 1:
      case 2: {
        const auto& addresses = AnyEni().addresses;
        return addresses[Below(random_, static_cast<uint32_t>(addresses.size()))].address;
      }
      case 3:
        return AnyPublic();
      case 4: {
        const auto& subnets = intent_->intent().subnets;
        const Subnet& subnet = subnets[Below(random_, static_cast<uint32_t>(subnets.size()))];
        return Ipv4Address(subnet.cidr.First().value + Below(random_, 60));
      }
      case 5:
        return Chance(random_, 90) ? Pick(random_, kHosts)
                                   : Ipv4Address(static_cast<uint32_t>(random_()));
      default:
        return Pick(random_, kHosts);
    }
  }

  Ipv4Address AnyPublic() {
    std::vector<Ipv4Address> all;
    for (const NetworkInterface& eni : intent_->intent().network_interfaces) {
      for (const PrivateAddress& address : eni.addresses) {
        if (address.public_ip) {
          all.push_back(*address.public_ip);
        }
      }
    }
    for (const NatGateway& gateway : intent_->intent().nat_gateways) {
      for (const NatGatewayAddress& address : gateway.addresses) {
        if (address.public_ip) {
          all.push_back(*address.public_ip);
        }
      }
    }
    return all.empty() ? Ipv4Address(198, 51, 100, 250)
                       : all[Below(random_, static_cast<uint32_t>(all.size()))];
  }

  // Where the interface hangs; one that hangs nowhere speaks from a port without owner.
  void Attach(const std::string& eni_id, Step& step, FrameSpec& spec) {
    step.port = "trunk";
    for (const HostAttachment& attachment : intent_->host().attachments) {
      if (attachment.network_interface_id == eni_id) {
        step.port = attachment.port;
        spec.vlan = attachment.vlan;
      }
    }
  }

  void FromEni(Step& step, FrameSpec& spec) {
    const NetworkInterface* eni = &AnyEni();
    while (eni->kind == InterfaceKind::kNatGateway) {
      eni = &AnyEni();
    }
    Attach(eni->id, step, spec);
    spec.source_mac = *eni->mac;
    spec.source =
        eni->addresses[Below(random_, static_cast<uint32_t>(eni->addresses.size()))].address;
    spec.destination_mac = intent_->host().router_mac;
    spec.destination = AnyDestination();
    if (Chance(random_, 10)) {  // straight to a neighbour
      const NetworkInterface& other = AnyEni();
      spec.destination_mac = *other.mac;
      spec.destination = Chance(random_, 80) ? other.addresses[0].address : spec.destination;
    }
    if (Chance(random_, 3)) {
      spec.source = AnyDestination();
    }
    if (Chance(random_, 1)) {
      spec.source_mac = kPeerMac;
    }
  }

  void FromOutside(Step& step, FrameSpec& spec) {
    const bool services = Chance(random_, 10) && !intent_->host().services.empty();
    const HostSide* side = services ? &intent_->host().services[0] : nullptr;
    side = services || !intent_->host().uplink.has_value() ? side : &*intent_->host().uplink;
    step.port = side == nullptr ? "trunk" : side->port;
    spec.vlan = side == nullptr ? uint16_t{0} : side->vlan;
    spec.source_mac = kPeerMac;
    spec.destination_mac = intent_->host().router_mac;
    spec.source = Pick(random_, kHosts);
    spec.destination = services ? AnyDestination() : AnyPublic();
    if (Chance(random_, 5)) {
      spec.destination = AnyDestination();
    }
  }

  void Fresh(Step& step) {
    FrameSpec spec;
    if (Chance(random_, 75)) {
      FromEni(step, spec);
    } else {
      FromOutside(step, spec);
    }
    spec.protocol = Pick(random_, kProtocols);
    spec.source_port = Pick(random_, kPorts);
    spec.destination_port = Pick(random_, kPorts);
    spec.tcp_flags = Chance(random_, 60) ? 0x02 : NextTcpFlags();
    spec.tcp_sequence = 1000 * Below(random_, 50);
    spec.payload_bytes = static_cast<uint16_t>(Below(random_, 40));
    spec.zero_udp_checksum = Chance(random_, 10);
    spec.ttl = Chance(random_, 5) ? static_cast<uint8_t>(Below(random_, 3)) : uint8_t{64};
    spec.identification = static_cast<uint16_t>(random_());
    if (Chance(random_, 4)) {
      spec.payload_bytes = static_cast<uint16_t>(1400 + Below(random_, 700));
      spec.fragment_word = Chance(random_, 50) ? 0x4000 : 0;
    }
    step.frame = MakeFrame(spec);
  }

  Random random_;
  Scenario scenario_;
  std::shared_ptr<const ValidatedIntent> intent_;
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
