// What a forwarded packet leaves behind (D-STATE, decision 1): sessions at the interfaces of its
// walk, at the uplink, at NAT gateways and at services sides.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "control/explain/turn.h"
#include "control/explain/vpc_map.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

// The same flow seen with its sides exchanged.
WorldFlowKey Reversed(const WorldFlowKey& key) {
  WorldFlowKey reversed = key;
  std::swap(reversed.initiator, reversed.responder);
  std::swap(reversed.initiator_port, reversed.responder_port);
  return reversed;
}

// An interface reached itself by its public address, with the same port on both ends: the answer
// would look like the question. That of an ICMP query never does.
bool AnswersItself(const WalkResult& result, const PacketHeader& sent) {
  const PacketHeader& received = result.header;
  return result.exit == WalkResult::Exit::kInterface && !result.passes_nat &&
         OwnsAddress(*result.receiver, sent.source) && received.source == sent.destination &&
         received.destination == sent.source && received.source_port == received.destination_port &&
         sent.protocol != kProtocolIcmp;
}

// The packet is one of the initiator's.
bool Asks(const WalkResult& result) {
  return !result.groups.empty() && result.groups.front().side == FlowSide::kInitiator;
}

// A NAT gateway has led an answer to somebody else than who asked: nothing starts over.
bool StraysFromBinding(const WalkResult& result) {
  return result.binding.has_value() && result.binding->side == FlowSide::kResponder &&
         (result.receiver == nullptr || result.receiver->id != result.binding->key.sender_eni_id);
}

// What is known of two flows cannot both be: the same packets would be of both.
std::vector<FlowEnd> Contradicted(const FlowEnd& end) {
  if (end.key.protocol == kProtocolIcmp) {
    return {end};
  }
  return {end, {Reversed(end.key), OtherSide(end.side)}};
}

}  // namespace

// The session that the parts of the walk belong to: the one of whatever part is known already, else
// a new one.
uint64_t Turn::SessionOf(const WalkResult& result) {
  if (result.binding.has_value() && !result.binding->is_new) {
    return state_.bindings.at(result.binding->key).session;
  }
  for (const GroupCommit& group : result.groups) {
    if (!group.is_new) {
      return state_.group_flows.at({group.eni->id, group.end}).session;
    }
  }
  if (Asks(result) && state_.LiveFlowOf(result.session) != nullptr) {
    return result.session;
  }
  return state_.next_session++;
}

void Turn::CommitBinding(const BindingCommit& commit, const Packet& packet, uint64_t session,
                         const std::optional<FlowProgress>& anew, bool strays) {
  if (commit.is_new) {
    const auto old = state_.bindings.find(commit.key);
    if (old != state_.bindings.end()) {
      state_.reverse.erase({commit.gateway->id, old->second.side, old->second.outside});
    }
    const GroupFlow* goes_on = state_.LiveFlowOf(session);
    const FlowProgress fresh(packet.header.protocol, /*opened_mid_stream=*/false);
    state_.bindings[commit.key] =
        NatBinding{.outside = commit.outside,
                   .side = commit.left_by,
                   .progress = goes_on != nullptr ? goes_on->progress : fresh,
                   .session = session};
    state_.reverse[{commit.gateway->id, commit.left_by, commit.outside}] = commit.key;
  }
  NatBinding& binding = state_.bindings.at(commit.key);
  if (anew.has_value()) {
    binding.progress = *anew;
  } else if (!strays && IsPureSyn(packet) && binding.progress.MayReopen()) {
    binding.progress = FlowProgress(packet.header.protocol, /*opened_mid_stream=*/false);
  }
  binding.progress.Accept(packet, commit.side, state_.now_ns);
  if (commit.is_new) {
    binding.progress.RestartClock(state_.now_ns);
  }
}

// A flow of another interface from the same address ends: the provider answers who asked last.
void Turn::CommitEndpoint(const EndpointCommit& commit, const Packet& packet, uint64_t session) {
  const EndpointFlowKey key{commit.side, commit.key};
  const EndpointFlow* live = state_.LiveEndpointFlow(intent_, commit.side, commit.key);
  const bool takes_over =
      live != nullptr && commit.flow_side == FlowSide::kInitiator && live->session != session;
  if (takes_over) {
    if (!MayOpenFlow(packet)) {
      return;
    }
    EndSession(uint64_t{live->session});
    live = nullptr;
  }
  if (live == nullptr || (IsPureSyn(packet) && live->progress.MayReopen())) {
    if (!MayOpenFlow(packet)) {
      return;
    }
    const bool mid_stream = packet.header.protocol == kProtocolTcp && !IsPureSyn(packet);
    const NetworkInterface* sender = intent_.FindNetworkInterface(commit.sender_id);
    state_.endpoint_flows[key] =
        EndpointFlow{.vpc_id = commit.vpc_id,
                     .asker_id = commit.asker_id,
                     .sender_id = commit.sender_id,
                     .endpoint_id = commit.endpoint_id,
                     .progress = FlowProgress(packet.header.protocol, mid_stream),
                     .tracking = sender != nullptr ? sender->tracking : ConnectionTracking(),
                     .session = session};
  }
  state_.endpoint_flows.at(key).progress.Accept(packet, commit.flow_side, state_.now_ns);
}

void Turn::EndSession(uint64_t session) {
  std::erase_if(state_.group_flows,
                [&](const auto& flow) { return flow.second.session == session; });
  std::erase_if(state_.endpoint_flows,
                [&](const auto& flow) { return flow.second.session == session; });
  std::erase_if(state_.outside_sessions,
                [&](const auto& outside) { return outside.second == session; });
  for (auto it = state_.bindings.begin(); it != state_.bindings.end();) {
    if (it->second.session == session) {
      state_.reverse.erase({it->first.gateway_id, it->second.side, it->second.outside});
      it = state_.bindings.erase(it);
    } else {
      ++it;
    }
  }
}

// An answer that a NAT gateway must remember begins a session of its own: the sender is now the one
// who asks, and as everything that passes a gateway it is tracked (AWS-SG-11).
void Turn::TurnRound(WalkResult& result) {
  if (!result.nat_request.has_value() || result.groups.empty() ||
      result.groups.front().side != FlowSide::kResponder) {
    return;
  }
  GroupCommit& sender = result.groups.front();
  EndSession(uint64_t{state_.group_flows.at({sender.eni->id, sender.end}).session});
  sender.becomes_tracked = true;
  sender.end = {Reversed(sender.end.key), FlowSide::kInitiator};
  sender.side = FlowSide::kInitiator;
  sender.is_new = true;
}

// Its sender asked the rules before it was known to be an answer: of a gateway's binding, or for
// who remembers the flow that the sender has forgotten. Who asked and who answers stays; a flow
// that some interface remembers goes on, else it begins anew.
// One that strays from the gateway begins nothing where everybody has forgotten the flow.
void Turn::StayAnswer(WalkResult& result) const {
  const bool strays = StraysFromBinding(result);
  const bool remembered =
      strays && state_.LiveFlowOf(state_.bindings.at(result.binding->key).session) != nullptr;
  if (strays && !remembered) {
    result.groups.clear();
    return;
  }
  const bool of_binding =
      result.binding.has_value() && result.binding->side == FlowSide::kResponder;
  const bool goes_on =
      remembered ||
      std::any_of(result.groups.begin(), result.groups.end(), [](const GroupCommit& group) {
        return !group.is_new && !group.starts_over && group.side == FlowSide::kResponder;
      });
  if (!Asks(result) || !result.groups.front().is_new || (!of_binding && !goes_on)) {
    return;
  }
  GroupCommit& sender = result.groups.front();
  sender.becomes_tracked = of_binding;  // AWS-SG-11: as everything that passes a gateway
  sender.end = {Reversed(sender.end.key), FlowSide::kResponder};
  sender.side = FlowSide::kResponder;
  sender.is_new = !goes_on || !state_.group_flows.contains({sender.eni->id, sender.end});
}

// What an interface knew of the flow before ends, in either orientation: it would answer the one
// with what asks in the other.
void Turn::BeginGroupFlow(const GroupCommit& group, uint64_t session, const FlowProgress& progress,
                          bool goes_on) {
  ConnectionTracking timers = group.eni->tracking;
  for (const FlowEnd& end : Contradicted(group.end)) {
    const auto old = state_.group_flows.find({group.eni->id, end});
    if (old == state_.group_flows.end()) {
      continue;
    }
    const bool forgotten =
        end.side == FlowSide::kResponder && state_.BindingHasLapsed(old->second.session);
    if (old->second.session == session || forgotten) {
      timers = goes_on && old->second.session == session ? old->second.timers : timers;
      state_.group_flows.erase(old);
    } else {
      EndSession(uint64_t{old->second.session});
    }
  }
  state_.group_flows[{group.eni->id, group.end}] =
      GroupFlow{.progress = progress, .timers = timers, .tracked = false, .session = session};
}

// The uplink gets to know a session by the packets of its initiator.
void Turn::CommitOutside(const WalkResult& result, const Packet& packet, uint64_t session) {
  std::optional<FlowEnd> end;
  if (!result.outside.empty()) {
    end = FlowEnd{*KeyAsInitiator(packet.header), FlowSide::kInitiator};
  } else if (result.exit == WalkResult::Exit::kUplink) {
    end = FlowEnd{*KeyAsInitiator(result.header), FlowSide::kResponder};
  }
  std::erase_if(state_.outside_sessions,
                [&](const auto& outside) { return outside.second == session; });
  if (!end.has_value()) {
    return;
  }
  for (const FlowEnd& other : Contradicted(*end)) {
    const auto known = state_.outside_sessions.find({kInternetSide, other});
    if (known != state_.outside_sessions.end()) {
      EndSession(uint64_t{known->second});
    }
  }
  state_.outside_sessions[{kInternetSide, *end}] = session;
}

// Questions that now reach somebody else: who received them before is of the session no more.
void Turn::LeaveOldEnds(const WalkResult& result, uint64_t session) {
  std::set<GroupFlowKey> reached;
  for (const GroupCommit& group : result.groups) {
    reached.insert({group.eni->id, group.end});
  }
  std::erase_if(state_.group_flows, [&](const auto& flow) {
    return flow.second.session == session && !reached.contains(flow.first);
  });
}

// What a new end of the session takes over: the session goes on as it was.
std::optional<FlowProgress> Turn::CarriedProgress(const WalkResult& result, const Packet& packet,
                                                  uint64_t session) const {
  const GroupFlow* flow = Asks(result) ? state_.LiveFlowOf(session) : nullptr;
  const bool starts_over = std::any_of(result.groups.begin(), result.groups.end(),
                                       [](const GroupCommit& group) { return group.starts_over; });
  if (flow == nullptr || starts_over || result.starts_over ||
      (IsPureSyn(packet) && flow->progress.MayReopen())) {
    return std::nullopt;
  }
  return flow->progress;
}

// What the interfaces of the walk, and whoever else is of the session, remember of the packet.
// Returns the progress of a flow that begins anew with it.
std::optional<FlowProgress> Turn::CommitGroups(const WalkResult& result, const Packet& packet,
                                               uint64_t session) {
  bool counted = result.binding.has_value() || result.endpoint.has_value();
  for (const GroupCommit& group : result.groups) {
    counted = counted || group.becomes_tracked ||
              (!group.is_new && state_.group_flows.at({group.eni->id, group.end}).tracked);
  }
  const std::optional<FlowProgress> carried = CarriedProgress(result, packet, session);
  std::optional<FlowProgress> anew;
  for (const GroupCommit& group : result.groups) {
    const FlowProgress fresh(packet.header.protocol, group.is_new && group.mid_stream);
    if (group.is_new) {
      BeginGroupFlow(group, session, carried.value_or(fresh), carried.has_value());
    }
    GroupFlow& flow = state_.group_flows.at({group.eni->id, group.end});
    if (group.starts_over) {
      flow.progress = fresh;
      flow.tracked = false;
      flow.timers = group.eni->tracking;
    }
    if (group.starts_over || (group.is_new && !carried.has_value())) {
      anew = fresh;
    }
    flow.tracked = flow.tracked || group.becomes_tracked;
    flow.is_counted = counted;
  }
  AcceptAtEveryEnd(result, packet, session);
  return anew;
}

// Whoever is of the session hears of the packet, whoever else it has reached.
void Turn::AcceptAtEveryEnd(const WalkResult& result, const Packet& packet, uint64_t session) {
  for (auto& [key, flow] : state_.group_flows) {
    if (flow.session != session) {
      continue;
    }
    if (!result.groups.empty()) {
      flow.progress.Accept(packet, result.groups.front().side, state_.now_ns);
      if (result.binding.has_value() && result.binding->is_new) {
        flow.progress.RestartClock(state_.now_ns);
      }
    } else if (StraysFromBinding(result)) {
      if (state_.LiveGroupFlow(key.first, key.second) != nullptr) {
        flow.progress.Accept(packet, FlowSide::kResponder, state_.now_ns);
      }
    }
  }
}

void Turn::Commit(WalkResult& result, const Packet& packet) {
  if (AnswersItself(result, packet.header)) {
    return;
  }
  TurnRound(result);
  StayAnswer(result);
  const uint64_t session = SessionOf(result);
  const std::optional<FlowProgress> anew = CommitGroups(result, packet, session);
  if (result.binding.has_value()) {
    CommitBinding(*result.binding, packet, session, anew, StraysFromBinding(result));
  }
  if (Asks(result) && MayOpenFlow(packet)) {
    LeaveOldEnds(result, session);
    CommitOutside(result, packet, session);
  }
  if (result.endpoint.has_value()) {
    CommitEndpoint(*result.endpoint, packet, session);
  }
}

}  // namespace sluice
