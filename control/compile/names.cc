#include "control/compile/passes.h"

namespace sluice {

void NameIndices(const Draft& draft, const std::map<std::string, InterfaceIdx>& all_names,
                 CompiledConfig& config) {
  const Intent& intent = draft.intent.intent();
  config.interface_names.resize(all_names.size());
  config.interface_names[draft.internet.index()] = "internet";
  for (size_t i = 0; i < draft.services.size(); ++i) {
    config.interface_names[draft.services[i].index()] = "services";
  }
  for (const auto& [id, idx] : draft.interface_idx) {
    config.interface_names[idx.index()] = id;
  }
  for (const HostPort& port : draft.intent.host().ports) {
    config.port_names.push_back(port.name);
  }
  for (const Vpc& vpc : intent.vpcs) {
    config.vpc_ids.push_back(vpc.id);
  }
  for (const Subnet& subnet : intent.subnets) {
    config.subnet_ids.push_back(subnet.id);
    config.nacl_ids.push_back(subnet.network_acl_id);
  }
  for (const NatGateway& gateway : intent.nat_gateways) {
    config.nat_gateway_ids.push_back(gateway.id);
  }
}

}  // namespace sluice
