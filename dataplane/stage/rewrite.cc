#include "dataplane/stage/rewrite.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/nat_ip_id.h"
#include "dataplane/stage/frame_builder.h"

namespace sluice {
namespace {

// A 16- or 32-bit field of a quoted packet; what changes is added to every sum that covers it.
void Patch16(uint8_t* bytes, uint16_t value, ChecksumDelta& delta) noexcept {
  delta.Replace16(LoadBe16(bytes), value);
  StoreBe16(bytes, value);
}
void Patch32(uint8_t* bytes, uint32_t value, ChecksumDelta& delta) noexcept {
  delta.Replace32(LoadBe32(bytes), value);
  StoreBe32(bytes, value);
}

// Datagrams in pieces that leave with a NAT gateway's address; they always walk.
bool NeedsNatIpId(const Batch& batch, uint32_t lane) noexcept {
  const uint32_t src = batch.walk_src[lane];
  return batch.nat[lane].has_value() &&
         (src == batch.nat_private[lane] || src == batch.nat_public[lane]) &&
         ((batch.traits[lane] & kTraitFragment) != 0 || batch.split[lane] != 0);
}

void RewriteL3(const Batch& batch, uint32_t lane, uint8_t* ip) noexcept {
  const uint8_t spent = batch.ttl_spent[lane];
  uint16_t delta = AddDeltas(batch.l3_delta[lane], TtlDelta(spent));
  if (spent != 0 && NeedsNatIpId(batch, lane)) {
    ChecksumDelta id;
    Patch16(ip + kIpv4IdOffset, static_cast<uint16_t>(batch.nat_ip_id[lane]), id);
    delta = AddDeltas(delta, id.value());
  }
  ip[kIpv4TtlOffset] = static_cast<uint8_t>(ip[kIpv4TtlOffset] - spent);
  StoreBe32(ip + kIpv4SourceOffset, batch.walk_src[lane]);
  StoreBe32(ip + kIpv4DestinationOffset, batch.walk_dst[lane]);
  StoreBe16(ip + kIpv4ChecksumOffset, ApplyDelta(LoadBe16(ip + kIpv4ChecksumOffset), delta));
}

void RewritePorts(const Batch& batch, uint32_t lane, uint8_t* l4) noexcept {
  StoreBe16(l4 + kL4SourceOffset, batch.walk_l4_src[lane]);
  StoreBe16(l4 + kL4DestinationOffset, batch.walk_l4_dst[lane]);
  const uint16_t delta = batch.l4_delta[lane];
  if (batch.protocol[lane] == kProtocolTcp) {
    uint8_t* field = l4 + kTcpChecksumOffset;
    StoreBe16(field, ApplyDelta(LoadBe16(field), delta));
  } else {
    uint8_t* field = l4 + kUdpChecksumOffset;
    StoreBe16(field, ApplyUdpDelta(LoadBe16(field), delta));
  }
}

// The transport part of a quoted packet, of which `bytes` are there, at least 8.
void RewriteQuotedL4(const Batch& batch, uint32_t lane, uint8_t* l4, uint32_t bytes,
                     ChecksumDelta& outer) noexcept {
  const uint8_t protocol = batch.quoted_protocol[lane];
  const uint16_t src = batch.walk_quoted_l4_src[lane];
  const uint16_t dst = batch.walk_quoted_l4_dst[lane];
  ChecksumDelta inner;
  if (protocol == kProtocolIcmp) {
    if (batch.quoted_l4_src[lane] == src && batch.quoted_l4_dst[lane] == dst) {
      return;
    }
    Patch16(l4 + kIcmpIdOffset, src != batch.quoted_l4_src[lane] ? src : dst, inner);
    outer.Replace16(0, inner.value());
    uint8_t* field = l4 + kIcmpChecksumOffset;
    Patch16(field, ApplyDelta(LoadBe16(field), inner.value()), outer);
    return;
  }
  if (protocol != kProtocolTcp && protocol != kProtocolUdp) {
    return;
  }
  Patch16(l4 + kL4SourceOffset, src, inner);
  Patch16(l4 + kL4DestinationOffset, dst, inner);
  outer.Replace16(0, inner.value());
  inner.Replace32(batch.quoted_src[lane], batch.walk_quoted_src[lane]);
  inner.Replace32(batch.quoted_dst[lane], batch.walk_quoted_dst[lane]);
  if (protocol == kProtocolUdp) {
    uint8_t* field = l4 + kUdpChecksumOffset;
    Patch16(field, ApplyUdpDelta(LoadBe16(field), inner.value()), outer);
  } else if (bytes >= kTcpChecksumOffset + 2) {
    uint8_t* field = l4 + kTcpChecksumOffset;
    Patch16(field, ApplyDelta(LoadBe16(field), inner.value()), outer);
  }
}

// RFC 5508 REQ-4: the quoted packet as the receiver of the error knows it; the ICMP checksum covers
// all of it.
void RewriteQuoted(const Batch& batch, uint32_t lane, uint8_t* ip) noexcept {
  const uint32_t offset = batch.quoted_offset[lane];
  if (offset == 0) {
    return;
  }
  uint8_t* quoted = ip + offset;
  ChecksumDelta outer;
  ChecksumDelta header;
  Patch32(quoted + kIpv4SourceOffset, batch.walk_quoted_src[lane], header);
  Patch32(quoted + kIpv4DestinationOffset, batch.walk_quoted_dst[lane], header);
  outer.Replace16(0, header.value());
  uint8_t* header_sum = quoted + kIpv4ChecksumOffset;
  Patch16(header_sum, ApplyDelta(LoadBe16(header_sum), header.value()), outer);
  const uint32_t header_bytes = (quoted[0] & 15) * 4u;
  RewriteQuotedL4(batch, lane, quoted + header_bytes, batch.ip_bytes[lane] - offset - header_bytes,
                  outer);
  uint8_t* field = ip + batch.l3_bytes[lane] + kIcmpChecksumOffset;
  StoreBe16(field, ApplyDelta(LoadBe16(field), outer.value()));
}

void RewriteIcmp(const Batch& batch, uint32_t lane, uint8_t* ip) noexcept {
  if ((batch.traits[lane] & kTraitIcmpQuery) != 0) {
    uint8_t* icmp = ip + batch.l3_bytes[lane];
    StoreBe16(icmp + kIcmpIdOffset, WalkedQueryId(batch, lane));
    uint8_t* field = icmp + kIcmpChecksumOffset;
    StoreBe16(field, ApplyDelta(LoadBe16(field), batch.l4_delta[lane]));
  } else if ((batch.traits[lane] & kTraitIcmpError) != 0) {
    RewriteQuoted(batch, lane, ip);
  }
}

// The link header of the outgoing side, in front of the IPv4 header.
void RewriteL2(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch,
               uint32_t lane) noexcept {
  const InterfaceIdx out = batch.out[lane];
  const AdjacencyRow& row = snapshot.adjacency[out.index()];
  const uint32_t l2_bytes = LinkBytes(row.vlan);
  uint8_t* frame = batch.frame[lane] + batch.l2_bytes[lane] - l2_bytes;
  MacAddress destination = row.mac;
  MacAddress source = snapshot.router_mac;
  if ((batch.traits[lane] & kTraitL2Direct) != 0) {
    destination = LoadMac(batch.frame[lane]);
    source = LoadMac(batch.frame[lane] + 6);
  } else if (row.neighbor != kNoTable) {
    worker.neighbors->Lookup(row.neighbor, destination);
  }
  WriteLink(frame, destination, source, row.vlan, kEtherTypeIpv4);
  batch.out_frame[lane] = frame;
  batch.out_bytes[lane] = l2_bytes + batch.ip_bytes[lane];
}

}  // namespace

void RewriteStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                  const LaneList& in) noexcept {
  for (const uint8_t lane : in) {
    uint8_t* ip = batch.frame[lane] + batch.l2_bytes[lane];
    RewriteL3(batch, lane, ip);
    const uint16_t traits = batch.traits[lane];
    if ((traits & (kTraitPorts | kTraitLaterFragment)) == kTraitPorts) {
      RewritePorts(batch, lane, ip + batch.l3_bytes[lane]);
    } else if ((traits & kTraitLaterFragment) == 0) {
      RewriteIcmp(batch, lane, ip);
    }
    RewriteL2(snapshot, worker, batch, lane);
  }
}

void GiveNatIpId(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                 uint32_t lane) noexcept {
  if (batch.verdict[lane] != Verdict::kForward || !NeedsNatIpId(batch, lane)) {
    return;
  }
  const bool later = (batch.traits[lane] & kTraitLaterFragment) != 0;
  if (later && batch.nat_ip_id[lane] != kNoIpId) {
    return;  // inherited
  }
  const NatGatewayIdx gateway = batch.nat[lane];
  batch.nat_ip_id[lane] =
      worker.nat_ip_ids->Next(gateway, snapshot.nat_gateways[gateway.index()].stream,
                              batch.walk_src[lane], batch.walk_dst[lane], batch.protocol[lane]);
}

void ResolveNextHopStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                         const LaneList& in, LaneList& out) noexcept {
  for (const uint8_t lane : in) {
    MacAddress mac;
    if (FindLinkAddress(snapshot, worker, batch.out[lane], mac)) {
      out.Add(lane);
    } else {
      batch.verdict[lane] = Verdict::kDrop;
      batch.reason[lane] = DropReason::kNextHopUnresolved;
    }
  }
}

void ComputeDeltas(Batch& batch, const LaneList& in) noexcept {
  for (const uint8_t lane : in) {
    const WalkDeltas deltas =
        DeltasOf({batch.src[lane], batch.dst[lane], batch.l4_src[lane], batch.l4_dst[lane]},
                 {batch.walk_src[lane], batch.walk_dst[lane], batch.walk_l4_src[lane],
                  batch.walk_l4_dst[lane]});
    batch.l3_delta[lane] = deltas.l3;
    batch.l4_delta[lane] = (batch.traits[lane] & kTraitPorts) != 0 ? deltas.l4 : 0;
    if ((batch.traits[lane] & kTraitIcmpQuery) != 0) {
      ChecksumDelta id;
      id.Replace16(batch.l4_src[lane], WalkedQueryId(batch, lane));
      batch.l4_delta[lane] = id.value();
    }
  }
}

}  // namespace sluice
