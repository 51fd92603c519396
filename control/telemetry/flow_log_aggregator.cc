#include "control/telemetry/flow_log_aggregator.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

int64_t FloorSeconds(int64_t ns) {
  return ns >= 0 ? ns / kNanosPerSecond : -((-ns + kNanosPerSecond - 1) / kNanosPerSecond);
}

int64_t WindowStart(int64_t seconds, int64_t interval_seconds) {
  const int64_t remainder = seconds % interval_seconds;
  return seconds - (remainder < 0 ? remainder + interval_seconds : remainder);
}

bool SameLog(const FlowLog& a, const FlowLog& b) {
  return a.id == b.id && a.resource_id == b.resource_id && a.traffic == b.traffic &&
         a.interval_seconds == b.interval_seconds && a.format == b.format &&
         a.destination == b.destination && a.hive_partitions == b.hive_partitions &&
         a.per_hour_partition == b.per_hour_partition;
}

bool Wanted(TrafficType traffic, FlowAction action) {
  switch (traffic) {
    case TrafficType::kAccept:
      return action == FlowAction::kAccept;
    case TrafficType::kReject:
      return action == FlowAction::kReject;
    case TrafficType::kAll:
      return true;
  }
  return true;
}

FlowKey KeyOf(const FlowObservation& o) {
  const bool has_ports = o.protocol == kProtocolTcp || o.protocol == kProtocolUdp;
  FlowKey key;
  key.source = o.source;
  key.destination = o.destination;
  key.source_l4_port = has_ports ? o.source_l4_port : uint16_t{0};
  key.destination_l4_port = has_ports ? o.destination_l4_port : uint16_t{0};
  key.protocol = o.protocol;
  key.direction = o.direction;
  key.action = o.action;
  return key;
}

void Add(const FlowObservation& o, FlowSums* sums) {
  const bool first = sums->packet_count == 0 && sums->size_bytes == 0;
  if (first || o.last_ns >= sums->last_ns) {
    sums->path = o.path;
  }
  sums->first_ns = first ? o.first_ns : std::min(sums->first_ns, o.first_ns);
  sums->last_ns = first ? o.last_ns : std::max(sums->last_ns, o.last_ns);
  sums->packet_count += o.packet_count;
  sums->size_bytes += o.size_bytes;
  sums->tcp_flags =
      static_cast<uint8_t>(sums->tcp_flags | (o.protocol == kProtocolTcp ? o.tcp_flags : 0));
}

bool InFileOrder(const FlowLogRecord& a, const FlowLogRecord& b) {
  if (a.sums.first_ns != b.sums.first_ns) {
    return a.sums.first_ns < b.sums.first_ns;
  }
  return a.key < b.key;
}

}  // namespace

FlowLogAggregator::FlowLogAggregator(size_t max_open_flow_count)
    : max_open_flow_count_(max_open_flow_count) {}
FlowLogAggregator::~FlowLogAggregator() = default;

void FlowLogAggregator::Configure(FlowLogPlan plan, int64_t at_ns) {
  // What is no longer covered ends now; StartCoverages takes back what still is.
  for (auto& [id, versions] : logs_) {
    for (auto& log : versions) {
      for (auto& [eni_id, coverage] : log->coverages) {
        coverage.end_ns = coverage.end_ns.value_or(at_ns);
      }
    }
  }
  plan_ = std::move(plan);
  for (const FlowLogPlan::Log& wanted : plan_.logs) {
    auto& versions = logs_[wanted.config.id];
    if (versions.empty() || !SameLog(versions.back()->plan.config, wanted.config)) {
      versions.push_back(std::make_unique<Log>());
    }
    versions.back()->plan = wanted;
    StartCoverages(*versions.back(), at_ns);
  }
  RebuildRoutes();
}

void FlowLogAggregator::StartCoverages(Log& log, int64_t at_ns) {
  const int64_t interval = log.plan.config.interval_seconds;
  for (const uint32_t row : log.plan.interface_rows) {
    const FlowLogInterface& interface = plan_.interfaces[row];
    const auto [it, is_new] = log.coverages.try_emplace(interface.eni_id);
    Coverage& coverage = it->second;
    if (is_new) {
      coverage.next_start_seconds = WindowStart(FloorSeconds(at_ns), interval);
    }
    coverage.interface = interface;
    coverage.end_ns.reset();
  }
}

void FlowLogAggregator::RebuildRoutes() {
  routes_.assign(plan_.interfaces.size(), {});
  for (const FlowLogPlan::Log& wanted : plan_.logs) {
    Log& log = *logs_[wanted.config.id].back();
    for (const uint32_t row : wanted.interface_rows) {
      routes_[row].push_back({&log, &log.coverages.at(plan_.interfaces[row].eni_id)});
    }
  }
}

void FlowLogAggregator::Observe(const FlowObservation& observation) {
  if (observation.interface_idx >= plan_.row_of_interface_idx.size() ||
      observation.packet_count == 0) {
    return;
  }
  const uint32_t row = plan_.row_of_interface_idx[observation.interface_idx];
  if (row == kNoRow || routes_[row].empty() ||
      plan_.never_logged.Covers(plan_.interfaces[row].vpc_id, observation.protocol,
                                observation.source, observation.source_l4_port,
                                observation.destination, observation.destination_l4_port)) {
    return;
  }
  for (const Route& route : routes_[row]) {
    AddTo(*route.coverage, route.log->plan.config.interval_seconds, observation);
  }
}

void FlowLogAggregator::AddTo(Coverage& coverage, int64_t interval_seconds,
                              const FlowObservation& observation) {
  const int64_t start = WindowStart(FloorSeconds(observation.first_ns), interval_seconds);
  if (start < coverage.next_start_seconds) {
    ++late_observation_count_;
    coverage.windows[coverage.next_start_seconds].loss = true;
    return;
  }
  Window& window = coverage.windows[start];
  const FlowKey key = KeyOf(observation);
  auto it = window.flows.find(key);
  if (it == window.flows.end()) {
    if (open_flow_count_ >= max_open_flow_count_) {
      ++overflow_count_;
      window.loss = true;
      return;
    }
    ++open_flow_count_;
    it = window.flows.try_emplace(key).first;
  }
  Add(observation, &it->second);
}

void FlowLogAggregator::MarkLoss(const Route& route, int64_t at_ns) {
  const int64_t start = WindowStart(FloorSeconds(at_ns), route.log->plan.config.interval_seconds);
  route.coverage->windows[std::max(start, route.coverage->next_start_seconds)].loss = true;
}

void FlowLogAggregator::ReportLoss(std::optional<uint32_t> interface_idx, int64_t at_ns) {
  const auto mark = [at_ns](const std::vector<Route>& routes) {
    for (const Route& route : routes) {
      MarkLoss(route, at_ns);
    }
  };
  if (!interface_idx.has_value()) {
    std::for_each(routes_.begin(), routes_.end(), mark);
  } else if (*interface_idx < plan_.row_of_interface_idx.size() &&
             plan_.row_of_interface_idx[*interface_idx] != kNoRow) {
    mark(routes_[plan_.row_of_interface_idx[*interface_idx]]);
  }
}

void FlowLogAggregator::ReportLogLoss(const std::string& flow_log_id, int64_t at_ns) {
  for (const std::vector<Route>& routes : routes_) {
    for (const Route& route : routes) {
      if (route.log->plan.config.id == flow_log_id) {
        MarkLoss(route, at_ns);
      }
    }
  }
}

void FlowLogAggregator::CloseThrough(int64_t through_ns, const Sink& sink) {
  for (auto& [id, versions] : logs_) {
    for (auto& log : versions) {
      CloseLog(*log, FloorSeconds(through_ns), sink);
    }
  }
  // What the configuration dropped and has no window left is gone; live coverages are never erased
  // (routes_ points at them).
  for (auto it = logs_.begin(); it != logs_.end();) {
    auto& versions = it->second;
    for (auto& log : versions) {
      std::erase_if(log->coverages, [](const auto& entry) {
        const Coverage& c = entry.second;
        return c.end_ns.has_value() && c.windows.empty() &&
               c.next_start_seconds * kNanosPerSecond >= *c.end_ns;
      });
    }
    std::erase_if(versions, [](const auto& log) { return log->coverages.empty(); });
    it = versions.empty() ? logs_.erase(it) : std::next(it);
  }
}

void FlowLogAggregator::CloseAll(int64_t end_ns, const Sink& sink) {
  for (auto& [id, versions] : logs_) {
    for (auto& log : versions) {
      const int64_t interval = log->plan.config.interval_seconds;
      CloseLog(*log, WindowStart(FloorSeconds(end_ns), interval) + interval, sink);
    }
  }
}

void FlowLogAggregator::CloseLog(Log& log, int64_t through_seconds, const Sink& sink) {
  const int64_t interval = log.plan.config.interval_seconds;
  int64_t start = INT64_MAX;
  for (const auto& [eni_id, coverage] : log.coverages) {
    start = std::min(start, coverage.next_start_seconds);
  }
  for (; start <= through_seconds - interval; start += interval) {
    for (auto& [eni_id, coverage] : log.coverages) {
      const bool ended = coverage.end_ns.has_value() && start * kNanosPerSecond >= *coverage.end_ns;
      if (coverage.next_start_seconds == start && (!ended || coverage.windows.contains(start))) {
        CloseWindow(log, coverage, start, sink);
      }
      coverage.next_start_seconds = std::max(coverage.next_start_seconds, start + interval);
    }
  }
}

void FlowLogAggregator::CloseWindow(const Log& log, Coverage& coverage, int64_t start_seconds,
                                    const Sink& sink) {
  FlowLogRecord shape;
  shape.window_start_seconds = start_seconds;
  shape.window_end_seconds = start_seconds + log.plan.config.interval_seconds;
  ClosedWindow closed{log.plan, coverage.interface, start_seconds, {}};
  bool quiet = true;
  bool loss = false;
  const auto it = coverage.windows.find(start_seconds);
  if (it != coverage.windows.end()) {
    quiet = it->second.flows.empty();
    loss = it->second.loss;
    for (const auto& [key, sums] : it->second.flows) {
      if (Wanted(log.plan.config.traffic, key.action)) {
        FlowLogRecord record = shape;
        record.key = key;
        record.sums = sums;
        closed.records.push_back(record);
      }
    }
    open_flow_count_ -= it->second.flows.size();
    coverage.windows.erase(it);
    std::sort(closed.records.begin(), closed.records.end(), InFileOrder);
  }
  if (quiet || loss) {
    shape.status = loss ? FlowLogStatus::kSkipData : FlowLogStatus::kNoData;
    closed.records.push_back(shape);
  }
  sink(closed);
}

}  // namespace sluice
