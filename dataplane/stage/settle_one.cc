#include "dataplane/stage/settle_one.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/remembered_walk.h"

namespace sluice {
namespace {

// A packet, its line, and what was read of them.
struct Settling {
  LineIdx idx;
  uint32_t ip_bytes = 0;
  uint8_t* ip = nullptr;
  PacketFacts facts;
  WalkWords walk;
  bool translated = false;
  const LinkRow* link = nullptr;
  uint64_t link_first = 0;
  NatGatewayIdx gateway;  // that has a mapping of the flow
};

PacketFacts FactsOf(const uint8_t* ip, uint32_t ip_bytes, uint8_t protocol) {
  PacketFacts facts;
  facts.protocol = protocol;
  if (protocol == kProtocolTcp) {
    const uint8_t* tcp = ip + kIpv4MinBytes;
    facts.tcp_flags = TcpFlagsAt(ip);
    facts.tcp_seq = LoadBe32(tcp + kTcpSequenceOffset);
    facts.tcp_ack = LoadBe32(tcp + kTcpAckOffset);
    facts.tcp_payload_bytes = ip_bytes - kIpv4MinBytes - (tcp[kTcpDataOffset] >> 4) * 4u;
  }
  return facts;
}

// Whether the line's walk carries the packet as it is.
bool ReadRemembered(const Snapshot& snapshot, const WorkerContext& worker, InterfaceIdx sender,
                    Settling& packet) {
  const SessionLine& line = worker.sessions->Line(packet.idx);
  if (!RememberWalk(snapshot, line, sender, packet.walk) ||
      (packet.walk.next_hop & kNextHopDirect) != 0) {
    return false;
  }
  packet.translated = IsTranslated(line);
  packet.link = &snapshot.links[SideOf(packet.walk.next_hop).index()];
  packet.link_first = PackedLink(*packet.link, *worker.neighbors);
  return IsResolved(packet.link_first) && WalkCarries(*packet.link, packet.walk, packet.translated,
                                                      packet.ip_bytes, packet.ip[kIpv4TtlOffset]);
}

// A SYN+ACK always walks on the long way. Its walk ends in nothing but this one if the flow is
// tracked, its rules need not be asked for replies, and the receiver answers as the session knows.
bool WalksAsRemembered(const SessionCold& cold, const SessionKey& key, const SessionKey& answer,
                       const Settling& packet) {
  const WalkOutcome walk = FromWords(packet.walk);
  const uint32_t out = SideOf(packet.walk.next_hop).value;
  const SessionKey seen = MakeSessionKey(out, walk.new_src, walk.new_dst, walk.new_src_l4_port,
                                         walk.new_dst_l4_port, key.protocol());
  return cold.tracked() && (cold.flags & kPairMidstream) == 0 && cold.nat() == packet.translated &&
         AnswerKey(seen, out) == answer;
}

// Whether all that remembers the flow still does, and the packet changes its state.
bool MaySettle(const WorkerContext& worker, const SessionKey& key, Settling& packet) {
  const SessionTable& sessions = *worker.sessions;
  const PairIdx pair = PairOf(packet.idx);
  if (!sessions.IsLive(pair)) {
    return false;
  }
  const SessionLine& line = sessions.Line(packet.idx);
  const SessionLine& peer = sessions.Line(PeerOf(packet.idx));
  const bool forward = IsForward(packet.idx);
  const SessionCold cold = sessions.LoadCold(pair);
  const Expiry expiry = JudgeExpiry(ViewOf(forward ? line : peer), ViewOf(forward ? peer : line),
                                    cold, key.protocol(), worker.now_ms);
  packet.gateway = cold.nat() ? NatGatewayIdx(cold.nat_gateway_idx) : NatGatewayIdx::None();
  return !expiry.any_lapsed && !ChangesNothing(line, peer, forward, packet.facts) &&
         ((packet.facts.tcp_flags & kTcpSyn) == 0 ||
          WalksAsRemembered(cold, key, KeyOf(peer), packet));
}

// The packet as it leaves. Sums in the byte order of memory (checksum.h).
void RewriteIp(const Settling& packet) {
  uint8_t* ip = packet.ip;
  const auto l3_delta = static_cast<uint16_t>(packet.walk.deltas);
  const auto l4_delta = static_cast<uint16_t>(packet.walk.deltas >> 16);
  // One taken of the TTL, the low byte of its word.
  const uint16_t delta = AddDeltas(l3_delta, packet.translated ? 0xfffe : 0);
  ip[kIpv4TtlOffset] = static_cast<uint8_t>(ip[kIpv4TtlOffset] - (packet.translated ? 1 : 0));
  uint16_t sum;
  std::memcpy(&sum, ip + kIpv4ChecksumOffset, sizeof(sum));
  sum = ApplyDelta(sum, delta);
  std::memcpy(ip + kIpv4ChecksumOffset, &sum, sizeof(sum));
  std::memcpy(ip + kIpv4SourceOffset, &packet.walk.addresses, sizeof(packet.walk.addresses));
  uint8_t* l4 = ip + kIpv4MinBytes;
  std::memcpy(l4, &packet.walk.ports, sizeof(packet.walk.ports));
  const bool tcp = packet.facts.protocol == kProtocolTcp;
  uint8_t* field = l4 + (tcp ? kTcpChecksumOffset : kUdpChecksumOffset);
  std::memcpy(&sum, field, sizeof(sum));
  sum = tcp ? ApplyDelta(sum, l4_delta) : ApplyUdpDelta(sum, l4_delta);
  std::memcpy(field, &sum, sizeof(sum));
}

void Accept(WorkerContext& worker, const Settling& packet, bool walked) {
  CountInSession(worker, packet.idx, packet.ip_bytes, packet.facts.tcp_flags);
  AcceptInSession(worker, packet.idx, packet.facts, packet.gateway);
  if (packet.translated) {
    CountNatHit(worker.counters->Of(packet.gateway), packet.idx, packet.ip_bytes);
  }
  (walked ? worker.counters->session_walks : worker.counters->session_hits).Add(1);
}

void Forward(const Settling& packet, InterfaceIdx sender, Batch& batch, uint32_t lane) {
  batch.verdict[lane] = Verdict::kForward;
  batch.reason[lane] = DropReason::kNone;
  batch.rule[lane] = 0;
  batch.split[lane] = 0;
  batch.sender[lane] = sender;
  batch.out[lane] = SideOf(packet.walk.next_hop);
  batch.out_frame[lane] = WriteLink(*packet.link, packet.link_first, packet.ip);
  batch.out_bytes[lane] = packet.link->bytes + packet.ip_bytes;
}

}  // namespace

bool SettleOne(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
               uint32_t i) noexcept {
  const Glance& glance = found.glance;
  const SessionKey& key = glance.key[i];
  const InterfaceIdx sender(key.scope());
  Settling packet;
  packet.idx = worker.sessions->Confirm(key, found.hash[i], found.line[i]);
  if (!packet.idx.has_value()) {
    return false;
  }
  packet.ip = glance.ip[i];
  packet.ip_bytes = glance.ip_bytes[i];
  packet.facts = FactsOf(packet.ip, packet.ip_bytes, key.protocol());
  const bool opens = glance.turning >> i & 1 && IsPureSyn(packet.ip);
  if (opens || !ReadRemembered(snapshot, worker, sender, packet) ||
      !MaySettle(worker, key, packet)) {
    return false;
  }
  const bool walked = (found.walked >> i & 1) != 0 || (packet.facts.tcp_flags & kTcpSyn) != 0;
  Accept(worker, packet, walked);
  RewriteIp(packet);
  Forward(packet, sender, batch, glance.lane[i]);
  return true;
}

}  // namespace sluice
