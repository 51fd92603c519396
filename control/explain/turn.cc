// The order of checks of one arrival (docs/semantics_choices.md "Order of checks"), ARP, DHCP and
// fragments (D-FRAG).
#include "control/explain/turn.h"

#include <utility>
#include <variant>

#include "control/explain/output_bytes.h"
#include "control/explain/parse.h"
#include "control/explain/router_answers.h"
#include "control/explain/vpc_map.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

void Conclude(Outcome& outcome, Verdict verdict, DropReason reason) {
  outcome.verdict = verdict;
  outcome.reason = reason;
}

bool IsInterface(const ArrivalOrigin& origin) {
  return origin.kind == ArrivalOrigin::Kind::kInterface;
}

std::string SideOf(const ValidatedIntent& intent, const ArrivalOrigin& origin) {
  switch (origin.kind) {
    case ArrivalOrigin::Kind::kInterface:
      return origin.eni_id;
    case ArrivalOrigin::Kind::kUplink:
      return kInternetSide;
    case ArrivalOrigin::Kind::kServices:
      break;
  }
  return SideName(intent.host().services[origin.services_index]);
}

}  // namespace

Turn::Turn(const ValidatedIntent& intent, WorldState& state, NatPortOracle& ports, Trace* trace)
    : intent_(intent), state_(state), ports_(ports), trace_(trace) {}

Outcome Turn::Orphan(const HeldFragment& held) {
  Outcome outcome;
  outcome.arrival_number = held.arrival_number;
  outcome.eni_id = held.origin.eni_id;
  Conclude(outcome, Verdict::kDrop, DropReason::kFragmentOrphan);
  return outcome;
}

Receipt Turn::Take(uint64_t arrival_number, const Arrival& arrival) {
  arrival_number_ = arrival_number;
  Receipt receipt;
  for (const HeldFragment& expired : state_.fragments.TakeExpired(state_.now_ns)) {
    receipt.settled.push_back(Orphan(expired));
  }
  receipt.outcome = Judge(arrival, receipt.settled);
  return receipt;
}

Outcome Turn::Judge(const Arrival& arrival, std::vector<Outcome>& settled) {
  Outcome outcome;
  outcome.arrival_number = arrival_number_;
  const auto parsed_frame = ParseEthernet(arrival.frame);
  if (const DropReason* reason = std::get_if<DropReason>(&parsed_frame); reason != nullptr) {
    Conclude(outcome, Verdict::kDrop, *reason);
    return outcome;
  }
  const EthernetFrame& frame = std::get<EthernetFrame>(parsed_frame);
  const SenderFinding sender = FindSender(intent_, arrival.port, frame.vlan, frame.source);
  outcome.eni_id = sender.eni != nullptr ? sender.eni->id : "";
  const bool is_arp = frame.ethertype == kEtherTypeArp;
  if (!is_arp && frame.ethertype != kEtherTypeIpv4) {
    Conclude(outcome, Verdict::kDrop, DropReason::kUnsupportedEthertype);
    return outcome;
  }
  const auto parsed_packet =
      is_arp ? std::variant<Packet, DropReason>(Packet{}) : ParseIpv4(frame.payload);
  if (const DropReason* reason = std::get_if<DropReason>(&parsed_packet); reason != nullptr) {
    Conclude(outcome, Verdict::kDrop, *reason);
    return outcome;
  }
  if (!sender.port_is_known) {
    Conclude(outcome, Verdict::kDrop, DropReason::kUnknownInterface);
    return outcome;
  }
  if (!sender.mac_is_right) {
    Conclude(outcome, Verdict::kDrop, DropReason::kSourceCheck);
    return outcome;
  }
  if (is_arp) {
    TakeArp(frame, sender, outcome);
    return outcome;
  }
  const Packet& packet = std::get<Packet>(parsed_packet);
  if (sender.eni != nullptr) {
    if (TakeDhcp(frame, packet, *sender.eni, outcome)) {
      return outcome;
    }
    const bool to_router = frame.destination == intent_.host().router_mac;
    const bool to_neighbour =
        frame.destination != sender.eni->mac &&
        InterfaceWithMac(intent_, sender.eni->subnet_id, frame.destination) != nullptr;
    if (!to_router && !to_neighbour) {
      Conclude(outcome, Verdict::kDrop, DropReason::kUnknownMac);
      return outcome;
    }
  }
  if (packet.IsFragment()) {
    TakeFragment(*sender.origin, frame, packet, outcome, settled);
  } else {
    Send(*sender.origin, frame, packet, outcome);
  }
  return outcome;
}

void Turn::TakeArp(const EthernetFrame& frame, const SenderFinding& sender, Outcome& outcome) {
  Conclude(outcome, Verdict::kConsume, DropReason::kArpIgnored);
  if (sender.eni == nullptr) {
    TakeArpOfSide(frame, *sender.origin, outcome);
    return;
  }
  const std::optional<ArpPacket> arp = ParseArp(frame.payload);
  if (!arp.has_value() || arp->operation != 1) {
    return;
  }
  const std::optional<MacAddress> answer = ArpAnswerFor(intent_, *sender.eni, arp->target);
  if (answer.has_value()) {
    outcome.reason = DropReason::kArpReply;
    EmitToInterface(*sender.eni, kEtherTypeArp, ArpReply(*arp, *answer), frame.source, *answer,
                    false, outcome);
  }
}

void Turn::TakeArpOfSide(const EthernetFrame& frame, const ArrivalOrigin& origin,
                         Outcome& outcome) {
  const bool uplink = origin.kind == ArrivalOrigin::Kind::kUplink;
  const HostSide& side =
      uplink ? *intent_.host().uplink : intent_.host().services[origin.services_index];
  const std::optional<ArpPacket> arp = ParseArp(frame.payload);
  if (!arp.has_value()) {
    return;
  }
  if (arp->operation == 2 && arp->sender == side.next_hop) {
    outcome.reason = DropReason::kArpLearned;
    return;
  }
  const bool ours = arp->target == side.address.address ||
                    (uplink && MappingOfPublic(intent_, arp->target).has_value());
  if (arp->operation == 1 && ours) {
    outcome.reason = DropReason::kArpReply;
    const MacAddress& router = intent_.host().router_mac;
    outcome.outputs.push_back({.port = side.port,
                               .frame = MakeFrame(frame.source, router, side.vlan, kEtherTypeArp,
                                                  ArpReply(*arp, router))});
  }
}

bool Turn::TakeDhcp(const EthernetFrame& frame, const Packet& packet,
                    const NetworkInterface& sender, Outcome& outcome) {
  const MacAddress& router = intent_.host().router_mac;
  if ((frame.destination != kBroadcastMac && frame.destination != router) ||
      !IsDhcpRequest(packet, *intent_.FindSubnet(sender.subnet_id))) {
    return false;
  }
  const DhcpAnswer answer = AnswerDhcp(intent_, sender, packet);
  if (!answer.readable) {
    Conclude(outcome, Verdict::kDrop, DropReason::kMalformedL4);
    return true;
  }
  Conclude(outcome, Verdict::kConsume, DropReason::kDhcpReply);
  if (answer.ip.has_value()) {
    EmitToInterface(sender, kEtherTypeIpv4, *answer.ip,
                    answer.to_broadcast ? kBroadcastMac : frame.source, router, true, outcome);
  }
  return true;
}

DropReason Turn::RefuseEarly(const NetworkInterface& sender, const PacketHeader& header) const {
  if (IsMartian(header.source, header.destination)) {
    return DropReason::kMartianAddress;
  }
  if (sender.source_dest_check && !OwnsAddress(sender, header.source)) {
    return DropReason::kSourceCheck;
  }
  if (IsLinkLocal(intent_, sender.vpc_id, header.destination)) {
    return DropReason::kLinkLocalRange;
  }
  return IsReserved(intent_, sender.vpc_id, header.destination) ? DropReason::kReservedAddress
                                                                : DropReason::kNone;
}

void Turn::TakeFragment(const ArrivalOrigin& origin, const EthernetFrame& frame,
                        const Packet& packet, Outcome& outcome, std::vector<Outcome>& settled) {
  const NetworkInterface* eni =
      IsInterface(origin) ? intent_.FindNetworkInterface(origin.eni_id) : nullptr;
  DropReason early = DropReason::kNone;
  if (eni != nullptr) {
    early = RefuseEarly(*eni, packet.header);
  } else if (IsMartian(packet.header.source, packet.header.destination)) {
    early = DropReason::kMartianAddress;
  }
  if (early != DropReason::kNone) {
    Conclude(outcome, Verdict::kDrop, early);
    return;
  }
  const FragmentKey key = WorldFragmentCache::KeyOf(SideOf(intent_, origin), packet);
  switch (state_.fragments.File(key, packet, state_.now_ns)) {
    case FragmentStep::kOverlap:
      Conclude(outcome, Verdict::kDrop, DropReason::kFragmentOverlap);
      return;
    case FragmentStep::kHold:
      Conclude(outcome, Verdict::kHold, DropReason::kNone);
      state_.fragments.Hold(key, {.arrival_number = arrival_number_,
                                  .arrived_ns = state_.now_ns,
                                  .origin = origin,
                                  .frame = frame,
                                  .packet = packet});
      return;
    case FragmentStep::kProceed:
      break;
  }
  if (packet.IsLaterFragment()) {
    FollowFirst(origin, frame, packet, state_.fragments.FateOf(key), outcome);
    return;
  }
  Send(origin, frame, packet, outcome);
  const FirstFragmentFate fate{.forwarded = outcome.verdict == Verdict::kForward,
                               .reason = outcome.reason,
                               .header = packet.header};
  for (HeldFragment& held : state_.fragments.Settle(key, fate)) {
    Outcome late;
    late.arrival_number = held.arrival_number;
    late.eni_id = held.origin.eni_id;
    if (state_.fragments.File(key, held.packet, state_.now_ns) == FragmentStep::kOverlap) {
      Conclude(late, Verdict::kDrop, DropReason::kFragmentOverlap);
    } else {
      FollowFirst(held.origin, held.frame, std::move(held.packet), fate, late);
    }
    settled.push_back(std::move(late));
  }
}

void Turn::FollowFirst(const ArrivalOrigin& origin, const EthernetFrame& frame, Packet packet,
                       const FirstFragmentFate& fate, Outcome& outcome) {
  if (!fate.forwarded) {
    Conclude(outcome, Verdict::kDrop, fate.reason);
    return;
  }
  packet.header = fate.header;
  Send(origin, frame, packet, outcome);
}

WalkResult Turn::WalkFrom(const ArrivalOrigin& origin, const EthernetFrame& frame,
                          const Packet& packet) {
  Walk walk(intent_, state_, ports_, packet, trace_);
  switch (origin.kind) {
    case ArrivalOrigin::Kind::kInterface:
      return walk.FromInterface(*intent_.FindNetworkInterface(origin.eni_id), frame.destination);
    case ArrivalOrigin::Kind::kUplink:
      return walk.FromUplink();
    case ArrivalOrigin::Kind::kServices:
      break;
  }
  return walk.FromServices(origin.services_index);
}

void Turn::Send(const ArrivalOrigin& origin, const EthernetFrame& frame, const Packet& packet,
                Outcome& outcome) {
  if (IsInterface(origin) && intent_.FindNetworkInterface(origin.eni_id) == nullptr) {
    Conclude(outcome, Verdict::kDrop, DropReason::kUnknownInterface);  // gone while it was held
    return;
  }
  WalkResult result = WalkFrom(origin, frame, packet);
  Conclude(outcome, result.verdict, result.reason);
  outcome.rule = result.rule;
  if (result.answer_with_reset) {
    Answer(origin, ResetFor(packet), outcome);
  }
  if (result.verdict != Verdict::kForward) {
    return;
  }
  if (!PassesLastChecks(origin, packet, result, outcome) || !ChooseNatPort(result, outcome) ||
      !EndpointIsFree(result, outcome)) {
    TraceLastCheck(result, outcome);
    return;
  }
  if (!packet.IsLaterFragment() && !IsIcmpError(packet.header)) {
    Commit(result, packet);
  }
  Output(result, frame, packet, outcome);
}

}  // namespace sluice
