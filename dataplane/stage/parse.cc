#include "dataplane/stage/parse.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/session_key.h"
#include "dataplane/stage/interface.h"

namespace sluice {
namespace {

constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNop = 1;
constexpr uint8_t kOptionLsrr = 131;
constexpr uint8_t kOptionSsrr = 137;
constexpr uint16_t kDhcpClientPort = 68;
constexpr uint16_t kDhcpServerPort = 67;
constexpr uint32_t kMaxDatagramBytes = 65535;

void StartLane(Batch& batch, uint32_t lane) noexcept {
  batch.verdict[lane] = Verdict::kDrop;
  batch.reason[lane] = DropReason::kUndecided;
  batch.sender[lane] = InterfaceIdx::None();
  batch.out[lane] = InterfaceIdx::None();
  batch.rule[lane] = 0;
  batch.rule_subnet[lane] = SubnetIdx::None();
  batch.split[lane] = 0;
  batch.traits[lane] = 0;
  batch.l4_src[lane] = 0;
  batch.l4_dst[lane] = 0;
  batch.rule_key[lane] = 0;
  batch.tcp_flags[lane] = 0;
}

// kNone: well-formed and harmless.
DropReason JudgeOptions(const uint8_t* options, uint32_t bytes) noexcept {
  bool source_routed = false;
  for (uint32_t i = 0; i < bytes;) {
    const uint8_t type = options[i];
    if (type == kOptionEnd) {
      break;
    }
    if (type == kOptionNop) {
      ++i;
      continue;
    }
    if (i + 1 >= bytes || options[i + 1] < 2 || options[i + 1] > bytes - i) {
      return DropReason::kMalformedIpv4;
    }
    source_routed |= type == kOptionLsrr || type == kOptionSsrr;
    i += options[i + 1];
  }
  return source_routed ? DropReason::kIpv4Options : DropReason::kNone;
}

DropReason ParseTcp(Batch& batch, uint32_t lane, const uint8_t* l4, uint32_t l4_bytes,
                    bool fragment) noexcept {
  if (l4_bytes < kTcpMinBytes) {
    return fragment ? DropReason::kFragmentTiny : DropReason::kMalformedL4;
  }
  const uint32_t header_bytes = (l4[kTcpDataOffset] >> 4) * 4u;
  if (header_bytes < kTcpMinBytes || (!fragment && header_bytes > l4_bytes)) {
    return DropReason::kMalformedL4;
  }
  const uint8_t flags = l4[kTcpFlagsOffset] & 0x3f;
  batch.l4_src[lane] = LoadBe16(l4 + kL4SourceOffset);
  batch.l4_dst[lane] = LoadBe16(l4 + kL4DestinationOffset);
  batch.rule_key[lane] = batch.l4_dst[lane];
  batch.tcp_flags[lane] = flags;
  batch.tcp_seq[lane] = LoadBe32(l4 + kTcpSequenceOffset);
  batch.tcp_ack[lane] = LoadBe32(l4 + kTcpAckOffset);
  batch.tcp_payload_bytes[lane] = l4_bytes > header_bytes ? l4_bytes - header_bytes : 0;
  const bool slow = (flags & (kTcpSyn | kTcpFin | kTcpRst | kTcpAck)) != kTcpAck;
  batch.traits[lane] =
      static_cast<uint16_t>(batch.traits[lane] | kTraitPorts | (slow ? kTraitTcpSlow : 0));
  return DropReason::kNone;
}

DropReason ParseUdp(Batch& batch, uint32_t lane, const uint8_t* l4, uint32_t l4_bytes,
                    bool fragment) noexcept {
  if (l4_bytes < kUdpBytes) {
    return DropReason::kMalformedL4;
  }
  const uint16_t udp_bytes = LoadBe16(l4 + kUdpLengthOffset);
  if (udp_bytes < kUdpBytes || (!fragment && udp_bytes > l4_bytes)) {
    return DropReason::kMalformedL4;
  }
  const uint16_t src = LoadBe16(l4 + kL4SourceOffset);
  const uint16_t dst = LoadBe16(l4 + kL4DestinationOffset);
  batch.l4_src[lane] = src;
  batch.l4_dst[lane] = dst;
  batch.rule_key[lane] = dst;
  const bool dhcp = src == kDhcpClientPort && dst == kDhcpServerPort && !fragment;
  batch.traits[lane] =
      static_cast<uint16_t>(batch.traits[lane] | kTraitPorts | (dhcp ? kTraitDhcp : 0));
  return DropReason::kNone;
}

// Reads the packet that an ICMP error quotes: a sound IPv4 header and the 8 bytes behind it (RFC
// 5508 REQ-3: options are skipped, an embedded L4 checksum is not looked at). A quote that is
// short, a later fragment's, or has a bad IP checksum names no flow: quoted_offset 0. `bytes` are
// there at `quoted`.
void ParseQuoted(Batch& batch, uint32_t lane, const uint8_t* quoted, uint32_t bytes) noexcept {
  batch.quoted_offset[lane] = 0;
  batch.quoted_protocol[lane] = 0;
  batch.quoted_src[lane] = 0;
  batch.quoted_dst[lane] = 0;
  batch.quoted_l4_src[lane] = 0;
  batch.quoted_l4_dst[lane] = 0;
  batch.quoted_icmp_type[lane] = 0;
  if (bytes < kIpv4MinBytes || quoted[0] >> 4 != 4) {
    return;
  }
  const uint32_t header_bytes = (quoted[0] & 15) * 4u;
  if (header_bytes < kIpv4MinBytes || header_bytes + 8 > bytes ||
      (LoadBe16(quoted + kIpv4FragmentOffset) & kIpv4OffsetMask) != 0 ||
      !ChecksumHolds(quoted, header_bytes)) {
    return;
  }
  batch.quoted_offset[lane] = static_cast<uint16_t>(batch.l3_bytes[lane] + kIcmpBytes);
  const uint8_t protocol = quoted[kIpv4ProtocolOffset];
  batch.quoted_protocol[lane] = protocol;
  batch.quoted_src[lane] = LoadBe32(quoted + kIpv4SourceOffset);
  batch.quoted_dst[lane] = LoadBe32(quoted + kIpv4DestinationOffset);
  const uint8_t* l4 = quoted + header_bytes;
  if (protocol == kProtocolTcp || protocol == kProtocolUdp) {
    batch.quoted_l4_src[lane] = LoadBe16(l4 + kL4SourceOffset);
    batch.quoted_l4_dst[lane] = LoadBe16(l4 + kL4DestinationOffset);
  } else if (protocol == kProtocolIcmp) {
    batch.quoted_icmp_type[lane] = kIcmpUnreachable;  // of no flow
    if (ClassifyIcmp(l4[kIcmpTypeOffset], l4[kIcmpCodeOffset]).is_query) {
      batch.quoted_icmp_type[lane] = l4[kIcmpTypeOffset];
      batch.quoted_l4_src[lane] = LoadBe16(l4 + kIcmpIdOffset);
      batch.quoted_l4_dst[lane] = batch.quoted_l4_src[lane];
    }
  }
}

DropReason ParseIcmp(Batch& batch, uint32_t lane, const uint8_t* l4, uint32_t l4_bytes,
                     uint32_t contiguous_bytes, bool fragment) noexcept {
  if (l4_bytes < kIcmpBytes) {
    return DropReason::kMalformedL4;
  }
  const uint8_t type = l4[kIcmpTypeOffset];
  const uint8_t code = l4[kIcmpCodeOffset];
  batch.icmp_type[lane] = type;
  batch.icmp_code[lane] = code;
  batch.rule_key[lane] = IcmpRuleKey(type, code);
  if (ClassifyIcmp(type, code).is_query) {
    batch.l4_src[lane] = LoadBe16(l4 + kIcmpIdOffset);
    batch.l4_dst[lane] = batch.l4_src[lane];
    batch.traits[lane] |= kTraitIcmpQuery;
    return DropReason::kNone;
  }
  if (type != kIcmpUnreachable && type != kIcmpTimeExceeded && type != kIcmpParameterProblem) {
    return DropReason::kNone;
  }
  // A fragment's checksum covers bytes that are not here; RFC 5508 REQ-3 speaks of whole errors.
  if (contiguous_bytes < l4_bytes || (!fragment && !ChecksumHolds(l4, l4_bytes))) {
    return DropReason::kMalformedL4;
  }
  batch.traits[lane] |= kTraitIcmpError;
  ParseQuoted(batch, lane, l4 + kIcmpBytes, l4_bytes - kIcmpBytes);
  return DropReason::kNone;
}

DropReason ParseL4(Batch& batch, uint32_t lane, const uint8_t* l4, uint32_t l4_bytes,
                   uint32_t contiguous_bytes) noexcept {
  const bool fragment = (batch.traits[lane] & kTraitFragment) != 0;
  if (contiguous_bytes < l4_bytes && contiguous_bytes < 60) {
    return DropReason::kMalformedL4;  // the filler did not gather the headers
  }
  switch (batch.protocol[lane]) {
    case kProtocolTcp:
      return ParseTcp(batch, lane, l4, l4_bytes, fragment);
    case kProtocolUdp:
      return ParseUdp(batch, lane, l4, l4_bytes, fragment);
    case kProtocolIcmp:
      return ParseIcmp(batch, lane, l4, l4_bytes, contiguous_bytes, fragment);
    default:
      return DropReason::kNone;
  }
}

// The fragment word. kNone: go on; `later` says that no L4 header is here.
DropReason ParseFragment(Batch& batch, uint32_t lane, uint16_t word, bool& later) noexcept {
  const uint32_t offset_bytes = (word & kIpv4OffsetMask) * 8u;
  const bool more = (word & kIpv4MoreFragments) != 0;
  uint16_t traits = kTraitIpv4;
  if ((word & kIpv4DontFragment) != 0) {
    traits |= kTraitDontFragment;
  }
  if (offset_bytes != 0 || more) {
    traits |= kTraitFragment;
  }
  if (offset_bytes != 0) {
    traits |= kTraitLaterFragment;
  }
  if (more) {
    traits |= kTraitMoreFragments;
  }
  batch.traits[lane] = traits;
  batch.fragment_bytes[lane] = static_cast<uint16_t>(offset_bytes);
  later = offset_bytes != 0;
  const uint32_t payload_bytes = batch.ip_bytes[lane] - uint32_t{batch.l3_bytes[lane]};
  if ((traits & kTraitFragment) != 0 && (payload_bytes == 0 || (more && payload_bytes % 8 != 0) ||
                                         offset_bytes + batch.ip_bytes[lane] > kMaxDatagramBytes)) {
    return DropReason::kMalformedIpv4;
  }
  if (offset_bytes == 8 && batch.protocol[lane] == kProtocolTcp) {
    return DropReason::kFragmentTiny;
  }
  return DropReason::kNone;
}

DropReason ParseIpv4(Batch& batch, uint32_t lane, const uint8_t* ip, uint32_t contiguous_bytes,
                     uint32_t bytes) noexcept {
  if (contiguous_bytes < kIpv4MinBytes || ip[0] >> 4 != 4) {
    return DropReason::kMalformedIpv4;
  }
  const uint32_t header_bytes = (ip[0] & 15) * 4u;
  const uint32_t ip_bytes = LoadBe16(ip + kIpv4LengthOffset);
  if (header_bytes < kIpv4MinBytes || header_bytes > contiguous_bytes || ip_bytes < header_bytes ||
      ip_bytes > bytes) {
    return DropReason::kMalformedIpv4;
  }
  batch.l3_bytes[lane] = static_cast<uint8_t>(header_bytes);
  batch.ip_bytes[lane] = static_cast<uint16_t>(ip_bytes);
  batch.protocol[lane] = ip[kIpv4ProtocolOffset];
  batch.ttl[lane] = ip[kIpv4TtlOffset];
  batch.ip_id[lane] = LoadBe16(ip + kIpv4IdOffset);
  batch.src[lane] = LoadBe32(ip + kIpv4SourceOffset);
  batch.dst[lane] = LoadBe32(ip + kIpv4DestinationOffset);
  if (header_bytes == kIpv4MinBytes ? !Ipv4HeaderHolds(ip) : !ChecksumHolds(ip, header_bytes)) {
    return DropReason::kBadIpv4Checksum;
  }
  if (header_bytes != kIpv4MinBytes) {
    const DropReason reason = JudgeOptions(ip + kIpv4MinBytes, header_bytes - kIpv4MinBytes);
    if (reason != DropReason::kNone) {
      return reason;
    }
  }
  bool later = false;
  const uint16_t word = LoadBe16(ip + kIpv4FragmentOffset);
  const DropReason reason = ParseFragment(batch, lane, word, later);
  if (reason != DropReason::kNone || later) {
    return reason;
  }
  const uint32_t here = contiguous_bytes < ip_bytes ? contiguous_bytes : ip_bytes;
  return ParseL4(batch, lane, ip + header_bytes, ip_bytes - header_bytes, here - header_bytes);
}

}  // namespace

void ParseStage(const Snapshot& snapshot, WorkerContext&, Batch& batch, const LaneList& in,
                LaneList& arp, LaneList& ip) noexcept {
  for (const uint8_t lane : in) {
    StartLane(batch, lane);
    const uint8_t* frame = batch.frame[lane];
    const uint32_t contiguous_bytes = batch.segment_bytes[lane];
    if (contiguous_bytes < kEthernetBytes) {
      batch.reason[lane] = DropReason::kMalformedEthernet;
      continue;
    }
    uint32_t l2_bytes = kEthernetBytes;
    uint16_t ether_type = LoadBe16(frame + 12);
    batch.vlan[lane] = 0;
    if (ether_type == kEtherTypeVlan) {
      l2_bytes += kVlanTagBytes;
      if (contiguous_bytes < l2_bytes) {
        batch.reason[lane] = DropReason::kMalformedEthernet;
        continue;
      }
      batch.vlan[lane] = LoadBe16(frame + 14) & 0x0fff;  // 0: a priority tag, as if untagged
      ether_type = LoadBe16(frame + 16);
    }
    batch.l2_bytes[lane] = static_cast<uint8_t>(l2_bytes);
    if (ether_type == kEtherTypeIpv4) {
      const DropReason reason =
          ParseIpv4(batch, lane, frame + l2_bytes, contiguous_bytes - l2_bytes,
                    batch.frame_bytes[lane] - l2_bytes);
      if (reason == DropReason::kNone) {
        ip.Add(lane);
      } else {
        batch.reason[lane] = reason;
        NameSender(snapshot, batch, lane);
      }
    } else if (ether_type == kEtherTypeArp) {
      arp.Add(lane);
    } else {
      batch.reason[lane] = DropReason::kUnsupportedEthertype;
      NameSender(snapshot, batch, lane);
    }
  }
}

}  // namespace sluice
