// Everything the reference world remembers between packets. Committed only after a packet has
// passed every check (D-STATE); the fragment cache alone is exempt. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "control/explain/flow_state.h"
#include "control/explain/fragment_cache.h"
#include "control/intent/validated_intent.h"

namespace sluice {

inline constexpr uint32_t kNatIdleSeconds = 350;  // AWS-NAT-07
// What nobody tracks and no gateway binds is forgotten after this at the latest.
inline constexpr uint32_t kUntrackedSeconds = 120;

// A flow as one interface sees it (D-TRACK). An untracked one is remembered only to tell its
// answers from new flows of the other side: every packet of it is judged by the rules of its own
// direction.
struct GroupFlow {
  FlowProgress progress;
  ConnectionTracking timers;  // of the interface, when the flow began
  bool tracked = true;
  bool is_counted = true;  // some interface of the walk tracks it, or a NAT gateway binds it
  uint64_t session = 0;
};
using GroupFlowKey = std::pair<std::string, FlowEnd>;  // interface id

// A NAT gateway's binding. `inside` is the flow as it reached the gateway from `sender_eni_id`;
// `outside` the same flow as it left, from the gateway's private address.
struct NatBindingKey {
  std::string gateway_id;
  std::string sender_eni_id;
  WorldFlowKey inside;
  friend auto operator<=>(const NatBindingKey&, const NatBindingKey&) = default;
};
struct NatBinding {
  WorldFlowKey outside;
  std::string side;  // where it left to, and where answers must come from
  FlowProgress progress;
  uint64_t session = 0;
};
using NatReverseKey = std::tuple<std::string, std::string, WorldFlowKey>;  // gateway, side, outside

// Who asked for a five-tuple on a services side.
struct EndpointFlow {
  std::string vpc_id;
  std::string asker_id;   // the interface whose table led to the endpoint
  std::string sender_id;  // who sent what asked, also past a NAT gateway
  std::string endpoint_id;
  FlowProgress progress;
  ConnectionTracking tracking;  // of the sender, when the flow began
  uint64_t session = 0;
};
using EndpointFlowKey = std::pair<std::string, WorldFlowKey>;  // side

struct WorldState {
  int64_t now_ns = 0;
  uint64_t next_arrival = 0;
  uint64_t next_session = 1;
  std::map<GroupFlowKey, GroupFlow> group_flows;
  std::map<NatBindingKey, NatBinding> bindings;
  std::map<NatReverseKey, NatBindingKey> reverse;
  std::map<EndpointFlowKey, EndpointFlow> endpoint_flows;
  // What the uplink knows of sessions: its packets as they are there. A session has one such end.
  std::map<std::pair<std::string, FlowEnd>, uint64_t> outside_sessions;
  std::map<std::string, MacAddress> next_hop_macs;  // by side
  WorldFragmentCache fragments;

  // nullptr when there is none or it has expired.
  const GroupFlow* LiveGroupFlow(const std::string& eni_id, const FlowEnd& end) const;
  // What some end of the session that has not forgotten it knows; nullptr: all have.
  const GroupFlow* LiveFlowOf(uint64_t session) const;
  // Some interface tracks the session, or a services side keeps it, and has not forgotten it.
  bool SomebodyTracks(uint64_t session) const;
  // By the timers of the interface; without tracking it has none, and knows the flow for as long as
  // somebody tracks it.
  bool IsForgotten(const GroupFlow& flow) const;
  // A NAT gateway has forgotten the session; who answered through it then knows it no more.
  bool BindingHasLapsed(uint64_t session) const;
  const NatBinding* LiveBinding(const NatGateway& gateway, const NatBindingKey& key) const;
  const NatBindingKey* LiveReverse(const NatGateway& gateway, const std::string& side,
                                   const WorldFlowKey& outside) const;
  const EndpointFlow* LiveEndpointFlow(const ValidatedIntent& intent, const std::string& side,
                                       const WorldFlowKey& key) const;
  // The first session of some ends that the side knows; 0: none.
  uint64_t OutsideSession(const std::string& side, const std::vector<FlowEnd>& ends) const;
};

inline constexpr const char* kInternetSide = "internet";
// Names a services side in keys, stable across configurations that keep port and VLAN.
std::string SideName(const HostSide& side);

}  // namespace sluice
