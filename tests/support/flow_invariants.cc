#include "tests/support/flow_invariants.h"

#include <algorithm>

#include "dataplane/stage/remembered_walk.h"

namespace sluice::testing {
namespace {

// Less than any timeout that could free a NAT port.
constexpr int64_t kSurelyAliveNs = 5'000'000'000;

FlowTuple TupleOf(const SessionKey& key) {
  return {key.key_protocol(), key.src(), key.dst(), key.src_l4_port(), key.dst_l4_port()};
}

// A NAT pair's answers must lead back to where its request came from.
bool LeadsBack(const SessionLine& forward, const SessionLine& reverse) {
  const SessionKey request = KeyOf(forward);
  const WalkOutcome walk = ShowWalk(reverse);
  return reverse.generation.load() == kGenerationNone ||
         (walk.new_dst == request.src() && walk.new_src == request.dst() &&
          (request.protocol() == 1 || (walk.new_src_l4_port == request.dst_l4_port() &&
                                       walk.new_dst_l4_port == request.src_l4_port())));
}

// What a line says of the session's other key must be so.
bool KnowsItsPeer(const SessionTable& table, LineIdx line) {
  const uint8_t protocol = KeyOf(table.Line(line)).protocol();
  return (protocol != 6 && protocol != 17) ||
         OtherKey(table, line, protocol) == KeyOf(table.Line(PeerOf(line)));
}

}  // namespace

void FlowInvariants::Configure(std::shared_ptr<const ValidatedIntent> intent) {
  intent_ = std::move(intent);
  ++configuration_;
  sides_.clear();
  interfaces_.clear();
  at_.clear();
  private_of_.clear();
  public_of_.clear();
  gateway_addresses_.clear();
  const Host& host = intent_->host();
  if (host.uplink) {
    sides_.insert({host.uplink->port, host.uplink->vlan});
  }
  for (const HostSide& side : host.services) {
    sides_.insert({side.port, side.vlan});
  }
  for (const HostAttachment& at : host.attachments) {
    at_.insert({at.network_interface_id, {at.port, at.vlan}});
    const NetworkInterface* eni = intent_->FindNetworkInterface(at.network_interface_id);
    interfaces_[{{at.port, at.vlan}, eni->mac->ToUint64()}] = eni;
  }
  for (const NetworkInterface& eni : intent_->intent().network_interfaces) {
    for (const PrivateAddress& address : eni.addresses) {
      if (address.public_ip && eni.kind != InterfaceKind::kNatGateway) {
        private_of_[address.public_ip->value] = address.address.value;
        public_of_.insert({address.address.value, address.public_ip->value});
      }
    }
  }
  for (const NatGateway& gateway : intent_->intent().nat_gateways) {
    for (const NatGatewayAddress& address : gateway.addresses) {
      gateway_addresses_.insert(address.private_ip.value);
      if (address.public_ip) {
        gateway_addresses_.insert(address.public_ip->value);
        private_of_[address.public_ip->value] = address.private_ip.value;
      }
    }
  }
}

const NetworkInterface* FlowInvariants::InterfaceAt(const WirePlace& place, uint64_t mac) const {
  const auto it = interfaces_.find({place, mac});
  return it == interfaces_.end() ? nullptr : it->second;
}

bool FlowInvariants::HasReceiver(const std::string& subnet_id, uint32_t destination) const {
  const auto one = private_of_.find(destination);
  const Ipv4Address address(one == private_of_.end() ? destination : one->second);
  const Subnet* subnet = intent_->FindSubnet(subnet_id);
  if (subnet == nullptr || !subnet->cidr.Contains(address)) {
    return true;  // routed to an interface
  }
  const auto& enis = intent_->intent().network_interfaces;
  return std::any_of(enis.begin(), enis.end(), [&](const NetworkInterface& eni) {
    return eni.subnet_id == subnet_id &&
           (std::any_of(eni.addresses.begin(), eni.addresses.end(),
                        [&](const PrivateAddress& a) { return a.address == address; }) ||
            std::any_of(eni.prefixes.begin(), eni.prefixes.end(),
                        [&](const Ipv4Prefix& p) { return p.Contains(address); }));
  });
}

std::string FlowInvariants::Check(const Passage& passage) {
  std::string broken = CheckAdmission(passage);
  if (passage.in.has_tuple && passage.out.has_tuple) {
    broken += CheckTranslation(passage);
    Remember(passage);
  } else if (passage.in.quoted && passage.out.quoted) {
    broken += CheckError(passage);
  }
  return broken;
}

// --- P1 ---

// From outside: a flow that was there before, or a rule of the receiver's groups. What comes to a
// NAT gateway needs a flow, whatever the rules.
std::string FlowInvariants::CheckAdmission(const Passage& passage) const {
  const NetworkInterface* eni = InterfaceAt(passage.to, passage.destination_mac);
  const bool later_fragment = passage.in.fragment_offset != 0;
  if (!IsSide(passage.from) || eni == nullptr || later_fragment) {
    return "";
  }
  const uint32_t target = passage.in.tuple.dst;
  const bool to_gateway = gateway_addresses_.count(target) != 0;
  if (to_gateway && passage.in.quoted ? mappings_.count(*passage.in.quoted) == 0
                                      : to_gateway && !IsAnswer(passage.in.tuple)) {
    return "P1: came through a NAT gateway to " + eni->id + " without a flow; ";
  }
  const bool known =
      passage.out.quoted
          ? known_.count({eni->id, *passage.out.quoted}) != 0
          : passage.out.has_tuple && known_.count({eni->id, passage.out.tuple.Reversed()}) != 0;
  return known || GroupsAdmit(*eni, passage.out)
             ? ""
             : "P1: reached " + eni->id + " from outside without a rule or a flow; ";
}

bool FlowInvariants::GroupsAdmit(const NetworkInterface& eni, const FrameView& packet) const {
  if (eni.group_ids.empty()) {
    return eni.kind == InterfaceKind::kRequesterManaged;
  }
  return std::any_of(eni.group_ids.begin(), eni.group_ids.end(), [&](const std::string& id) {
    const SecurityGroup* group = intent_->FindSecurityGroup(id);
    return group != nullptr &&
           std::any_of(group->ingress.begin(), group->ingress.end(),
                       [&](const SecurityGroupRule& rule) { return RuleAdmits(rule, packet); });
  });
}

// A rule that names a group never admits what comes from outside.
bool FlowInvariants::RuleAdmits(const SecurityGroupRule& rule, const FrameView& packet) const {
  const Ipv4Address source(packet.tuple.src);
  const PrefixList* list =
      rule.prefix_list_id.empty() ? nullptr : intent_->FindPrefixList(rule.prefix_list_id);
  const bool from_there =
      (rule.cidr && rule.cidr->Contains(source)) ||
      (list != nullptr && std::any_of(list->cidrs.begin(), list->cidrs.end(),
                                      [&](const Ipv4Prefix& p) { return p.Contains(source); }));
  if (rule.stale || !from_there ||
      (rule.protocol != kAllProtocols && rule.protocol != packet.protocol)) {
    return false;
  }
  const PortRange& ports = rule.ports;
  if (rule.protocol == 6 || rule.protocol == 17) {
    return ports.from == -1 ||
           (packet.tuple.dst_port >= ports.from && packet.tuple.dst_port <= ports.to);
  }
  return rule.protocol != 1 || ((ports.from == -1 || ports.from == packet.icmp_type) &&
                                (ports.to == -1 || ports.to == packet.icmp_code));
}

// --- P3 and P4 ---

// To a NAT gateway, from where one of its mappings leads.
bool FlowInvariants::IsAnswer(const FlowTuple& came) const {
  return gateway_addresses_.count(came.dst) != 0 && mappings_.count(came.Reversed()) != 0;
}

std::string FlowInvariants::CheckTranslation(const Passage& passage) {
  const FlowTuple& came = passage.in.tuple;
  const FlowTuple& left = passage.out.tuple;
  // One that is led another way than to the gateway still names it, from the internet by its
  // private address, and answers nothing.
  if (IsAnswer(came) && gateway_addresses_.count(left.dst) == 0) {
    Mapping& mapping = mappings_[came.Reversed()];
    mapping.last_ns = passage.time_ns;
    mapping.ending |= (passage.in.tcp_flags & 0x05) != 0;
    return left == mapping.inside.Reversed() ? "" : "P3: an answer does not undo its translation; ";
  }
  // Straight to an interface's MAC, or by a route to an appliance: as it was sent.
  if (left == came && !IsSide(passage.from)) {
    return "";
  }
  const auto one = private_of_.find(came.dst);
  const uint32_t target = one == private_of_.end() ? came.dst : one->second;
  if (left.protocol != came.protocol || left.dst != target || left.dst_port != came.dst_port) {
    return "P3: protocol, destination or its port was changed; ";
  }
  return CheckSource(passage);
}

std::string FlowInvariants::CheckSource(const Passage& passage) {
  const FlowTuple& came = passage.in.tuple;
  const FlowTuple& left = passage.out.tuple;
  if (left.src == came.src && left.src_port == came.src_port) {
    return "";
  }
  // An interface may have borrowed the public address that the gateway gives its packets anyway.
  if (left.src == came.src && (IsSide(passage.from) || gateway_addresses_.count(left.src) == 0)) {
    return "P3: only the source port was changed; ";
  }
  if (IsSide(passage.from)) {
    return "P3: the source of a packet from outside was changed; ";
  }
  if (public_of_.count({came.src, left.src}) != 0) {
    return left.src_port == came.src_port ? "" : "P3: 1:1 translation changed the port; ";
  }
  if (gateway_addresses_.count(left.src) == 0) {
    return "P3: the source became an address of no gateway; ";
  }
  return CheckNewMapping(passage);
}

std::string FlowInvariants::CheckNewMapping(const Passage& passage) {
  const FlowTuple& left = passage.out.tuple;
  if ((left.protocol == 6 || left.protocol == 17) && left.src_port < 1024) {
    return "P3: a NAT gateway gave the port " + std::to_string(left.src_port) + "; ";
  }
  Mapping& mapping = mappings_[left];
  const bool other = mapping.configuration != 0 && mapping.inside != passage.in.tuple;
  const bool alive = !mapping.ending && mapping.configuration == configuration_ &&
                     passage.time_ns - mapping.last_ns < kSurelyAliveNs;
  const bool ending = (passage.in.tcp_flags & 0x05) != 0;
  const bool same_flow_ends = !other && mapping.ending && (passage.in.tcp_flags & 0x02) == 0;
  mapping = {passage.in.tuple, passage.time_ns, configuration_, ending || same_flow_ends};
  return other && alive ? "P4: two inside flows left as one outside flow; " : "";
}

// The packet that an error quotes is translated as an answer's reverse, unless the error is led
// another way than to the gateway and still names it.
std::string FlowInvariants::CheckError(const Passage& passage) const {
  const auto mapping = mappings_.find(*passage.in.quoted);
  const bool through_gateway = gateway_addresses_.count(passage.in.tuple.dst) != 0 &&
                               gateway_addresses_.count(passage.out.tuple.dst) == 0;
  return through_gateway && mapping != mappings_.end() &&
                 *passage.out.quoted != mapping->second.inside
             ? "P3: the quoted packet is not as it was sent; "
             : "";
}

void FlowInvariants::Remember(const Passage& passage) {
  if (const NetworkInterface* from = InterfaceAt(passage.from, passage.source_mac)) {
    known_.insert({from->id, passage.in.tuple});
    sent_inside_.insert(passage.in.tuple);
  }
  if (const NetworkInterface* to = InterfaceAt(passage.to, passage.destination_mac)) {
    known_.insert({to->id, passage.out.tuple.Reversed()});
  }
}

// --- the table ---

std::string FlowInvariants::CheckTable(const SessionTable& table) const {
  std::string broken;
  uint32_t live = 0;
  std::set<std::pair<uint64_t, uint64_t>> keys;
  const auto add = [&](const SessionKey& key) {
    if (!keys.insert({key.addresses, key.rest}).second) {
      broken += "P4: two live sessions share a key; ";
    }
  };
  for (uint32_t i = 0; i < table.pair_count(); ++i) {
    const PairIdx pair(i);
    if (!table.IsLive(pair)) {
      continue;
    }
    ++live;
    const SessionLine& forward = table.Line(ForwardLine(pair));
    const SessionLine& reverse = table.Line(ReverseLine(pair));
    add(KeyOf(forward));
    if ((table.LoadCold(pair).flags & kPairNatExpired) == 0) {
      add(KeyOf(reverse));
    }
    if (!KnowsItsPeer(table, ForwardLine(pair)) || !KnowsItsPeer(table, ReverseLine(pair))) {
      broken += "P3: a line takes other answers for its session's; ";
    }
    if ((forward.state.load() & kLineNat) == 0) {
      continue;
    }
    if (sent_inside_.count(TupleOf(KeyOf(forward))) == 0) {
      broken += "P2: a NAT mapping for what no inside host sent; ";
    }
    if (!LeadsBack(forward, reverse)) {
      broken += "P3: a session's answers do not lead back; ";
    }
  }
  const SessionCounts counts = table.Counts();
  if (counts.counted + counts.cache_only != live || counts.spare + live != table.pair_count()) {
    broken += "P10: " + std::to_string(live) + " live and " + std::to_string(counts.spare) +
              " spare session pairs of " + std::to_string(table.pair_count()) + "; ";
  }
  return broken;
}

}  // namespace sluice::testing
