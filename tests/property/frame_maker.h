// Frames for property tests, written straight from field values with checksums by their definition;
// shares no code with the dataplane or the reference world.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/mac.h"

namespace sluice::testing {

using Frame = std::vector<uint8_t>;

struct FrameSpec {
  MacAddress destination_mac;
  MacAddress source_mac;
  uint16_t vlan = 0;  // 0: untagged
  Ipv4Address source;
  Ipv4Address destination;
  uint8_t protocol = 17;
  uint16_t source_port = 0;  // ICMP query: the id
  uint16_t destination_port = 0;
  uint8_t tcp_flags = 0x10;
  uint32_t tcp_sequence = 1;
  uint32_t tcp_acknowledgment = 1;
  uint8_t icmp_type = 8;
  uint8_t icmp_code = 0;
  uint16_t payload_bytes = 10;
  uint8_t ttl = 64;
  uint16_t identification = 0x1234;
  uint16_t fragment_word = 0;  // flags and offset as on the wire
  Frame quoted;                // ICMP errors: the bytes behind the 8-byte header
  bool zero_udp_checksum = false;
};

Frame MakeFrame(const FrameSpec& spec);

// The fields of an IPv4 frame, for making its answer. Frames as MakeFrame and the
// dataplane make them.
FrameSpec ReadFrame(const Frame& frame);

// Where the IPv4 header begins, untagged or tagged.
size_t PacketOffset(const Frame& frame);
// Makes the IPv4 header's checksum right again, as far as the header's own length says; the bytes
// must be there.
void SealPacket(Frame& frame);

// An untagged or tagged frame's IPv4 packet, from the header on, at most `bytes` of it.
Frame PacketOf(const Frame& frame, size_t bytes);

// An IPv4 frame in pieces of `bytes` of payload each, a multiple of 8; the frame itself when it is
// no longer than that.
std::vector<Frame> InPieces(const Frame& frame, size_t bytes);

}  // namespace sluice::testing
