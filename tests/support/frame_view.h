// An IPv4 frame read by offsets, for checks that share no code with the dataplane.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::testing {

// What identifies a flow's direction. An ICMP query has its id and the request's type in the two
// port places, a reply the other way round and protocol 255.
struct FlowTuple {
  uint8_t protocol = 0;
  uint32_t src = 0;
  uint32_t dst = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;

  FlowTuple Reversed() const;
  friend auto operator<=>(const FlowTuple&, const FlowTuple&) = default;
};

struct FrameView {
  size_t ip = 0;  // offsets into the frame
  size_t l4 = 0;
  size_t end = 0;  // of the IPv4 packet, as its header says
  uint16_t vlan = 0;
  uint8_t protocol = 0;
  bool dont_fragment = false;
  bool fragment = false;
  uint32_t fragment_offset = 0;  // bytes
  uint8_t ttl = 0;
  uint8_t tcp_flags = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  FlowTuple tuple;
  bool has_tuple = false;           // no: ICMP that is no query, a fragment behind the first
  std::optional<FlowTuple> quoted;  // an ICMP error's: the packet it speaks of
};

// nullopt: no IPv4 header, or a packet shorter than it says.
std::optional<FrameView> ViewFrame(const std::vector<uint8_t>& frame);
// Whether the frame says that it carries a part of an IPv4 packet.
bool IsFragment(const std::vector<uint8_t>& frame);

bool IsIcmpError(uint8_t icmp_type);

uint32_t Read16(const std::vector<uint8_t>& bytes, size_t at);
uint32_t Read32(const std::vector<uint8_t>& bytes, size_t at);
uint64_t ReadMac(const std::vector<uint8_t>& bytes, size_t at);

}  // namespace sluice::testing
