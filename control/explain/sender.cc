#include "control/explain/sender.h"

#include <vector>

namespace sluice {

SenderFinding FindSender(const ValidatedIntent& intent, std::string_view port, uint16_t vlan,
                         const MacAddress& source) {
  const Host& host = intent.host();
  const auto is_here = [&](const auto& place) { return place.port == port && place.vlan == vlan; };
  SenderFinding finding;
  if (host.uplink.has_value() && is_here(*host.uplink)) {
    finding.port_is_known = finding.mac_is_right = true;
    finding.origin = ArrivalOrigin{.kind = ArrivalOrigin::Kind::kUplink};
    return finding;
  }
  for (size_t i = 0; i < host.services.size(); ++i) {
    if (is_here(host.services[i])) {
      finding.port_is_known = finding.mac_is_right = true;
      finding.origin = ArrivalOrigin{.kind = ArrivalOrigin::Kind::kServices, .services_index = i};
      return finding;
    }
  }
  std::vector<const NetworkInterface*> candidates;
  for (const HostAttachment& attachment : host.attachments) {
    if (is_here(attachment)) {
      candidates.push_back(intent.FindNetworkInterface(attachment.network_interface_id));
    }
  }
  finding.port_is_known = !candidates.empty();
  for (const NetworkInterface* candidate : candidates) {
    const bool has_mac = candidate != nullptr && candidate->mac == source;
    if (has_mac || (candidate != nullptr && candidates.size() == 1)) {
      finding.mac_is_right = has_mac;
      finding.eni = candidate;
      finding.origin =
          ArrivalOrigin{.kind = ArrivalOrigin::Kind::kInterface, .eni_id = candidate->id};
      return finding;
    }
  }
  return finding;
}

}  // namespace sluice
