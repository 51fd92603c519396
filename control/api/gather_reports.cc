#include "control/api/gather_reports.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <unordered_map>

#include "dataplane/packet/batch.h"

namespace sluice {
namespace {

const Intent& RunningIntent(const DaemonView& view) {
  return view.applier.running()->intent->intent();
}

// How often a port's counters are read until its worker leaves them alone for the time of a read:
// it counts once a burst, and a read takes about as long as a few packets.
constexpr int kReadAttempts = 32;

// The counters of one worker and port, read while the worker goes on counting. It adds one
// packet, or several of one burst, to the inputs (received, released) and then to their fate
// (forwarded, consumed, dropped, held), so at every instant the fates are the inputs or at most a
// burst less. All of them only grow: what is read between two equal readings of the inputs, and
// adds up to them, is of one instant; and fates more than a burst below the inputs before or above
// the inputs after are wrong, not late.
//
// The worker's stores are relaxed; x86, the one machine this runs on, shows them in their order.
struct PortReading {
  explicit PortReading(const PortCounters& from) {
    const uint64_t received = from.received.Read();
    const uint64_t released = from.released.Read();
    std::atomic_thread_fence(std::memory_order_acquire);  // the fates are read after them
    fates.received = received;
    fates.forwarded = from.forwarded.Read();
    uint64_t fate_count = fates.forwarded;
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      fates.consumed[reason] = from.consumed[reason].Read();
      fates.dropped[reason] = from.dropped[reason].Read();
      fate_count += fates.consumed[reason] + fates.dropped[reason];
    }
    const uint64_t held = from.held.Read();
    fate_count += held;
    std::atomic_thread_fence(std::memory_order_acquire);  // and these after the fates
    const uint64_t inputs_after = from.received.Read() + from.released.Read();
    const uint64_t inputs = received + released;
    settled = inputs == inputs_after && inputs == fate_count;
    possible = inputs <= fate_count + kMaxBatch && fate_count <= inputs_after;
    // What is released was held before, but may be counted here first.
    fates.held = held - std::min(held, released);
  }

  PortReport fates;
  bool settled = false;
  bool possible = false;
};

PortReading ReadPort(const PortCounters& from) {
  PortReading reading(from);
  for (int attempt = 1; attempt < kReadAttempts && !reading.settled; ++attempt) {
    reading = PortReading(from);
  }
  return reading;
}

// Adds a worker's counters of a port. False where they can no longer balance.
bool AddCounters(const PortCounters& from, PortReport& to) {
  const PortReading reading = ReadPort(from);
  to.received += reading.fates.received;
  to.forwarded += reading.fates.forwarded;
  to.held += reading.fates.held;
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    to.consumed[reason] += reading.fates.consumed[reason];
    to.dropped[reason] += reading.fates.dropped[reason];
  }
  to.unsettled |= !reading.settled && reading.possible;
  to.received_bytes += from.received_bytes.Read();
  to.sent += from.sent.Read();
  to.sent_bytes += from.sent_bytes.Read();
  to.extra_fragments += from.extra_fragments.Read();
  to.originated += from.originated.Read();
  to.emit_drops += from.emit_drops.Read();
  to.tx_full += from.tx_full.Read();
  return reading.settled || reading.possible;
}

// The winner of each destination: static routes before prefix lists (the lowest id first), these
// before propagated ones (AWS-RT-07, -08, D-PREFIX).
class InstalledRoutes {
 public:
  void Add(const Ipv4Prefix& destination, const Route& route) {
    const int rank = route.propagated ? 2 : route.destination ? 0 : 1;
    const Entry entry{{rank, route.prefix_list_id}, &route};
    const auto [it, added] = best_.try_emplace(destination, entry);
    if (!added && entry.precedence < it->second.precedence) {
      it->second = entry;
    }
  }
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const auto& [destination, entry] : best_) {
      visit(destination, *entry.route);
    }
  }

 private:
  struct Entry {
    std::pair<int, std::string> precedence;
    const Route* route;
  };
  std::map<Ipv4Prefix, Entry> best_;
};

InstalledRoutes Install(const ValidatedIntent& intent, const RouteTable& table) {
  InstalledRoutes installed;
  for (const Route& route : table.routes) {
    if (route.destination) {
      installed.Add(*route.destination, route);
      continue;
    }
    const PrefixList* list = intent.FindPrefixList(route.prefix_list_id);
    for (size_t i = 0; list != nullptr && i < list->cidrs.size(); ++i) {
      installed.Add(list->cidrs[i], route);
    }
  }
  return installed;
}

RouteReport MakeRouteReport(const RouteTable& table, const Ipv4Prefix& destination,
                            const Route& route) {
  RouteReport report;
  report.route_table_id = table.id;
  report.vpc_id = table.vpc_id;
  report.destination = destination;
  report.prefix_list_id = route.prefix_list_id;
  const bool local = route.target.kind == RouteTargetKind::kLocal;
  report.target = local ? "local" : route.target.id;
  report.blackhole = route.blackhole;
  report.origin = local              ? "CreateRouteTable"
                  : route.propagated ? "EnableVgwRoutePropagation"
                                     : "CreateRoute";
  return report;
}

// What the interface's own limit and the host leave it, whichever is less.
void AddAllowance(const DaemonView& view, InterfaceIdx idx, InterfaceReport& report) {
  report.sessions = view.sessions.CountOfInterface(idx.value);
  const uint64_t limit = view.applier.running()->snapshot->interfaces[idx.index()].session_limit;
  const auto left = [](uint64_t of, uint64_t used) { return of - std::min(of, used); };
  report.conntrack_allowance_available =
      left(view.sessions.capacity(), view.sessions.Counts().counted);
  if (limit != 0) {
    report.conntrack_allowance_available =
        std::min(report.conntrack_allowance_available, left(limit, report.sessions));
  }
  if (idx.value < kCountedInterfaces) {
    for (const WorkerCounters* worker : view.workers) {
      report.conntrack_allowance_exceeded += worker->conntrack_exceeded[idx.index()].Read();
    }
  }
}

}  // namespace

std::vector<PortReport> GatherPorts(const DaemonView& view, const RowFilter& filter) {
  const std::vector<std::string>& names = view.applier.running()->port_names;
  const std::vector<PortDevice> devices =
      view.port_devices ? view.port_devices() : std::vector<PortDevice>();
  std::vector<PortReport> reports;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || (!filter.port.empty() && filter.port != names[i])) {
      continue;  // an index without a port in this configuration, or not asked for
    }
    PortReport& report = reports.emplace_back();
    report.name = names[i];
    if (i < devices.size()) {
      report.device = devices[i];
    }
    bool possible = true;
    for (const WorkerCounters* worker : view.workers) {
      possible &= AddCounters(worker->ports[i], report);
    }
    report.unsettled &= possible;
  }
  return reports;
}

uint64_t CountOfReason(const std::vector<PortReport>& ports, DropReason reason) {
  uint64_t count = 0;
  for (const PortReport& port : ports) {
    count += port.dropped[static_cast<size_t>(reason)] + port.consumed[static_cast<size_t>(reason)];
  }
  return count;
}

std::vector<StageReport> GatherStages(const DaemonView& view) {
  std::vector<StageReport> reports;
  for (size_t stage = 0; stage < kStageCount; ++stage) {
    StageReport& report = reports.emplace_back();
    report.name = StageName(static_cast<StageId>(stage));
    for (const WorkerCounters* worker : view.workers) {
      report.calls += worker->stages[stage].calls.Read();
      report.packets += worker->stages[stage].packets.Read();
      report.ticks += worker->stages[stage].ticks.Read();
    }
  }
  return reports;
}

Rows<InterfaceReport> GatherInterfaces(const DaemonView& view, const RowFilter& filter) {
  const CompiledConfig& config = *view.applier.running();
  std::unordered_map<std::string_view, uint32_t> idx_of;
  for (size_t i = 0; i < config.interface_names.size(); ++i) {
    idx_of.emplace(config.interface_names[i], static_cast<uint32_t>(i));
  }
  std::unordered_map<std::string_view, const HostAttachment*> attachment_of;
  for (const HostAttachment& attachment : config.intent->host().attachments) {
    attachment_of.emplace(attachment.network_interface_id, &attachment);
  }
  Rows<InterfaceReport> found;
  for (const NetworkInterface& eni : RunningIntent(view).network_interfaces) {
    const auto attached = attachment_of.find(eni.id);
    const HostAttachment none;
    const HostAttachment& attachment = attached == attachment_of.end() ? none : *attached->second;
    if ((!filter.eni.empty() && filter.eni != eni.id) ||
        (!filter.vpc.empty() && filter.vpc != eni.vpc_id) ||
        (!filter.port.empty() && filter.port != attachment.port)) {
      continue;
    }
    found.Add(filter.limit, [&] {
      const auto idx = idx_of.find(eni.id);
      InterfaceReport report{eni.id,
                             eni.vpc_id,
                             eni.subnet_id,
                             attachment.port,
                             attachment.vlan,
                             eni.addresses.front().address,
                             ToString(*eni.mac)};
      if (idx != idx_of.end()) {
        AddAllowance(view, InterfaceIdx(idx->second), report);
      }
      return report;
    });
  }
  return found;
}

Rows<RouteReport> GatherRoutes(const DaemonView& view, const RowFilter& filter) {
  Rows<RouteReport> found;
  for (const RouteTable& table : RunningIntent(view).route_tables) {
    if ((!filter.vpc.empty() && filter.vpc != table.vpc_id) ||
        (!filter.route_table.empty() && filter.route_table != table.id)) {
      continue;
    }
    Install(*view.applier.running()->intent, table)
        .ForEach([&](const Ipv4Prefix& destination, const Route& route) {
          if (!filter.dst || destination.Contains(*filter.dst)) {
            found.Add(filter.limit, [&] { return MakeRouteReport(table, destination, route); });
          }
        });
  }
  return found;
}

std::vector<GenerationReport> GatherGenerations(const DaemonView& view) {
  std::vector<GenerationReport> reports;
  for (const GenerationRecord& record : view.applier.history()) {
    reports.push_back(
        {record.generation, record.applied_at_ns / 1'000'000'000, record.running, record.summary});
  }
  return reports;
}

}  // namespace sluice
