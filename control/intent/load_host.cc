// Host: how this machine carries the configuration (interface.md §3).
#include "control/intent/loaders.h"

namespace sluice {
namespace {

constexpr std::string_view kHost = "Host";
constexpr int64_t kMinMtu = 68;  // RFC 791: every link carries this
constexpr int64_t kMaxMtu = 65535;
constexpr int64_t kMaxWorkers = 64;                 // as many as sluiced can start
constexpr int64_t kMaxSessions = int64_t{1} << 29;  // as many as a table can have

uint16_t ReadVlan(ObjectReader& reader) {
  return static_cast<uint16_t>(reader.Integer("Vlan", 1, 4094).value_or(0));
}

HostSide ReadSide(ObjectReader reader) {
  HostSide side;
  side.port = reader.RequiredString("Port");
  side.vlan = ReadVlan(reader);
  if (!reader.RequiredString("Address").empty()) {
    side.address = reader.Prefix("Address", true).value_or(Ipv4Prefix{});
  }
  if (!reader.RequiredString("NextHop").empty()) {
    side.next_hop = reader.Address("NextHop").value_or(Ipv4Address());
  }
  const std::string endpoint = reader.String("VpcEndpointId");
  if (!endpoint.empty()) {
    side.endpoint_ids.push_back(endpoint);
  }
  return side;
}

void ReadServices(ObjectReader& reader, JsonValue services, Host& host) {
  if (services.IsArray()) {
    for (const JsonValue element : reader.List("Services")) {
      host.services.push_back(ReadSide(reader.Nested(element, Shape::kHostSide)));
    }
  } else if (std::optional<ObjectReader> side = reader.Object("Services", Shape::kHostSide)) {
    host.services.push_back(ReadSide(*side));
  }
}

void ReadFlowLogFolder(ObjectReader& reader, JsonValue folder, Host& host) {
  if (!folder.IsObject()) {
    host.flow_log_folder = reader.String("FlowLogFolder");
    return;
  }
  for (JsonValue member = folder.FirstChild(); member.exists(); member = member.NextSibling()) {
    if (member.kind() != JsonKind::kString || member.AsString().empty()) {
      reader.Error("FlowLogFolder", "each LogDestination maps to a folder's name",
                   "InvalidParameterValue");
      continue;
    }
    host.flow_log_folder_for[std::string(member.Name())] = member.AsString();
  }
}

void ReadScalars(ObjectReader& reader, Host& host) {
  if (const auto workers = reader.Integer("Workers", 1, kMaxWorkers)) {
    host.workers = static_cast<uint32_t>(*workers);
  }
  if (const auto sessions = reader.Integer("MaxSessions", 1, kMaxSessions)) {
    host.max_sessions = static_cast<uint64_t>(*sessions);
  }
  if (const auto sessions = reader.Integer("MaxSessionsPerInterface", 1, kMaxSessions)) {
    host.max_sessions_per_interface = static_cast<uint32_t>(*sessions);
  }
  const std::string profile = reader.String("BehaviorProfile");
  if (!profile.empty() && profile != "aws") {
    reader.Error("BehaviorProfile", "\"" + profile + "\" is not a profile; aws is",
                 "InvalidParameterValue");
  }
  const std::string mac_text = reader.String("RouterMac");
  if (mac_text.empty()) {
    return;
  }
  const std::optional<MacAddress> mac = ParseMacAddress(mac_text);
  if (!mac || mac->IsMulticast() || mac->ToUint64() == 0) {
    reader.Error("RouterMac", "\"" + mac_text + "\" is not a unicast MAC address",
                 "InvalidParameterValue");
    return;
  }
  host.router_mac = *mac;
}

}  // namespace

void LoadHost(LoadContext& context, JsonValue object) {
  bool broken = false;
  ObjectReader reader(&context, object, Shape::kHost, kHost, &broken);
  Host host;
  for (const JsonValue element : reader.List("Ports")) {
    ObjectReader port = reader.Nested(element, Shape::kHostPort);
    HostPort value;
    value.name = port.RequiredString("Name");
    value.device = port.String("Device");
    if (const auto mtu = port.Integer("Mtu", kMinMtu, kMaxMtu)) {
      value.mtu = static_cast<uint16_t>(*mtu);
    }
    host.ports.push_back(std::move(value));
  }
  for (const JsonValue element : reader.List("Attachments")) {
    ObjectReader attachment = reader.Nested(element, Shape::kHostAttachment);
    HostAttachment value;
    value.network_interface_id = attachment.RequiredString("NetworkInterfaceId");
    value.port = attachment.RequiredString("Port");
    value.vlan = ReadVlan(attachment);
    if (const auto sessions = attachment.Integer("MaxSessions", 1, kMaxSessions)) {
      value.max_sessions = static_cast<uint32_t>(*sessions);
    }
    host.attachments.push_back(std::move(value));
  }
  if (std::optional<ObjectReader> uplink = reader.Object("Uplink", Shape::kHostSide)) {
    host.uplink = ReadSide(*uplink);
  }
  ReadServices(reader, object.Find("Services"), host);
  ReadFlowLogFolder(reader, object.Find("FlowLogFolder"), host);
  ReadScalars(reader, host);
  context.draft.host = std::move(host);
  context.draft.host_origin = object;
}

}  // namespace sluice
