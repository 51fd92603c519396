#include "control/telemetry/flow_log_plan.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace sluice {
namespace {

constexpr std::string_view kUnknownAccount =
    "unknown";                                     // what AWS prints for interfaces of its services
constexpr uint32_t kDefaultIntervalSeconds = 600;  // AWS-FL-03
constexpr uint32_t kShortIntervalSeconds = 60;

using OwnerByVpc = absl::flat_hash_map<std::string, std::string>;
using SubnetById = absl::flat_hash_map<std::string, const Subnet*>;

std::string AccountOf(const NetworkInterface& eni, const Subnet* subnet, const OwnerByVpc& owners) {
  if (!eni.owner_id.empty()) {
    return eni.owner_id;
  }
  if (subnet != nullptr && !subnet->owner_id.empty()) {
    return subnet->owner_id;
  }
  const auto vpc = owners.find(eni.vpc_id);
  return vpc != owners.end() && !vpc->second.empty() ? vpc->second : std::string(kUnknownAccount);
}

FlowLogInterface Describe(const NetworkInterface& eni, const Subnet* subnet,
                          const OwnerByVpc& owners) {
  FlowLogInterface row;
  row.eni_id = eni.id;
  row.account_id = AccountOf(eni, subnet, owners);
  row.subnet_id = eni.subnet_id;
  row.vpc_id = !eni.vpc_id.empty() || subnet == nullptr ? eni.vpc_id : subnet->vpc_id;
  if (eni.kind == InterfaceKind::kOrdinary) {
    row.instance_id = eni.instance_id;
  }
  if (!eni.addresses.empty()) {
    row.primary_address = eni.addresses.front().address;
  }
  if (subnet != nullptr) {
    const ZoneName zone = ParseZoneName(subnet->availability_zone);
    row.region = std::string(zone.region);
    row.availability_zone_id = subnet->availability_zone_id;
    row.sublocation_type = std::string(zone.sublocation_type);
    if (!row.sublocation_type.empty()) {
      row.sublocation_id = subnet->availability_zone_id;
    }
  }
  return row;
}

bool LogCovers(const FlowLog& log, const FlowLogInterface& eni) {
  return log.resource_id == eni.eni_id || log.resource_id == eni.subnet_id ||
         log.resource_id == eni.vpc_id;
}

void AddLogs(const Intent& intent, FlowLogPlan* plan) {
  for (const FlowLog& config : intent.flow_logs) {
    absl::StatusOr<FlowLogFormat> format = FlowLogFormat::Parse(config.format);
    if (!format.ok()) {
      plan->problems.push_back(config.id + ": " + std::string(format.status().message()));
      continue;
    }
    FlowLogPlan::Log log{
        config, *std::move(format), FlowLogFolderOf(intent.host, config.destination), {}};
    if (log.config.interval_seconds != kShortIntervalSeconds) {
      log.config.interval_seconds = kDefaultIntervalSeconds;
    }
    for (uint32_t row = 0; row < plan->interfaces.size(); ++row) {
      if (LogCovers(config, plan->interfaces[row])) {
        log.interface_rows.push_back(row);
      }
    }
    plan->logs.push_back(std::move(log));
  }
  std::sort(plan->logs.begin(), plan->logs.end(),
            [](const auto& a, const auto& b) { return a.config.id < b.config.id; });
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

ZoneName ParseZoneName(std::string_view zone) {
  size_t end = 0;  // of the region: the first "-<digits>"
  for (size_t i = 1; i < zone.size() && end == 0; ++i) {
    if (zone[i - 1] == '-' && IsDigit(zone[i])) {
      end = i;
    }
  }
  if (end == 0) {
    return {};
  }
  while (end < zone.size() && IsDigit(zone[end])) {
    ++end;
  }
  const std::string_view rest = zone.substr(end);
  ZoneName result{zone.substr(0, end), {}};
  if (rest.substr(0, 3) == "-wl") {
    result.sublocation_type = "wavelength";
  } else if (rest.substr(0, 1) == "-") {
    result.sublocation_type = "localzone";
  }
  return result;
}

std::string FlowLogFolderOf(const std::optional<Host>& host, const std::string& destination) {
  if (!host.has_value()) {
    return {};
  }
  const auto own = host->flow_log_folder_for.find(destination);
  return own != host->flow_log_folder_for.end() ? own->second : host->flow_log_folder;
}

FlowLogPlan BuildFlowLogPlan(const Intent& intent,
                             const std::vector<InterfaceIdentity>& identities) {
  FlowLogPlan plan;
  plan.never_logged = NeverLogged(intent);
  OwnerByVpc owners;
  for (const Vpc& vpc : intent.vpcs) {
    owners[vpc.id] = vpc.owner_id;
  }
  SubnetById subnets;
  for (const Subnet& subnet : intent.subnets) {
    subnets[subnet.id] = &subnet;
  }
  for (const NetworkInterface& eni : intent.network_interfaces) {
    const auto subnet = subnets.find(eni.subnet_id);
    plan.interfaces.push_back(
        Describe(eni, subnet == subnets.end() ? nullptr : subnet->second, owners));
  }
  std::sort(plan.interfaces.begin(), plan.interfaces.end(),
            [](const auto& a, const auto& b) { return a.eni_id < b.eni_id; });
  absl::flat_hash_map<std::string, uint32_t> rows;
  for (uint32_t row = 0; row < plan.interfaces.size(); ++row) {
    rows[plan.interfaces[row].eni_id] = row;
  }
  for (const InterfaceIdentity& identity : identities) {
    const auto row = rows.find(identity.eni_id);
    plan.row_of_interface_idx.push_back(row == rows.end() ? kNoRow : row->second);
  }
  AddLogs(intent, &plan);
  return plan;
}

}  // namespace sluice
