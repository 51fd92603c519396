// PrefixLists, ManagedPrefixLists, FlowLogs.
#include <algorithm>
#include <array>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";

// AWS-FL-05, versions 2 to 10.
constexpr std::array<std::string_view, 42> kFlowLogFields = {"version",
                                                             "account-id",
                                                             "interface-id",
                                                             "srcaddr",
                                                             "dstaddr",
                                                             "srcport",
                                                             "dstport",
                                                             "protocol",
                                                             "packets",
                                                             "bytes",
                                                             "start",
                                                             "end",
                                                             "action",
                                                             "log-status",
                                                             "vpc-id",
                                                             "subnet-id",
                                                             "instance-id",
                                                             "tcp-flags",
                                                             "type",
                                                             "pkt-srcaddr",
                                                             "pkt-dstaddr",
                                                             "region",
                                                             "az-id",
                                                             "sublocation-type",
                                                             "sublocation-id",
                                                             "pkt-src-aws-service",
                                                             "pkt-dst-aws-service",
                                                             "flow-direction",
                                                             "traffic-path",
                                                             "ecs-cluster-arn",
                                                             "ecs-cluster-name",
                                                             "ecs-container-instance-arn",
                                                             "ecs-container-instance-id",
                                                             "ecs-container-id",
                                                             "ecs-second-container-id",
                                                             "ecs-service-name",
                                                             "ecs-task-definition-arn",
                                                             "ecs-task-arn",
                                                             "ecs-task-id",
                                                             "reject-reason",
                                                             "resource-id",
                                                             "encryption-status"};

void ReadListCidr(LoadContext& context, ObjectReader& reader, JsonValue where,
                  const std::string& text, DraftedPrefixList& draft) {
  if (text.find(':') != std::string::npos) {
    WarnIpv6(context, where, reader.object_id());
    return;
  }
  const std::optional<Ipv4Prefix> cidr = ParseIpv4Prefix(text);
  if (!cidr) {
    draft.broken = true;
    context.issues.Error(where, reader.object_id(),
                         "\"" + text + "\" is not a CIDR block such as 10.0.0.0/16", kInvalidValue);
    return;
  }
  draft.value.cidrs.push_back(cidr->Canonical());
}

void LoadContent(LoadContext& context, ObjectReader& reader, DraftedPrefixList& draft) {
  for (const JsonValue element : reader.List("Cidrs")) {
    if (element.kind() != JsonKind::kString) {
      reader.Error("Cidrs", "a list of strings is expected here", kInvalidValue);
      break;
    }
    ReadListCidr(context, reader, element, std::string(element.AsString()), draft);
  }
  for (const JsonValue element : reader.List("Entries")) {
    ObjectReader entry = reader.Nested(element, Shape::kPrefixListEntry);
    const std::string text = entry.RequiredString("Cidr");
    if (!text.empty()) {
      ReadListCidr(context, reader, element, text, draft);
    }
  }
  std::sort(draft.value.cidrs.begin(), draft.value.cidrs.end());
  draft.value.cidrs.erase(std::unique(draft.value.cidrs.begin(), draft.value.cidrs.end()),
                          draft.value.cidrs.end());
  draft.has_content = reader.Has("Cidrs") || reader.Has("Entries");
}

// AWS's own lists are printed by two commands, with their CIDRs by one of them.
void UniteLists(LoadContext& context, DraftedPrefixList& first, DraftedPrefixList& second) {
  if (first.value.name.empty()) {
    first.value.name = second.value.name;
  } else if (!second.value.name.empty() && second.value.name != first.value.name) {
    context.issues.Error(second.origin, first.value.id,
                         "the prefix list has another name at " + first.value.json_path);
  }
  if (!first.max_entries) {
    first.max_entries = second.max_entries;
  }
  if (!first.has_content) {
    first.value.cidrs = std::move(second.value.cidrs);
    first.has_content = second.has_content;
  } else if (second.has_content && first.value.cidrs != second.value.cidrs) {
    context.issues.Error(second.origin, first.value.id,
                         "the prefix list has other CIDRs at " + first.value.json_path);
  }
}

std::string CheckFormat(std::string_view format) {
  size_t at = 0;
  bool any = false;
  while (at < format.size()) {
    if (format[at] == ' ') {
      ++at;
      continue;
    }
    const size_t end = std::min(format.find(' ', at), format.size());
    const std::string_view word = format.substr(at, end - at);
    if (word.size() < 4 || word.substr(0, 2) != "${" || word.back() != '}') {
      return "\"" + std::string(word) + "\" is not a field; write ${field} separated by spaces";
    }
    const std::string_view name = word.substr(2, word.size() - 3);
    if (std::find(kFlowLogFields.begin(), kFlowLogFields.end(), name) == kFlowLogFields.end()) {
      return "there is no flow log field \"" + std::string(name) + "\"";
    }
    any = true;
    at = end;
  }
  return any ? "" : "the format names no field";
}

TrafficType ReadTrafficType(ObjectReader& reader) {
  const std::string text = reader.String("TrafficType");
  if (text == "ACCEPT") return TrafficType::kAccept;
  if (text == "REJECT") return TrafficType::kReject;
  if (!text.empty() && text != "ALL") {
    reader.Error("TrafficType", "\"" + text + "\" is none of ACCEPT, REJECT, ALL", kInvalidValue);
  }
  return TrafficType::kAll;
}

void ReadDestination(ObjectReader& reader, FlowLog& value) {
  value.destination = reader.String("LogDestination");
  std::optional<ObjectReader> options =
      reader.Object("DestinationOptions", Shape::kFlowLogDestination);
  if (!options) {
    return;
  }
  value.hive_partitions = options->Bool("HiveCompatiblePartitions", false);
  value.per_hour_partition = options->Bool("PerHourPartition", false);
  const std::string file_format = options->String("FileFormat");
  if (file_format == "parquet") {
    options->Warning("FileFormat", "Parquet is not written: the records are plain text");
  } else if (!file_format.empty() && file_format != "plain-text") {
    options->Error("FileFormat", "\"" + file_format + "\" is neither plain-text nor parquet",
                   kInvalidValue);
  }
}

}  // namespace

void LoadPrefixList(LoadContext& context, JsonValue object, std::string_view id) {
  DraftedPrefixList draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kPrefixList, id, &draft.broken);
  if (IsIgnoredState(context, object, id, "prefix list", reader.String("State"),
                     "delete-complete delete-in-progress create-failed")) {
    return;
  }
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.name = reader.String("PrefixListName");
  draft.max_entries = reader.Integer("MaxEntries", 0, int64_t{1} << 31);
  LoadContent(context, reader, draft);
  for (DraftedPrefixList& other : context.draft.prefix_lists) {
    if (other.value.id == id) {
      UniteLists(context, other, draft);
      return;
    }
  }
  context.draft.prefix_lists.push_back(std::move(draft));
}

void LoadFlowLog(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<FlowLog> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kFlowLog, id, &draft.broken);
  const std::string type = reader.String("LogDestinationType");
  if (!type.empty() && type != "s3") {
    if (type != "cloud-watch-logs" && type != "kinesis-data-firehose") {
      reader.Error("LogDestinationType", "\"" + type + "\" is not a destination type; s3 is",
                   kInvalidValue);
    }
    context.issues.WarnOnce("flow log " + type, object, id,
                            "flow logs to " + type + " are not written: ignored");
    return;
  }
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.resource_id = reader.RequiredString("ResourceId");
  draft.value.traffic = ReadTrafficType(reader);
  const std::optional<int64_t> interval = reader.Integer("MaxAggregationInterval", 1, 600);
  if (interval && *interval != 60 && *interval != 600) {
    reader.Error("MaxAggregationInterval", "the interval is 60 or 600 seconds", kInvalidValue);
  }
  draft.value.interval_seconds = static_cast<uint32_t>(interval.value_or(600));
  draft.value.format = reader.String("LogFormat");
  if (reader.Has("LogFormat")) {
    const std::string refusal = CheckFormat(draft.value.format);
    if (!refusal.empty()) {
      reader.Error("LogFormat", refusal, kInvalidValue);
    }
  }
  ReadDestination(reader, draft.value);
  context.draft.flow_logs.push_back(std::move(draft));
}

}  // namespace sluice
