#include "control/compile/passes.h"

namespace sluice {

void NameIndices(const SnapshotDraft& draft, CompiledConfig& config) {
  const Intent& intent = draft.intent.intent();
  config.interface_names.resize(draft.interfaces.size());
  config.vpc_ids.resize(draft.vpcs.size());
  config.nat_gateway_ids.resize(draft.nat_gateways.size());
  config.interface_names[draft.internet.index()] = "internet";
  for (size_t i = 0; i < draft.services.size(); ++i) {
    config.interface_names[draft.services[i].index()] = "services";
  }
  for (const auto& [id, idx] : draft.interface_idx) {
    config.interface_names[idx.index()] = id;
  }
  config.port_names.resize(draft.ports.size());
  for (const auto& [name, idx] : draft.port_idx) {
    config.port_names[idx.index()] = name;
  }
  for (const auto& [id, idx] : draft.vpc_idx) {
    config.vpc_ids[idx.index()] = id;
  }
  for (const Subnet& subnet : intent.subnets) {
    config.subnet_ids.push_back(subnet.id);
    config.nacl_ids.push_back(subnet.network_acl_id);
  }
  for (const auto& [id, idx] : draft.nat_gateway_idx) {
    config.nat_gateway_ids[idx.index()] = id;
  }
}

}  // namespace sluice
