#include "perf/workload/output_check.h"

#include <algorithm>
#include <set>

#include "control/explain/reference_world.h"

namespace sluice {
namespace {

constexpr uint16_t kOpeningFrameBytes = 60;

std::string Hex(const std::vector<uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 64); ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 0xf];
  }
  return text;
}

}  // namespace

// The ports that answers of the flow now being opened are sent to.
class OutputCheck::Ports final : public NatPortOracle {
 public:
  void Expect(const PacketHeads& answer) { answer_ = answer; }

  Ipv4Address ChooseAddress(const NatRequest& request) override {
    for (const NatGatewayAddress& address : request.addresses) {
      const bool is_public =
          address.public_ip.has_value() && address.public_ip->value == answer_.dst;
      if (is_public || address.private_ip.value == answer_.dst) {
        return address.private_ip;
      }
    }
    return request.addresses.front().private_ip;
  }
  std::optional<uint16_t> ChoosePort(const NatRequest&, Ipv4Address,
                                     const std::function<bool(uint16_t)>&) override {
    return answer_.dst_l4_port;
  }

 private:
  PacketHeads answer_;
};

struct OutputCheck::World {
  explicit World(std::shared_ptr<const ValidatedIntent> intent)
      : world(std::move(intent), &ports) {}

  Ports ports;
  ReferenceWorld world;
  std::set<uint32_t> open;
};

OutputCheck::OutputCheck(const CompiledConfig& config, const std::vector<OpenFlow>& flows,
                         const Links& links)
    : config_(config),
      flows_(flows),
      links_(links),
      world_(std::make_unique<World>(config.intent)) {}
OutputCheck::~OutputCheck() = default;

std::string OutputCheck::Open(uint32_t flow) {
  if (!world_->open.insert(flow).second) {
    return "";
  }
  world_->ports.Expect(flows_[flow].responder);
  for (uint32_t step = 0; step < kOpeningSteps; ++step) {
    const PacketHeads heads = OpeningStep(flows_[flow], step);
    const Link& link = links_[heads.link];
    const Receipt receipt =
        world_->world.Receive(0, {config_.port_names[link.port.index()],
                                  FrameOf(MakeStamp(heads, link, kOpeningFrameBytes, flow), link)});
    if (receipt.outcome.verdict != Verdict::kForward || !receipt.outcome.complaint.empty()) {
      return "the configuration does not let flow " + std::to_string(flow) +
             " pass: " + std::string(DropReasonName(receipt.outcome.reason)) +
             receipt.outcome.complaint;
    }
  }
  return "";
}

std::string OutputCheck::Complaint(const Stamp& stamp, const SentPacket& sent) {
  const uint32_t flow = stamp.flow & ~kReplyBit;
  if (std::string complaint = Open(flow); !complaint.empty()) {
    return complaint;
  }
  return Compare(stamp, sent);
}

std::string OutputCheck::Next(const Stamp& stamp, const SentPacket& sent,
                              const PacketHeads& answer) {
  world_->ports.Expect(answer);
  return Compare(stamp, sent);
}

std::string OutputCheck::Compare(const Stamp& stamp, const SentPacket& sent) {
  const uint32_t flow = stamp.flow & ~kReplyBit;
  const Link& link = links_[stamp.link];
  const std::vector<uint8_t> frame = FrameOf(stamp, link);
  const Receipt receipt = world_->world.Receive(0, {config_.port_names[link.port.index()], frame});
  const std::string what =
      "packet of flow " + std::to_string(flow) + ((stamp.flow & kReplyBit) != 0 ? " (reply)" : "");
  if (receipt.outcome.verdict != sent.verdict) {
    return what + ": expected " + std::string(VerdictName(receipt.outcome.verdict)) +
           ", observed " + std::string(VerdictName(sent.verdict)) + " " +
           std::string(DropReasonName(sent.reason));
  }
  if (receipt.outcome.outputs.size() != 1) {
    return what + ": the configuration sends no single frame for it";
  }
  const Emission& expected = receipt.outcome.outputs.front();
  if (expected.port != config_.port_names[sent.port.index()]) {
    return what + ": expected on port " + expected.port + ", observed on " +
           config_.port_names[sent.port.index()];
  }
  return expected.frame == sent.bytes ? ""
                                      : what + ": expected bytes " + Hex(expected.frame) +
                                            "..., observed " + Hex(sent.bytes) + "...";
}

}  // namespace sluice
