// Security groups on a walk: state first, then rules, and what will be remembered. AWS-SG-03,
// -08..-12, D-TRACK, D-MIDSTREAM, D-ICMPERR, D-GROUPPEER, decision 9.
#include "control/explain/vpc_map.h"
#include "control/explain/walk.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

// What a packet of a flow is to it that the interface at this end sends or receives.
FlowSide SideOfPacket(const FlowEnd& end, Direction direction) {
  return direction == Direction::kEgress ? end.side : OtherSide(end.side);
}

std::string DirectionWord(Direction direction) {
  return direction == Direction::kEgress ? "outbound" : "inbound";
}

// "tcp 80-90", "icmp 8/*", "protocol 47", "all traffic": what a rule is about.
std::string DescribeTraffic(int protocol, const PortRange& ports) {
  if (protocol == kAllProtocols) {
    return "all traffic";
  }
  const bool icmp = protocol == kProtocolIcmp;
  if (!icmp && protocol != kProtocolTcp && protocol != kProtocolUdp) {
    return "protocol " + std::to_string(protocol);
  }
  std::string text(icmp ? "icmp" : protocol == kProtocolTcp ? "tcp" : "udp");
  if (ports.from == -1) {
    return text;
  }
  text += ' ';
  text += std::to_string(ports.from);
  if (icmp || ports.to != ports.from) {
    text += icmp ? '/' : '-';
    text += icmp && ports.to == -1 ? std::string(1, '*') : std::to_string(ports.to);
  }
  return text;
}

std::string Describe(const SecurityGroupRule& rule, Direction direction) {
  std::string peer = rule.prefix_list_id.empty() ? rule.group_id : rule.prefix_list_id;
  if (rule.cidr.has_value()) {
    peer = ToString(*rule.cidr);
  }
  return "rule " + rule.id + " allows " + DescribeTraffic(rule.protocol, rule.ports) +
         (direction == Direction::kEgress ? " to " : " from ") + peer;
}

}  // namespace

// A related error names a flow only if it goes to the sender of the packet it quotes.
bool Walk::QuoteIsOfFlow() const {
  return IsIcmpRelatable(header_) && result_.quote.has_value() &&
         header_.destination == result_.quote->source;
}

std::vector<FlowEnd> Walk::EndsAt(Direction direction) const {
  const bool sends = direction == Direction::kEgress;
  if (QuoteIsOfFlow()) {  // who sends the error has received what it quotes
    return sends ? EndsAtReceiver(*result_.quote) : EndsAtSender(*result_.quote);
  }
  return sends ? EndsAtSender(header_) : EndsAtReceiver(header_);
}

void Walk::LookUpSession(const NetworkInterface& sender) {
  session_ = 0;
  for (const FlowEnd& end : EndsAt(Direction::kEgress)) {
    const auto found = state_.group_flows.find({sender.id, end});
    if (found != state_.group_flows.end() &&
        (end.side == FlowSide::kInitiator || !state_.BindingHasLapsed(found->second.session))) {
      session_ = found->second.session;
      break;
    }
  }
  for (const auto& [key, binding] : state_.bindings) {
    starts_over_ = starts_over_ ||
                   (IsPureSyn(packet_) && binding.session == *session_ &&
                    key.sender_eni_id == sender.id && key.inside == *KeyAsInitiator(header_) &&
                    binding.progress.IsExpired(state_.now_ns, {.fixed_seconds = kNatIdleSeconds}));
  }
}

const GroupFlow* Walk::FlowAt(const NetworkInterface& eni, const FlowEnd& end) const {
  const GroupFlow* flow = state_.LiveGroupFlow(eni.id, end);
  const bool counts = flow != nullptr && (!session_.has_value() || flow->session == *session_);
  return counts ? flow : nullptr;
}

bool Walk::PassesByState(const NetworkInterface& eni, Direction direction) {
  const auto add_hop = [&](std::string_view why) {
    AddHop(eni.group_ids.empty() ? eni.id : eni.group_ids.front(),
           "security groups of " + eni.id + ", " + DirectionWord(direction) + ": " +
               ToString(header_) + "?",
           std::string(why));
  };
  if (QuoteIsOfFlow()) {
    for (const FlowEnd& end : EndsAt(direction)) {
      const GroupFlow* flow = FlowAt(eni, end);
      if (flow != nullptr && flow->tracked) {
        add_hop("related to a tracked flow");
        return true;
      }
    }
    return false;
  }
  if (StartsNewFlow()) {
    return false;
  }
  for (const FlowEnd& end : EndsAt(direction)) {
    const FlowSide side = SideOfPacket(end, direction);
    const GroupFlow* flow = FlowAt(eni, end);
    if (flow == nullptr || !flow->tracked || StartsOver(*flow) ||
        (side == FlowSide::kResponder && flow->progress.mid_stream())) {
      continue;
    }
    add_hop(side == FlowSide::kInitiator ? "a tracked flow" : "answer of a tracked flow");
    result_.groups.push_back({.eni = &eni, .end = end, .side = side});
    return true;
  }
  return false;
}

// The rules allowed the packet: it belongs to an untracked flow, answers a mid-stream one, or
// begins a flow.
void Walk::RecordGroupCommit(const NetworkInterface& eni, Direction direction, bool is_everyone,
                             bool always_tracked) {
  if (IsIcmpError(header_)) {
    return;
  }
  const bool tcp_or_udp = header_.protocol == kProtocolTcp || header_.protocol == kProtocolUdp;
  const Direction other =
      direction == Direction::kEgress ? Direction::kIngress : Direction::kEgress;
  const bool tracked = !tcp_or_udp || always_tracked || !is_everyone ||
                       !AllowsEveryone(intent_, eni, other, header_.protocol);
  for (const FlowEnd& end : EndsAt(direction)) {
    const FlowSide side = SideOfPacket(end, direction);
    const GroupFlow* flow = FlowAt(eni, end);
    const bool starts_over = flow != nullptr && StartsOver(*flow);
    if (flow == nullptr || StartsNewFlow() || (starts_over && !OnlyAnswers())) {
      continue;
    }
    result_.groups.push_back({.eni = &eni,
                              .end = end,
                              .side = side,
                              .starts_over = starts_over,
                              .becomes_tracked = tracked &&
                                                 (side == FlowSide::kInitiator || starts_over) &&
                                                 MayOpenFlow(packet_)});
    return;
  }
  // An answer that strays to somebody who did not ask leaves nothing there.
  const bool strays = IsAnswerToAnother(eni) || (IsAnswerOfSender() && !StartsNewFlow());
  const FlowSide side = OnlyAnswers() ? FlowSide::kResponder : FlowSide::kInitiator;
  const std::optional<WorldFlowKey> key =
      OnlyAnswers() ? KeyAsResponder(header_) : KeyAsInitiator(header_);
  if (key.has_value() && MayOpenFlow(packet_) && !strays) {
    const bool sends = direction == Direction::kEgress;
    result_.groups.push_back({.eni = &eni,
                              .end = {*key, sends ? side : OtherSide(side)},
                              .side = side,
                              .is_new = true,
                              .mid_stream = header_.protocol == kProtocolTcp && !IsPureSyn(packet_),
                              .becomes_tracked = tracked,
                              .needs_nat_port = StartsNewFlow()});
  }
}

void Walk::TraceGroups(const NetworkInterface& eni, Direction direction,
                       const GroupJudgement& judgement) {
  const std::string asked = "security group " + DirectionWord(direction) + " of " + eni.id + ": " +
                            ToString(header_) + "?";
  for (const SecurityGroup* group : judgement.asked) {
    const bool matches = judgement.match.has_value() && judgement.match->group == group;
    Hop* hop = AddHop(group->id, asked,
                      matches ? Describe(*judgement.match->rule, direction) : "no rule matches");
    if (matches) {
      hop->group_rule =
          TracedGroupRule{group->id, *judgement.match->rule, direction == Direction::kEgress};
    }
  }
  if (judgement.asked.empty()) {
    AddHop(eni.id, asked, "the interface has no security group");
  }
}

bool Walk::AskGroups(const NetworkInterface& eni, Direction direction, const NetworkInterface* peer,
                     bool always_tracked) {
  if (HasFirewall(eni) && direction == Direction::kEgress) {
    LookUpSession(eni);
  }
  if (!HasFirewall(eni) || PassesByState(eni, direction)) {
    return true;
  }
  const GroupJudgement judgement = JudgeByGroups(intent_, eni, direction, header_, peer);
  TraceGroups(eni, direction, judgement);
  if (!judgement.match.has_value()) {
    return Drop(direction == Direction::kEgress ? DropReason::kSgEgress : DropReason::kSgIngress);
  }
  RecordGroupCommit(eni, direction, judgement.any_match_is_everyone, always_tracked);
  return true;
}

}  // namespace sluice
