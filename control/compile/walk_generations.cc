// Which remembered walks a new configuration makes stale (decision 18). A session line holds the
// walk generation under which it was walked; an interface keeps its own while no change can reach a
// walk it sends.
//
// What a walk reads lies in its sender's VPC and, over a peering, in the other one; peerings are
// not transitive. The exceptions: the sides of the host and prefix lists are everybody's; a packet
// to a public address of this host turns back in, so which addresses are public matters to every
// VPC with an internet gateway. A walk that turned back into another VPC is never remembered
// (dataplane/stage/admit.cc), and one that came from the internet is judged by where it ended
// (dataplane/stage/walk_generation.h).
#include <set>
#include <string_view>

#include "control/compile/passes.h"

namespace sluice {
namespace {

// The VPCs that something changed in, by id; or everything.
struct Changed {
  std::set<std::string> vpc_ids;
  bool everything = false;
};

template <typename Object>
void AddVpcOf(const Object* object, Changed& changed) {
  if (object != nullptr && !object->vpc_id.empty()) {
    changed.vpc_ids.insert(object->vpc_id);
  }
}

void AddVpcsOf(const VpcPeering* peering, Changed& changed) {
  if (peering != nullptr) {
    changed.vpc_ids.insert(peering->requester_vpc_id);
    changed.vpc_ids.insert(peering->accepter_vpc_id);
  }
}

// The VPC of `id` in one of the two configurations that `change` is between.
void AddPlace(const ValidatedIntent& intent, std::string_view list, const std::string& id,
              Changed& changed) {
  if (list == "Vpcs") {
    changed.vpc_ids.insert(id);
  } else if (list == "Subnets") {
    AddVpcOf(intent.FindSubnet(id), changed);
  } else if (list == "RouteTables") {
    AddVpcOf(intent.FindRouteTable(id), changed);
  } else if (list == "InternetGateways") {
    AddVpcOf(intent.FindInternetGateway(id), changed);
  } else if (list == "NatGateways") {
    AddVpcOf(intent.FindNatGateway(id), changed);
  } else if (list == "NetworkAcls") {
    AddVpcOf(intent.FindNetworkAcl(id), changed);
  } else if (list == "SecurityGroups") {
    AddVpcOf(intent.FindSecurityGroup(id), changed);
  } else if (list == "NetworkInterfaces") {
    AddVpcOf(intent.FindNetworkInterface(id), changed);
  } else if (list == "VpcEndpoints") {
    AddVpcOf(intent.FindVpcEndpoint(id), changed);
  } else if (list == "VpcPeeringConnections") {
    AddVpcsOf(intent.FindVpcPeering(id), changed);
  } else if (list != "Addresses" && list != "DhcpOptions" && list != "FlowLogs") {
    // Prefix lists, the host. What an Elastic IP means stands with its interface; no walk asks for
    // flow logs, so switching them on costs no session its way (AWS-FL-18).
    changed.everything = true;
  }
}

void AddPeers(const ValidatedIntent& intent, const std::set<std::string>& of, Changed& changed) {
  for (const VpcPeering& peering : intent.intent().vpc_peerings) {
    if (of.count(peering.requester_vpc_id) != 0 || of.count(peering.accepter_vpc_id) != 0) {
      AddVpcsOf(&peering, changed);
    }
  }
}

Changed VpcsReached(const ValidatedIntent& before, const ValidatedIntent& after,
                    const std::vector<IntentChange>& changes) {
  Changed changed;
  for (const IntentChange& change : changes) {
    AddPlace(before, change.list, change.object_id, changed);
    AddPlace(after, change.list, change.object_id, changed);
  }
  const std::set<std::string> directly = changed.vpc_ids;
  AddPeers(before, directly, changed);
  AddPeers(after, directly, changed);
  return changed;
}

template <typename Rows>
std::set<uint32_t> PublicAddresses(const Rows& rows) {
  std::set<uint32_t> addresses;
  for (const PublicAddressRow& row : rows) {
    addresses.insert(row.public_ip.value);
  }
  addresses.erase(0);  // the filler of an empty array
  return addresses;
}

}  // namespace

std::vector<uint32_t> WalkGenerations(const SnapshotDraft& draft, const CompiledConfig* before,
                                      const std::vector<IntentChange>& changes,
                                      uint32_t generation) {
  std::vector<uint32_t> generations(draft.interfaces.size(), generation);
  if (before == nullptr) {
    return generations;
  }
  const Changed changed = VpcsReached(*before->intent, draft.intent, changes);
  if (changed.everything) {
    return generations;
  }
  const bool same_public = PublicAddresses(draft.public_addresses) ==
                           PublicAddresses(before->snapshot->public_addresses.span());
  std::vector<bool> kept(draft.vpcs.size());
  for (const auto& [id, idx] : draft.vpc_idx) {
    const bool to_internet = draft.vpcs[idx.index()].has_internet_gateway != 0;
    kept[idx.index()] = changed.vpc_ids.count(id) == 0 && (same_public || !to_internet);
  }
  const std::span<const uint32_t> old = before->snapshot->walk_generation.span();
  for (size_t i = 0; i < draft.interfaces.size() && i < old.size(); ++i) {
    const VpcIdx vpc = draft.interfaces[i].vpc;
    if (vpc.has_value() && kept[vpc.index()]) {
      generations[i] = old[i];
    }
  }
  return generations;
}

}  // namespace sluice
