// What every VPC has: a main route table, a default network ACL, a default security group, and for
// every subnet exactly one table and one ACL (AWS-RT-01, AWS-NACL-01, AWS-SG-02).
#include <map>
#include <set>
#include <string>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr NaclRule kAllowAll{100, kAllProtocols, Ipv4Prefix{}, PortRange{}, true};

void CompleteMainTables(Validation& v) {
  std::map<std::string, std::string> main_of;
  for (const DraftedRouteTable& table : v.draft.route_tables) {
    v.RequireVpc(table);
    if (!table.value.main) {
      continue;
    }
    const auto [first, inserted] = main_of.try_emplace(table.value.vpc_id, table.value.id);
    if (!inserted) {
      v.issues.Error(table.Member("Associations"), table.value.id,
                     "the VPC has a main route table already: " + first->second,
                     "Resource.AlreadyAssociated");
    }
    if (!table.value.gateway_id.empty()) {
      v.issues.Error(table.Member("Associations"), table.value.id,
                     "a gateway route table cannot be the main one", "InvalidParameterValue");
    }
  }
  for (const Drafted<Vpc>& vpc : v.draft.vpcs) {
    const auto [main, missing] = main_of.try_emplace(vpc.value.id);
    if (missing) {
      DraftedRouteTable table;
      table.value.id = v.route_tables.FreeId("rtb-main-" + vpc.value.id);
      table.value.vpc_id = vpc.value.id;
      table.value.main = true;
      main->second = table.value.id;
      v.route_tables.Add(std::move(table));
    }
  }
  for (Drafted<Subnet>& subnet : v.draft.subnets) {
    const auto main = main_of.find(subnet.value.vpc_id);
    subnet.value.route_table_id = main == main_of.end() ? "" : main->second;
  }
}

void CompleteDefaultAcls(Validation& v) {
  std::map<std::string, std::string> default_of;
  for (const DraftedNetworkAcl& acl : v.draft.network_acls) {
    v.RequireVpc(acl);
    if (!acl.value.is_default) {
      continue;
    }
    const auto [first, inserted] = default_of.try_emplace(acl.value.vpc_id, acl.value.id);
    if (!inserted) {
      v.issues.Error(acl.Member("IsDefault"), acl.value.id,
                     "the VPC has a default network ACL already: " + first->second,
                     "InvalidParameterValue");
    }
  }
  for (const Drafted<Vpc>& vpc : v.draft.vpcs) {
    const auto [entry, missing] = default_of.try_emplace(vpc.value.id);
    if (missing) {
      DraftedNetworkAcl acl;
      acl.value.id = v.network_acls.FreeId("acl-default-" + vpc.value.id);
      acl.value.vpc_id = vpc.value.id;
      acl.value.is_default = true;
      acl.value.ingress = {kAllowAll};
      acl.value.egress = {kAllowAll};
      acl.ingress_origins.resize(1);
      acl.egress_origins.resize(1);
      entry->second = acl.value.id;
      v.network_acls.Add(std::move(acl));
    }
  }
  for (Drafted<Subnet>& subnet : v.draft.subnets) {
    const auto found = default_of.find(subnet.value.vpc_id);
    subnet.value.network_acl_id = found == default_of.end() ? "" : found->second;
  }
}

void CompleteDefaultGroups(Validation& v) {
  std::set<std::string> have_one;
  for (const DraftedSecurityGroup& group : v.draft.security_groups) {
    v.RequireVpc(group);
    if (group.value.is_default) {
      have_one.insert(group.value.vpc_id);
    }
  }
  for (const Drafted<Vpc>& vpc : v.draft.vpcs) {
    if (have_one.count(vpc.value.id) != 0) {
      continue;
    }
    DraftedSecurityGroup group;
    group.value.id = v.security_groups.FreeId("sg-default-" + vpc.value.id);
    group.value.vpc_id = vpc.value.id;
    group.value.name = "default";
    group.value.is_default = true;
    SecurityGroupRule from_itself;
    from_itself.group_id = group.value.id;
    SecurityGroupRule to_everyone;
    to_everyone.cidr = Ipv4Prefix{};
    group.value.ingress.push_back(std::move(from_itself));
    group.value.egress.push_back(std::move(to_everyone));
    group.ingress_origins.resize(1);
    group.egress_origins.resize(1);
    v.security_groups.Add(std::move(group));
  }
}

// Gives each named subnet to the object; findings for unknown, foreign and twice-named subnets.
template <class D>
void Associate(Validation& v, const D& owner, std::string Subnet::*member,
               std::map<std::string, std::string>& owner_of) {
  for (const std::string& subnet_id : owner.value.subnet_ids) {
    Drafted<Subnet>* subnet = v.subnets.Find(subnet_id);
    const JsonValue where = owner.Member("Associations");
    if (subnet == nullptr) {
      if (v.draft.ignored_ids.count(subnet_id) == 0) {
        v.issues.Error(where, owner.value.id, v.subnets.ThereIsNo("subnet", subnet_id, "Subnets"),
                       "InvalidSubnetID.NotFound");
      }
      continue;
    }
    if (subnet->value.vpc_id != owner.value.vpc_id) {
      v.issues.Error(
          where, owner.value.id,
          subnet_id + " belongs to " + subnet->value.vpc_id + ", not to " + owner.value.vpc_id,
          "InvalidParameterValue");
      continue;
    }
    const auto [first, inserted] = owner_of.try_emplace(subnet_id, owner.value.id);
    if (!inserted && first->second != owner.value.id) {
      v.issues.Error(where, owner.value.id,
                     subnet_id + " is associated with " + first->second + " already",
                     "Resource.AlreadyAssociated");
      continue;
    }
    subnet->value.*member = owner.value.id;
  }
}

}  // namespace

void CompleteVpcDefaults(Validation& v) {
  CompleteMainTables(v);
  CompleteDefaultAcls(v);
  CompleteDefaultGroups(v);
  std::map<std::string, std::string> table_of;
  for (const DraftedRouteTable& table : v.draft.route_tables) {
    Associate(v, table, &Subnet::route_table_id, table_of);
  }
  std::map<std::string, std::string> acl_of;
  for (const DraftedNetworkAcl& acl : v.draft.network_acls) {
    Associate(v, acl, &Subnet::network_acl_id, acl_of);
  }
}

}  // namespace sluice
