// The text of flow-log lines: which fields a log has, and one record as a line (AWS-FL-04..09, 13,
// 14, 19). Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "control/telemetry/flow_record.h"
#include "dataplane/packet/ipv4.h"

namespace sluice {

// What lines say about the interface itself. Empty strings print as "-".
struct FlowLogInterface {
  std::string eni_id;
  std::string account_id;  // never empty: "unknown" as AWS prints it where the owner is not known
  std::string vpc_id;
  std::string subnet_id;
  std::string instance_id;  // empty on requester-managed interfaces (AWS-FL-09)
  std::string region;
  std::string availability_zone_id;
  std::string sublocation_type;  // "localzone", "wavelength" or empty
  std::string sublocation_id;
  Ipv4Address primary_address;  // what srcaddr or dstaddr shows on the interface's side (AWS-FL-08)
};

enum class FlowLogField : uint8_t {
  kVersion,
  kAccountId,
  kInterfaceId,
  kSrcAddr,
  kDstAddr,
  kSrcPort,
  kDstPort,
  kProtocol,
  kPackets,
  kBytes,
  kStart,
  kEnd,
  kAction,
  kLogStatus,
  kVpcId,
  kSubnetId,
  kInstanceId,
  kTcpFlags,
  kType,
  kPktSrcAddr,
  kPktDstAddr,
  kRegion,
  kAzId,
  kSublocationType,
  kSublocationId,
  kFlowDirection,
  kTrafficPath,
  kAlwaysUnknown,  // a field of AWS that this dataplane never knows: prints "-"
};

class FlowLogFormat {
 public:
  // `text` is LogFormat: "${version} ${srcaddr} …", fields separated by spaces; empty means the
  // default v2 fields. InvalidArgument names the first word that is not a field of AWS's
  // versions 2..10.
  static absl::StatusOr<FlowLogFormat> Parse(std::string_view text);

  // The names in order, separated by one space, without newline: a file's first line.
  const std::string& header() const { return header_; }
  // The highest version among the fields (AWS-FL-06), 2..10.
  int version() const { return version_; }

  // Appends one line and its newline.
  void AppendLine(const FlowLogInterface& interface, const FlowLogRecord& record,
                  std::string* out) const;

 private:
  std::vector<FlowLogField> fields_;
  std::string header_;
  int version_ = 2;
};

// The number AWS prints for a path, 0 for none ("-"): 1 same VPC, 8 internet gateway, 7 gateway
// endpoint (both as on Nitro hosts), 4 and 5 peering within and across regions.
int TrafficPathNumber(FlowPath path);

}  // namespace sluice
