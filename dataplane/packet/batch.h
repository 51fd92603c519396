// The batch: one burst of packets as columns. A worker owns one and reuses it; every stage reads
// and writes columns of the lanes it is given and names them in its header. Nothing is freed or
// reordered inside the pipeline.
//
// Addresses and numbers are in host order. A column holds rubbish until the stage that writes it
// has run.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/packet/ids.h"
#include "dataplane/packet/lanes.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

template <typename T>
using Column = std::array<T, kMaxBatch>;

// Bits of Batch::traits: what kind of packet a lane holds.
enum PacketTrait : uint16_t {
  kTraitIpv4 = 1 << 0,           // a well-formed IPv4 packet
  kTraitFragment = 1 << 1,       // any fragment, the first included
  kTraitLaterFragment = 1 << 2,  // a fragment without the L4 header (offset > 0)
  kTraitMoreFragments = 1 << 3,
  kTraitDontFragment = 1 << 4,
  kTraitPorts = 1 << 5,      // TCP or UDP: l4_src and l4_dst are ports
  kTraitIcmpQuery = 1 << 6,  // an ICMP query or its reply with code 0: keyed by its id
  kTraitIcmpError = 1 << 7,  // type 3, 11 or 12: the quoted columns are set
  kTraitL2Direct =
      1 << 8,  // addressed to an ENI's MAC of the same subnet: no route applies (AWS-RT-10)
  kTraitTcpSlow = 1 << 9,         // TCP with SYN, FIN or RST: never a hit of the session cache
  kTraitRelated = 1 << 10,        // an ICMP error about a tracked session
  kTraitDhcp = 1 << 11,           // UDP from port 68 to 67, whole: a DHCP client speaks
  kTraitFragmentFiled = 1 << 12,  // the fragment cache knows this fragment: it is not asked again
};

// Where a lane stands with the session table.
enum class SessionMatch : uint8_t {
  kNone = 0,  // its packets make no session (ICMP errors and the like)
  kMiss,      // no session has its key
  kKnown,  // a session has its key, but the packet must walk (stale, state-changing, fragment, too
           // long)
  kSettling,  // the line's walk applies, but the flow's state is not settled: the peer is read
  kHit,       // the line's walk applies as it is
};

struct Batch {
  uint32_t count = 0;  // lanes in use: 0 .. count-1

  // ---- Input, written by whoever fills the batch.
  Column<uint8_t*>
      frame;  // first byte of Ethernet; at least kFrameHeadroomBytes may be written before it
  Column<void*> handle;            // the filler's own: an mbuf or a plain buffer
  Column<uint16_t> segment_bytes;  // contiguous bytes at `frame`
  Column<uint32_t> frame_bytes;    // whole length, chained segments included
  Column<PortIdx> rx_port;
  Column<uint8_t> reentered;  // 1: a held fragment that was released; it was counted as received

  // ---- Result, read by whoever filled the batch.
  Column<Verdict> verdict;
  Column<DropReason> reason;  // kNone when forwarded
  Column<InterfaceIdx>
      sender;  // who sent it; none when unknown, the internet or a Services side otherwise
  Column<InterfaceIdx> out;    // forwarded: the side it leaves on
  Column<uint8_t*> out_frame;  // forwarded: first byte of the frame to send, inside the same buffer
  Column<uint32_t> out_bytes;  // forwarded: its length
  Column<uint16_t> rule;       // NACL drops: the rule's number, kNaclDefaultRule for "*"; else 0
  Column<SubnetIdx> rule_subnet;  // NACL drops: the subnet whose NACL refused
  Column<uint8_t> split;  // forwarded as fragments: the frame itself is not sent, its pieces are in
                          // the EmitList

  // ---- Written by parse.
  Column<uint16_t> traits;
  Column<uint16_t> vlan;      // 0: untagged
  Column<uint8_t> l2_bytes;   // 14 or 18
  Column<uint8_t> l3_bytes;   // IPv4 header length: 20..60
  Column<uint16_t> ip_bytes;  // IPv4 total length
  Column<uint8_t> protocol;
  Column<uint8_t> ttl;
  Column<uint16_t> ip_id;
  Column<uint16_t> fragment_bytes;  // offset of this fragment's payload
  Column<uint32_t> src;             // as received
  Column<uint32_t> dst;
  Column<uint16_t> l4_src;    // TCP/UDP source port; ICMP query: id; else 0
  Column<uint16_t> l4_dst;    // TCP/UDP destination port; ICMP query: id; else 0
  Column<uint16_t> rule_key;  // what port ranges of rules are asked with: destination port, ICMP
                              // type and code, or 0
  Column<uint8_t> tcp_flags;
  Column<uint32_t> tcp_seq;
  Column<uint32_t> tcp_ack;
  Column<uint32_t> tcp_payload_bytes;
  Column<uint8_t> icmp_type;
  Column<uint8_t> icmp_code;
  // Of ICMP errors: the packet they quote, as quoted.
  Column<uint16_t> quoted_offset;  // of the quoted IPv4 header from the outer IPv4 header
  Column<uint32_t> quoted_src;
  Column<uint32_t> quoted_dst;
  Column<uint16_t> quoted_l4_src;  // ports, or an ICMP query's id in both; 0 when not quoted
  Column<uint16_t> quoted_l4_dst;
  Column<uint8_t> quoted_protocol;
  Column<uint8_t> quoted_icmp_type;

  // ---- Written by session. The key is the session room's SessionKey, in its two words.
  Column<uint64_t> key_addresses;
  Column<uint64_t> key_rest;
  Column<uint64_t> hash;
  Column<SessionIdx> session;  // this direction's line when match is kKnown or kHit
  Column<SessionMatch> match;

  // Of the pair when match is kKnown, or of the session an ICMP error is about; what has expired is
  // not in the flags.
  Column<uint8_t> pair_flags;        // PairFlag bits
  Column<InterfaceIdx> initiator;    // where the pair is tracked: the initiator's ENI
  Column<InterfaceIdx> responder;    // the responder's ENI, or the Services side
  Column<NatGatewayIdx> bound_nat;   // with kPairBound: the NAT gateway
  Column<uint32_t> bound_address;    // its private address
  Column<uint16_t> bound_l4_port;    // the translated source port or query id
  Column<uint64_t> other_addresses;  // the key of the pair's other line, in its two words
  Column<uint64_t> other_rest;
  Column<uint32_t> inside_address;  // who is behind it: address and port as that sender sent them
  Column<uint16_t> inside_l4_port;

  // ---- The walk: where the packet is now, and its header as it is there.
  Column<InterfaceIdx> origin;  // who sends it on this leg: the sender, then a gateway
  Column<InterfaceIdx> target;  // who receives it on this leg; none when no route leads anywhere
  Column<DropReason> route_verdict;  // applied after the firewalls of the origin were asked
  Column<SubnetIdx> target_subnet;   // none: outside every subnet
  Column<uint32_t> walk_src;
  Column<uint32_t> walk_dst;
  Column<uint16_t> walk_l4_src;
  Column<uint16_t> walk_l4_dst;
  Column<uint32_t> walk_quoted_src;  // the quoted packet as the receiver of the error knows it
  Column<uint32_t> walk_quoted_dst;
  Column<uint16_t> walk_quoted_l4_src;
  Column<uint16_t> walk_quoted_l4_dst;
  // One's complement differences that make checksums follow the walk (checksum.h): of the IPv4
  // header without TTL, and of TCP, UDP or an ICMP query. Written by ComputeDeltas or from the
  // session.
  Column<uint16_t> l3_delta;
  Column<uint16_t> l4_delta;
  Column<uint8_t> ttl_spent;       // by NAT gateways
  Column<uint8_t> legs;            // walked so far
  Column<uint8_t> hairpins;        // through the internet gateway and back: at most one
  Column<uint8_t> walk_flags;      // WalkFlag bits
  Column<InterfaceIdx> first_eni;  // the ENI whose egress group was asked, or none
  Column<InterfaceIdx> last_eni;   // the ENI whose ingress group was asked, or none
  Column<NatGatewayIdx> nat;     // the gateway that translates the source of a new session, or none
  Column<uint32_t> nat_private;  // the gateway address chosen
  Column<uint32_t> nat_public;   // its public address, or 0 for a private gateway
  Column<uint32_t> nat_ip_id;  // fragments: the IPv4 id their datagram leaves the gateway with, or
                               // kNoIpId while it has none
};

inline constexpr uint32_t kNoIpId = 0xffffffff;

// Bits of Batch::pair_flags.
enum PairFlag : uint8_t {
  kPairForward = 1 << 0,           // the packet goes the initiator's way
  kPairTrackedInitiator = 1 << 1,  // the initiator's ENI remembers the flow
  kPairTrackedResponder = 1 << 2,
  kPairBound = 1 << 3,  // a NAT gateway remembers it
  kPairAskReply =
      1 << 4,  // opened without SYN: replies pass only while the rules allow them (D-MIDSTREAM)
  kPairReopen = 1 << 5,  // a SYN on a finished connection: the rules are asked as if it were new
};

// Bits of Batch::walk_flags.
enum WalkFlag : uint8_t {
  kWalkTrackedFirst = 1 << 0,  // the session is, or will be, tracked at first_eni
  kWalkTrackedLast = 1 << 1,   // and at last_eni
  kWalkForceTrack = 1 << 2,    // a NAT gateway or an interface endpoint on the way (AWS-SG-11)
  kWalkToNat = 1 << 3,         // routed to a NAT gateway: it translates the source
  kWalkGateway = 1 << 4,       // through the internet gateway: at most kInternetMtuBytes
  kWalkPeer = 1 << 5,          // the target was found by its own address, so its groups are known
  kWalkNatInward = 1 << 6,     // a NAT gateway gave the packet back to whoever is behind it
};

inline constexpr uint16_t kFrameHeadroomBytes = 4;  // room for one VLAN tag

static_assert(std::is_trivially_copyable_v<Batch>);

}  // namespace sluice
