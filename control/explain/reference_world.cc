#include "control/explain/reference_world.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "control/explain/parse.h"
#include "control/explain/router_answers.h"
#include "control/explain/turn.h"
#include "control/explain/world_state.h"
#include "dataplane/packet/protocol.h"

namespace sluice {

ReferenceWorld::ReferenceWorld(std::shared_ptr<const ValidatedIntent> intent, NatPortOracle* ports)
    : intent_(std::move(intent)),
      ports_(ports != nullptr ? ports : &own_ports_),
      state_(std::make_unique<WorldState>()) {}

ReferenceWorld::~ReferenceWorld() = default;

void ReferenceWorld::Replace(std::shared_ptr<const ValidatedIntent> intent) {
  intent_ = std::move(intent);
}

void ReferenceWorld::ObserveNextHop(const Arrival& arrival) {
  const auto parsed = ParseEthernet(arrival.frame);
  const EthernetFrame* frame = std::get_if<EthernetFrame>(&parsed);
  if (frame == nullptr || frame->ethertype != kEtherTypeArp) {
    return;
  }
  const std::optional<ArpPacket> arp = ParseArp(frame->payload);
  const auto observe = [&](const HostSide& side, const std::string& name) {
    if (arp.has_value() && side.port == arrival.port && side.vlan == frame->vlan &&
        arp->sender == side.next_hop) {
      state_->next_hop_macs[name] = arp->sender_mac;
    }
  };
  if (intent_->host().uplink.has_value()) {
    observe(*intent_->host().uplink, kInternetSide);
  }
  for (const HostSide& side : intent_->host().services) {
    observe(side, SideName(side));
  }
}

Receipt ReferenceWorld::Receive(int64_t time_ns, const Arrival& arrival) {
  state_->now_ns = std::max(state_->now_ns, time_ns);
  Turn turn(*intent_, *state_, *ports_, trace_);
  return turn.Take(state_->next_arrival++, arrival);
}

std::vector<Outcome> ReferenceWorld::Finish(int64_t time_ns) {
  state_->now_ns = std::max(state_->now_ns, time_ns);
  std::vector<Outcome> orphans;
  for (const HeldFragment& held : state_->fragments.TakeAll()) {
    orphans.push_back(Turn::Orphan(held));
  }
  return orphans;
}

size_t ReferenceWorld::LiveSessionCount(int64_t time_ns) const {
  std::set<uint64_t> live;
  for (const auto& [key, flow] : state_->group_flows) {
    if (intent_->FindNetworkInterface(key.first) != nullptr && flow.tracked &&
        !flow.progress.IsExpired(time_ns, {.tracking = flow.timers})) {
      live.insert(flow.session);
    }
  }
  for (const auto& [key, binding] : state_->bindings) {
    if (!binding.progress.IsExpired(time_ns, {.fixed_seconds = kNatIdleSeconds})) {
      live.insert(binding.session);
    }
  }
  return live.size();
}

bool SameExceptIdentification(const Bytes& expected_frame, const Bytes& observed_frame) {
  Bytes frames[2] = {expected_frame, observed_frame};
  for (Bytes& bytes : frames) {
    const auto parsed = ParseEthernet(bytes);
    const EthernetFrame* frame = std::get_if<EthernetFrame>(&parsed);
    if (frame == nullptr || frame->ethertype != kEtherTypeIpv4 ||
        !std::holds_alternative<Packet>(ParseIpv4(frame->payload))) {
      return expected_frame == observed_frame;
    }
    const size_t ip = bytes.size() - frame->payload.size();
    Write16(bytes, ip + 4, 0);
    SealIpv4Header(bytes, ip);
  }
  return frames[0] == frames[1];
}

}  // namespace sluice
