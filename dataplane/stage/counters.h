// What a worker counts: one struct a worker, written by it alone, read by the control thread at any
// time. Relaxed loads and stores only (no read-modify-write): a reader sees each counter whole, not
// all of one instant.
#pragma once

#include <atomic>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "dataplane/base/cache_line.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

// A counter with one writer.
class OwnedCounter {
 public:
  // Owner only. Pairs with Read: relaxed, nothing is ordered by it.
  void Add(uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t Read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Fates of the packets received on one port: received = forwarded + consumed + dropped + held.
struct alignas(kCacheLineBytes) PortCounters {
  OwnedCounter received;
  OwnedCounter received_bytes;
  OwnedCounter forwarded;
  OwnedCounter consumed[kDropReasonCount];
  OwnedCounter dropped[kDropReasonCount];
  OwnedCounter held;      // taken by the fragment cache
  OwnedCounter released;  // given back by it; held - released are inside
  // Outputs: sent = forwarded there + extra fragments + originated - tx drops.
  OwnedCounter sent;
  OwnedCounter sent_bytes;
  OwnedCounter extra_fragments;
  OwnedCounter originated;
  OwnedCounter emit_drops;  // originated frames and pieces for which there was no buffer
  OwnedCounter tx_full;  // frames of any kind that the device, or the ring to its worker, refused
};

// One row of `show stages`.
struct StageCounters {
  OwnedCounter calls;
  OwnedCounter packets;
  OwnedCounter ticks;  // of the time-stamp counter; 0 where the stage is not timed
};

enum class StageId : uint8_t {
  kExpress,
  kParse,
  kInterface,
  kLocal,
  kFragment,
  kSession,
  kRoute,
  kSgEgress,
  kNaclEgress,
  kGateway,
  kNaclIngress,
  kSgIngress,
  kNat,
  kIcmpError,
  kMtuTtl,
  kAdmit,
  kRewrite,
  kAccount,
  kCount,
};
inline constexpr size_t kStageCount = static_cast<size_t>(StageId::kCount);

// As `sluice show stages` and the metrics call it; by StageId.
inline constexpr std::string_view kStageNames[] = {
    "express", "parse",      "interface",   "local",   "fragment",     "session",
    "route",   "sg_egress",  "nacl_egress", "gateway", "nacl_ingress", "sg_ingress",
    "nat",     "icmp_error", "mtu_ttl",     "admit",   "rewrite",      "account"};
static_assert(std::size(kStageNames) == kStageCount);
constexpr std::string_view StageName(StageId stage) {
  return kStageNames[static_cast<size_t>(stage)];
}

// Packets that reached a NAT gateway from one side, by what became of them there. Bytes are IPv4
// total lengths. What CloudWatch calls received is left + stayed; what it calls sent is left.
struct NatWay {
  OwnedCounter left_packets;  // translated, on their way to the other side
  OwnedCounter left_bytes;
  OwnedCounter stayed_packets;  // dropped or answered, by the gateway or by what asks after it
  OwnedCounter stayed_bytes;
};

// One NAT gateway's share of CloudWatch's metrics (AWS-NAT-15). The first line is all that an
// established packet writes.
struct alignas(kCacheLineBytes) NatCounters {
  NatWay from_source;  // from whoever is behind the gateway
  NatWay from_destination;
  OwnedCounter dropped;      // of the stayed: refused by the gateway itself
  OwnedCounter attempted;    // TCP: SYNs that ask for a mapping
  OwnedCounter established;  // TCP: connections answered for the first time, with SYN+ACK
  OwnedCounter no_port;      // packets that found no free port
};
static_assert(sizeof(NatCounters) == 2 * kCacheLineBytes);

// Gateways and interfaces with counts of their own. Indices are never given twice, so counts
// outlive generations; those beyond share one slot that nobody reads.
inline constexpr uint32_t kCountedNatGateways = 4096;
inline constexpr uint32_t kCountedInterfaces = 1u << 16;

struct WorkerCounters {
  explicit WorkerCounters(size_t port_count)
      : ports(port_count),
        nat_gateways(kCountedNatGateways + 1),
        conntrack_exceeded(kCountedInterfaces + 1) {}

  NatCounters& Of(NatGatewayIdx gateway) noexcept {
    return nat_gateways[gateway.value < kCountedNatGateways ? gateway.value : kCountedNatGateways];
  }
  OwnedCounter& ConntrackExceededAt(InterfaceIdx eni) noexcept {
    return conntrack_exceeded[eni.value < kCountedInterfaces ? eni.value : kCountedInterfaces];
  }

  std::vector<PortCounters> ports;               // by PortIdx
  std::vector<NatCounters> nat_gateways;         // by NatGatewayIdx, then the rest
  std::vector<OwnedCounter> conntrack_exceeded;  // by InterfaceIdx, then the rest: packets of
                                                 // connections it could not track (AWS-SG-14)
  StageCounters stages[kStageCount];
  // Packets by what the session table said; a lane that is passed again counts again.
  OwnedCounter session_hits;    // the session's own walk was used
  OwnedCounter session_misses;  // no session
  OwnedCounter session_walks;   // of known sessions
};

}  // namespace sluice
