// One function a list of the configuration: reads an element into the draft. Control thread or an
// offline tool.
#pragma once

#include <string_view>

#include "control/intent/object_reader.h"

namespace sluice {

// `id` is the element's own id and lives as long as the tree.
void LoadVpc(LoadContext& context, JsonValue object, std::string_view id);
void LoadSubnet(LoadContext& context, JsonValue object, std::string_view id);
void LoadDhcpOptions(LoadContext& context, JsonValue object, std::string_view id);
void LoadRouteTable(LoadContext& context, JsonValue object, std::string_view id);
void LoadInternetGateway(LoadContext& context, JsonValue object, std::string_view id);
void LoadEgressOnlyInternetGateway(LoadContext& context, JsonValue object, std::string_view id);
void LoadNatGateway(LoadContext& context, JsonValue object, std::string_view id);
void LoadNetworkAcl(LoadContext& context, JsonValue object, std::string_view id);
void LoadSecurityGroup(LoadContext& context, JsonValue object, std::string_view id);
void LoadSecurityGroupRule(LoadContext& context, JsonValue object, std::string_view id);
void LoadNetworkInterface(LoadContext& context, JsonValue object, std::string_view id);
void LoadAddress(LoadContext& context, JsonValue object, std::string_view id);
void LoadPrefixList(LoadContext& context, JsonValue object, std::string_view id);
void LoadVpcEndpoint(LoadContext& context, JsonValue object, std::string_view id);
void LoadVpcPeering(LoadContext& context, JsonValue object, std::string_view id);
void LoadFlowLog(LoadContext& context, JsonValue object, std::string_view id);
void LoadHost(LoadContext& context, JsonValue object);

// True when `state` is one of the space-separated `final_states` (any case): the object is ignored,
// with one warning a kind, and its id is remembered.
bool IsIgnoredState(LoadContext& context, JsonValue object, std::string_view id,
                    std::string_view kind, std::string_view state, std::string_view final_states);

// Protocol as AWS prints it: a number, "-1", or a name it knows. Refusals go to the reader.
int ReadProtocol(ObjectReader& reader, std::string_view member);

// An IPv6 value: not carried, one warning for all.
void WarnIpv6(LoadContext& context, JsonValue where, std::string_view id);

}  // namespace sluice
