// The reports that look through the session table: `show sessions` and `show nat`.
#include <map>

#include "control/api/gather_reports.h"
#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

std::string_view StateName(ConnectionState state) {
  switch (state) {
    case ConnectionState::kTcpHalfOpen:
      return "half_open";
    case ConnectionState::kTcpEstablished:
      return "established";
    case ConnectionState::kTcpClosing:
      return "closing";
    case ConnectionState::kTcpClosed:
      return "closed";
    case ConnectionState::kTcpReset:
      return "reset";
    case ConnectionState::kUdp:
      return "udp";
    case ConnectionState::kUdpStream:
      return "udp_stream";
    case ConnectionState::kIcmp:
      return "icmp";
    case ConnectionState::kOther:
      break;
  }
  return "other";
}

bool IsActive(const ConnectionState state) {
  return state == ConnectionState::kTcpHalfOpen || state == ConnectionState::kTcpEstablished ||
         state == ConnectionState::kTcpClosing;
}

// The workers' counts of one gateway, under CloudWatch's names. What comes in leaves, or stays.
NatGatewayMetrics SumOfWorkers(const DaemonView& view, uint32_t idx) {
  NatGatewayMetrics sum;
  if (idx >= kCountedNatGateways) {
    return sum;
  }
  for (const WorkerCounters* worker : view.workers) {
    const NatCounters& c = worker->nat_gateways[idx];
    const uint64_t to_destination = c.from_source.left_packets.Read();
    const uint64_t to_destination_bytes = c.from_source.left_bytes.Read();
    const uint64_t to_source = c.from_destination.left_packets.Read();
    const uint64_t to_source_bytes = c.from_destination.left_bytes.Read();
    sum.packets_out_to_destination += to_destination;
    sum.bytes_out_to_destination += to_destination_bytes;
    sum.packets_out_to_source += to_source;
    sum.bytes_out_to_source += to_source_bytes;
    sum.packets_in_from_source += to_destination + c.from_source.stayed_packets.Read();
    sum.bytes_in_from_source += to_destination_bytes + c.from_source.stayed_bytes.Read();
    sum.packets_in_from_destination += to_source + c.from_destination.stayed_packets.Read();
    sum.bytes_in_from_destination += to_source_bytes + c.from_destination.stayed_bytes.Read();
    sum.packets_drop_count += c.dropped.Read();
    sum.connection_attempt_count += c.attempted.Read();
    sum.connection_established_count += c.established.Read();
    sum.error_port_allocation += c.no_port.Read();
  }
  sum.idle_timeout_count = view.sessions.IdleTimeoutsOf(idx);
  return sum;
}

// One pair, copied out of the table.
struct Seen {
  SessionKey key;          // of the initiator's direction
  uint32_t responder = 0;  // interface index of the other side
  WalkOutcome walk;        // of the initiator's direction
  SessionCold cold;
  Expiry expiry;
};

// Calls `visit` with every unexpired pair whose cold record `wants`; the lines of others are not
// touched. Pairs are freed under the control lock only, so one that is live after it was copied was
// so all the time.
template <typename Wants, typename Visit>
void ForEachSession(const DaemonView& view, const Wants& wants, const Visit& visit) {
  const SessionTable& table = view.sessions;
  const uint32_t now_ms = view.session_now_ms();
  for (uint32_t i = 0; i < table.pair_count(); ++i) {
    const PairIdx pair(i);
    if (!table.IsLive(pair)) {
      continue;
    }
    Seen seen;
    seen.cold = table.LoadCold(pair);
    if (!wants(seen.cold)) {
      continue;
    }
    const SessionLine& forward = table.Line(ForwardLine(pair));
    const SessionLine& reverse = table.Line(ReverseLine(pair));
    seen.key = KeyOf(forward);
    seen.responder = KeyOf(reverse).scope();
    seen.walk = ShowWalk(forward);
    seen.expiry =
        JudgeExpiry(ViewOf(forward), ViewOf(reverse), seen.cold, seen.key.protocol(), now_ms);
    if (table.IsLive(pair) && !seen.expiry.gone) {
      visit(seen);
    }
  }
}

const std::string& NameAt(const std::vector<std::string>& names, uint32_t idx) {
  static const std::string unknown = "?";  // gone from the configuration
  return idx < names.size() && !names[idx].empty() ? names[idx] : unknown;
}

class SessionMatcher {
 public:
  SessionMatcher(const CompiledConfig& config, const RowFilter& filter)
      : config_(config), filter_(filter) {}

  bool Matches(const Seen& seen) const {
    const RowFilter& f = filter_;
    if ((f.protocol && *f.protocol != seen.key.protocol()) ||
        (f.src && !f.src->Contains(Ipv4Address(seen.key.src()))) ||
        (f.dst && !f.dst->Contains(Ipv4Address(seen.key.dst())))) {
      return false;
    }
    if (f.l4_port && *f.l4_port != seen.key.src_l4_port() && *f.l4_port != seen.key.dst_l4_port() &&
        *f.l4_port != seen.walk.new_src_l4_port && *f.l4_port != seen.walk.new_dst_l4_port) {
      return false;
    }
    return AtEither(seen, f.eni, &SessionMatcher::EniOf) &&
           AtEither(seen, f.vpc, &SessionMatcher::VpcOf);
  }

 private:
  const std::string& EniOf(uint32_t interface_idx) const {
    return NameAt(config_.interface_names, interface_idx);
  }
  const std::string& VpcOf(uint32_t interface_idx) const {
    const Snapshot& snapshot = *config_.snapshot;
    const VpcIdx vpc = interface_idx < snapshot.interfaces.size()
                           ? snapshot.interfaces[interface_idx].vpc
                           : VpcIdx::None();
    return NameAt(config_.vpc_ids, vpc.has_value() ? vpc.value : UINT32_MAX);
  }
  bool AtEither(const Seen& seen, const std::string& wanted,
                const std::string& (SessionMatcher::*name)(uint32_t) const) const {
    return wanted.empty() || (this->*name)(seen.key.scope()) == wanted ||
           (this->*name)(seen.responder) == wanted;
  }

  const CompiledConfig& config_;
  const RowFilter& filter_;
};

SessionReport MakeSessionReport(const CompiledConfig& config, const Seen& seen) {
  SessionReport report;
  report.eni_id = NameAt(config.interface_names, seen.key.scope());
  report.responder = NameAt(config.interface_names, seen.responder);
  if (seen.cold.nat()) {
    report.nat_gateway_id = NameAt(config.nat_gateway_ids, seen.cold.nat_gateway_idx);
  }
  report.protocol = seen.key.protocol();
  report.src = Ipv4Address(seen.key.src());
  report.dst = Ipv4Address(seen.key.dst());
  report.src_l4_port = seen.key.src_l4_port();
  report.dst_l4_port = seen.key.dst_l4_port();
  report.new_src = Ipv4Address(seen.walk.new_src);
  report.new_dst = Ipv4Address(seen.walk.new_dst);
  report.new_src_l4_port = seen.walk.new_src_l4_port;
  report.new_dst_l4_port = seen.walk.new_dst_l4_port;
  if (report.protocol == kProtocolIcmp) {
    report.new_dst_l4_port = report.dst_l4_port;  // both halves hold the new identifier
  }
  report.state = StateName(seen.expiry.state);
  report.tracked = seen.cold.tracked();
  report.idle_ms = seen.expiry.idle_ms;
  return report;
}

}  // namespace

Rows<SessionReport> GatherSessions(const DaemonView& view, const RowFilter& filter) {
  const CompiledConfig& config = *view.applier.running();
  const SessionMatcher matcher(config, filter);
  Rows<SessionReport> found;
  const auto any = [](const SessionCold&) { return true; };
  ForEachSession(view, any, [&](const Seen& seen) {
    if (matcher.Matches(seen)) {
      found.Add(filter.limit, [&] { return MakeSessionReport(config, seen); });
    }
  });
  return found;
}

namespace {

// What the session table says of the gateways of a configuration.
struct NatUse {
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> ports;  // (gateway, private address)
  std::map<uint32_t, uint64_t> active;                      // TCP connections, by gateway
};

NatUse FindNatUse(const DaemonView& view) {
  NatUse use;
  const auto translated = [](const SessionCold& cold) { return cold.nat(); };
  ForEachSession(view, translated, [&](const Seen& seen) {
    if (!seen.expiry.nat) {
      ++use.ports[{seen.cold.nat_gateway_idx, seen.cold.nat_address}];
      use.active[seen.cold.nat_gateway_idx] += IsActive(seen.expiry.state) ? 1 : 0;
    }
  });
  return use;
}

NatGatewayReport MakeNatGatewayReport(const DaemonView& view, const NatGateway& gateway,
                                      uint32_t idx, NatUse& use) {
  NatGatewayReport report{gateway.id, gateway.vpc_id, gateway.subnet_id, gateway.is_public, {}, {}};
  for (const NatGatewayAddress& address : gateway.addresses) {
    report.addresses.push_back(
        {address.private_ip, address.public_ip, use.ports[{idx, address.private_ip.value}]});
  }
  report.metrics = SumOfWorkers(view, idx);
  report.metrics.active_connection_count = use.active[idx];
  return report;
}

}  // namespace

Rows<NatGatewayReport> GatherNatGateways(const DaemonView& view, const RowFilter& filter) {
  const CompiledConfig& config = *view.applier.running();
  std::map<std::string_view, uint32_t> idx_of;
  for (size_t i = 0; i < config.nat_gateway_ids.size(); ++i) {
    idx_of.emplace(config.nat_gateway_ids[i], static_cast<uint32_t>(i));
  }
  NatUse use = FindNatUse(view);
  Rows<NatGatewayReport> found;
  for (const NatGateway& gateway : config.intent->intent().nat_gateways) {
    if ((!filter.vpc.empty() && filter.vpc != gateway.vpc_id) ||
        (!filter.eni.empty() && filter.eni != gateway.network_interface_id)) {
      continue;
    }
    found.Add(filter.limit,
              [&] { return MakeNatGatewayReport(view, gateway, idx_of.at(gateway.id), use); });
  }
  return found;
}

}  // namespace sluice
