#include "dataplane/stage/express.h"

#include <algorithm>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/frame_builder.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/remembered_walk.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/table/sender_map.h"

namespace sluice {
namespace {

// The EtherType and the first two bytes of an IPv4 header of 20 bytes, whatever its TOS.
constexpr uint32_t kPlainIpv4 = uint32_t{kEtherTypeIpv4} << 16 | 0x4500;
constexpr uint32_t kTosMask = 0xff;
constexpr uint16_t kAnyFragment = kIpv4MoreFragments | kIpv4OffsetMask;
constexpr uint32_t kLookedAtBytes = kIpv4MinBytes + kTcpMinBytes;  // also where UDP needs fewer
constexpr uint8_t kTcpDecisive = kTcpSyn | kTcpFin | kTcpRst | kTcpAck;

uint32_t LinkBytesOf(const uint8_t* frame) {
  return LoadBe16(frame + 12) == kEtherTypeVlan ? kEthernetBytes + kVlanTagBytes : kEthernetBytes;
}

// Whether the transport header is one that parse would pass and no stage would look at twice: kTcp
// with ACK and none of SYN, FIN and RST, or UDP. Without branches: protocols of a burst alternate.
bool IsPlainL4(const uint8_t* l4, bool tcp, uint32_t l4_bytes) {
  const uint32_t tcp_header_bytes = (l4[kTcpDataOffset] >> 4) * 4u;
  const uint32_t udp_bytes = LoadBe16(l4 + kUdpLengthOffset);
  const bool calm = (l4[kTcpFlagsOffset] & kTcpDecisive) == kTcpAck;
  const uint32_t least = tcp ? kTcpMinBytes : kUdpBytes;
  const uint32_t said = tcp ? tcp_header_bytes : udp_bytes;
  return (said >= least) & (said <= l4_bytes) & (calm | !tcp);
}

// Whether the lane's packet may take the short way if a session is found. `l2_bytes` of the link
// header were seen.
bool IsPlain(const Batch& batch, uint32_t lane, uint32_t l2_bytes) {
  const uint8_t* ip = batch.frame[lane] + l2_bytes;
  if (batch.segment_bytes[lane] < l2_bytes + kLookedAtBytes) {
    return false;
  }
  const uint8_t protocol = ip[kIpv4ProtocolOffset];
  const bool tcp = protocol == kProtocolTcp;
  const bool ports = tcp | (protocol == kProtocolUdp);
  const uint32_t ip_bytes = LoadBe16(ip + kIpv4LengthOffset);
  const uint32_t fits = batch.frame_bytes[lane] - l2_bytes;
  const bool whole = (LoadBe16(ip + kIpv4FragmentOffset) & kAnyFragment) == 0;
  const bool ipv4 = (LoadBe32(ip - 2) & ~kTosMask) == kPlainIpv4;
  const bool long_enough = (ip_bytes >= kIpv4MinBytes) & (ip_bytes <= fits);
  const bool sums_up = Ipv4HeaderHolds(ip);
  const bool plain_l4 = IsPlainL4(ip + kIpv4MinBytes, tcp, ip_bytes - kIpv4MinBytes);
  return ipv4 & ports & whole & long_enough & sums_up & plain_l4;
}

// The sender of a packet addressed to the router; none: unknown, or layer-2 direct.
InterfaceIdx RoutedSender(const Snapshot& snapshot, uint64_t router_mac, const Batch& batch,
                          uint32_t lane, uint16_t vlan) {
  const uint8_t* frame = batch.frame[lane];
  const PortIdx port = batch.rx_port[lane];
  const PortRow& row = snapshot.ports[port.index()];
  const bool to_router = PackMac(frame) == router_mac;
  if (vlan == 0 && row.sole.has_value()) [[likely]] {
    const bool from_sole = PackMac(frame + 6) == row.sole_mac;
    return row.side.has_value() | (to_router & from_sole) ? row.sole : InterfaceIdx::None();
  }
  const InterfaceIdx side = FindSide(snapshot, port, vlan);
  if (side.has_value() || !to_router) {
    return side;
  }
  return snapshot.senders->Find(port, vlan, LoadMac(frame + 6));
}

SessionKey KeyOfPacket(const uint8_t* ip, InterfaceIdx sender) {
  return {LoadBe64(ip + kIpv4SourceOffset), uint64_t{LoadBe32(ip + kIpv4MinBytes)} << 32 |
                                                uint64_t{ip[kIpv4ProtocolOffset]} << 24 |
                                                sender.value};
}

void Rewrite(uint8_t* ip, bool tcp, const RememberedWalk& walk) {
  const WalkOutcome& outcome = walk.outcome;
  uint8_t* sum = ip + kIpv4ChecksumOffset;
  const uint8_t spent = walk.translated ? 1 : 0;
  StoreBe16(sum, ApplyDelta(LoadBe16(sum), AddDeltas(outcome.l3_delta, TtlDelta(spent))));
  ip[kIpv4TtlOffset] = static_cast<uint8_t>(ip[kIpv4TtlOffset] - spent);
  StoreBe64(ip + kIpv4SourceOffset, uint64_t{outcome.new_src} << 32 | outcome.new_dst);
  uint8_t* l4 = ip + kIpv4MinBytes;
  StoreBe32(l4, uint32_t{outcome.new_src_l4_port} << 16 | outcome.new_dst_l4_port);
  uint8_t* field = l4 + (tcp ? kTcpChecksumOffset : kUdpChecksumOffset);
  const uint16_t before = LoadBe16(field);
  const uint16_t as_tcp = ApplyDelta(before, outcome.l4_delta);
  const uint16_t as_udp = ApplyUdpDelta(before, outcome.l4_delta);
  StoreBe16(field, tcp ? as_tcp : as_udp);
}

// `ip_bytes` of a segment without SYN, FIN and RST, or of a UDP packet.
void Count(const WorkerContext& worker, LineIdx idx, SessionLine& line, uint16_t window, bool tcp,
           const uint8_t* ip, uint32_t ip_bytes) {
  if (!CountInOpenWindow(line, window, ip_bytes, 0)) [[unlikely]] {
    CountInSession(worker, idx, ip_bytes, 0);
  }
  const uint8_t* l4 = ip + kIpv4MinBytes;
  const uint32_t headers_bytes = kIpv4MinBytes + (l4[kTcpDataOffset] >> 4) * 4u;
  const uint32_t end_seq = LoadBe32(l4 + kTcpSequenceOffset) + ip_bytes - headers_bytes;
  RefreshLine(line, tcp, end_seq, worker.now_ms);
}

// Writes the link header in front of the IPv4 header; returns where it begins.
uint8_t* WriteRoutedLink(const Snapshot& snapshot, const WorkerContext& worker,
                         const AdjacencyRow& row, uint8_t* ip) {
  // Read either way, so that bursts of both directions do not make the branch a gamble.
  const bool resolved = row.neighbor != kNoTable;
  const uint64_t neighbor = worker.neighbors->LookupPacked(resolved ? row.neighbor : 0);
  const uint64_t to = resolved ? neighbor : PackMac(row.mac);
  uint8_t* frame = ip - LinkBytes(row.vlan);
  StorePackedMacs(frame, to, PackMac(snapshot.router_mac));
  if (row.vlan != 0) {
    StoreBe16(frame + 12, kEtherTypeVlan);
    StoreBe16(frame + 14, row.vlan);
  }
  StoreBe16(ip - 2, kEtherTypeIpv4);
  return frame;
}

bool Take(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const ExpressLanes& found,
          uint32_t i) {
  const uint32_t lane = found.lane[i];
  const LineIdx idx = found.line[i];
  SessionLine& line = worker.sessions->Line(idx);
  uint8_t* ip = batch.frame[lane] + LinkBytesOf(batch.frame[lane]);
  const uint16_t ip_bytes = LoadBe16(ip + kIpv4LengthOffset);
  const bool tcp = ip[kIpv4ProtocolOffset] == kProtocolTcp;
  RememberedWalk walk;
  if (!RememberWalk(snapshot, line, {found.sender[i], ip_bytes, ip[kIpv4TtlOffset]}, walk) ||
      walk.direct ||
      !HitsOwnLine(ViewOf(line), IsForward(idx), ip[kIpv4ProtocolOffset], worker.now_ms)) {
    return false;
  }
  Count(worker, idx, line, found.window, tcp, ip, ip_bytes);
  if (walk.translated) {
    CountNatHit(worker, GatewayOf(line), idx, ip_bytes);
  }
  Rewrite(ip, tcp, walk);
  uint8_t* frame = WriteRoutedLink(snapshot, worker, snapshot.adjacency[walk.out.index()], ip);
  batch.out_frame[lane] = frame;
  batch.out_bytes[lane] = static_cast<uint32_t>(ip - frame) + ip_bytes;
  batch.out[lane] = walk.out;
  batch.sender[lane] = found.sender[i];
  return true;
}

// What is the same for all of a run.
void Forward(Batch& batch, uint32_t first, uint32_t count) {
  std::fill_n(batch.verdict.begin() + first, count, Verdict::kForward);
  std::fill_n(batch.reason.begin() + first, count, DropReason::kNone);
  std::fill_n(batch.rule.begin() + first, count, uint16_t{0});
  std::fill_n(batch.split.begin() + first, count, uint8_t{0});
}

}  // namespace

void ExpressStage(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                  uint32_t first, uint32_t count, ExpressLanes& found) noexcept {
  SessionKey keys[kFindBatch];
  uint64_t hashes[kFindBatch];
  found.window = WindowOf(ClockOf(worker));
  const uint64_t router_mac = PackMac(snapshot.router_mac);
  uint32_t plain = 0;
  for (uint32_t lane = first; lane < first + count; ++lane) {
    if (batch.segment_bytes[lane] < kEthernetBytes) {
      continue;
    }
    const uint8_t* frame = batch.frame[lane];
    const uint32_t l2_bytes = LinkBytesOf(frame);
    if (!IsPlain(batch, lane, l2_bytes)) {
      continue;
    }
    const uint16_t vlan = l2_bytes == kEthernetBytes ? 0 : LoadBe16(frame + 14) & 0x0fff;
    const InterfaceIdx sender = RoutedSender(snapshot, router_mac, batch, lane, vlan);
    if (!sender.has_value()) {
      continue;
    }
    keys[plain] = KeyOfPacket(frame + l2_bytes, sender);
    found.lane[plain] = static_cast<uint8_t>(lane);
    found.sender[plain++] = sender;
  }
  worker.sessions->hasher().Hash(keys, hashes, plain);
  worker.sessions->Find(keys, hashes, found.line, plain);
  found.count = 0;
  for (uint32_t i = 0; i < plain; ++i) {
    found.lane[found.count] = found.lane[i];
    found.sender[found.count] = found.sender[i];
    found.line[found.count] = found.line[i];
    found.count += found.line[i].has_value() ? 1 : 0;
  }
}

uint32_t ExpressTake(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     const ExpressLanes& found, uint32_t from, bool changed) noexcept {
  uint32_t i = from;
  while (i < found.count && found.lane[i] == found.lane[from] + (i - from) &&
         (!changed || worker.sessions->IsLive(PairOf(found.line[i]))) &&
         Take(snapshot, worker, batch, found, i)) {
    ++i;
  }
  if (i != from) {
    Forward(batch, found.lane[from], i - from);
    worker.counters->session_hits.Add(i - from);
  }
  return i;
}

}  // namespace sluice
