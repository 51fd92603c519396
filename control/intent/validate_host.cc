// Host: ports, attachments and sides that fit each other and the configuration; or the one that is
// implied when none is written (interface.md §3).
#include <map>
#include <set>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr std::string_view kHost = "Host";

JsonValue Element(JsonValue list, size_t index) {
  JsonValue element = list.IsArray() ? list.FirstChild() : JsonValue();
  for (; index > 0 && element.exists(); --index) {
    element = element.NextSibling();
  }
  return element;
}

class HostValidator {
 public:
  explicit HostValidator(Validation& v)
      : v_(v), host_(*v.draft.host), origin_(v.draft.host_origin) {}

  void Run() {
    CheckPorts();
    if (host_.uplink) {
      CheckSide(*host_.uplink, origin_.Find("Uplink"));
    }
    const JsonValue services = origin_.Find("Services");
    for (size_t i = 0; i < host_.services.size(); ++i) {
      const JsonValue where = services.IsArray() ? Element(services, i) : services;
      CheckSide(host_.services[i], where);
      CheckEndpoint(host_.services[i], where);
    }
    CheckAttachments();
    CheckUncarried();
  }

 private:
  using Link = std::pair<std::string, uint16_t>;  // port and VLAN

  void Error(JsonValue where, std::string what) {
    v_.issues.Error(where.exists() ? where : origin_, kHost, std::move(what));
  }
  static JsonValue In(JsonValue object, std::string_view member) {
    const JsonValue value = object.Find(member);
    return value.exists() ? value : object;
  }

  void CheckPorts() {
    std::set<std::string> devices;
    JsonValue where = Element(origin_.Find("Ports"), 0);
    for (const HostPort& port : host_.ports) {
      if (!ports_.insert(port.name).second) {
        Error(In(where, "Name"), "there is another port \"" + port.name + "\"");
      }
      if (!port.device.empty() && !devices.insert(port.device).second) {
        Error(In(where, "Device"), "another port has the device \"" + port.device + "\"");
      }
      where = where.exists() ? where.NextSibling() : where;
    }
  }

  bool CheckPort(JsonValue where, const std::string& port) {
    if (ports_.count(port) == 0 && !port.empty()) {
      NearestName nearest(port);
      for (const std::string& known : ports_) {
        nearest.Offer(known);
      }
      Error(In(where, "Port"), "there is no port \"" + port + "\"" +
                                   nearest.Advice(": list it under Host.Ports, or name another"));
      return false;
    }
    return !port.empty();
  }

  void CheckSide(const HostSide& side, JsonValue where) {
    if (CheckPort(where, side.port)) {
      sides_.insert({side.port, side.vlan});
      const bool is_uplink = host_.uplink && &side == &*host_.uplink;
      if (host_.uplink && !is_uplink && host_.uplink->port == side.port &&
          host_.uplink->vlan == side.vlan) {
        Error(In(where, "Port"), "Uplink uses port \"" + side.port +
                                     "\" with the same VLAN: give Services a port or a VLAN of "
                                     "its own");
      }
    }
    const Ipv4Prefix& address = side.address;
    if (address.address == Ipv4Address() || side.next_hop == Ipv4Address()) {
      return;  // refused already
    }
    const bool has_broadcast = address.length < 31;
    const auto usable = [&](Ipv4Address a) {
      return address.Contains(a) &&
             !(has_broadcast && (a == address.First() || a == address.Last()));
    };
    if (!usable(address.address)) {
      Error(In(where, "Address"), ToString(address) + " is not the address of a host");
    }
    if (!usable(side.next_hop) || side.next_hop == address.address) {
      Error(In(where, "NextHop"),
            ToString(side.next_hop) + " is not another host of " + ToString(address.Canonical()));
    }
  }

  void CheckEndpoint(const HostSide& side, JsonValue where) {
    if (side.endpoint_ids.empty()) {
      if (!endpoints_.insert("").second) {
        Error(where, "only one entry of Services may leave out VpcEndpointId");
      }
      return;
    }
    for (const std::string& id : side.endpoint_ids) {
      const Drafted<VpcEndpoint>* endpoint = v_.vpc_endpoints.Find(id);
      if ((endpoint == nullptr || !endpoint->value.is_gateway) &&
          v_.draft.ignored_ids.count(id) == 0) {
        Error(In(where, "VpcEndpointId"), "there is no gateway endpoint " + id);
      }
      if (!endpoints_.insert(id).second) {
        Error(In(where, "VpcEndpointId"), id + " has another entry");
      }
    }
  }

  void CheckAttachments() {
    std::map<std::string, std::string> port_of;
    std::map<std::pair<Link, MacAddress>, std::string> by_mac;
    JsonValue where = Element(origin_.Find("Attachments"), 0);
    for (const HostAttachment& attachment : host_.attachments) {
      const std::string& id = attachment.network_interface_id;
      const Link link{attachment.port, attachment.vlan};
      const DraftedInterface* eni = v_.network_interfaces.Find(id);
      CheckPort(where, attachment.port);
      if (eni == nullptr) {
        if (!id.empty() && v_.draft.ignored_ids.count(id) == 0) {
          v_.issues.Error(
              In(where, "NetworkInterfaceId"), kHost,
              v_.network_interfaces.ThereIsNo("network interface", id, "NetworkInterfaces"),
              "InvalidNetworkInterfaceID.NotFound");
        }
      } else if (eni->value.kind == InterfaceKind::kNatGateway) {
        Error(In(where, "NetworkInterfaceId"),
              id + " belongs to a NAT gateway: the gateway is here, nothing is attached to it");
      } else if (eni->value.mac && !by_mac.emplace(std::pair(link, *eni->value.mac), id).second) {
        Error(where, id + " cannot be told from " + by_mac[std::pair(link, *eni->value.mac)] +
                         ": same port, VLAN and MAC address");
      }
      if (!id.empty() && !port_of.emplace(id, attachment.port).second) {
        Error(In(where, "NetworkInterfaceId"), id + " is attached already, to " + port_of[id]);
      }
      if (sides_.count(link) != 0) {
        Error(where, "Uplink or Services uses port \"" + attachment.port +
                         "\" with the same VLAN: an interface there cannot be told apart");
      }
      where = where.exists() ? where.NextSibling() : where;
    }
    attached_ = port_of.size();
  }

  void CheckUncarried() {
    for (const Drafted<InternetGateway>& igw : v_.draft.internet_gateways) {
      if (!igw.value.vpc_id.empty() && !host_.uplink) {
        v_.issues.WarnOnce("no uplink", origin_, kHost,
                           "no Uplink: nothing leaves through " + igw.value.id);
      }
    }
    std::set<std::string> attached;
    for (const HostAttachment& attachment : host_.attachments) {
      attached.insert(attachment.network_interface_id);
    }
    for (const DraftedInterface& eni : v_.draft.network_interfaces) {
      if (eni.value.kind == InterfaceKind::kOrdinary && attached.count(eni.value.id) == 0) {
        v_.issues.WarnOnce("unattached interface", origin_, kHost,
                           eni.value.id +
                               " is attached to no port: nobody can reach it, nor any "
                               "other interface without an attachment");
      }
    }
  }

  Validation& v_;
  const Host& host_;
  JsonValue origin_;
  std::set<std::string> ports_;
  std::set<Link> sides_;
  std::set<std::string> endpoints_;
  size_t attached_ = 0;
};

// Sides without a wire: in replay and in tests a port is just its name.
HostSide ImpliedSide(const std::string& port, Ipv4Address address, Ipv4Address next_hop) {
  HostSide side;
  side.port = port;
  side.address = {address, 24};
  side.next_hop = next_hop;
  return side;
}

Host ImpliedHost(const Validation& v) {
  Host host;
  std::set<std::string> names = {"internet", "services"};
  for (const DraftedInterface& eni : v.draft.network_interfaces) {
    if (eni.value.kind == InterfaceKind::kNatGateway || !names.insert(eni.value.id).second) {
      continue;
    }
    HostPort port;
    port.name = eni.value.id;
    host.ports.push_back(std::move(port));
    host.attachments.push_back({eni.value.id, eni.value.id, 0});
  }
  HostPort internet;
  internet.name = "internet";
  HostPort services;
  services.name = "services";
  host.ports.push_back(std::move(internet));
  host.ports.push_back(std::move(services));
  host.uplink = ImpliedSide("internet", Ipv4Address(198, 51, 100, 2), Ipv4Address(198, 51, 100, 1));
  host.services.push_back(
      ImpliedSide("services", Ipv4Address(192, 0, 2, 2), Ipv4Address(192, 0, 2, 1)));
  return host;
}

}  // namespace

void ValidateHost(Validation& v) {
  v.host_was_written = v.draft.host.has_value();
  if (v.host_was_written) {
    HostValidator(v).Run();
  } else {
    v.draft.host = ImpliedHost(v);
  }
}

}  // namespace sluice
