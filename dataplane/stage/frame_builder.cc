#include "dataplane/stage/frame_builder.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"

namespace sluice {
namespace {

// One step of splitmix64 (Steele, Lea, Flood 2014) per word.
uint64_t Mix(uint64_t x, uint64_t word) noexcept {
  x = (x ^ word) + 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

}  // namespace

bool FindLinkAddress(const Snapshot& snapshot, const WorkerContext& worker, InterfaceIdx side,
                     MacAddress& mac) noexcept {
  const AdjacencyRow& row = snapshot.adjacency[side.index()];
  if (!row.port.has_value()) {
    return false;
  }
  if (row.neighbor != kNoTable) {
    return worker.neighbors->Lookup(row.neighbor, mac);
  }
  mac = row.mac;
  return true;
}

void WriteIpv4(uint8_t* ip, uint32_t src, uint32_t dst, uint8_t protocol, uint16_t id,
               uint16_t ip_bytes) noexcept {
  ip[0] = 0x45;
  ip[kIpv4TosOffset] = 0;
  StoreBe16(ip + kIpv4LengthOffset, ip_bytes);
  StoreBe16(ip + kIpv4IdOffset, id);
  StoreBe16(ip + kIpv4FragmentOffset, 0);
  ip[kIpv4TtlOffset] = 64;
  ip[kIpv4ProtocolOffset] = protocol;
  StoreBe16(ip + kIpv4ChecksumOffset, 0);
  StoreBe32(ip + kIpv4SourceOffset, src);
  StoreBe32(ip + kIpv4DestinationOffset, dst);
  StoreBe16(ip + kIpv4ChecksumOffset, Checksum(ip, kIpv4MinBytes));
}

uint16_t RouterIpId(const Snapshot&, const WorkerContext& worker, const Batch& batch,
                    uint32_t lane) noexcept {
  uint64_t x = Mix(worker.seed, batch.sender[lane].value);
  x = Mix(x, uint64_t{batch.src[lane]} << 32 | batch.dst[lane]);
  x = Mix(x, static_cast<uint64_t>(worker.now_ns) ^ uint64_t{batch.ip_id[lane]} << 48);
  return static_cast<uint16_t>(x);
}

void EmitNatIdleReset(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                      uint32_t lane) noexcept {
  batch.verdict[lane] = Verdict::kDrop;
  batch.reason[lane] = DropReason::kNatIdleTimeout;
  const InterfaceIdx side = batch.sender[lane];
  const uint8_t flags = batch.tcp_flags[lane];
  MacAddress mac;
  if ((flags & kTcpRst) != 0 || !FindLinkAddress(snapshot, worker, side, mac)) {
    return;
  }
  constexpr uint16_t kIpBytes = kIpv4MinBytes + kTcpMinBytes;
  const uint16_t vlan = snapshot.adjacency[side.index()].vlan;
  const uint32_t l2_bytes = LinkBytes(vlan);
  uint8_t* frame = worker.emits->Emit(EmitKind::kOriginated, lane, side, l2_bytes + kIpBytes);
  if (frame == nullptr) {
    return;
  }
  WriteLink(frame, mac, snapshot.router_mac, vlan, kEtherTypeIpv4);
  uint8_t* ip = frame + l2_bytes;
  WriteIpv4(ip, batch.dst[lane], batch.src[lane], kProtocolTcp,
            RouterIpId(snapshot, worker, batch, lane), kIpBytes);
  uint8_t* tcp = ip + kIpv4MinBytes;
  const bool acks = (flags & kTcpAck) != 0;
  const uint32_t length = batch.tcp_payload_bytes[lane] + ((flags & kTcpSyn) != 0 ? 1 : 0) +
                          ((flags & kTcpFin) != 0 ? 1 : 0);
  StoreBe16(tcp + kL4SourceOffset, batch.l4_dst[lane]);
  StoreBe16(tcp + kL4DestinationOffset, batch.l4_src[lane]);
  StoreBe32(tcp + kTcpSequenceOffset, acks ? batch.tcp_ack[lane] : 0);
  StoreBe32(tcp + kTcpAckOffset, acks ? 0 : batch.tcp_seq[lane] + length);
  tcp[kTcpDataOffset] = 5 << 4;
  tcp[kTcpFlagsOffset] = static_cast<uint8_t>(kTcpRst | (acks ? 0 : kTcpAck));
  StoreBe32(tcp + 14, 0);  // window and checksum
  StoreBe16(tcp + 18, 0);  // urgent pointer
  StoreBe16(tcp + kTcpChecksumOffset,
            TransportChecksum(batch.dst[lane], batch.src[lane], kProtocolTcp, tcp, kTcpMinBytes));
  batch.verdict[lane] = Verdict::kConsume;
}

}  // namespace sluice
