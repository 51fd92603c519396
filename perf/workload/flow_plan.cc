#include "perf/workload/flow_plan.h"

#include <algorithm>
#include <map>

#include "dataplane/base/check.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

// RFC 2544 C.2.2 and RFC 6815: addresses for tests of network devices.
constexpr uint32_t kTestNetwork = 0xc6120000;
constexpr uint32_t kTestNetworkAddresses = 1u << 17;
constexpr uint16_t kServerPorts[] = {443, 8080, 80, 53, 22, 5432, 3306};
// Every destination of a NAT gateway has room for at least 55,000 flows (AWS-NAT-04).
constexpr uint32_t kFlowsPerInternetHost = 8192;
constexpr uint32_t kFlowsPerEni = 60000;
constexpr uint16_t kFirstSourcePort = 1024;
constexpr uint32_t kSourcePortStep = 7;  // 8192 of them stay below 65,536

struct Sender {
  const NetworkInterface* eni;
  uint16_t link;
};

std::vector<Sender> SendersOf(const CompiledConfig& config, Links& links) {
  const Host& host = config.intent->host();
  std::map<std::string, uint16_t> port_index;
  for (size_t i = 0; i < config.port_names.size(); ++i) {
    port_index[config.port_names[i]] = static_cast<uint16_t>(i);
  }
  std::vector<Sender> senders;
  for (const HostAttachment& attachment : host.attachments) {
    const NetworkInterface* eni =
        config.intent->FindNetworkInterface(attachment.network_interface_id);
    SLUICE_CHECK(eni != nullptr);
    const Link link = MakeLink(PortIdx(port_index.at(attachment.port)), attachment.vlan,
                               host.router_mac, *eni->mac);
    senders.push_back({eni, links.Add(link)});
  }
  return senders;
}

void AddFamilies(const PacketHeads& towards, Protocols protocols, FlowFamily family,
                 std::vector<FlowFamily>& families) {
  for (const uint8_t protocol : {kProtocolTcp, kProtocolUdp}) {
    if (protocols == Protocols::kMixed ||
        (protocols == Protocols::kTcp) == (protocol == kProtocolTcp)) {
      for (const uint16_t l4_port : kServerPorts) {
        family.first = towards;
        family.first.protocol = protocol;
        family.first.dst_l4_port = l4_port;
        families.push_back(family);
      }
    }
  }
}

}  // namespace

uint16_t Links::Add(const Link& link) {
  const auto found = std::find(links_.begin(), links_.end(), link);
  if (found != links_.end()) {
    return static_cast<uint16_t>(found - links_.begin());
  }
  SLUICE_CHECK(links_.size() < 65536);
  links_.push_back(link);
  return static_cast<uint16_t>(links_.size() - 1);
}

std::vector<FlowFamily> CandidateFamilies(const CompiledConfig& config, Traffic traffic,
                                          Protocols protocols, Links& links) {
  const std::vector<Sender> senders = SendersOf(config, links);
  const uint32_t slice = std::max<uint32_t>(
      1, kTestNetworkAddresses / static_cast<uint32_t>(std::max<size_t>(senders.size(), 1)));
  std::vector<FlowFamily> families;
  for (size_t s = 0; s < senders.size(); ++s) {
    PacketHeads towards;
    towards.link = senders[s].link;
    towards.src = senders[s].eni->addresses.front().address.value;
    if (traffic != Traffic::kVpc) {
      towards.dst = kTestNetwork + static_cast<uint32_t>(s) * slice % kTestNetworkAddresses;
      AddFamilies(towards, protocols, {{}, slice, kFlowsPerInternetHost, true}, families);
    }
    uint32_t targets = 0;
    for (size_t t = 1; t < senders.size() && traffic != Traffic::kNat && targets < kMaxTargets;
         ++t) {
      // From the last one on, so that servers listed behind many clients are met.
      const Sender& target = senders[(s + senders.size() - t) % senders.size()];
      if (target.eni->vpc_id == senders[s].eni->vpc_id) {
        towards.dst = target.eni->addresses.front().address.value;
        AddFamilies(towards, protocols, {{}, 1, kFlowsPerEni, false}, families);
        ++targets;
      }
    }
  }
  return families;
}

std::vector<FlowFamily> FamiliesOf(const CompiledConfig& config,
                                   const std::vector<FlowTarget>& targets, Links& links) {
  std::map<std::string, PacketHeads> from;
  for (const Sender& sender : SendersOf(config, links)) {
    PacketHeads& heads = from[sender.eni->id];
    heads.link = sender.link;
    heads.src = sender.eni->addresses.front().address.value;
  }
  std::vector<FlowFamily> families;
  families.reserve(targets.size());
  for (const FlowTarget& target : targets) {
    FlowFamily family = {from.at(target.eni_id), 1, kFlowsPerInternetHost, true};
    family.first.protocol = target.protocol;
    family.first.dst = target.dst;
    family.first.dst_l4_port = target.dst_l4_port;
    families.push_back(family);
  }
  return families;
}

FlowPlan::FlowPlan(std::vector<FlowFamily> families) : families_(std::move(families)) {
  SLUICE_CHECK(!families_.empty());
}

uint64_t FlowPlan::capacity() const {
  const auto smallest = std::min_element(
      families_.begin(), families_.end(),
      [](const FlowFamily& a, const FlowFamily& b) { return a.capacity() < b.capacity(); });
  return smallest->capacity() * families_.size();
}

PacketHeads FlowPlan::Opening(uint32_t number) const {
  const FlowFamily& family = families_[number % families_.size()];
  const auto member = static_cast<uint32_t>(number / families_.size());
  PacketHeads heads = family.first;
  heads.dst += member / family.flows_per_destination;
  const uint32_t nth = member % family.flows_per_destination;
  const uint32_t step = family.flows_per_destination <= kFlowsPerInternetHost ? kSourcePortStep : 1;
  heads.src_l4_port = static_cast<uint16_t>(kFirstSourcePort + nth * step);
  return heads;
}

}  // namespace sluice
