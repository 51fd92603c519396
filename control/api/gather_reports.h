// From the running daemon's state to the reports that `sluice show`, `sluice top` and the metrics
// print. The operator's thread, with the control lock held; workers go on meanwhile, so counters
// are not all of one instant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/api/daemon_view.h"
#include "control/telemetry/counters.h"

namespace sluice {

// Which rows; empty and none: all. Names are known ones.
struct RowFilter {
  std::string eni;  // either end of a session; also "internet" and the names of Services sides
  std::string vpc;  // of either end
  std::string route_table;
  std::string port;  // a port's name
  std::optional<uint8_t> protocol;
  std::optional<Ipv4Prefix> src;    // of the session's first packet
  std::optional<Ipv4Prefix> dst;    // routes: those that contain it
  std::optional<uint16_t> l4_port;  // source or destination, before or after translation
  uint32_t limit = 0;
};

template <typename Row>
struct Rows {
  std::vector<Row> rows;  // at most the limit
  uint64_t matched = 0;

  // `row` makes the row when there is room for it.
  template <typename Make>
  void Add(uint32_t limit, const Make& row) {
    ++matched;
    if (rows.size() < limit) {
      rows.push_back(row());
    }
  }
};

// All workers together, by PortIdx. The fates of a worker's packets are of one instant where it
// leaves the time to read them; otherwise PortReport::unsettled says that they may not be.
std::vector<PortReport> GatherPorts(const DaemonView& view, const RowFilter& filter);
// Packets dropped or consumed for one reason, on all ports.
uint64_t CountOfReason(const std::vector<PortReport>& ports, DropReason reason);
std::vector<StageReport> GatherStages(const DaemonView& view);
Rows<InterfaceReport> GatherInterfaces(const DaemonView& view, const RowFilter& filter);
// Unexpired ones, in no particular order.
Rows<SessionReport> GatherSessions(const DaemonView& view, const RowFilter& filter);
// By table, then by destination.
Rows<RouteReport> GatherRoutes(const DaemonView& view, const RowFilter& filter);
Rows<NatGatewayReport> GatherNatGateways(const DaemonView& view, const RowFilter& filter);
// The newest last.
std::vector<GenerationReport> GatherGenerations(const DaemonView& view);

}  // namespace sluice
