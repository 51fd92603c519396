#include "control/intent/validated_intent.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "control/intent/gather.h"
#include "control/intent/named_texts.h"
#include "control/intent/validation.h"

namespace sluice {
namespace {

template <class T>
using ById = absl::flat_hash_map<absl::string_view, const T*>;

template <class T>
ById<T> MakeIndex(const std::vector<T>& objects) {
  ById<T> index;
  index.reserve(objects.size());
  for (const T& object : objects) {
    index.emplace(ToAbsl(object.id), &object);
  }
  return index;
}

template <class T>
const T* FindIn(const ById<T>& index, std::string_view id) {
  const auto found = index.find(ToAbsl(id));
  return found == index.end() ? nullptr : found->second;
}

}  // namespace

struct ValidatedIntent::Index {
  explicit Index(const Intent& intent)
      : vpcs(MakeIndex(intent.vpcs)),
        subnets(MakeIndex(intent.subnets)),
        route_tables(MakeIndex(intent.route_tables)),
        internet_gateways(MakeIndex(intent.internet_gateways)),
        nat_gateways(MakeIndex(intent.nat_gateways)),
        network_acls(MakeIndex(intent.network_acls)),
        security_groups(MakeIndex(intent.security_groups)),
        network_interfaces(MakeIndex(intent.network_interfaces)),
        prefix_lists(MakeIndex(intent.prefix_lists)),
        vpc_endpoints(MakeIndex(intent.vpc_endpoints)),
        vpc_peerings(MakeIndex(intent.vpc_peerings)),
        dhcp_options(MakeIndex(intent.dhcp_options)) {
    for (const InternetGateway& igw : intent.internet_gateways) {
      if (!igw.vpc_id.empty()) {
        gateway_of_vpc.emplace(ToAbsl(igw.vpc_id), &igw);
      }
    }
  }

  ById<Vpc> vpcs;
  ById<Subnet> subnets;
  ById<RouteTable> route_tables;
  ById<InternetGateway> internet_gateways;
  ById<NatGateway> nat_gateways;
  ById<NetworkAcl> network_acls;
  ById<SecurityGroup> security_groups;
  ById<NetworkInterface> network_interfaces;
  ById<PrefixList> prefix_lists;
  ById<VpcEndpoint> vpc_endpoints;
  ById<VpcPeering> vpc_peerings;
  ById<DhcpOptions> dhcp_options;
  ById<InternetGateway> gateway_of_vpc;
};

ValidatedIntent::ValidatedIntent(Intent intent, bool host_was_written)
    : intent_(std::move(intent)),
      host_was_written_(host_was_written),
      index_(std::make_unique<Index>(intent_)) {}
ValidatedIntent::~ValidatedIntent() = default;

const Vpc* ValidatedIntent::FindVpc(std::string_view id) const {
  return FindIn(index_->vpcs, id);
}
const Subnet* ValidatedIntent::FindSubnet(std::string_view id) const {
  return FindIn(index_->subnets, id);
}
const RouteTable* ValidatedIntent::FindRouteTable(std::string_view id) const {
  return FindIn(index_->route_tables, id);
}
const InternetGateway* ValidatedIntent::FindInternetGateway(std::string_view id) const {
  return FindIn(index_->internet_gateways, id);
}
const NatGateway* ValidatedIntent::FindNatGateway(std::string_view id) const {
  return FindIn(index_->nat_gateways, id);
}
const NetworkAcl* ValidatedIntent::FindNetworkAcl(std::string_view id) const {
  return FindIn(index_->network_acls, id);
}
const SecurityGroup* ValidatedIntent::FindSecurityGroup(std::string_view id) const {
  return FindIn(index_->security_groups, id);
}
const NetworkInterface* ValidatedIntent::FindNetworkInterface(std::string_view id) const {
  return FindIn(index_->network_interfaces, id);
}
const PrefixList* ValidatedIntent::FindPrefixList(std::string_view id) const {
  return FindIn(index_->prefix_lists, id);
}
const VpcEndpoint* ValidatedIntent::FindVpcEndpoint(std::string_view id) const {
  return FindIn(index_->vpc_endpoints, id);
}
const VpcPeering* ValidatedIntent::FindVpcPeering(std::string_view id) const {
  return FindIn(index_->vpc_peerings, id);
}
const DhcpOptions* ValidatedIntent::FindDhcpOptions(std::string_view id) const {
  return FindIn(index_->dhcp_options, id);
}
const InternetGateway* ValidatedIntent::InternetGatewayOf(std::string_view vpc_id) const {
  return FindIn(index_->gateway_of_vpc, vpc_id);
}

std::shared_ptr<const ValidatedIntent> ValidatedIntent::WithAttachment(
    const std::string& eni_id) const {
  Intent intent = intent_;
  HostPort port;
  port.name = eni_id;
  intent.host->ports.push_back(std::move(port));
  intent.host->attachments.push_back({eni_id, eni_id, 0});
  return std::shared_ptr<const ValidatedIntent>(
      new ValidatedIntent(std::move(intent), host_was_written_));
}

// Runs the passes and makes the ValidatedIntent.
class IntentValidator {
 public:
  explicit IntentValidator(LoadContext& context) : validation_(context) {}

  std::shared_ptr<const ValidatedIntent> Run() {
    Validation& v = validation_;
    ValidateVpcAddressing(v);
    CompleteVpcDefaults(v);
    ValidatePeerings(v);
    TypeGatewayInterfaces(v);
    ValidateInterfaces(v);
    CompleteNatGateways(v);
    CompleteVpcEndpoints(v);
    ValidatePublicAddresses(v);
    CompleteInterfaces(v);
    CompletePrefixLists(v);
    ValidateRouting(v);
    ValidateNetworkAcls(v);
    ValidateSecurityGroups(v);
    ValidateFlowLogs(v);
    ValidateHost(v);
    if (v.issues.error_count() != 0) {
      return nullptr;
    }
    return std::shared_ptr<const ValidatedIntent>(
        new ValidatedIntent(TakeIntent(), v.host_was_written));
  }

 private:
  template <class D, class T>
  static void TakeSorted(std::vector<D>& from, std::vector<T>& to) {
    to.reserve(from.size());
    for (D& draft : from) {
      to.push_back(std::move(draft.value));
    }
    std::sort(to.begin(), to.end(), [](const T& a, const T& b) { return a.id < b.id; });
  }

  Intent TakeIntent() {
    Draft& draft = validation_.draft;
    Intent intent;
    TakeSorted(draft.vpcs, intent.vpcs);
    TakeSorted(draft.subnets, intent.subnets);
    TakeSorted(draft.route_tables, intent.route_tables);
    TakeSorted(draft.internet_gateways, intent.internet_gateways);
    TakeSorted(draft.nat_gateways, intent.nat_gateways);
    TakeSorted(draft.network_acls, intent.network_acls);
    TakeSorted(draft.security_groups, intent.security_groups);
    TakeSorted(draft.network_interfaces, intent.network_interfaces);
    TakeSorted(draft.prefix_lists, intent.prefix_lists);
    TakeSorted(draft.vpc_endpoints, intent.vpc_endpoints);
    TakeSorted(draft.vpc_peerings, intent.vpc_peerings);
    TakeSorted(draft.flow_logs, intent.flow_logs);
    TakeSorted(draft.dhcp_options, intent.dhcp_options);
    for (Drafted<ElasticAddress>& address : draft.addresses) {
      intent.addresses.push_back(std::move(address.value));
    }
    std::sort(intent.addresses.begin(), intent.addresses.end(),
              [](const auto& a, const auto& b) { return a.public_ip < b.public_ip; });
    intent.host = std::move(draft.host);
    return intent;
  }

  Validation validation_;
};

namespace {

ValidationResult Validate(LoadContext& context, const Documents& documents) {
  ValidationResult result;
  if (context.issues.error_count() ==
      0) {  // half a text would only make findings about the other half
    GatherDraft(documents, context);
    IntentValidator validator(context);
    result.intent = validator.Run();
  }
  result.issues = context.issues.Take();
  return result;
}

}  // namespace

ValidationResult LoadIntent(const std::vector<std::string>& paths,
                            const ValidationOptions& options) {
  LoadContext context(options);
  Documents documents(&context.names, &context.issues);
  for (const std::string& path : paths) {
    documents.AddPath(path);
  }
  return Validate(context, documents);
}

ValidationResult LoadIntentTexts(const std::vector<NamedText>& texts,
                                 const ValidationOptions& options) {
  LoadContext context(options);
  Documents documents(&context.names, &context.issues);
  for (const NamedText& text : texts) {
    documents.AddText(text.name, text.text);
  }
  return Validate(context, documents);
}

ValidationResult LoadIntentText(std::string_view name, std::string_view json_text,
                                const ValidationOptions& options) {
  LoadContext context(options);
  Documents documents(&context.names, &context.issues);
  documents.AddText(name, json_text);
  return Validate(context, documents);
}

}  // namespace sluice
