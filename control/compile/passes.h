// The passes of the compiler: each turns one part of the intent into rows and table inputs. They
// share a SnapshotDraft, the snapshot in the making, and run in the order they stand here. Control
// thread; private to this room.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "control/compile/compiler.h"
#include "control/intent/validated_intent.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/group_rule_map.h"
#include "dataplane/table/mac_map.h"
#include "dataplane/table/sender_map.h"

namespace sluice {

// Tables and rows that passes append to before they become arrays.
struct SnapshotDraft {
  const ValidatedIntent& intent;
  FibBuilder& fib_builder;
  ClassifierBuilder& classifier_builder;

  std::unordered_map<std::string, VpcIdx> vpc_idx;
  std::unordered_map<std::string, NatGatewayIdx> nat_gateway_idx;
  std::unordered_map<std::string, SubnetIdx> subnet_idx;
  std::unordered_map<std::string, InterfaceIdx> interface_idx;  // ENIs by id
  std::unordered_map<std::string, PortIdx> port_idx;
  std::unordered_map<std::string, InterfaceIdx>
      endpoint_side;              // gateway endpoint id -> Services side
  InterfaceIdx default_services;  // the side of endpoints that no other side names, or none
  InterfaceIdx internet;
  std::vector<InterfaceIdx> services;  // by position in Host.Services

  std::vector<InterfaceRow> interfaces;
  std::vector<AdjacencyRow> adjacency;
  std::vector<LinkRow> links;
  std::vector<PortRow> ports;
  std::vector<SideRow> sides;
  std::vector<VpcRow> vpcs;
  std::vector<SubnetRow> subnets;
  std::vector<NatGatewayRow> nat_gateways;
  std::vector<NextHopRow> next_hops;
  std::vector<PublicAddressRow> public_addresses;
  std::vector<std::shared_ptr<const Fib>> fibs;
  std::vector<std::shared_ptr<const Classifier>> classifiers;
  std::vector<std::vector<PortRule>> group_port_rules;  // storage behind group_rules
  std::vector<GroupRules> group_rules;
  std::vector<AddressEntry> addresses;
  std::vector<AddressEntry> public_of;
  std::vector<AddressEntry> public_map;
  std::vector<SenderMap::Attachment> senders;
  std::vector<MacMap::Owner> macs;
  std::vector<DhcpRow> dhcp;

  std::map<std::pair<int, uint32_t>, uint32_t> next_hop_idx;  // (kind, index) -> row
};

// Ports, sides and attachments of the host; the internet side exists without an uplink too.
void CompileHost(SnapshotDraft& draft, const std::map<std::string, uint16_t>& device_mtu_bytes);
// Subnets, ENIs, NAT gateways; private and public addresses.
void CompileAddresses(SnapshotDraft& draft);
// Route tables, gateway route tables and the places of each VPC.
absl::Status CompileRoutes(SnapshotDraft& draft);
// Network ACLs of subnets.
absl::Status CompileNacls(SnapshotDraft& draft);
// Security groups: one policy a distinct set of groups.
absl::Status CompileGroups(SnapshotDraft& draft);

// DHCP option sets of VPCs.
void CompileDhcp(SnapshotDraft& draft);

// By InterfaceIdx: `generation` where `changes`, from the configuration `before` (nullptr: none) to
// the draft's, can reach a walk the interface sends; the number it had otherwise (decision 18).
std::vector<uint32_t> WalkGenerations(const SnapshotDraft& draft, const CompiledConfig* before,
                                      const std::vector<IntentChange>& changes,
                                      uint32_t generation);

// What the rows of the draft are called.
void NameIndices(const SnapshotDraft& draft, CompiledConfig& config);

// The (protocol, port) part of a rule as written; shared by NACLs and groups.
PortRule CompilePortRule(int protocol, PortRange ports, uint32_t value);

}  // namespace sluice
