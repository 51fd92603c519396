// Everything the daemon counts as Prometheus text (interface.md §4), from the same reports as
// `sluice show`. The thread that serves /metrics; takes the control lock.
//
// Beside the families of prometheus.h:
//   sluice_port_…{port}                what the device itself lost; frames it refused
//   sluice_worker_…{worker}            polls and time; session lookups by outcome
//   sluice_sessions, sluice_cached_flows, sluice_max_sessions, sluice_generation
//   sluice_interface_sessions{eni,vpc}
//   sluice_conntrack_allowance_available{eni,vpc}      AWS's ENI allowance: sessions still possible
//   sluice_conntrack_allowance_exceeded_total{eni,vpc} and packets dropped for want of one
//   sluice_active_connection_count{nat_gateway,vpc}    CloudWatch's metrics of NAT gateways
//   sluice_bytes_in_from_destination_total{…}, …       (NatMetricNames)
#pragma once

#include <string>

#include "control/api/daemon_view.h"

namespace sluice {

// Empty while no configuration runs.
std::string MetricsText(const DaemonView& view);

}  // namespace sluice
