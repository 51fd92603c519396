// IPv4 identifications of datagrams in pieces that leave with a NAT gateway's address (RFC 6864
// 5.3): senders behind one address choose theirs independently, and a receiver must never put
// pieces of two datagrams together.
//
// Theory. Every (source, destination, protocol) has a keyed start of its own, and shares a counter
// with the few other destinations of its gateway that hash alike. Two datagrams of one triple get
// equal ids only when 65,536 others have left in between: within the 30 s for which receivers keep
// pieces (RFC 791, RFC 6864 5.2) that takes more than 2,184 datagrams a second in pieces through
// one counter, at which no 16-bit field could keep them apart. Counters are a gateway's own, so one
// gateway's ids say nothing about another's traffic (D-ISOLATION).
//
// Any worker: one atomic addition for a datagram in pieces, nothing for others. Fixed memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/base/cache_line.h"
#include "dataplane/packet/ids.h"
#include "dataplane/session/nat_port.h"

namespace sluice {

class NatIpIds {
 public:
  static constexpr uint32_t kGateways = 1024;  // later gateways share the counters of earlier ones
  static constexpr uint32_t kCounters = 128;   // of one gateway

  // `streams` outlives the object.
  explicit NatIpIds(const NatStreams& streams) : streams_(streams), gateways_(kGateways) {}

  // `gateway_id` as in NatStreams. Addresses as the datagram leaves.
  uint16_t Next(NatGatewayIdx gateway, uint64_t gateway_id, uint32_t src, uint32_t dst,
                uint8_t protocol) noexcept {
    const uint64_t draw = streams_.IpIdDraw(gateway_id, src, dst, protocol);
    std::atomic<uint16_t>& counter =
        gateways_[gateway.value % kGateways].next[(draw >> 32) % kCounters];
    // Relaxed: only that no two callers get one value matters.
    return static_cast<uint16_t>(draw + counter.fetch_add(1, std::memory_order_relaxed));
  }

 private:
  struct alignas(kCacheLineBytes) Counters {
    std::array<std::atomic<uint16_t>, kCounters> next{};
  };

  const NatStreams& streams_;
  std::vector<Counters> gateways_;
};

}  // namespace sluice
