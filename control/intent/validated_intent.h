// A configuration that passed validation: the only input of compile, explain and telemetry.
// Complete (what AWS creates by itself is there), canonical (CIDRs without host bits, rules sorted)
// and consistent (every reference that must resolve does). Immutable; share it by shared_ptr
// between generations. Control thread or an offline tool.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/intent.h"

namespace sluice {

// One finding of loading or validation.
struct IntentIssue {
  std::string json_path;  // "vpc.json:$.Subnets[3].CidrBlock"
  std::string object_id;  // "subnet-web"; empty when unknown
  std::string what;       // one sentence: what is wrong and how to mend it
  std::string code;       // AWS error code where one fits ("InvalidSubnet.Range"), else empty
  bool is_warning = false;
};

class ValidatedIntent {
 public:
  // What validation promises about `intent`, beyond the comments of intent.h:
  //  * vectors are sorted by id, except addresses, CIDRs and rules, which keep their meaning's
  //  order;
  //  * every VPC has one main route table, a default NACL and a default group; every subnet names
  //  its table and NACL;
  //  * every NAT gateway's and interface endpoint's ENI is in network_interfaces, with kind and
  //  address;
  //  * host is set: the one written, or the one interface.md §3 implies (a port an ENI named by its
  //  id, "internet",
  //    "services"), with one attachment for every ENI that can send (not a NAT gateway's).
  const Intent& intent() const { return intent_; }
  const Host& host() const { return *intent_.host; }
  bool host_was_written() const { return host_was_written_; }

  // Lookups by id; nullptr when there is none. O(1).
  const Vpc* FindVpc(std::string_view id) const;
  const Subnet* FindSubnet(std::string_view id) const;
  const RouteTable* FindRouteTable(std::string_view id) const;
  const InternetGateway* FindInternetGateway(std::string_view id) const;
  const NatGateway* FindNatGateway(std::string_view id) const;
  const NetworkAcl* FindNetworkAcl(std::string_view id) const;
  const SecurityGroup* FindSecurityGroup(std::string_view id) const;
  const NetworkInterface* FindNetworkInterface(std::string_view id) const;
  const PrefixList* FindPrefixList(std::string_view id) const;
  const VpcEndpoint* FindVpcEndpoint(std::string_view id) const;
  const VpcPeering* FindVpcPeering(std::string_view id) const;
  const DhcpOptions* FindDhcpOptions(std::string_view id) const;
  // The internet gateway attached to the VPC, or nullptr.
  const InternetGateway* InternetGatewayOf(std::string_view vpc_id) const;

  // The same, and the ENI, which has no attachment, on a port of its own, named by its id.
  std::shared_ptr<const ValidatedIntent> WithAttachment(const std::string& eni_id) const;

  ~ValidatedIntent();
  ValidatedIntent(const ValidatedIntent&) = delete;
  ValidatedIntent& operator=(const ValidatedIntent&) = delete;

 private:
  friend class IntentValidator;  // the only maker
  struct Index;
  ValidatedIntent(Intent intent, bool host_was_written);

  Intent intent_;
  bool host_was_written_ = false;
  std::unique_ptr<Index> index_;
};

struct ValidationResult {
  std::shared_ptr<const ValidatedIntent> intent;  // nullptr when any issue is an error
  std::vector<IntentIssue> issues;                // errors and warnings, in the order of the files
};

struct ValidationOptions {
  bool enforce_quotas = false;  // quotas become errors
};

// Reads and unites every path (a file, or a folder of *.json read recursively in name order),
// completes and checks it. Never throws; unreadable files and broken JSON are issues like any
// other.
ValidationResult LoadIntent(const std::vector<std::string>& paths,
                            const ValidationOptions& options);

// The same from text; `name` stands for the file in messages.
ValidationResult LoadIntentText(std::string_view name, std::string_view json_text,
                                const ValidationOptions& options);

// The running configuration in the shapes it was read in (describe lists plus Host); loading it
// again gives an equal intent (round trip).
std::string ExportIntentJson(const ValidatedIntent& intent);

}  // namespace sluice
