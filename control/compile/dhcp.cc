#include <algorithm>

#include "control/compile/passes.h"

namespace sluice {
namespace {

constexpr std::string_view kAmazonDns = "AmazonProvidedDNS";

void CompileOptionSet(const DhcpOptions& options, Ipv4Address resolver, DhcpRow& row) {
  row.domain_bytes =
      static_cast<uint8_t>(std::min<size_t>(options.domain_name.size(), DhcpRow::kMaxDomainBytes));
  std::copy_n(options.domain_name.begin(), row.domain_bytes, row.domain.begin());
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
    }
  }
}

}  // namespace sluice
