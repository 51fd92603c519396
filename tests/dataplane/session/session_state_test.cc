#include "dataplane/session/session_state.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "dataplane/session/line_words.h"
#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

// A pair outside any table, driven packet by packet.
struct Pair {
  SessionLine forward{};
  SessionLine reverse{};
  SessionCold cold = TrackedCold();
  uint8_t protocol;

  explicit Pair(uint8_t p) : protocol(p) {}

  AcceptEffect Send(bool from_initiator, uint32_t now_ms, PacketFacts facts = {}) {
    facts.protocol = protocol;
    SessionLine& own = from_initiator ? forward : reverse;
    const SessionLine& peer = from_initiator ? reverse : forward;
    return AcceptPacket(own, peer, from_initiator, facts, now_ms);
  }
  Expiry Judge(uint32_t now_ms) const {
    return JudgeExpiry(ViewOf(forward), ViewOf(reverse), cold, protocol, now_ms);
  }
  // Handshake: initiator 1000.., responder 5000...
  void Open(uint32_t now_ms) {
    Send(true, now_ms, {0, kTcpSyn, 1000, 0, 0});
    Send(false, now_ms, {0, kTcpSyn | kTcpAck, 5000, 1001, 0});
    Send(true, now_ms, {0, kTcpAck, 1001, 5001, 0});
  }
};

// Alive at timeout - 1 and at timeout, gone at timeout + 1, wherever the clock stands.
void ExpectTimeout(Pair& pair, uint32_t last_ms, uint32_t timeout_ms) {
  for (const uint32_t age : {0u, timeout_ms - 1, timeout_ms}) {
    EXPECT_FALSE(pair.Judge(last_ms + age).initiator) << "age " << age << " from " << last_ms;
    EXPECT_FALSE(pair.Judge(last_ms + age).gone);
  }
  EXPECT_TRUE(pair.Judge(last_ms + timeout_ms + 1).initiator) << "from " << last_ms;
  EXPECT_TRUE(pair.Judge(last_ms + timeout_ms + 1).gone);
}

// Now, and across the wrap of the 32-bit clock.
constexpr uint32_t kStarts[] = {0, 1'000'000, 0xffff'ffff - 5, 0x7fff'ffff, 0x8000'0000};

TEST(SessionStateTest, AWS_SG_13_TcpTimeouts) {
  for (const uint32_t start : kStarts) {
    Pair half_open(kProtocolTcp);
    half_open.Send(true, start, {0, kTcpSyn, 1, 0, 0});
    EXPECT_EQ(half_open.Judge(start).state, ConnectionState::kTcpHalfOpen);
    ExpectTimeout(half_open, start, 60'000);

    Pair established(kProtocolTcp);
    established.Open(start);
    EXPECT_EQ(established.Judge(start).state, ConnectionState::kTcpEstablished);
    ExpectTimeout(established, start, 432'000'000);
    TrackingTimeouts nitro;
    nitro.tcp_established_s = 350;
    established.cold.initiator_timeouts = established.cold.responder_timeouts = nitro.Pack();
    ExpectTimeout(established, start, 350'000);

    Pair closing(kProtocolTcp);
    closing.Open(start);
    closing.Send(true, start, {0, kTcpFin | kTcpAck, 1001, 5001, 0});
    EXPECT_EQ(closing.Judge(start).state, ConnectionState::kTcpClosing);
    ExpectTimeout(closing, start, 60'000);

    Pair reset(kProtocolTcp);
    reset.Open(start);
    EXPECT_EQ(reset.Send(false, start, {0, kTcpRst, 5001, 0, 0}), AcceptEffect::kClosed);
    ExpectTimeout(reset, start, 10'000);
  }
}

TEST(SessionStateTest, AWS_SG_13_UdpBecomesAStreamAtTheInitiatorsSecondPacketAfterAReply) {
  for (const uint32_t start : kStarts) {
    Pair udp(kProtocolUdp);
    udp.Send(true, start);
    udp.Send(true, start);
    EXPECT_EQ(udp.Judge(start).state, ConnectionState::kUdp) << "one direction only";
    udp.Send(false, start);
    udp.Send(false, start);
    EXPECT_EQ(udp.Judge(start).state, ConnectionState::kUdp) << "a single request";
    ExpectTimeout(udp, start, 30'000);
    udp.Send(true, start);
    EXPECT_EQ(udp.Judge(start).state, ConnectionState::kUdpStream);
    ExpectTimeout(udp, start, 180'000);
    TrackingTimeouts set;
    set.udp_stream_s = 60;
    set.udp_s = 60;
    udp.cold.initiator_timeouts = udp.cold.responder_timeouts = set.Pack();
    ExpectTimeout(udp, start, 60'000);
  }
}

TEST(SessionStateTest, AWS_SG_09_OtherProtocolsAndIcmp) {
  for (const uint32_t start : kStarts) {
    Pair other(47);
    other.Send(true, start);
    ExpectTimeout(other, start, 600'000);
    other.Send(false, start + 599'000);
    ExpectTimeout(other, start + 599'000, 600'000);
    Pair icmp(kProtocolIcmp);
    icmp.Send(true, start);
    ExpectTimeout(icmp, start, 30'000);
  }
}

TEST(SessionStateTest, AWS_NAT_07_TheNatClockRunsApartFromTheSecurityGroups) {
  for (const uint32_t start : kStarts) {
    Pair pair(kProtocolTcp);
    pair.cold.flags |= kPairNat;
    pair.Open(start);
    EXPECT_FALSE(pair.Judge(start + 350'000).any_lapsed);
    const Expiry later = pair.Judge(start + 350'001);
    EXPECT_TRUE(later.nat);
    EXPECT_TRUE(later.any_lapsed);
    EXPECT_FALSE(later.initiator);
    EXPECT_FALSE(later.gone);
    // Either direction restarts it.
    pair.Send(false, start + 350'000, {0, kTcpAck, 5001, 1001, 10});
    EXPECT_FALSE(pair.Judge(start + 700'000).nat);
    EXPECT_TRUE(pair.Judge(start + 700'001).nat);
  }
}

TEST(SessionStateTest, EachInterfaceHasItsOwnTimeout) {
  Pair pair(kProtocolUdp);
  TrackingTimeouts longer;
  longer.udp_s = 60;
  pair.cold.responder_timeouts = longer.Pack();
  pair.Send(true, 0);
  const Expiry e = pair.Judge(30'001);
  EXPECT_TRUE(e.initiator);
  EXPECT_FALSE(e.responder);
  EXPECT_TRUE(e.any_lapsed);
  EXPECT_FALSE(e.gone);
  EXPECT_TRUE(pair.Judge(60'001).gone);
  pair.cold.flags = kPairTrackedByResponder;
  EXPECT_FALSE(pair.Judge(30'001).any_lapsed) << "not tracked at the initiator";
}

TEST(SessionStateTest, TimeoutsPackWithinTheirRanges) {
  for (const TrackingTimeouts t : {TrackingTimeouts{60, 60, 30}, TrackingTimeouts{432000, 180, 60},
                                   TrackingTimeouts{350, 100, 45}}) {
    EXPECT_EQ(TrackingTimeouts::Unpack(t.Pack()), t);
  }
  EXPECT_EQ(TrackingTimeouts::Unpack(TrackingTimeouts{1, 1, 1}.Pack()),
            (TrackingTimeouts{60, 60, 30}));
  EXPECT_EQ(TrackingTimeouts::Unpack(TrackingTimeouts{999999, 255, 255}.Pack()),
            (TrackingTimeouts{432000, 180, 60}));
}

TEST(SessionStateTest, AGracefulCloseNeedsBothFinsAcknowledged) {
  Pair pair(kProtocolTcp);
  pair.Open(0);
  EXPECT_EQ(pair.Send(true, 1, {0, kTcpFin | kTcpAck, 1001, 5001, 10}), AcceptEffect::kRefreshed);
  EXPECT_EQ(pair.Send(false, 2, {0, kTcpAck, 5001, 1011, 0}), AcceptEffect::kRefreshed)
      << "the FIN itself is not acknowledged";
  EXPECT_EQ(pair.Send(false, 3, {0, kTcpFin | kTcpAck, 5001, 1012, 0}), AcceptEffect::kRefreshed);
  EXPECT_EQ(pair.Judge(3).state, ConnectionState::kTcpClosing);
  EXPECT_EQ(pair.Send(true, 4, {0, kTcpAck, 1012, 5001, 0}), AcceptEffect::kRefreshed);
  EXPECT_EQ(pair.Send(true, 5, {0, kTcpAck, 1012, 5002, 0}), AcceptEffect::kClosed);
  EXPECT_EQ(pair.Judge(5).state, ConnectionState::kTcpClosed);
  EXPECT_EQ(pair.Send(true, 6, {0, kTcpAck, 1012, 5002, 0}), AcceptEffect::kRefreshed)
      << "closed once";
  EXPECT_TRUE(SynBeginsAnew(pair.cold, pair.Judge(6)));
}

TEST(SessionStateTest, ASynBeginsAnewWhatNoInterfaceRemembers) {
  Pair pair(kProtocolTcp);
  pair.Open(0);
  pair.cold.flags |= kPairTrackedByInitiator | kPairTrackedByResponder;
  TrackingTimeouts shorter;
  shorter.tcp_established_s = 350;
  pair.cold.initiator_timeouts = shorter.Pack();
  EXPECT_FALSE(SynBeginsAnew(pair.cold, pair.Judge(350'000)));
  EXPECT_FALSE(SynBeginsAnew(pair.cold, pair.Judge(350'001))) << "the responder's remembers";
  EXPECT_TRUE(SynBeginsAnew(pair.cold, pair.Judge(432'000'001)));
  pair.cold.flags |= kPairMidstream;
  EXPECT_TRUE(SynBeginsAnew(pair.cold, pair.Judge(1)));
}

TEST(SessionStateTest, OnlyAnExactResetEndsAFlow) {
  Pair pair(kProtocolTcp);
  pair.Open(0);
  pair.Send(true, 0, {0, kTcpAck | kTcpPsh, 1001, 5001, 100});
  for (const uint32_t seq : {1100u, 1102u, 1001u, 0u}) {
    EXPECT_EQ(pair.Send(true, 500, {0, kTcpRst | kTcpAck, seq, 5001, 0}), AcceptEffect::kIgnored);
    EXPECT_EQ(pair.Judge(500).state, ConnectionState::kTcpEstablished);
    EXPECT_EQ(pair.Judge(500).idle_ms, 500u) << "an invalid RST refreshes nothing";
  }
  // A retransmission does not move the highest sequence back.
  pair.Send(true, 600, {0, kTcpAck, 1001, 5001, 50});
  EXPECT_EQ(pair.Send(true, 700, {0, kTcpRst, 1101, 0, 0}), AcceptEffect::kClosed);
}

TEST(SessionStateTest, ARefusedConnectionIsResetByItsAcknowledgement) {
  Pair pair(kProtocolTcp);
  pair.Send(true, 0, {0, kTcpSyn, 1000, 0, 0});
  EXPECT_EQ(pair.Send(false, 1, {0, kTcpRst, 0, 0, 0}), AcceptEffect::kIgnored);
  EXPECT_EQ(pair.Send(false, 1, {0, kTcpRst | kTcpAck, 0, 1000, 0}), AcceptEffect::kIgnored);
  EXPECT_EQ(pair.Send(false, 1, {0, kTcpRst | kTcpAck, 0, 1001, 0}), AcceptEffect::kClosed);
}

TEST(SessionStateTest, SequenceNumbersWrap) {
  Pair pair(kProtocolTcp);
  pair.Send(true, 0, {0, kTcpSyn, 0xffff'fff0, 0, 0});
  pair.Send(true, 0, {0, kTcpAck, 0xffff'fff1, 0, 0x20});
  EXPECT_EQ(pair.Send(true, 1, {0, kTcpRst, 0x11, 0, 0}), AcceptEffect::kClosed);
}

TEST(SessionStateTest, OnlySaneFirstSegmentsOpen) {
  EXPECT_TRUE(TcpMayOpen(kTcpSyn));
  EXPECT_FALSE(TcpOpensMidstream(kTcpSyn));
  EXPECT_TRUE(TcpMayOpen(kTcpAck | kTcpPsh));
  EXPECT_TRUE(TcpOpensMidstream(kTcpAck));
  EXPECT_TRUE(TcpOpensMidstream(kTcpSyn | kTcpAck));
  for (const uint8_t flags :
       {0, +kTcpRst, kTcpRst | kTcpAck, kTcpFin | kTcpAck, +kTcpFin, kTcpSyn | kTcpFin,
        kTcpSyn | kTcpRst, kTcpFin | kTcpPsh | kTcpUrg, 0x3f}) {
    EXPECT_FALSE(TcpMayOpen(flags)) << int{flags};
  }
}

// The short way says "hit" only when the full judgement agrees, for every state a pair can be
// driven into.
TEST(SessionStateTest, TheShortWayNeverContradictsTheFullJudgement) {
  uint64_t seed = 99;
  const auto draw = [&seed](uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(seed >> 33) % n;
  };
  uint32_t hits = 0;
  for (int round = 0; round < 4000; ++round) {
    const uint8_t protocols[] = {kProtocolTcp, kProtocolUdp, kProtocolIcmp, 47};
    Pair pair(protocols[draw(4)]);
    pair.cold.flags |= draw(2) != 0 ? kPairNat : 0;
    TrackingTimeouts shortest{60, 60, 30};
    pair.cold.initiator_timeouts = shortest.Pack();
    uint32_t now = draw(2) != 0 ? 0 : 0xffff'0000;
    for (int packet = 0; packet < 8; ++packet) {
      const bool forward = packet == 0 || draw(2) != 0;
      const uint8_t flags[] = {kTcpSyn, kTcpAck, kTcpSyn | kTcpAck, kTcpFin | kTcpAck, kTcpRst};
      const SessionLine& own = forward ? pair.forward : pair.reverse;
      pair.Send(forward, now, {0, flags[draw(5)], own.next_seq.load(), draw(3), draw(2)});
      now += draw(3) == 0 ? draw(700'000) : draw(20'000);
      for (const bool side : {true, false}) {
        if (HitsOwnLine(ViewOf(side ? pair.forward : pair.reverse), side, pair.protocol, now)) {
          ++hits;
          ASSERT_FALSE(pair.Judge(now).any_lapsed) << "round " << round;
        }
      }
    }
  }
  EXPECT_GT(hits, 1000u);
}

// The first SYN is written at once; it says what accepting and counting it one by one do.
TEST(SessionLineTest, ASynWrittenAtOnceIsASynAccepted) {
  for (const uint8_t constants : {uint8_t{kLineTracked}, uint8_t{kLineTracked | kLineNat}}) {
    for (const uint32_t seq : {0u, 77u, 0xffff'ffffu}) {
      for (const uint32_t payload : {0u, 20u}) {
        for (const uint8_t flags : {uint8_t{kTcpSyn}, uint8_t{kTcpSyn | kTcpPsh | kTcpUrg}}) {
          SessionLine at_once{};
          SessionLine one_by_one{};
          const SessionLine peer{};
          for (SessionLine* line : {&at_once, &one_by_one}) {
            line->state.store(constants);
            line->fin_seq.store(5);
          }
          LineWindow ended;
          EXPECT_FALSE(CountInLine(one_by_one, 0x1234, 60 + payload, flags, &ended));
          EXPECT_EQ(
              AcceptPacket(one_by_one, peer, true, {kProtocolTcp, flags, seq, 0, payload}, 99),
              AcceptEffect::kRefreshed);
          AcceptSyn(at_once, constants, 5, seq + payload + 1, 99, 0x1234, 60 + payload);
          EXPECT_EQ(std::memcmp(&at_once, &one_by_one, sizeof(at_once)), 0);
        }
      }
    }
  }
}

TEST(SessionLineTest, AWalkIsReadWholeOrNotAtAll) {
  SessionLine line{};
  WalkWords walk;
  EXPECT_FALSE(ReadWalk(line, 7, &walk));
  const WalkOutcome first{1, 2, 3, 4, 5, 6, 7};
  ASSERT_TRUE(StampWalk(line, first, 7));
  ASSERT_TRUE(ReadWalk(line, 7, &walk));
  EXPECT_EQ(FromWords(walk), first);
  EXPECT_EQ(ShowWalk(line), first);
  EXPECT_FALSE(ReadWalk(line, 8, &walk));
  line.generation.store(kGenerationBusy);
  EXPECT_FALSE(StampWalk(line, first, 8)) << "somebody else is writing";
}

// The words of a line are the bytes that a packet of the walk carries.
TEST(SessionLineTest, WalkWordsLieAsInAPacket) {
  const WalkWords words = ToWords({0x0a000102, 0xc6336401, 0x1234, 0x0050, 0xabcd, 0xef01, 9});
  const uint8_t addresses[] = {0x0a, 0, 1, 2, 0xc6, 0x33, 0x64, 1};
  const uint8_t ports[] = {0x12, 0x34, 0, 0x50};
  const uint8_t deltas[] = {0xab, 0xcd, 0xef, 0x01};
  EXPECT_EQ(std::memcmp(&words.addresses, addresses, sizeof(addresses)), 0);
  EXPECT_EQ(std::memcmp(&words.ports, ports, sizeof(ports)), 0);
  EXPECT_EQ(std::memcmp(&words.deltas, deltas, sizeof(deltas)), 0);
}

// One thread stamps generation n with fields that all say n; readers see n in every field or
// nothing.
TEST(SessionLineTest, ConcurrentStampsAreNeverTorn) {
  SessionLine line{};
  std::atomic<bool> stop{false};
  std::atomic<uint32_t> torn{0};
  std::atomic<uint32_t> current{1};
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const uint32_t n = current.load(std::memory_order_relaxed);
      WalkWords words;
      const bool read = ReadWalk(line, n, &words);
      const WalkOutcome w = FromWords(words);
      if (read && (w.new_src != n || w.new_dst != n || w.next_hop != n ||
                   w.new_src_l4_port != static_cast<uint16_t>(n) ||
                   w.l4_delta != static_cast<uint16_t>(n))) {
        torn.fetch_add(1);
      }
    }
  });
  for (uint32_t n = 1; n < 50000; ++n) {
    const uint16_t low = static_cast<uint16_t>(n);
    EXPECT_TRUE(StampWalk(line, {n, n, low, low, low, low, n}, n));
    current.store(n, std::memory_order_relaxed);
  }
  stop.store(true);
  reader.join();
  EXPECT_EQ(torn.load(), 0u);
}

}  // namespace
}  // namespace sluice
