#include "control/explain/world_state.h"

#include <algorithm>

namespace sluice {
std::string SideName(const HostSide& side) {
  return "side " + side.port + "/" + std::to_string(side.vlan);
}

bool WorldState::SomebodyTracks(uint64_t session) const {
  const bool at_interface =
      std::any_of(group_flows.begin(), group_flows.end(), [&](const auto& known) {
        return known.second.session == session && known.second.tracked &&
               !IsForgotten(known.second);
      });
  return at_interface ||
         std::any_of(endpoint_flows.begin(), endpoint_flows.end(), [&](const auto& known) {
           return known.second.session == session &&
                  !known.second.progress.IsExpired(now_ns, {.tracking = known.second.tracking});
         });
}

bool WorldState::IsForgotten(const GroupFlow& flow) const {
  if (!flow.is_counted) {
    return flow.progress.IsExpired(now_ns, {}) ||
           flow.progress.IsExpired(now_ns, {.fixed_seconds = kUntrackedSeconds});
  }
  if (!flow.tracked) {
    return !SomebodyTracks(flow.session);
  }
  return flow.progress.IsExpired(now_ns, {.tracking = flow.timers});
}

const GroupFlow* WorldState::LiveGroupFlow(const std::string& eni_id, const FlowEnd& end) const {
  const auto found = group_flows.find({eni_id, end});
  if (found == group_flows.end()) {
    return nullptr;
  }
  return IsForgotten(found->second) ? nullptr : &found->second;
}

const GroupFlow* WorldState::LiveFlowOf(uint64_t session) const {
  for (const auto& [key, flow] : group_flows) {
    if (flow.session == session && !IsForgotten(flow)) {
      return &flow;
    }
  }
  return nullptr;
}

bool WorldState::BindingHasLapsed(uint64_t session) const {
  return std::any_of(bindings.begin(), bindings.end(), [&](const auto& bound) {
    return bound.second.session == session &&
           bound.second.progress.IsExpired(now_ns, {.fixed_seconds = kNatIdleSeconds});
  });
}

const NatBinding* WorldState::LiveBinding(const NatGateway& gateway,
                                          const NatBindingKey& key) const {
  const auto found = bindings.find(key);
  if (found == bindings.end() ||
      found->second.progress.IsExpired(now_ns, {.fixed_seconds = kNatIdleSeconds})) {
    return nullptr;
  }
  const bool address_is_still_there = std::any_of(
      gateway.addresses.begin(), gateway.addresses.end(), [&](const NatGatewayAddress& address) {
        return address.private_ip == found->second.outside.initiator;
      });
  return address_is_still_there ? &found->second : nullptr;
}

const NatBindingKey* WorldState::LiveReverse(const NatGateway& gateway, const std::string& side,
                                             const WorldFlowKey& outside) const {
  const auto found = reverse.find({gateway.id, side, outside});
  if (found == reverse.end()) {
    return nullptr;
  }
  const NatBinding* binding = LiveBinding(gateway, found->second);
  const bool current = binding != nullptr && binding->outside == outside && binding->side == side;
  return current ? &found->second : nullptr;
}

const EndpointFlow* WorldState::LiveEndpointFlow(const ValidatedIntent& intent,
                                                 const std::string& side,
                                                 const WorldFlowKey& key) const {
  const auto found = endpoint_flows.find({side, key});
  if (found == endpoint_flows.end() ||
      found->second.progress.IsExpired(now_ns, {.tracking = found->second.tracking}) ||
      intent.FindVpcEndpoint(found->second.endpoint_id) == nullptr) {
    return nullptr;
  }
  return &found->second;
}

uint64_t WorldState::OutsideSession(const std::string& side,
                                    const std::vector<FlowEnd>& ends) const {
  for (const FlowEnd& end : ends) {
    const auto found = outside_sessions.find({side, end});
    if (found != outside_sessions.end()) {
      return found->second;
    }
  }
  return 0;
}

}  // namespace sluice
