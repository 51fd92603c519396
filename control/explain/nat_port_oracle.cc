#include "control/explain/nat_port_oracle.h"

#include <utility>
#include <variant>

#include "control/explain/parse.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr uint32_t kFirstPort = 1024;
constexpr uint32_t kLastPort = 65535;

uint16_t PortOf(const PacketHeader& header) {
  return header.protocol == kProtocolIcmp ? header.icmp_id : header.source_port;
}

}  // namespace

Ipv4Address FirstFreeNatPorts::ChooseAddress(const NatRequest& request) {
  return request.addresses.front().private_ip;
}

std::optional<uint16_t> FirstFreeNatPorts::ChoosePort(
    const NatRequest& request, Ipv4Address /*address*/,
    const std::function<bool(uint16_t)>& is_free) {
  const uint16_t own = PortOf(request.inside);
  if (own >= kFirstPort && is_free(own)) {
    return own;
  }
  for (uint32_t candidate = kFirstPort; candidate <= kLastPort; ++candidate) {
    if (is_free(static_cast<uint16_t>(candidate))) {
      return static_cast<uint16_t>(candidate);
    }
  }
  return std::nullopt;
}

void ObservedNatPorts::Observe(std::vector<Bytes> sent_frames, bool ports_exhausted) {
  sent_frames_ = std::move(sent_frames);
  ports_exhausted_ = ports_exhausted;
}

// The sent frame whose source is one of the gateway's addresses, private or public.
std::optional<PacketHeader> ObservedNatPorts::FindSent(const NatRequest& request) const {
  for (const Bytes& bytes : sent_frames_) {
    const auto frame = ParseEthernet(bytes);
    if (!std::holds_alternative<EthernetFrame>(frame)) {
      continue;
    }
    const auto packet = ParseIpv4(std::get<EthernetFrame>(frame).payload);
    if (!std::holds_alternative<Packet>(packet) || std::get<Packet>(packet).IsLaterFragment()) {
      continue;
    }
    const PacketHeader& header = std::get<Packet>(packet).header;
    for (const NatGatewayAddress& address : request.addresses) {
      if (header.source == address.private_ip || header.source == address.public_ip) {
        PacketHeader found = header;
        found.source = address.private_ip;
        return found;
      }
    }
  }
  return std::nullopt;
}

Ipv4Address ObservedNatPorts::ChooseAddress(const NatRequest& request) {
  const std::optional<PacketHeader> sent = FindSent(request);
  return sent.has_value() ? sent->source : otherwise_.ChooseAddress(request);
}

std::optional<uint16_t> ObservedNatPorts::ChoosePort(const NatRequest& request, Ipv4Address address,
                                                     const std::function<bool(uint16_t)>& is_free) {
  if (ports_exhausted_) {
    return std::nullopt;
  }
  const std::optional<PacketHeader> sent = FindSent(request);
  return sent.has_value() ? PortOf(*sent) : otherwise_.ChoosePort(request, address, is_free);
}

}  // namespace sluice
