#include "dataplane/stage/session.h"

#include <algorithm>
#include <span>

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/remembered_walk.h"

namespace sluice {
namespace {

SessionKey MakeKey(const Batch& batch, uint32_t lane, InterfaceIdx scope, uint32_t src,
                   uint32_t dst, uint16_t l4_src, uint16_t l4_dst) {
  if ((batch.traits[lane] & kTraitIcmpQuery) == 0) {
    return MakeSessionKey(scope.value, src, dst, l4_src, l4_dst, batch.protocol[lane]);
  }
  const uint16_t key = batch.rule_key[lane];
  const IcmpQuery query =
      ClassifyIcmp(static_cast<uint8_t>(key >> 8), static_cast<uint8_t>(key & 0xff));
  // Source translation moves the id of a request, destination translation that of a reply.
  return MakeIcmpSessionKey(scope.value, src, dst, query.is_reply ? l4_dst : l4_src, query);
}

// The packet that an ICMP error quotes.
struct Quoted {
  uint32_t src;
  uint32_t dst;
  uint16_t l4_src;
  uint16_t l4_dst;
};

// The key of the quoted packet as `scope` sent it. False: it is of no session.
bool KeyOfQuoted(const Batch& batch, uint32_t lane, uint32_t scope, const Quoted& quoted,
                 SessionKey& key) {
  if (batch.quoted_protocol[lane] != kProtocolIcmp) {
    key = MakeSessionKey(scope, quoted.src, quoted.dst, quoted.l4_src, quoted.l4_dst,
                         batch.quoted_protocol[lane]);
    return true;
  }
  const IcmpQuery query = ClassifyIcmp(batch.quoted_icmp_type[lane], 0);
  if (!query.is_query) {
    return false;
  }
  // Source translation moves the id of a request, destination translation that of a reply.
  key = MakeIcmpSessionKey(scope, quoted.src, quoted.dst,
                           query.is_reply ? quoted.l4_dst : quoted.l4_src, query);
  return true;
}

// An error quotes a packet that this side received: the session is the one whose answer this side
// would send.
bool QuotedKey(const Batch& batch, uint32_t lane, SessionKey& key) {
  if (batch.quoted_src[lane] == 0 || batch.dst[lane] != batch.quoted_src[lane]) {
    return false;  // D-ICMPERR: only towards the quoted source
  }
  const uint32_t scope = batch.sender[lane].value;
  SessionKey seen;
  if (!KeyOfQuoted(batch, lane, scope,
                   {batch.quoted_src[lane], batch.quoted_dst[lane], batch.quoted_l4_src[lane],
                    batch.quoted_l4_dst[lane]},
                   seen)) {
    return false;
  }
  key = AnswerKey(seen, scope);
  return true;
}

bool HasKey(const Batch& batch, uint32_t lane) {
  return batch.protocol[lane] != kProtocolIcmp || (batch.traits[lane] & kTraitIcmpQuery) != 0;
}

bool IsPureSyn(const Batch& batch, uint32_t lane) {
  return batch.protocol[lane] == kProtocolTcp &&
         (batch.tcp_flags[lane] & (kTcpSyn | kTcpAck | kTcpFin | kTcpRst)) == kTcpSyn;
}

uint8_t PairFlagsOf(const Batch& batch, uint32_t lane, LineIdx line, const SessionCold& cold,
                    const Expiry& expiry) {
  uint8_t flags = IsForward(line) ? kPairForward : 0;
  flags |= expiry.initiator ? 0 : kPairTrackedInitiator;
  flags |= expiry.responder ? 0 : kPairTrackedResponder;
  flags |= expiry.nat ? 0 : kPairBound;
  flags |= (cold.flags & kPairMidstream) != 0 ? kPairAskReply : 0;
  flags |= IsPureSyn(batch, lane) && SynBeginsAnew(cold, expiry) ? kPairReopen : 0;
  return flags;
}

// Fills the pair columns. False: nothing of the pair is alive, and it is out of the table.
bool LoadPair(WorkerContext& worker, Batch& batch, uint32_t lane, LineIdx line) {
  SessionTable& sessions = *worker.sessions;
  const PairIdx pair = PairOf(line);
  const SessionCold cold = sessions.LoadCold(pair);
  const SessionLine& forward = sessions.Line(ForwardLine(pair));
  const SessionKey forward_key = KeyOf(forward);
  const Expiry expiry = JudgeExpiry(ViewOf(forward), ViewOf(sessions.Line(ReverseLine(pair))), cold,
                                    forward_key.protocol(), worker.now_ms);
  const bool unbound = cold.nat() && expiry.nat;
  if (unbound && (cold.flags & kPairNatExpired) == 0) {
    sessions.ExpireNat(pair);
  }
  if (expiry.gone) {
    sessions.Unlink(pair);
    return false;
  }
  if (unbound && !IsForward(line)) {
    return false;
  }
  batch.session[lane] = SessionIdx(line.value);
  batch.pair_flags[lane] = PairFlagsOf(batch, lane, line, cold, expiry);
  batch.initiator[lane] = InterfaceIdx(cold.initiator_interface_idx);
  batch.responder[lane] = InterfaceIdx(cold.responder_interface_idx);
  batch.bound_nat[lane] = cold.nat() ? NatGatewayIdx(cold.nat_gateway_idx) : NatGatewayIdx::None();
  batch.bound_address[lane] = cold.nat_address;
  batch.bound_l4_port[lane] = cold.nat_port;
  const SessionKey other = KeyOf(sessions.Line(PeerOf(line)));
  batch.other_addresses[lane] = other.addresses;
  batch.other_rest[lane] = other.rest;
  batch.inside_address[lane] = forward_key.src();
  batch.inside_l4_port[lane] = forward_key.src_l4_port();
  return true;
}

// Whether a packet walks whatever its session remembers. A FIN does not: it says that its sender
// has no more, not where anything goes.
bool MustWalk(const Batch& batch, uint32_t lane) {
  const uint8_t flags = batch.tcp_flags[lane];
  return (batch.traits[lane] & kTraitFragment) != 0 ||
         ((batch.traits[lane] & kTraitTcpSlow) != 0 &&
          ((flags & (kTcpSyn | kTcpRst)) != 0 || !TcpFlagsAreLegal(flags)));
}

// Whether the line's own walk may be used for this packet; copies it into the lane's columns.
bool UseWalk(const Snapshot& snapshot, Batch& batch, uint32_t lane, const SessionLine& line) {
  WalkWords words;
  if (MustWalk(batch, lane) || !RememberWalk(snapshot, line, batch.sender[lane], words)) {
    return false;
  }
  const InterfaceIdx out = SideOf(words.next_hop);
  const bool direct = (words.next_hop & kNextHopDirect) != 0;
  const bool translated = IsTranslated(line);
  if (direct != ((batch.traits[lane] & kTraitL2Direct) != 0) ||
      (direct && out != batch.target[lane]) ||
      !WalkCarries(snapshot.links[out.index()], words, translated, batch.ip_bytes[lane],
                   batch.ttl[lane])) {
    return false;
  }
  const WalkOutcome walk = FromWords(words);
  batch.out[lane] = out;
  batch.walk_src[lane] = walk.new_src;
  batch.walk_dst[lane] = walk.new_dst;
  batch.walk_l4_src[lane] = walk.new_src_l4_port;
  batch.walk_l4_dst[lane] = walk.new_dst_l4_port;
  batch.l3_delta[lane] = walk.l3_delta;
  batch.l4_delta[lane] = walk.l4_delta;
  batch.ttl_spent[lane] = translated ? 1 : 0;
  return true;
}

SessionMatch Judge(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                   LineIdx found) {
  const SessionLine& line = worker.sessions->Line(found);
  const bool usable = worker.session_cache && UseWalk(snapshot, batch, lane, line);
  const bool moves_state = (batch.traits[lane] & kTraitTcpSlow) != 0;
  if (usable && !moves_state &&
      HitsOwnLine(ViewOf(line), IsForward(found), batch.protocol[lane], worker.now_ms)) {
    batch.session[lane] = SessionIdx(found.value);
    batch.bound_nat[lane] = GatewayOf(line);  // of a translated flow; a FIN will write over it
    return SessionMatch::kHit;
  }
  if (!LoadPair(worker, batch, lane, found)) {
    ForgetPair(batch, lane);
    return SessionMatch::kMiss;
  }
  const SessionCold cold = worker.sessions->LoadCold(PairOf(found));
  const uint8_t flags = batch.pair_flags[lane];
  const bool all_alive =
      ((cold.flags & kPairTrackedByInitiator) == 0) == ((flags & kPairTrackedInitiator) == 0) &&
      ((cold.flags & kPairTrackedByResponder) == 0) == ((flags & kPairTrackedResponder) == 0) &&
      cold.nat() == ((flags & kPairBound) != 0);
  return usable && all_alive ? SessionMatch::kSettling : SessionMatch::kKnown;
}

void JudgeError(WorkerContext& worker, Batch& batch, uint32_t lane, LineIdx found) {
  batch.match[lane] = SessionMatch::kNone;
  if (!found.has_value() || !LoadPair(worker, batch, lane, found)) {
    ForgetPair(batch, lane);
    return;
  }
  batch.pair_flags[lane] &= static_cast<uint8_t>(~(kPairReopen | kPairAskReply));
  batch.traits[lane] |= kTraitRelated;
}

// Keys of those of some lanes that have one, as arrays for the table; as many as it has in flight
// at a time.
struct Keys {
  uint32_t count = 0;
  uint8_t lanes[kFindBatch];
  SessionKey key[kFindBatch];
  uint64_t hash[kFindBatch];
  LineIdx line[kFindBatch];

  void Add(uint8_t lane, const SessionKey& k) {
    key[count] = k;
    lanes[count++] = lane;
  }
  void Find(const SessionTable& sessions) {
    sessions.hasher().Hash(key, hash, count);
    sessions.Find(key, hash, line, count);
  }
};

void Collect(Batch& batch, std::span<const uint8_t> lanes, Keys& keys) {
  for (const uint8_t lane : lanes) {
    ForgetPair(batch, lane);
    batch.match[lane] = SessionMatch::kNone;
    batch.traits[lane] &= static_cast<uint16_t>(~kTraitRelated);
    batch.key_addresses[lane] = batch.key_rest[lane] = 0;
    SessionKey key;
    if (HasKey(batch, lane)) {
      keys.Add(lane, KeyAsSent(batch, lane, batch.sender[lane]));
    } else if ((batch.traits[lane] & kTraitIcmpError) != 0 && QuotedKey(batch, lane, key)) {
      keys.Add(lane, key);
    }
  }
}

void LookUp(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
            std::span<const uint8_t> lanes) {
  Keys keys;
  Collect(batch, lanes, keys);
  keys.Find(*worker.sessions);
  for (uint32_t i = 0; i < keys.count; ++i) {
    if (keys.line[i].has_value()) {  // few of those that come here are hits of their own line
      worker.sessions->PrefetchPeer(keys.line[i]);
    }
  }
  for (uint32_t i = 0; i < keys.count; ++i) {
    const uint32_t lane = keys.lanes[i];
    batch.key_addresses[lane] = keys.key[i].addresses;
    batch.key_rest[lane] = keys.key[i].rest;
    batch.hash[lane] = keys.hash[i];
    if (!HasKey(batch, lane)) {
      JudgeError(worker, batch, lane, keys.line[i]);
    } else if (keys.line[i].has_value()) {
      batch.match[lane] = Judge(snapshot, worker, batch, lane, keys.line[i]);
    } else {
      batch.match[lane] = SessionMatch::kMiss;
    }
  }
}

}  // namespace

SessionKey KeyAsSent(const Batch& batch, uint32_t lane, InterfaceIdx scope) noexcept {
  return MakeKey(batch, lane, scope, batch.src[lane], batch.dst[lane], batch.l4_src[lane],
                 batch.l4_dst[lane]);
}

SessionKey KeyAfterWalk(const Batch& batch, uint32_t lane, InterfaceIdx scope) noexcept {
  return MakeKey(batch, lane, scope, batch.walk_src[lane], batch.walk_dst[lane],
                 batch.walk_l4_src[lane], batch.walk_l4_dst[lane]);
}

bool IsOfSessionAt(const Batch& batch, uint32_t lane, InterfaceIdx receiver) noexcept {
  SessionKey sent_by_receiver;
  if ((batch.traits[lane] & kTraitRelated) == 0) {
    sent_by_receiver = AnswerKey(KeyAfterWalk(batch, lane, receiver), receiver.value);
  } else if (!KeyOfQuoted(batch, lane, receiver.value,
                          {batch.walk_quoted_src[lane], batch.walk_quoted_dst[lane],
                           batch.walk_quoted_l4_src[lane], batch.walk_quoted_l4_dst[lane]},
                          sent_by_receiver)) {
    return false;
  }
  return sent_by_receiver == SessionKey{batch.other_addresses[lane], batch.other_rest[lane]};
}

void SessionStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                  const LaneList& lanes, LaneList& hits, LaneList& walks) noexcept {
  for (uint32_t first = 0; first < lanes.count; first += kFindBatch) {
    const uint32_t count = std::min(kFindBatch, lanes.count - first);
    LookUp(snapshot, worker, batch, {lanes.begin() + first, count});
  }
  for (const uint8_t lane : lanes) {
    (batch.match[lane] >= SessionMatch::kSettling ? hits : walks).Add(lane);
  }
}

}  // namespace sluice
