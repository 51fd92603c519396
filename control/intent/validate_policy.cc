// Peerings (AWS-PEER-01) and flow logs (AWS-FL-01).
#include <map>
#include <set>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr size_t kPeeringQuota = 50;

const std::vector<Ipv4Prefix>& CidrsOf(Validation& v, const std::string& vpc_id,
                                       const std::vector<Ipv4Prefix>& said) {
  const Drafted<Vpc>* vpc = v.vpcs.Find(vpc_id);
  return vpc == nullptr ? said : vpc->value.cidrs;
}

void ValidatePeering(Validation& v, const Drafted<VpcPeering>& draft) {
  const VpcPeering& p = draft.value;
  if (draft.broken) {
    return;
  }
  int known = 0;
  const auto check_side = [&](std::string_view member, const std::string& vpc_id) {
    if (v.vpcs.Find(vpc_id) != nullptr) {
      ++known;
    } else {
      v.issues.Warning(draft.Member(member), p.id,
                       vpc_id.empty() ? "this side of the peering is not said"
                                      : "there is no VPC " + vpc_id + ": its side is not carried");
    }
  };
  check_side("RequesterVpcInfo", p.requester_vpc_id);
  check_side("AccepterVpcInfo", p.accepter_vpc_id);
  if (known == 2 && p.requester_vpc_id == p.accepter_vpc_id) {
    v.issues.Error(draft.origin, p.id, "a VPC does not peer with itself", "InvalidParameterValue");
    return;
  }
  for (const Ipv4Prefix& a : CidrsOf(v, p.requester_vpc_id, p.requester_cidrs)) {
    for (const Ipv4Prefix& b : CidrsOf(v, p.accepter_vpc_id, p.accepter_cidrs)) {
      if (a.Overlaps(b)) {
        v.issues.Error(draft.origin, p.id,
                       ToString(a) + " of " + p.requester_vpc_id + " overlaps " + ToString(b) +
                           " of " + p.accepter_vpc_id + ": such VPCs cannot be peered",
                       "OverlappingVpcCidrs");
      }
    }
  }
}

}  // namespace

void ValidatePeerings(Validation& v) {
  std::map<std::string, size_t> count_of;
  for (const Drafted<VpcPeering>& peering : v.draft.vpc_peerings) {
    ValidatePeering(v, peering);
    for (const std::string& vpc_id :
         {peering.value.requester_vpc_id, peering.value.accepter_vpc_id}) {
      if (++count_of[vpc_id] == kPeeringQuota + 1) {
        v.context.Quota(peering.origin, vpc_id, "more than 50 peerings: AWS's default quota",
                        "ActiveVpcPeeringConnectionPerVpcLimitExceeded");
      }
    }
  }
}

void ValidateFlowLogs(Validation& v) {
  std::vector<Drafted<FlowLog>> kept;
  for (Drafted<FlowLog>& draft : v.draft.flow_logs) {
    const std::string& id = draft.value.resource_id;
    const bool known = v.vpcs.Find(id) != nullptr || v.subnets.Find(id) != nullptr ||
                       v.network_interfaces.Find(id) != nullptr;
    if (!known && (id.rfind("tgw-", 0) == 0 || v.draft.ignored_ids.count(id) != 0)) {
      v.issues.WarnOnce("flow log resource", draft.origin, draft.value.id,
                        "flow logs of " + id +
                            " are not written: ignored, and so is every other "
                            "of a resource that is not carried");
      continue;
    }
    if (!known && !id.empty()) {
      v.issues.Error(draft.Member("ResourceId"), draft.value.id,
                     "there is no VPC, subnet or network interface " + id, "InvalidParameterValue");
    }
    kept.push_back(std::move(draft));
  }
  v.draft.flow_logs = std::move(kept);
  std::set<std::string> dhcp_options;
  for (const Drafted<DhcpOptions>& options : v.draft.dhcp_options) {
    dhcp_options.insert(options.value.id);
  }
  for (Drafted<Vpc>& vpc : v.draft.vpcs) {
    std::string& id = vpc.value.dhcp_options_id;
    if (!id.empty() && id != "default" && dhcp_options.count(id) == 0) {
      v.issues.WarnOnce("absent DHCP options", vpc.Member("DhcpOptionsId"), vpc.value.id,
                        "there are no DHCP options " + id +
                            ": AWS's default set is used, as for every other absent one");
      id.clear();
    }
  }
}

}  // namespace sluice
