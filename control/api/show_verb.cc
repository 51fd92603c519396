#include "control/api/show_verb.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/api/answer.h"
#include "control/api/gather_reports.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

// One thing to show: which filters it has, and how it answers.
struct Showing {
  std::string_view what;
  std::vector<std::string_view> filters;  // members of the request
  std::string (*answer)(const DaemonView&, const RowFilter&, bool as_text);
};

template <typename... Arguments>
std::string Answer(bool as_text, std::string (*text)(Arguments...),
                   std::string (*json)(Arguments...),
                   const std::common_type_t<Arguments>&... arguments) {
  return as_text ? TextAnswer(text(arguments...)) : ResultAnswer(json(arguments...));
}

std::string ShowSessions(const DaemonView& view, const RowFilter& filter, bool as_text) {
  const auto found = GatherSessions(view, filter);
  return Answer(as_text, SessionsText, SessionsJson, found.rows, found.matched);
}
std::string ShowRoutes(const DaemonView& view, const RowFilter& filter, bool as_text) {
  const auto found = GatherRoutes(view, filter);
  return Answer(as_text, RoutesText, RoutesJson, found.rows, found.matched);
}
std::string ShowInterfaces(const DaemonView& view, const RowFilter& filter, bool as_text) {
  const auto found = GatherInterfaces(view, filter);
  return Answer(as_text, InterfacesText, InterfacesJson, found.rows, found.matched);
}
std::string ShowDrops(const DaemonView& view, const RowFilter& filter, bool as_text) {
  return Answer(as_text, DropsText, DropsJson, GatherPorts(view, filter));
}
std::string ShowStages(const DaemonView& view, const RowFilter&, bool as_text) {
  return Answer(as_text, StagesText, StagesJson, GatherStages(view), view.ticks_per_ns);
}
std::string ShowPorts(const DaemonView& view, const RowFilter& filter, bool as_text) {
  return Answer(as_text, PortsText, PortsJson, GatherPorts(view, filter));
}
std::string ShowGenerations(const DaemonView& view, const RowFilter&, bool as_text) {
  return Answer(as_text, GenerationsText, GenerationsJson, GatherGenerations(view));
}
std::string ShowNat(const DaemonView& view, const RowFilter& filter, bool as_text) {
  const auto found = GatherNatGateways(view, filter);
  const auto ports = GatherPorts(view, {});
  return Answer(as_text, NatText, NatJson, found.rows, found.matched,
                CountOfReason(ports, DropReason::kNatPortsExhausted),
                CountOfReason(ports, DropReason::kNatIdleTimeout));
}

const std::vector<Showing>& Showings() {
  static const std::vector<Showing> showings = {
      {"sessions", {"Eni", "Vpc", "Proto", "Src", "Dst", "Port", "Limit"}, ShowSessions},
      {"routes", {"Vpc", "Table", "Dst", "Limit"}, ShowRoutes},
      {"interfaces", {"Eni", "Vpc", "Port", "Limit"}, ShowInterfaces},
      {"drops", {"Port"}, ShowDrops},
      {"stages", {}, ShowStages},
      {"ports", {"Port"}, ShowPorts},
      {"generations", {}, ShowGenerations},
      {"nat", {"Eni", "Vpc", "Limit"}, ShowNat},
  };
  return showings;
}

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

// A filter that the thing shown does not have would silently show too much.
absl::Status CheckFilters(const OperatorRequest& request, const Showing& showing) {
  const std::pair<std::string_view, const std::string&> given[] = {
      {"Eni", request.eni},           {"Vpc", request.vpc},       {"Table", request.table},
      {"Proto", request.words.proto}, {"Src", request.words.src}, {"Dst", request.dst},
      {"Port", request.port}};
  for (const auto& [name, value] : given) {
    if (!value.empty() &&
        std::find(showing.filters.begin(), showing.filters.end(), name) == showing.filters.end()) {
      std::string has;
      for (const std::string_view filter : showing.filters) {
        has += (has.empty() ? "" : ", ") + std::string(filter);
      }
      return Wrong("show " + std::string(showing.what) + " has no filter " + std::string(name) +
                   (has.empty() ? "" : "; it has: " + has));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPrefix(const char* name, const std::string& text, std::optional<Ipv4Prefix>& out) {
  if (text.empty()) {
    return absl::OkStatus();
  }
  const bool is_prefix = text.find('/') != std::string::npos;
  out = ParseIpv4Prefix(is_prefix ? text : text + "/32");
  return out ? absl::OkStatus()
             : Wrong(std::string(name) + " " + text + " is no IPv4 address or prefix (10.0.0.0/8)");
}

bool IsIn(const std::vector<std::string>& names, const std::string& wanted) {
  return wanted.empty() || std::find(names.begin(), names.end(), wanted) != names.end();
}

absl::Status CheckNames(const CompiledConfig& config, const RowFilter& filter) {
  const auto unknown = [](const char* what, const std::string& name, const char* where) {
    return Wrong(std::string("there is no ") + what + " " + name +
                 " in the running configuration; see `sluice show " + where + "`");
  };
  if (!IsIn(config.interface_names, filter.eni)) {
    return unknown("ENI", filter.eni, "interfaces");
  }
  if (!IsIn(config.vpc_ids, filter.vpc)) {
    return unknown("VPC", filter.vpc, "interfaces");
  }
  if (!filter.route_table.empty() && config.intent->FindRouteTable(filter.route_table) == nullptr) {
    return unknown("route table", filter.route_table, "routes");
  }
  if (!IsIn(config.port_names, filter.port)) {
    return unknown("port", filter.port, "ports");
  }
  return absl::OkStatus();
}

absl::StatusOr<RowFilter> ReadFilter(const OperatorRequest& request) {
  RowFilter filter;
  filter.eni = request.eni;
  filter.vpc = request.vpc;
  filter.route_table = request.table;
  filter.limit = request.limit;
  if (!request.words.proto.empty()) {
    filter.protocol = ParseProtocol(request.words.proto);
    if (!filter.protocol) {
      return Wrong("Proto " + request.words.proto + " is none of tcp, udp, icmp, 0..255");
    }
  }
  if (!request.port.empty() && request.what == "sessions") {
    const auto number = ParseNumber(request.port, 65535);
    if (!number) {
      return Wrong("Port " + request.port + " is no number 0..65535");
    }
    filter.l4_port = static_cast<uint16_t>(*number);
  } else {
    filter.port = request.port;
  }
  for (const absl::Status& status : {ReadPrefix("Src", request.words.src, filter.src),
                                     ReadPrefix("Dst", request.dst, filter.dst)}) {
    if (!status.ok()) {
      return status;
    }
  }
  return filter;
}

absl::StatusOr<const Showing*> FindShowing(const OperatorRequest& request) {
  std::string all;
  for (const Showing& showing : Showings()) {
    if (showing.what == request.what) {
      return &showing;
    }
    all += (all.empty() ? "" : ", ") + std::string(showing.what);
  }
  return Wrong(request.what.empty()
                   ? "show what? One of: " + all
                   : "there is no \"" + request.what + "\" to show; there are: " + all);
}

Json TopWorkers(const DaemonView& view) {
  Json workers = Json::array();
  const std::vector<WorkerLoad> loads =
      view.worker_loads ? view.worker_loads() : std::vector<WorkerLoad>();
  for (size_t i = 0; i < loads.size(); ++i) {
    workers.push_back({{"worker", i},
                       {"polls", loads[i].polls},
                       {"idle_polls", loads[i].idle_polls},
                       {"busy_ticks", loads[i].busy_ticks},
                       {"total_ticks", loads[i].total_ticks},
                       {"sleeps", loads[i].sleeps}});
  }
  return workers;
}

}  // namespace

std::string AnswerShow(const DaemonView& view, const OperatorRequest& request) {
  const absl::StatusOr<const Showing*> showing = FindShowing(request);
  if (!showing.ok()) {
    return ErrorAnswer(std::string(showing.status().message()), kAnswerUsage);
  }
  absl::Status status = CheckFilters(request, **showing);
  const absl::StatusOr<RowFilter> filter = status.ok() ? ReadFilter(request) : status;
  if (!filter.ok()) {
    return ErrorAnswer(std::string(filter.status().message()), kAnswerUsage);
  }
  const std::lock_guard<std::mutex> lock(view.control);
  status = CheckNames(*view.applier.running(), *filter);
  if (!status.ok()) {
    return ErrorAnswer(std::string(status.message()), kAnswerNo);
  }
  return (*showing)->answer(view, *filter, request.as_text);
}

std::string AnswerTop(const DaemonView& view) {
  const std::lock_guard<std::mutex> lock(view.control);
  const std::vector<PortReport> ports = GatherPorts(view, {});
  RowFilter all;
  all.limit = UINT32_MAX;
  uint64_t nat_ports = 0;
  for (const NatGatewayReport& gateway : GatherNatGateways(view, all).rows) {
    nat_ports += gateway.PortsInUse();
  }
  const SessionCounts counts = view.sessions.Counts();
  Json top = {{"time_ns", view.monotonic_ns ? view.monotonic_ns() : 0},
              {"generation", view.applier.generation()}};
  top.update(Json::parse(PortsJson(ports)));
  top["total"] = Json::parse(DropsJson(ports))["total"];
  top["sessions"] = {{"counted", counts.counted},
                     {"cache_only", counts.cache_only},
                     {"capacity", view.sessions.capacity()}};
  top["workers"] = TopWorkers(view);
  top["nat_ports_in_use"] = nat_ports;
  return ResultAnswer(top.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace sluice
