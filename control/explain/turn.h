// One arrival's turn in the reference world, from bytes to outcome and committed state: sender, ARP
// and DHCP, fragment cache, walk, last checks (TTL, MTU, next hop), ports and commits, output. Used
// by ReferenceWorld only; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/explain/reference_world.h"
#include "control/explain/sender.h"
#include "control/explain/walk.h"
#include "control/explain/world_state.h"

namespace sluice {

class Turn {
 public:
  Turn(const ValidatedIntent& intent, WorldState& state, NatPortOracle& ports, Trace* trace);

  Receipt Take(uint64_t arrival_number, const Arrival& arrival);
  // The fate of held fragments that nothing came for.
  static Outcome Orphan(const HeldFragment& held);

 private:
  Outcome Judge(const Arrival& arrival, std::vector<Outcome>& settled);
  void TakeArp(const EthernetFrame& frame, const SenderFinding& sender, Outcome& outcome);
  void TakeArpOfSide(const EthernetFrame& frame, const ArrivalOrigin& origin, Outcome& outcome);
  bool TakeDhcp(const EthernetFrame& frame, const Packet& packet, const NetworkInterface& sender,
                Outcome& outcome);
  void TakeFragment(const ArrivalOrigin& origin, const EthernetFrame& frame, const Packet& packet,
                    Outcome& outcome, std::vector<Outcome>& settled);
  void FollowFirst(const ArrivalOrigin& origin, const EthernetFrame& frame, Packet packet,
                   const FirstFragmentFate& fate, Outcome& outcome);
  void Send(const ArrivalOrigin& origin, const EthernetFrame& frame, const Packet& packet,
            Outcome& outcome);
  // Sender's own checks that come before fragments are looked at; a reason, or kNone.
  DropReason RefuseEarly(const NetworkInterface& sender, const PacketHeader& header) const;
  WalkResult WalkFrom(const ArrivalOrigin& origin, const EthernetFrame& frame,
                      const Packet& packet);

  // False when TTL, MTU or next hop stop it; the outcome then says how.
  bool PassesLastChecks(const ArrivalOrigin& origin, const Packet& packet, const WalkResult& result,
                        Outcome& outcome);
  void TraceLastCheck(const WalkResult& result, const Outcome& outcome);
  size_t MtuOf(const WalkResult& result) const;
  bool NextHopIsKnown(const WalkResult& result) const;
  bool ChooseNatPort(WalkResult& result, Outcome& outcome);
  bool EndpointIsFree(const WalkResult& result, Outcome& outcome) const;
  void TurnRound(WalkResult& result);
  void StayAnswer(WalkResult& result) const;
  void Commit(WalkResult& result, const Packet& packet);
  uint64_t SessionOf(const WalkResult& result);
  void EndSession(uint64_t session);
  std::optional<FlowProgress> CarriedProgress(const WalkResult& result, const Packet& packet,
                                              uint64_t session) const;
  std::optional<FlowProgress> CommitGroups(const WalkResult& result, const Packet& packet,
                                           uint64_t session);
  void AcceptAtEveryEnd(const WalkResult& result, const Packet& packet, uint64_t session);
  void LeaveOldEnds(const WalkResult& result, uint64_t session);
  // `anew`: how the flow begins anew for the groups; its binding does then, too. `strays`: an
  // answer that does not reach who asked, which starts nothing over.
  void CommitBinding(const BindingCommit& commit, const Packet& packet, uint64_t session,
                     const std::optional<FlowProgress>& anew, bool strays);
  void CommitEndpoint(const EndpointCommit& commit, const Packet& packet, uint64_t session);
  void BeginGroupFlow(const GroupCommit& group, uint64_t session, const FlowProgress& progress,
                      bool goes_on);
  void CommitOutside(const WalkResult& result, const Packet& packet, uint64_t session);
  void Output(const WalkResult& result, const EthernetFrame& frame, const Packet& packet,
              Outcome& outcome);
  void Answer(const ArrivalOrigin& origin, const Bytes& ip, Outcome& outcome);
  void EmitToInterface(const NetworkInterface& eni, uint16_t ethertype, const Bytes& payload,
                       const MacAddress& destination, const MacAddress& source,
                       bool identification_is_free, Outcome& outcome);
  void EmitToSide(const HostSide& side, const std::string& name, const Bytes& ip,
                  bool identification_is_free, Outcome& outcome);

  const ValidatedIntent& intent_;
  WorldState& state_;
  NatPortOracle& ports_;
  Trace* trace_;
  uint64_t arrival_number_ = 0;
};

}  // namespace sluice
