#include "control/telemetry/flow_log_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "absl/status/status.h"

namespace sluice {
namespace {

struct FieldRow {
  std::string_view name;
  FlowLogField field;
  int version;
};

// VPC User Guide, "Flow log records: available fields" (AWS-FL-05). Version 6 belongs to transit
// gateways.
constexpr std::array kFields = {
    FieldRow{"version", FlowLogField::kVersion, 2},
    FieldRow{"account-id", FlowLogField::kAccountId, 2},
    FieldRow{"interface-id", FlowLogField::kInterfaceId, 2},
    FieldRow{"srcaddr", FlowLogField::kSrcAddr, 2},
    FieldRow{"dstaddr", FlowLogField::kDstAddr, 2},
    FieldRow{"srcport", FlowLogField::kSrcPort, 2},
    FieldRow{"dstport", FlowLogField::kDstPort, 2},
    FieldRow{"protocol", FlowLogField::kProtocol, 2},
    FieldRow{"packets", FlowLogField::kPackets, 2},
    FieldRow{"bytes", FlowLogField::kBytes, 2},
    FieldRow{"start", FlowLogField::kStart, 2},
    FieldRow{"end", FlowLogField::kEnd, 2},
    FieldRow{"action", FlowLogField::kAction, 2},
    FieldRow{"log-status", FlowLogField::kLogStatus, 2},
    FieldRow{"vpc-id", FlowLogField::kVpcId, 3},
    FieldRow{"subnet-id", FlowLogField::kSubnetId, 3},
    FieldRow{"instance-id", FlowLogField::kInstanceId, 3},
    FieldRow{"tcp-flags", FlowLogField::kTcpFlags, 3},
    FieldRow{"type", FlowLogField::kType, 3},
    FieldRow{"pkt-srcaddr", FlowLogField::kPktSrcAddr, 3},
    FieldRow{"pkt-dstaddr", FlowLogField::kPktDstAddr, 3},
    FieldRow{"region", FlowLogField::kRegion, 4},
    FieldRow{"az-id", FlowLogField::kAzId, 4},
    FieldRow{"sublocation-type", FlowLogField::kSublocationType, 4},
    FieldRow{"sublocation-id", FlowLogField::kSublocationId, 4},
    FieldRow{"pkt-src-aws-service", FlowLogField::kAlwaysUnknown, 5},
    FieldRow{"pkt-dst-aws-service", FlowLogField::kAlwaysUnknown, 5},
    FieldRow{"flow-direction", FlowLogField::kFlowDirection, 5},
    FieldRow{"traffic-path", FlowLogField::kTrafficPath, 5},
    FieldRow{"ecs-cluster-arn", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-cluster-name", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-container-instance-arn", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-container-instance-id", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-container-id", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-second-container-id", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-service-name", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-task-definition-arn", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-task-arn", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"ecs-task-id", FlowLogField::kAlwaysUnknown, 7},
    FieldRow{"reject-reason", FlowLogField::kAlwaysUnknown, 8},
    FieldRow{"resource-id", FlowLogField::kAlwaysUnknown, 9},
    FieldRow{"encryption-status", FlowLogField::kAlwaysUnknown, 10},
};
static_assert(kFields.size() == 42, "AWS-FL-05 counts 42 fields");
constexpr size_t kDefaultFieldCount = 14;  // the v2 fields, in the order of the default format

void AppendNumber(uint64_t value, std::string* out) {
  char digits[20];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  out->append(digits, result.ptr);
}

void AppendAddress(Ipv4Address address, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    AppendNumber(address.value >> shift & 0xff, out);
    if (shift != 0) {
      out->push_back('.');
    }
  }
}

// A word of a line can hold no white space or control byte, whatever the configuration calls its
// objects.
void AppendWord(std::string_view word, std::string* out) {
  if (word.empty()) {
    out->push_back('-');
    return;
  }
  for (const char c : word) {
    const bool breaks_line = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    out->push_back(breaks_line ? '_' : c);
  }
}

std::string_view StatusName(FlowLogStatus status) {
  switch (status) {
    case FlowLogStatus::kOk:
      return "OK";
    case FlowLogStatus::kNoData:
      return "NODATA";
    case FlowLogStatus::kSkipData:
      return "SKIPDATA";
  }
  return "-";
}

// The fields that every line has, with or without traffic. False when `field` is not one of them.
bool AppendInterfaceField(FlowLogField field, int version, const FlowLogInterface& interface,
                          const FlowLogRecord& record, std::string* out) {
  switch (field) {
    case FlowLogField::kVersion:
      AppendNumber(static_cast<uint64_t>(version), out);
      return true;
    case FlowLogField::kAccountId:
      AppendWord(interface.account_id, out);
      return true;
    case FlowLogField::kInterfaceId:
      AppendWord(interface.eni_id, out);
      return true;
    case FlowLogField::kLogStatus:
      out->append(StatusName(record.status));
      return true;
    case FlowLogField::kVpcId:
      AppendWord(interface.vpc_id, out);
      return true;
    case FlowLogField::kSubnetId:
      AppendWord(interface.subnet_id, out);
      return true;
    case FlowLogField::kInstanceId:
      AppendWord(interface.instance_id, out);
      return true;
    case FlowLogField::kRegion:
      AppendWord(interface.region, out);
      return true;
    case FlowLogField::kAzId:
      AppendWord(interface.availability_zone_id, out);
      return true;
    case FlowLogField::kSublocationType:
      AppendWord(interface.sublocation_type, out);
      return true;
    case FlowLogField::kSublocationId:
      AppendWord(interface.sublocation_id, out);
      return true;
    default:
      return false;
  }
}

// AWS-FL-08: on the interface's own side stands its primary private address, whatever address the
// packet bore.
Ipv4Address ShownSource(const FlowLogInterface& interface, const FlowKey& key) {
  return key.direction == FlowDirection::kEgress ? interface.primary_address : key.source;
}
Ipv4Address ShownDestination(const FlowLogInterface& interface, const FlowKey& key) {
  return key.direction == FlowDirection::kIngress ? interface.primary_address : key.destination;
}

void AppendTrafficPath(const FlowLogRecord& record, std::string* out) {
  const bool left = record.key.direction == FlowDirection::kEgress;
  const int number = left ? TrafficPathNumber(record.sums.path) : 0;
  if (number == 0) {
    out->push_back('-');
  } else {
    AppendNumber(static_cast<uint64_t>(number), out);
  }
}

// The fields that say something about packets; `record` has status OK.
void AppendFlowField(FlowLogField field, const FlowLogInterface& interface,
                     const FlowLogRecord& record, std::string* out) {
  const FlowKey& key = record.key;
  const FlowSums& sums = record.sums;
  switch (field) {
    case FlowLogField::kSrcAddr:
      return AppendAddress(ShownSource(interface, key), out);
    case FlowLogField::kDstAddr:
      return AppendAddress(ShownDestination(interface, key), out);
    case FlowLogField::kPktSrcAddr:
      return AppendAddress(key.source, out);
    case FlowLogField::kPktDstAddr:
      return AppendAddress(key.destination, out);
    case FlowLogField::kSrcPort:
      return AppendNumber(key.source_l4_port, out);
    case FlowLogField::kDstPort:
      return AppendNumber(key.destination_l4_port, out);
    case FlowLogField::kProtocol:
      return AppendNumber(key.protocol, out);
    case FlowLogField::kPackets:
      return AppendNumber(sums.packet_count, out);
    case FlowLogField::kBytes:
      return AppendNumber(sums.size_bytes, out);
    case FlowLogField::kStart:
      return AppendNumber(static_cast<uint64_t>(sums.first_ns / kNanosPerSecond), out);
    case FlowLogField::kEnd:
      return AppendNumber(static_cast<uint64_t>(sums.last_ns / kNanosPerSecond), out);
    case FlowLogField::kAction:
      out->append(key.action == FlowAction::kAccept ? "ACCEPT" : "REJECT");
      return;
    case FlowLogField::kTcpFlags:
      return AppendNumber(sums.tcp_flags, out);
    case FlowLogField::kType:
      out->append("IPv4");
      return;
    case FlowLogField::kFlowDirection:
      out->append(key.direction == FlowDirection::kIngress ? "ingress" : "egress");
      return;
    case FlowLogField::kTrafficPath:
      return AppendTrafficPath(record, out);
    default:
      out->push_back('-');
  }
}

// AWS-FL-12: a line without traffic says its window and nothing about packets.
void AppendWindowField(FlowLogField field, const FlowLogRecord& record, std::string* out) {
  if (field == FlowLogField::kStart) {
    AppendNumber(static_cast<uint64_t>(record.window_start_seconds), out);
  } else if (field == FlowLogField::kEnd) {
    AppendNumber(static_cast<uint64_t>(record.window_end_seconds), out);
  } else {
    out->push_back('-');
  }
}

const FieldRow* FindField(std::string_view word) {
  if (word.size() < 4 || word.substr(0, 2) != "${" || word.back() != '}') {
    return nullptr;
  }
  const std::string_view name = word.substr(2, word.size() - 3);
  const auto row = std::find_if(kFields.begin(), kFields.end(),
                                [name](const FieldRow& f) { return f.name == name; });
  return row == kFields.end() ? nullptr : &*row;
}

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

int TrafficPathNumber(FlowPath path) {
  switch (path) {
    case FlowPath::kSameVpc:
      return 1;
    case FlowPath::kInternetGateway:
      return 8;
    case FlowPath::kGatewayEndpoint:
      return 7;
    case FlowPath::kPeeringSameRegion:
      return 4;
    case FlowPath::kPeeringOtherRegion:
      return 5;
    case FlowPath::kUnknown:
      return 0;
  }
  return 0;
}

absl::StatusOr<FlowLogFormat> FlowLogFormat::Parse(std::string_view text) {
  std::vector<const FieldRow*> rows;
  for (const std::string_view word : SplitWords(text)) {
    const FieldRow* row = FindField(word);
    if (row == nullptr) {
      return absl::InvalidArgumentError(
          "LogFormat: '" + std::string(word) +
          "' is not a flow-log field; write ${field} of versions 2 to 10");
    }
    rows.push_back(row);
  }
  if (rows.empty()) {
    for (size_t i = 0; i < kDefaultFieldCount; ++i) {
      rows.push_back(&kFields[i]);
    }
  }
  FlowLogFormat format;
  for (const FieldRow* row : rows) {
    format.fields_.push_back(row->field);
    format.version_ = std::max(format.version_, row->version);
    format.header_.append(format.header_.empty() ? "" : " ").append(row->name);
  }
  return format;
}

void FlowLogFormat::AppendLine(const FlowLogInterface& interface, const FlowLogRecord& record,
                               std::string* out) const {
  char separator = 0;
  for (const FlowLogField field : fields_) {
    if (separator != 0) {
      out->push_back(separator);
    }
    separator = ' ';
    if (AppendInterfaceField(field, version_, interface, record, out)) {
      continue;
    }
    if (record.status == FlowLogStatus::kOk) {
      AppendFlowField(field, interface, record, out);
    } else {
      AppendWindowField(field, record, out);
    }
  }
  out->push_back('\n');
}

}  // namespace sluice
