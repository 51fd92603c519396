// The state of validation: the draft, found by id, and the passes over it in their order. Each pass
// completes or checks one family of resources; every finding is kept. Control thread or an offline
// tool.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/intent/nearest.h"
#include "control/intent/object_reader.h"

namespace sluice {

inline absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// A vector of drafted objects, found by id. Pointers are good until the next Add.
template <class D>
class IdIndex {
 public:
  explicit IdIndex(std::vector<D>* objects) : objects_(objects) {
    for (size_t i = 0; i < objects->size(); ++i) {
      positions_.emplace((*objects)[i].value.id, i);
    }
  }
  D* Find(std::string_view id) {
    const auto found = positions_.find(ToAbsl(id));
    return found == positions_.end() ? nullptr : &(*objects_)[found->second];
  }
  D& Add(D object) {
    positions_.emplace(object.value.id, objects_->size());
    objects_->push_back(std::move(object));
    return objects_->back();
  }
  // "there is no subnet subnet-wbe: did you mean subnet-web?", or where to list it. Looks at every
  // object, therefore only for the first findings.
  std::string ThereIsNo(std::string_view noun, std::string_view id, std::string_view list) {
    NearestName nearest(id);
    for (size_t i = 0; i < objects_->size() && searches_left_ > 0; ++i) {
      nearest.Offer((*objects_)[i].value.id);
    }
    searches_left_ -= searches_left_ > 0 ? 1 : 0;
    return "there is no " + std::string(noun) + " " + std::string(id) +
           nearest.Advice(": list it under " + std::string(list) + ", or name one that is there");
  }
  // `wanted`, or with a number behind it when somebody has that id already.
  std::string FreeId(const std::string& wanted) {
    std::string id = wanted;
    for (int n = 2; Find(id) != nullptr; ++n) {
      id = wanted + "-" + std::to_string(n);
    }
    return id;
  }

 private:
  std::vector<D>* objects_;
  int searches_left_ = 20;
  absl::flat_hash_map<std::string, size_t> positions_;
};

// (VPC id, address) -> the ENI that owns it.
using AddressOwners = absl::flat_hash_map<std::pair<std::string, uint32_t>, std::string>;

struct Validation {
  explicit Validation(LoadContext& load_context);

  LoadContext& context;
  Draft& draft;
  IssueList& issues;
  IdIndex<Drafted<Vpc>> vpcs;
  IdIndex<Drafted<Subnet>> subnets;
  IdIndex<DraftedRouteTable> route_tables;
  IdIndex<Drafted<InternetGateway>> internet_gateways;
  IdIndex<Drafted<NatGateway>> nat_gateways;
  IdIndex<DraftedNetworkAcl> network_acls;
  IdIndex<DraftedSecurityGroup> security_groups;
  IdIndex<DraftedInterface> network_interfaces;
  IdIndex<DraftedPrefixList> prefix_lists;
  IdIndex<Drafted<VpcEndpoint>> vpc_endpoints;
  IdIndex<Drafted<VpcPeering>> vpc_peerings;
  AddressOwners address_owners;
  bool host_was_written = false;

  // The VPC an object names; a finding and nullptr when there is none.
  template <class D>
  Drafted<Vpc>* RequireVpc(const D& object) {
    Drafted<Vpc>* vpc = vpcs.Find(object.value.vpc_id);
    if (vpc == nullptr && !object.value.vpc_id.empty()) {
      issues.Error(object.Member("VpcId"), object.value.id,
                   vpcs.ThereIsNo("VPC", object.value.vpc_id, "Vpcs"), "InvalidVpcID.NotFound");
    }
    return vpc;
  }
  // The default group's id of a VPC; empty when the VPC is unknown.
  std::string DefaultGroupOf(std::string_view vpc_id);
  // Active peering between two VPCs.
  bool ArePeered(std::string_view a, std::string_view b) const;
};

// The passes, in the order they run.
void ValidateVpcAddressing(Validation& v);  // AWS-ADDR-01..05, -07
void CompleteVpcDefaults(
    Validation& v);  // main table, default NACL, default group; subnets' table and NACL
void ValidatePeerings(Validation& v);         // AWS-PEER-01
void TypeGatewayInterfaces(Validation& v);    // interfaces that gateways and endpoints name
void ValidateInterfaces(Validation& v);       // AWS-ADDR-08, -11, -12; groups; MACs
void CompleteNatGateways(Validation& v);      // AWS-NAT-01
void CompleteVpcEndpoints(Validation& v);     // AWS-EP-01, -05
void ValidatePublicAddresses(Validation& v);  // one place for each public address
void CompleteInterfaces(Validation& v);  // missing MACs and groups, after all interfaces are known
void CompletePrefixLists(Validation& v);
void ValidateRouting(Validation& v);         // AWS-RT-*, local and endpoint routes
void ValidateNetworkAcls(Validation& v);     // AWS-NACL-*
void ValidateSecurityGroups(Validation& v);  // AWS-SG-04..07
void ValidateFlowLogs(Validation& v);
void ValidateHost(Validation& v);  // the one written, or the implied one

// Registers `address` as the interface's; a finding at `where` when it is outside the subnet,
// reserved (AWS-ADDR-08) or taken. True when it is the interface's. Outside the subnet is only a
// warning for an interface the provider manages (a NAT gateway's, an endpoint's): EC2 emulators
// print such addresses.
bool ClaimAddress(Validation& v, const Subnet& subnet, Ipv4Address address,
                  const std::string& interface_id, bool managed, JsonValue where,
                  std::string_view object_id);
// The lowest free address of a subnet, claimed; nullopt when none is left.
std::optional<Ipv4Address> ClaimFreeAddress(Validation& v, const Subnet& subnet,
                                            const std::string& interface_id);

}  // namespace sluice
