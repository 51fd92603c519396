// Glance: what the short way wants to know of the headers of a few frames, read eight at a time.
// Worker thread; writes nothing but its result.
#pragma once

#include <cstdint>

#include "dataplane/base/eight.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/session_table.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// The frames that may be of an established flow, as columns of their own, densely: those from
// known senders and long enough to be looked at. Columns are as long as the last eight may reach.
struct alignas(32) Glance {
  static constexpr uint32_t kPlaces = kFindBatch + kEight;
  template <typename T>
  using Places = std::array<T, kPlaces>;

  Places<uint32_t> sender;      // InterfaceIdx
  Places<uint32_t> fits_bytes;  // of an IPv4 packet in the frame
  // For all of them, rubbish where the packet is neither plain nor turning:
  Places<uint32_t> ip_bytes;  // IPv4 total length
  Places<uint32_t> head;      // the word of TTL, protocol and header checksum, as in memory
  Places<uint32_t> l4_sum;    // the checksum field of TCP or UDP, as in memory
  Places<uint32_t> end_seq;   // TCP: sequence number behind the segment; UDP: 0
  Places<uint32_t> tcp;       // all ones: TCP; 0: UDP
  Places<SessionKey> key;
  Places<uint8_t*> ip;    // first byte of the IPv4 header
  Places<uint32_t> lane;  // of the batch, rising
  uint32_t count = 0;
  LaneBits plain = 0;    // bit i: the i-th may take the short way if its session is found
  LaneBits turning = 0;  // bit i: it is no less sound, but opens or ends a TCP connection
};

// The flags of a sound TCP packet, whose IPv4 header has no options.
inline uint8_t TcpFlagsAt(const uint8_t* ip) noexcept {
  return ip[kIpv4MinBytes + kTcpFlagsOffset] & 0x3f;
}
inline bool IsPureSyn(const uint8_t* ip) noexcept {
  return (TcpFlagsAt(ip) & (kTcpSyn | kTcpAck | kTcpFin | kTcpRst)) == kTcpSyn;
}

// What moves the state of the connection of the `i`-th, which is plain or turning.
inline PacketFacts FactsOf(const Glance& glance, uint32_t i) noexcept {
  PacketFacts facts;
  facts.protocol = glance.key[i].protocol();
  if (facts.protocol == kProtocolTcp) {
    const uint8_t* tcp = glance.ip[i] + kIpv4MinBytes;
    facts.tcp_flags = TcpFlagsAt(glance.ip[i]);
    facts.tcp_seq = LoadBe32(tcp + kTcpSequenceOffset);
    facts.tcp_ack = LoadBe32(tcp + kTcpAckOffset);
    facts.tcp_payload_bytes = glance.end_seq[i] - facts.tcp_seq;
  }
  return facts;
}

// First `sender`, `fits_bytes`, `ip`, `lane` and `count`, of lanes first .. first + count - 1;
// count <= kFindBatch. Reads the input columns and the link headers. Places up to the next multiple
// of eight are filled up with packets that are not plain.
void GlanceAtLinks(const Snapshot& snapshot, const Batch& batch, uint32_t first, uint32_t count,
                   Glance& glance) noexcept;
// Then the rest, of the eight from `at` on. Reads the packets.
void GlanceAtEight(Glance& glance, uint32_t at) noexcept;

}  // namespace sluice
