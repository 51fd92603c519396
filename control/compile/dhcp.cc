#include <algorithm>

#include "control/compile/passes.h"

namespace sluice {
namespace {

constexpr std::string_view kAmazonDns = "AmazonProvidedDNS";

// What Amazon's own option set says: the region of the VPC's subnets, "eu-west-1a" lies in
// eu-west-1. Empty when no subnet names a zone.
std::string DefaultDomainName(const Intent& intent, const Vpc& vpc) {
  for (const Subnet& subnet : intent.subnets) {
    const std::string& zone = subnet.availability_zone;
    if (subnet.vpc_id == vpc.id && zone.size() >= 2) {
      const std::string region = zone.substr(0, zone.size() - 1);
      return region == "us-east-1" ? "ec2.internal" : region + ".compute.internal";
    }
  }
  return "";
}

void SetDomain(const std::string& name, DhcpRow& row) {
  row.domain_bytes = static_cast<uint8_t>(std::min<size_t>(name.size(), DhcpRow::kMaxDomainBytes));
  std::copy_n(name.begin(), row.domain_bytes, row.domain.begin());
}

void CompileOptionSet(const DhcpOptions& options, Ipv4Address resolver, DhcpRow& row) {
  SetDomain(options.domain_name, row);
  for (const std::string& server : options.domain_name_servers) {
    const std::optional<Ipv4Address> address =
        server == kAmazonDns ? resolver : ParseIpv4Address(server);
    if (address && row.dns_count < DhcpRow::kMaxServers) {
      row.dns[row.dns_count++] = *address;
    }
  }
  for (const Ipv4Address server : options.ntp_servers) {
    if (row.ntp_count < DhcpRow::kMaxServers) {
      row.ntp[row.ntp_count++] = server;
    }
  }
}

}  // namespace

void CompileDhcp(SnapshotDraft& draft) {
  draft.dhcp.resize(draft.vpcs.size());
  for (const Vpc& vpc : draft.intent.intent().vpcs) {
    const VpcIdx idx = draft.vpc_idx.at(vpc.id);
    DhcpRow& row = draft.dhcp[idx.index()];
    const Ipv4Address resolver = draft.vpcs[idx.index()].resolver;
    if (const DhcpOptions* options = draft.intent.FindDhcpOptions(vpc.dhcp_options_id)) {
      CompileOptionSet(*options, resolver, row);
    } else {
      row.dns[row.dns_count++] = resolver;
      SetDomain(DefaultDomainName(draft.intent.intent(), vpc), row);
    }
  }
}

}  // namespace sluice
