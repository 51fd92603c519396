// Which source port or query identifier a NAT gateway gives a new flow (AWS-NAT-04, -05, -16).
//
// Theory. A port is free for a destination exactly when the key of the answer (remote address and
// port, protocol, gateway address, candidate port, in the scope the answer comes from) is absent
// from the session table, so claiming a port is inserting that key: no bitmap, no port ranges per
// core, no locks, and two live flows can never share an outside five-tuple. Candidates are a keyed
// pseudorandom function of gateway and tuple, an affine walk through all 64,512 ports with an odd
// stride, so the candidates of one flow are distinct (double hashing; RFC 6056 3.3.3 asks for an
// unpredictable start).
//
// Bound and guarantee: at most kNatProbes candidates. With f of the ports of one (address,
// destination, protocol) in use, a claim fails with probability below f^128: at 54,999 in
// use 1.3e-9, and over a whole fill of 55,000 flows 5e-7 (the integral of f^128). Above 55,000 it
// is best effort up to 64,512. When all candidates are taken, the binding of a fully closed
// connection among them is evicted, the oldest first.
//
// Any worker; pure except ClaimNatPort, which follows the rules of an admission.
#pragma once

#include <cstdint>

#include "dataplane/session/session_hash.h"
#include "dataplane/session/session_table.h"

namespace sluice {

inline constexpr uint16_t kFirstNatPort = 1024;
inline constexpr uint32_t kNatPortCount = 64512;  // 1024..65535
inline constexpr uint32_t kNatProbes = 128;
inline constexpr uint32_t kGuaranteedNatPorts = 55000;

// The candidates of one flow. At(i) for i < kNatPortCount are all different.
struct NatPortSequence {
  uint32_t start = 0;   // 0 .. kNatPortCount-1
  uint32_t stride = 1;  // coprime to kNatPortCount

  constexpr uint16_t At(uint32_t attempt) const {
    return static_cast<uint16_t>(kFirstNatPort +
                                 (start + uint64_t{attempt} * stride) % kNatPortCount);
  }
};

// The random streams of NAT gateways. Each depends on the seed, the gateway and the flow alone,
// never on other traffic and never on dense indices (D-ISOLATION), hence `gateway_id`: 64 bits that
// belong to the gateway, such as a hash of its configured id. The scope of `flow` is not used
// either.
class NatStreams {
 public:
  explicit NatStreams(uint64_t seed) : secret_(HashSecret::FromSeed(seed ^ 0x6e61742d706f7274)) {}

  // `flow` = addresses, ports and protocol of the packet before translation.
  NatPortSequence Ports(uint64_t gateway_id, const SessionKey& flow) const noexcept;
  // Which of the gateway's `address_count` (1..8) addresses the flow takes: evenly spread.
  uint32_t AddressIndex(uint64_t gateway_id, const SessionKey& flow,
                        uint32_t address_count) const noexcept;
  // What NatIpIds makes the identifications of one sender, receiver and protocol from.
  uint64_t IpIdDraw(uint64_t gateway_id, uint32_t src, uint32_t dst,
                    uint8_t protocol) const noexcept;

 private:
  uint64_t Draw(uint64_t gateway_id, const SessionKey& flow, uint64_t purpose) const noexcept;

  HashSecret secret_;
};

struct NatClaim {
  ClaimOutcome outcome =
      ClaimOutcome::kExists;  // kExists: every candidate is taken (nat_ports_exhausted)
  uint16_t l4_port = 0;       // with kClaimed
  uint32_t probes = 0;
};

// Claims `answer` with the first free candidate as its destination port, as the reverse key of
// `admission`; one that only a lapsed binding holds is free. The caller completes
// admission.cold.nat_port and the lines, then Publish; on any other outcome Abandon.
NatClaim ClaimNatPort(SessionTable& table, Admission& admission, const SessionKey& answer,
                      const NatPortSequence& ports, uint32_t now_ms) noexcept;

}  // namespace sluice
