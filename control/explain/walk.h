// One packet's journey through the configuration as written (D-WALK, D-ORDER, AWS-ORD-01/02,
// decisions 11 and 12): from where it arrived to where it leaves, or to the check that stops it. A
// walk reads the state and changes nothing; what it would change stands in its result, for the
// world to commit (D-STATE). Every component asked becomes a hop of the trace. One thread; a Walk
// is used once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/explain/firewall.h"
#include "control/explain/nat_port_oracle.h"
#include "control/explain/reference_world.h"
#include "control/explain/route_choice.h"
#include "control/explain/world_state.h"

namespace sluice {

struct GroupCommit {
  const NetworkInterface* eni = nullptr;
  FlowEnd end;                           // what the interface is to the flow
  FlowSide side = FlowSide::kInitiator;  // what the packet is
  bool is_new = false;
  bool starts_over = false;  // known, but its progress begins anew
  bool mid_stream = false;
  bool becomes_tracked = false;
  bool needs_nat_port = false;  // the initiator's port is the one that the gateway will choose
};

struct BindingCommit {
  const NatGateway* gateway = nullptr;
  NatBindingKey key;
  FlowSide side = FlowSide::kInitiator;
  bool is_new = false;
  WorldFlowKey outside;  // of a new one: initiator_port not chosen yet
  std::string left_by;   // of a new one: the side
};

struct EndpointCommit {
  std::string side;
  WorldFlowKey key;
  FlowSide flow_side = FlowSide::kInitiator;
  std::string vpc_id;
  std::string asker_id;
  std::string endpoint_id;
  std::string sender_id;  // whose timers it has
  bool needs_nat_port = false;
};

struct WalkResult {
  enum class Exit : uint8_t { kNone, kInterface, kUplink, kServices };

  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;
  std::optional<DroppingRule> rule;
  Exit exit = Exit::kNone;
  const NetworkInterface* receiver = nullptr;  // kInterface
  size_t services_index = 0;                   // kServices
  bool layer2_kept = false;
  PacketHeader header;                // as it leaves
  std::optional<PacketHeader> quote;  // likewise
  std::vector<GroupCommit> groups;
  std::optional<BindingCommit> binding;
  std::optional<EndpointCommit> endpoint;
  std::optional<NatRequest> nat_request;  // of a new binding
  Ipv4Address nat_address;                // the gateway's private address of the walk
  std::string nat_vpc_id;
  bool passes_nat = false;  // TTL is decremented
  bool leaves_through_nat = false;
  bool crosses_internet_edge = false;
  std::string outside;             // the uplink or services side that it came from
  uint64_t session = 0;            // that the sending side knows the packet to be of; 0: none
  bool starts_over = false;        // a SYN whose NAT binding has run out: new for everybody
  bool answer_with_reset = false;  // D-NATIDLE
  size_t nat_hop = 0;              // its index in the trace
};

class Walk {
 public:
  // Everything must outlive the walk. `trace` may be nullptr.
  Walk(const ValidatedIntent& intent, const WorldState& state, NatPortOracle& ports,
       const Packet& packet, Trace* trace);

  WalkResult FromInterface(const NetworkInterface& sender, const MacAddress& destination_mac);
  WalkResult FromUplink();
  WalkResult FromServices(size_t services_index);

 private:
  // Who sends on this leg: an ordinary interface, or a NAT gateway's.
  struct Leg {
    const NetworkInterface* eni = nullptr;
    const Subnet* subnet = nullptr;
    std::string vpc_id;
  };
  // What routing says of a destination, before anyone is asked (decision 11: computed first,
  // applied in AWS order).
  struct Target {
    enum class Kind : uint8_t { kInterface, kInternet, kNatGateway, kEndpoint, kRefused };
    Kind kind = Kind::kRefused;
    DropReason refusal = DropReason::kNone;
    const NetworkInterface* receiver = nullptr;  // kInterface; nullptr: nobody owns the address
    const Subnet* subnet = nullptr;              // kInterface and kNatGateway: where that is
    std::string vpc_id;                          // kInterface: of the destination
    std::string id;                              // of the gateway, peering or endpoint
    const RouteTable* table = nullptr;
    RouteChoice choice;
  };

  // Each returns true to go on; false when the verdict stands.
  bool Drop(DropReason reason);
  bool AskSenderItself(const NetworkInterface& sender);
  bool AskDestinationItself(const NetworkInterface& sender);
  bool AskGroups(const NetworkInterface& eni, Direction direction, const NetworkInterface* peer,
                 bool always_tracked);
  bool AskNacl(const Subnet& subnet, Direction direction);
  bool Leave(const Leg& leg, const Target& target, bool ask_groups);
  bool Enter(const Leg* from, const std::string& side, const Target& target);
  bool ThroughInternetGateway(const Leg& leg, const std::string& gateway_id);
  bool EnterFromInternet();
  bool ThroughNatGateway(const Leg& leg, const NatGateway& gateway);
  bool BindAtNatGateway(const Leg& leg, const NatGateway& gateway);
  bool BackThroughNatGateway(const NatGateway& gateway, const std::string& side);
  bool ThroughEndpoint(const Leg& leg, const std::string& endpoint_id);

  Target ResolveRoute(const Leg& leg) const;
  Target ResolveLocal(const std::string& vpc_id) const;
  Target ResolvePeering(const Leg& leg, const std::string& peering_id) const;
  bool PassesByState(const NetworkInterface& eni, Direction direction);
  bool QuoteIsOfFlow() const;
  bool StartsOver(const GroupFlow& flow) const {
    return IsPureSyn(packet_) && (starts_over_ || flow.progress.MayReopen());
  }
  bool StartsNewFlow() const { return result_.nat_request.has_value(); }
  // State of a flow counts at the receiver only if it is of the session that the sender knows.
  void LookUpSession(const NetworkInterface& sender);
  const GroupFlow* FlowAt(const NetworkInterface& eni, const FlowEnd& end) const;
  // The ends that the packet, or the one that it quotes, can belong to at an interface that sends
  // it (egress) or receives it (ingress).
  std::vector<FlowEnd> EndsAt(Direction direction) const;
  // A provider, or who is beyond a NAT gateway, never becomes the one who asked.
  bool OnlyAnswers() const { return AnswersEndpoint() || AnswersBinding(); }
  bool AnswersBinding() const {
    return result_.binding.has_value() && result_.binding->side == FlowSide::kResponder;
  }
  bool AnswersEndpoint() const {
    return result_.endpoint.has_value() && result_.endpoint->flow_side == FlowSide::kResponder;
  }
  // Led back by the NAT gateway or the services side to somebody else than who asked.
  bool IsAnswerToAnother(const NetworkInterface& eni) const {
    return AnswersBinding() ? result_.binding->key.sender_eni_id != eni.id
                            : AnswersEndpoint() && result_.endpoint->asker_id != eni.id;
  }
  // The sender knows the packet as an answer.
  bool IsAnswerOfSender() const {
    return !result_.groups.empty() && result_.groups.front().side == FlowSide::kResponder;
  }
  void RecordGroupCommit(const NetworkInterface& eni, Direction direction, bool is_everyone,
                         bool always_tracked);
  bool UseBinding(const NatGateway& gateway, const NatBindingKey& key, FlowSide side);
  void TraceGroups(const NetworkInterface& eni, Direction direction,
                   const GroupJudgement& judgement);
  void TraceTable(const Target& target);
  Hop* AddHop(std::string_view component, std::string asked, std::string matched);
  WalkResult Finished();

  const ValidatedIntent& intent_;
  const WorldState& state_;
  NatPortOracle& ports_;
  const Packet& packet_;
  Trace* trace_;
  Hop unused_hop_;
  WalkResult result_;
  PacketHeader& header_;
  bool hairpin_used_ = false;
  bool starts_over_ = false;  // a SYN whose NAT binding has run out: a new flow for everybody
  bool sender_is_endpoint_ = false;
  std::optional<uint64_t> session_;  // as the sending side knows it; 0: it knows none
};

}  // namespace sluice
