#include "tools/sluice/replay/next_hop_macs.h"

#include "dataplane/packet/wire.h"

namespace sluice {
namespace {

constexpr MacAddress kUnresolved = {{0x02, 0, 0, 0, 0, 0xfe}};
constexpr size_t kMacBytes = 12;  // both addresses, before the EtherType
constexpr size_t kTagBytes = 4;
constexpr size_t kArpBytes = 28;
constexpr uint16_t kEtherTypeTag = 0x8100;
constexpr uint16_t kEtherTypeArp = 0x0806;
// Hardware Ethernet, protocol IPv4, lengths 6 and 4 (RFC 826).
constexpr uint64_t kArpEthernetIpv4 = 0x000108000604;

}  // namespace

void NextHopMacs::Want(const Host& host) {
  const auto want = [this](const HostSide& side) {
    macs_.try_emplace({side.port, side.vlan, side.next_hop.value});
  };
  if (host.uplink) {
    want(*host.uplink);
  }
  for (const HostSide& side : host.services) {
    want(side);
  }
}

void NextHopMacs::Look(const std::string& port, std::span<const uint8_t> frame) {
  if (frame.size() < kMacBytes + 2) {
    return;
  }
  size_t at = kMacBytes;
  uint16_t vlan = 0;
  if (LoadBe16(&frame[at]) == kEtherTypeTag && frame.size() >= at + kTagBytes + 2) {
    vlan = LoadBe16(&frame[at + 2]) & 0xfff;
    at += kTagBytes;
  }
  if (LoadBe16(&frame[at]) != kEtherTypeArp || frame.size() < at + 2 + kArpBytes) {
    return;
  }
  const uint8_t* arp = &frame[at + 2];
  const uint64_t kind = uint64_t{LoadBe32(arp)} << 16 | LoadBe16(arp + 4);
  const MacAddress sender = LoadMac(arp + 8);
  if (kind != kArpEthernetIpv4 || sender.IsMulticast() || sender == MacAddress{}) {
    return;
  }
  const auto wanted = macs_.find({port, vlan, LoadBe32(arp + 14)});
  if (wanted != macs_.end() && wanted->second == MacAddress{}) {
    wanted->second = sender;
  }
}

MacAddress NextHopMacs::Of(const std::string& port, uint16_t vlan, Ipv4Address next_hop) const {
  const auto found = macs_.find({port, vlan, next_hop.value});
  return found == macs_.end() || found->second == MacAddress{} ? kUnresolved : found->second;
}

}  // namespace sluice
