#include "control/explain/world_state.h"

#include <algorithm>

namespace sluice {

std::string SideName(const HostSide& side) {
  return "side " + side.port + "/" + std::to_string(side.vlan);
}

const GroupFlow* WorldState::LiveGroupFlow(const NetworkInterface& eni,
                                           const WorldFlowKey& key) const {
  const auto found = group_flows.find({eni.id, key});
  if (found == group_flows.end()) {
    return nullptr;
  }
  const GroupFlow& flow = found->second;
  const bool expired =
      flow.progress.IsExpired(now_ns, {.tracking = eni.tracking}) ||
      (!flow.is_counted && flow.progress.IsExpired(now_ns, {.fixed_seconds = kUntrackedSeconds}));
  return expired ? nullptr : &flow;
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

uint64_t WorldState::OutsideSession(const std::string& side, const PacketHeader& header) const {
  for (const std::optional<WorldFlowKey>& key : {KeyAsInitiator(header), KeyAsResponder(header)}) {
    const auto found =
        key.has_value() ? outside_sessions.find({side, *key}) : outside_sessions.end();
    if (found != outside_sessions.end()) {
      return found->second;
    }
  }
  return 0;
}

}  // namespace sluice
