#include "control/telemetry/counters.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <numeric>

#include "control/telemetry/text_table.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

// Keeps the order in which keys are written.
using Json = nlohmann::ordered_json;

// Never throws: bytes of a name that are no UTF-8 are replaced.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

uint64_t Sum(const ReasonCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

PortReport TotalOf(const std::vector<PortReport>& ports) {
  PortReport total;
  total.name = "total";
  for (const PortReport& port : ports) {
    total.received += port.received;
    total.forwarded += port.forwarded;
    total.held += port.held;
    total.unsettled |= port.unsettled;
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      total.consumed[i] += port.consumed[i];
      total.dropped[i] += port.dropped[i];
    }
  }
  return total;
}

Json ReasonsJson(const ReasonCounts& counts) {
  Json json = Json::object();
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    json[std::string(DropReasonName(static_cast<DropReason>(i)))] = counts[i];
  }
  return json;
}

Json FatesJson(const PortReport& port) {
  return {{"received", port.received},
          {"forwarded", port.forwarded},
          {"consumed", port.ConsumedTotal()},
          {"dropped", port.DroppedTotal()},
          {"held", port.held},
          {"balances", !port.Balances() && port.unsettled ? Json() : Json(port.Balances())},
          {"dropped_by", ReasonsJson(port.dropped)},
          {"consumed_by", ReasonsJson(port.consumed)}};
}

void AddReasonRows(const PortReport& port, std::string_view verdict, const ReasonCounts& counts,
                   TextTable* table) {
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    if (counts[i] != 0) {
      table->AddRow({port.name, std::string(verdict),
                     std::string(DropReasonName(static_cast<DropReason>(i))),
                     std::to_string(counts[i])});
    }
  }
}

void AddIdentityRow(const PortReport& port, TextTable* table) {
  table->AddRow({port.name, std::to_string(port.received), std::to_string(port.forwarded),
                 std::to_string(port.ConsumedTotal()), std::to_string(port.DroppedTotal()),
                 std::to_string(port.held),
                 port.Balances()  ? "yes"
                 : port.unsettled ? "counting"
                                  : "NO"});
}

double Ratio(uint64_t value, uint64_t by) {
  return by == 0 ? 0.0 : static_cast<double>(value) / static_cast<double>(by);
}

double NanosPerPacket(const StageReport& stage, double ticks_per_ns) {
  return ticks_per_ns > 0 ? Ratio(stage.ticks, stage.packets) / ticks_per_ns : 0.0;
}

bool IsTimed(const StageReport& stage) {
  return stage.ticks != 0 && stage.packets != 0;
}

std::string DestinationText(uint8_t protocol, Ipv4Address address, uint16_t l4_port) {
  const bool has_port = protocol == kProtocolTcp || protocol == kProtocolUdp;
  return ToString(address) + (has_port ? ":" + std::to_string(l4_port) : "");
}

std::string ProtocolText(uint8_t protocol) {
  switch (protocol) {
    case kProtocolIcmp:
      return "icmp";
    case kProtocolTcp:
      return "tcp";
    case kProtocolUdp:
      return "udp";
    default:
      return std::to_string(protocol);
  }
}

std::string SourceText(uint8_t protocol, Ipv4Address address, uint16_t l4_port) {
  return protocol == kProtocolIcmp ? ToString(address) + " id " + std::to_string(l4_port)
                                   : DestinationText(protocol, address, l4_port);
}

std::string RowsShown(size_t shown, uint64_t matched, std::string_view what) {
  return std::to_string(shown) + " of " + std::to_string(matched) + " " + std::string(what) + "\n";
}

std::string UtcText(int64_t seconds) {
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace

uint64_t PortReport::ConsumedTotal() const {
  return Sum(consumed);
}
uint64_t PortReport::DroppedTotal() const {
  return Sum(dropped);
}
bool PortReport::Balances() const {
  return received == forwarded + ConsumedTotal() + DroppedTotal() + held;
}

std::string DropsText(const std::vector<PortReport>& ports) {
  TextTable reasons({"PORT", "VERDICT", "REASON", ">PKTS"});
  TextTable identity(
      {"PORT", ">RECEIVED", ">FORWARDED", ">CONSUMED", ">DROPPED", ">HELD", "BALANCES"});
  for (const PortReport& port : ports) {
    AddReasonRows(port, "drop", port.dropped, &reasons);
    AddReasonRows(port, "consume", port.consumed, &reasons);
    AddIdentityRow(port, &identity);
  }
  AddIdentityRow(TotalOf(ports), &identity);
  return reasons.ToString() + "\n" + identity.ToString();
}

std::string DropsJson(const std::vector<PortReport>& ports) {
  Json list = Json::array();
  for (const PortReport& port : ports) {
    Json row = {{"port", port.name}};
    row.update(FatesJson(port));
    list.push_back(std::move(row));
  }
  return Dump({{"ports", std::move(list)}, {"total", FatesJson(TotalOf(ports))}});
}

std::string PortsText(const std::vector<PortReport>& ports) {
  TextTable table({"PORT", "DEVICE", "DRIVER", "LINK", ">MTU", ">RX-PKTS", ">RX-BYTES", ">TX-PKTS",
                   ">TX-BYTES", ">DROPPED", ">RX-MISSED", ">TX-FULL", ">EXTRA-FRAGMENTS",
                   ">ORIGINATED", ">EMIT-DROPS"});
  for (const PortReport& p : ports) {
    table.AddRow({p.name, p.device.device, p.device.driver, p.device.link_up ? "up" : "down",
                  std::to_string(p.device.mtu_bytes), std::to_string(p.received),
                  std::to_string(p.received_bytes), std::to_string(p.sent),
                  std::to_string(p.sent_bytes), std::to_string(p.DroppedTotal()),
                  std::to_string(p.device.rx_missed + p.device.rx_no_mbuf),
                  std::to_string(p.tx_full), std::to_string(p.extra_fragments),
                  std::to_string(p.originated), std::to_string(p.emit_drops)});
  }
  return table.ToString();
}

std::string PortsJson(const std::vector<PortReport>& ports) {
  Json list = Json::array();
  for (const PortReport& p : ports) {
    list.push_back({{"port", p.name},
                    {"device", p.device.device},
                    {"driver", p.device.driver},
                    {"link_up", p.device.link_up},
                    {"mtu", p.device.mtu_bytes},
                    {"rx_queues", p.device.rx_queues},
                    {"tx_queues", p.device.tx_queues},
                    {"received", p.received},
                    {"received_bytes", p.received_bytes},
                    {"sent", p.sent},
                    {"sent_bytes", p.sent_bytes},
                    {"dropped", p.DroppedTotal()},
                    {"rx_missed", p.device.rx_missed},
                    {"rx_no_mbuf", p.device.rx_no_mbuf},
                    {"rx_errors", p.device.rx_errors},
                    {"tx_errors", p.device.tx_errors},
                    {"tx_full", p.tx_full},
                    {"extra_fragments", p.extra_fragments},
                    {"originated", p.originated},
                    {"emit_drops", p.emit_drops}});
  }
  return Dump({{"ports", std::move(list)}});
}

std::string StagesText(const std::vector<StageReport>& stages, double ticks_per_ns) {
  TextTable table({"STAGE", ">CALLS", ">PKTS", ">PKTS/CALL", ">NS/PKT", ">CYCLES/PKT"});
  for (const StageReport& s : stages) {
    table.AddRow({s.name, std::to_string(s.calls), std::to_string(s.packets),
                  s.calls == 0 ? "" : FixedPoint(Ratio(s.packets, s.calls), 1),
                  IsTimed(s) ? FixedPoint(NanosPerPacket(s, ticks_per_ns), 1) : "",
                  IsTimed(s) ? FixedPoint(Ratio(s.ticks, s.packets), 1) : ""});
  }
  return table.ToString();
}

std::string StagesJson(const std::vector<StageReport>& stages, double ticks_per_ns) {
  Json list = Json::array();
  for (const StageReport& s : stages) {
    list.push_back({{"stage", s.name},
                    {"calls", s.calls},
                    {"packets", s.packets},
                    {"packets_per_call", s.calls == 0 ? Json() : Json(Ratio(s.packets, s.calls))},
                    {"ns_per_packet", IsTimed(s) ? Json(NanosPerPacket(s, ticks_per_ns)) : Json()},
                    {"cycles_per_packet", IsTimed(s) ? Json(Ratio(s.ticks, s.packets)) : Json()}});
  }
  return Dump({{"stages", std::move(list)}});
}

std::string InterfacesText(const std::vector<InterfaceReport>& interfaces, uint64_t matched) {
  TextTable table({"ENI", "VPC", "SUBNET", "PORT", ">VLAN", "ADDRESS", "MAC", ">SESSIONS"});
  for (const InterfaceReport& i : interfaces) {
    table.AddRow({i.eni_id, i.vpc_id, i.subnet_id, i.port,
                  i.vlan == 0 ? "" : std::to_string(i.vlan), ToString(i.primary), i.mac,
                  std::to_string(i.sessions)});
  }
  return table.ToString() + RowsShown(interfaces.size(), matched, "interfaces");
}

std::string InterfacesJson(const std::vector<InterfaceReport>& interfaces, uint64_t matched) {
  Json list = Json::array();
  for (const InterfaceReport& i : interfaces) {
    list.push_back({{"eni", i.eni_id},
                    {"vpc", i.vpc_id},
                    {"subnet", i.subnet_id},
                    {"port", i.port.empty() ? Json(nullptr) : Json(i.port)},
                    {"vlan", i.vlan == 0 ? Json(nullptr) : Json(i.vlan)},
                    {"address", ToString(i.primary)},
                    {"mac", i.mac},
                    {"sessions", i.sessions},
                    {"conntrack_allowance_available", i.conntrack_allowance_available},
                    {"conntrack_allowance_exceeded", i.conntrack_allowance_exceeded}});
  }
  return Dump({{"interfaces", std::move(list)}, {"matched", matched}});
}

std::string SessionsText(const std::vector<SessionReport>& sessions, uint64_t matched) {
  TextTable table({"FROM", "TO", ">PROTO", "SOURCE", "DESTINATION", "NEW-SOURCE", "NEW-DESTINATION",
                   "NAT", "STATE", "TRACKED", ">IDLE-MS"});
  for (const SessionReport& s : sessions) {
    const bool same_src = s.src == s.new_src && s.src_l4_port == s.new_src_l4_port;
    const bool same_dst = s.dst == s.new_dst && s.dst_l4_port == s.new_dst_l4_port;
    table.AddRow({s.eni_id, s.responder, ProtocolText(s.protocol),
                  SourceText(s.protocol, s.src, s.src_l4_port),
                  DestinationText(s.protocol, s.dst, s.dst_l4_port),
                  same_src ? "" : SourceText(s.protocol, s.new_src, s.new_src_l4_port),
                  same_dst ? "" : DestinationText(s.protocol, s.new_dst, s.new_dst_l4_port),
                  s.nat_gateway_id, s.state, s.tracked ? "yes" : "no", std::to_string(s.idle_ms)});
  }
  return table.ToString() + RowsShown(sessions.size(), matched, "sessions");
}

std::string SessionsJson(const std::vector<SessionReport>& sessions, uint64_t matched) {
  Json list = Json::array();
  for (const SessionReport& s : sessions) {
    list.push_back({{"eni", s.eni_id},
                    {"responder", s.responder},
                    {"nat_gateway", s.nat_gateway_id.empty() ? Json() : Json(s.nat_gateway_id)},
                    {"proto", s.protocol},
                    {"src", ToString(s.src)},
                    {"sport", s.src_l4_port},
                    {"dst", ToString(s.dst)},
                    {"dport", s.dst_l4_port},
                    {"new_src", ToString(s.new_src)},
                    {"new_sport", s.new_src_l4_port},
                    {"new_dst", ToString(s.new_dst)},
                    {"new_dport", s.new_dst_l4_port},
                    {"state", s.state},
                    {"tracked", s.tracked},
                    {"idle_ms", s.idle_ms}});
  }
  return Dump({{"sessions", std::move(list)}, {"matched", matched}});
}

uint64_t NatGatewayReport::PortsInUse() const {
  uint64_t ports = 0;
  for (const NatAddressReport& address : addresses) {
    ports += address.ports_in_use;
  }
  return ports;
}

std::string RoutesText(const std::vector<RouteReport>& routes, uint64_t matched) {
  TextTable table({"TABLE", "VPC", "DESTINATION", "PREFIX-LIST", "TARGET", "STATE", "ORIGIN"});
  for (const RouteReport& r : routes) {
    table.AddRow({r.route_table_id, r.vpc_id, ToString(r.destination), r.prefix_list_id, r.target,
                  r.blackhole ? "blackhole" : "active", r.origin});
  }
  return table.ToString() + RowsShown(routes.size(), matched, "routes");
}

std::string RoutesJson(const std::vector<RouteReport>& routes, uint64_t matched) {
  Json list = Json::array();
  for (const RouteReport& r : routes) {
    list.push_back({{"route_table", r.route_table_id},
                    {"vpc", r.vpc_id},
                    {"destination", ToString(r.destination)},
                    {"prefix_list", r.prefix_list_id.empty() ? Json() : Json(r.prefix_list_id)},
                    {"target", r.target},
                    {"state", r.blackhole ? "blackhole" : "active"},
                    {"origin", r.origin}});
  }
  return Dump({{"routes", std::move(list)}, {"matched", matched}});
}

std::span<const NatMetricName> NatMetricNames() {
  using M = NatGatewayMetrics;
  static constexpr NatMetricName kNames[] = {
      {"active_connection_count", "Active TCP connections through the NAT gateway.",
       &M::active_connection_count},
      {"bytes_in_from_destination", "Bytes the NAT gateway received from destinations.",
       &M::bytes_in_from_destination},
      {"bytes_in_from_source", "Bytes the NAT gateway received from clients behind it.",
       &M::bytes_in_from_source},
      {"bytes_out_to_destination", "Bytes that left through the NAT gateway to destinations.",
       &M::bytes_out_to_destination},
      {"bytes_out_to_source", "Bytes that left through the NAT gateway to clients behind it.",
       &M::bytes_out_to_source},
      {"connection_attempt_count", "TCP connections attempted through the NAT gateway.",
       &M::connection_attempt_count},
      {"connection_established_count", "TCP connections that a destination answered.",
       &M::connection_established_count},
      {"error_port_allocation", "Packets for which the NAT gateway found no free source port.",
       &M::error_port_allocation},
      {"idle_timeout_count", "TCP connections that were idle for more than 350 seconds.",
       &M::idle_timeout_count},
      {"packets_drop_count", "Packets the NAT gateway dropped.", &M::packets_drop_count},
      {"packets_in_from_destination", "Packets the NAT gateway received from destinations.",
       &M::packets_in_from_destination},
      {"packets_in_from_source", "Packets the NAT gateway received from clients behind it.",
       &M::packets_in_from_source},
      {"packets_out_to_destination", "Packets that left through the NAT gateway to destinations.",
       &M::packets_out_to_destination},
      {"packets_out_to_source", "Packets that left through the NAT gateway to clients behind it.",
       &M::packets_out_to_source},
  };
  return kNames;
}

namespace {

std::string NatConnectionsText(const std::vector<NatGatewayReport>& gateways) {
  TextTable table({"NAT-GATEWAY", ">ACTIVE", ">ATTEMPTED", ">ESTABLISHED", ">PORT-ERRORS",
                   ">IDLE-TIMEOUTS", ">DROPPED-PKTS"});
  for (const NatGatewayReport& g : gateways) {
    const NatGatewayMetrics& m = g.metrics;
    table.AddRow({g.nat_gateway_id, std::to_string(m.active_connection_count),
                  std::to_string(m.connection_attempt_count),
                  std::to_string(m.connection_established_count),
                  std::to_string(m.error_port_allocation), std::to_string(m.idle_timeout_count),
                  std::to_string(m.packets_drop_count)});
  }
  return table.ToString();
}

std::string NatTrafficText(const std::vector<NatGatewayReport>& gateways) {
  TextTable table(
      {"NAT-GATEWAY", "SIDE", ">PKTS-IN-FROM", ">BYTES-IN-FROM", ">PKTS-OUT-TO", ">BYTES-OUT-TO"});
  for (const NatGatewayReport& g : gateways) {
    const NatGatewayMetrics& m = g.metrics;
    table.AddRow({g.nat_gateway_id, "source", std::to_string(m.packets_in_from_source),
                  std::to_string(m.bytes_in_from_source), std::to_string(m.packets_out_to_source),
                  std::to_string(m.bytes_out_to_source)});
    table.AddRow({g.nat_gateway_id, "destination", std::to_string(m.packets_in_from_destination),
                  std::to_string(m.bytes_in_from_destination),
                  std::to_string(m.packets_out_to_destination),
                  std::to_string(m.bytes_out_to_destination)});
  }
  return table.ToString();
}

}  // namespace

std::string NatText(const std::vector<NatGatewayReport>& gateways, uint64_t matched,
                    uint64_t exhausted, uint64_t idle_timeouts) {
  TextTable table(
      {"NAT-GATEWAY", "VPC", "SUBNET", "CONNECTIVITY", "PRIVATE", "PUBLIC", ">PORTS-IN-USE"});
  for (const NatGatewayReport& g : gateways) {
    for (const NatAddressReport& a : g.addresses) {
      table.AddRow({g.nat_gateway_id, g.vpc_id, g.subnet_id, g.is_public ? "public" : "private",
                    ToString(a.private_ip), a.public_ip ? ToString(*a.public_ip) : "",
                    std::to_string(a.ports_in_use)});
    }
  }
  return table.ToString() + RowsShown(gateways.size(), matched, "NAT gateways") + "\n" +
         NatConnectionsText(gateways) + "\n" + NatTrafficText(gateways) + "\n" +
         std::to_string(exhausted) + " packets found no free port, " +
         std::to_string(idle_timeouts) + " came after the idle timeout of 350 s\n";
}

std::string NatJson(const std::vector<NatGatewayReport>& gateways, uint64_t matched,
                    uint64_t exhausted, uint64_t idle_timeouts) {
  Json list = Json::array();
  for (const NatGatewayReport& g : gateways) {
    Json addresses = Json::array();
    for (const NatAddressReport& a : g.addresses) {
      addresses.push_back({{"private", ToString(a.private_ip)},
                           {"public", a.public_ip ? Json(ToString(*a.public_ip)) : Json()},
                           {"ports_in_use", a.ports_in_use}});
    }
    Json row = {{"nat_gateway", g.nat_gateway_id},
                {"vpc", g.vpc_id},
                {"subnet", g.subnet_id},
                {"connectivity", g.is_public ? "public" : "private"},
                {"addresses", std::move(addresses)},
                {"ports_in_use", g.PortsInUse()}};
    for (const NatMetricName& metric : NatMetricNames()) {
      row[std::string(metric.name)] = g.metrics.*metric.value;
    }
    list.push_back(std::move(row));
  }
  return Dump({{"nat_gateways", std::move(list)},
               {"matched", matched},
               {"nat_ports_exhausted", exhausted},
               {"nat_idle_timeout", idle_timeouts}});
}

std::string GenerationsText(const std::vector<GenerationReport>& generations) {
  TextTable table({">GENERATION", "APPLIED", "RUNNING", "SUMMARY"});
  for (const GenerationReport& g : generations) {
    table.AddRow({std::to_string(g.generation), UtcText(g.applied_at_seconds),
                  g.running ? "yes" : "no", g.summary});
  }
  return table.ToString();
}

std::string GenerationsJson(const std::vector<GenerationReport>& generations) {
  Json list = Json::array();
  for (const GenerationReport& g : generations) {
    list.push_back({{"generation", g.generation},
                    {"applied_at", g.applied_at_seconds},
                    {"running", g.running},
                    {"summary", g.summary}});
  }
  return Dump({{"generations", std::move(list)}});
}

}  // namespace sluice
