// A question becomes a frame, the frame takes its turn in a world with fresh state, and its answer
// takes the next turn.
#include "control/explain/explanation.h"

#include <memory>
#include <utility>
#include <variant>

#include "control/explain/output_bytes.h"
#include "control/explain/packet_maker.h"
#include "control/explain/parse.h"
#include "control/explain/reference_world.h"
#include "control/explain/router_answers.h"
#include "control/explain/vpc_map.h"

namespace sluice {
namespace {

constexpr MacAddress kOutsideMac = {{0x02, 0, 0, 0, 0, 0xfe}};

PacketHeader HeaderOf(const Question& question, Ipv4Address source) {
  PacketHeader header{.source = source, .destination = question.to, .protocol = question.protocol};
  if (question.protocol == kProtocolTcp || question.protocol == kProtocolUdp) {
    header.source_port = question.source_port;
    header.destination_port = question.destination_port;
  } else if (question.protocol == kProtocolIcmp) {
    header.icmp_type = question.icmp_type;
    header.icmp_code = question.icmp_code;
    header.icmp_id = IsIcmpQuery(header) || IsIcmpReply(header) ? question.source_port : 0;
  }
  return header;
}

// Where a host would send the packet: to its neighbour in the subnet directly, else to the router.
MacAddress DestinationMacFor(const ValidatedIntent& intent, const NetworkInterface& sender,
                             Ipv4Address destination) {
  const NetworkInterface* owner = OwnerOf(intent, sender.vpc_id, destination);
  const bool neighbour = owner != nullptr && owner != &sender &&
                         owner->subnet_id == sender.subnet_id &&
                         owner->kind != InterfaceKind::kNatGateway;
  return neighbour ? *owner->mac : intent.host().router_mac;
}

Arrival ArrivalFrom(const ValidatedIntent& intent, const NetworkInterface& sender,
                    const PacketShape& shape) {
  const HostAttachment* attachment = AttachmentOf(intent.host(), sender.id);
  return {attachment->port,
          MakeFrame(DestinationMacFor(intent, sender, shape.header.destination), *sender.mac,
                    attachment->vlan, kEtherTypeIpv4, MakePacket(shape))};
}

Arrival ArrivalFrom(const ValidatedIntent& intent, const HostSide& side, const PacketShape& shape) {
  return {side.port, MakeFrame(intent.host().router_mac, kOutsideMac, side.vlan, kEtherTypeIpv4,
                               MakePacket(shape))};
}

// The answer of whoever received the header; nullopt when there is none to expect.
std::optional<PacketShape> ReplyTo(const PacketHeader& received) {
  PacketShape shape;
  shape.header = received;
  std::swap(shape.header.source, shape.header.destination);
  std::swap(shape.header.source_port, shape.header.destination_port);
  if (received.protocol == kProtocolIcmp) {
    if (!IsIcmpQuery(received)) {
      return std::nullopt;
    }
    shape.header.icmp_type = received.icmp_type == kIcmpEcho
                                 ? kIcmpEchoReply
                                 : static_cast<uint8_t>(received.icmp_type + 1);
  }
  shape.tcp_flags = kTcpSyn | kTcpAck;
  shape.tcp_sequence = 5000;
  shape.tcp_acknowledgment = 1001;
  return shape;
}

const HostSide* SideWithPort(const Host& host, const Emission& sent) {
  const auto parsed = ParseEthernet(sent.frame);
  const uint16_t vlan = std::get<EthernetFrame>(parsed).vlan;
  if (host.uplink.has_value() && host.uplink->port == sent.port && host.uplink->vlan == vlan) {
    return &*host.uplink;
  }
  for (const HostSide& side : host.services) {
    if (side.port == sent.port && side.vlan == vlan) {
      return &side;
    }
  }
  return nullptr;
}

// The frame that answers what was sent; nullopt: nobody answers (an appliance's own business, or no
// answer exists).
std::optional<Arrival> AnswerTo(const ValidatedIntent& intent, const Emission& sent) {
  const auto frame = ParseEthernet(sent.frame);
  const auto packet = ParseIpv4(std::get<EthernetFrame>(frame).payload);
  const PacketHeader& received = std::get<Packet>(packet).header;
  const std::optional<PacketShape> reply = ReplyTo(received);
  if (!reply.has_value()) {
    return std::nullopt;
  }
  if (sent.eni_id.empty()) {
    const HostSide* side = SideWithPort(intent.host(), sent);
    return side == nullptr ? std::nullopt : std::optional(ArrivalFrom(intent, *side, *reply));
  }
  const NetworkInterface& receiver = *intent.FindNetworkInterface(sent.eni_id);
  if (!OwnsAddress(receiver, received.destination)) {
    return std::nullopt;
  }
  return ArrivalFrom(intent, receiver, *reply);
}

absl::StatusOr<Arrival> FirstArrival(const ValidatedIntent& intent, const Question& question) {
  const Host& host = intent.host();
  PacketShape shape;
  if (question.from == "internet" || question.from == "services") {
    if (!question.source.has_value()) {
      return absl::InvalidArgumentError("--src is needed when the packet comes from the " +
                                        question.from);
    }
    shape.header = HeaderOf(question, *question.source);
    if (question.from == "internet") {
      return host.uplink.has_value()
                 ? absl::StatusOr<Arrival>(ArrivalFrom(intent, *host.uplink, shape))
                 : absl::InvalidArgumentError("the configuration has no Host.Uplink");
    }
    return !host.services.empty()
               ? absl::StatusOr<Arrival>(ArrivalFrom(intent, host.services.front(), shape))
               : absl::InvalidArgumentError("the configuration has no Host.Services");
  }
  const NetworkInterface* sender = intent.FindNetworkInterface(question.from);
  if (sender == nullptr) {
    return absl::InvalidArgumentError("there is no network interface " + question.from);
  }
  if (AttachmentOf(host, sender->id) == nullptr) {
    return absl::InvalidArgumentError("network interface " + question.from +
                                      " is a NAT gateway's and sends nothing of its own");
  }
  shape.header = HeaderOf(question, question.source.value_or(sender->addresses.front().address));
  if (question.protocol == kProtocolUdp && question.source_port == kDhcpClientPort &&
      question.destination_port == kDhcpServerPort) {
    shape.payload = MakeDhcpDiscover(*sender->mac);
  }
  return ArrivalFrom(intent, *sender, shape);
}

std::optional<DropReason> ReasonOf(const Outcome& outcome) {
  return outcome.verdict == Verdict::kForward ? std::nullopt : std::optional(outcome.reason);
}

// A refusal before the walk leaves no hop; the component that refused is the one the packet came
// from.
void CompleteHops(const std::string& from, const Arrival& arrival, const Outcome& outcome,
                  std::vector<Hop>& hops) {
  if (!hops.empty() || outcome.verdict == Verdict::kForward) {
    return;
  }
  Hop hop{.component_id = from,
          .asked = outcome.verdict == Verdict::kConsume ? "is the packet for the router itself?"
                                                        : "is the packet well formed?",
          .matched = std::string(DropReasonName(outcome.reason))};
  const auto frame = ParseEthernet(arrival.frame);
  if (const auto* ethernet = std::get_if<EthernetFrame>(&frame)) {
    const auto packet = ParseIpv4(ethernet->payload);
    if (const auto* parsed = std::get_if<Packet>(&packet)) {
      hop.inbound = parsed->header;
      hop.outbound = parsed->header;
    }
  }
  hops.push_back(std::move(hop));
}

// An ENI that this machine does not carry can be asked about all the same.
bool LacksAttachment(const ValidatedIntent& intent, const std::string& from) {
  const NetworkInterface* sender = intent.FindNetworkInterface(from);
  return sender != nullptr && sender->kind != InterfaceKind::kNatGateway &&
         AttachmentOf(intent.host(), from) == nullptr;
}

}  // namespace

absl::StatusOr<Explanation> Explain(const ValidatedIntent& intent, const Question& question) {
  if (LacksAttachment(intent, question.from)) {
    return Explain(*intent.WithAttachment(question.from), question);
  }
  const absl::StatusOr<Arrival> arrival = FirstArrival(intent, question);
  if (!arrival.ok()) {
    return arrival.status();
  }
  // The world only borrows the configuration for the length of this call.
  ReferenceWorld world(std::shared_ptr<const ValidatedIntent>(std::shared_ptr<void>(), &intent));
  Explanation explanation;
  explanation.question = question;
  Trace forward;
  world.set_trace(&forward);
  const Outcome request = world.Receive(0, *arrival).outcome;
  explanation.forward_hops = std::move(forward.hops);
  explanation.verdict = request.verdict;
  explanation.reason = ReasonOf(request);
  CompleteHops(question.from, *arrival, request, explanation.forward_hops);
  if (request.verdict != Verdict::kForward || request.outputs.empty()) {
    return explanation;
  }
  const std::optional<Arrival> answer = AnswerTo(intent, request.outputs.front());
  if (!answer.has_value()) {
    return explanation;
  }
  Trace back;
  world.set_trace(&back);
  const Outcome reply = world.Receive(0, *answer).outcome;
  explanation.return_hops = std::move(back.hops);
  explanation.reply_verdict = reply.verdict;
  explanation.reply_reason = ReasonOf(reply);
  CompleteHops(request.outputs.front().eni_id, *answer, reply, explanation.return_hops);
  return explanation;
}

}  // namespace sluice
