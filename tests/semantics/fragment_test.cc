// Fragments: those that pass, in every order, and those that never reach an interface.
#include <algorithm>
#include <set>

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class FragmentSemantics : public VpcTest {
 protected:
  // A datagram of eni-web in pieces of 16 bytes of payload.
  std::vector<Bytes> Pieces(PacketSpec whole, uint16_t id, size_t piece_bytes = 16,
                            const std::string& eni = "eni-web") const {
    whole.ip_id = id;
    whole.src_mac = MacOf(eni);
    return BuildFragments(whole, piece_bytes);
  }
  Bytes Piece(PacketSpec spec, uint16_t id, uint32_t offset, Bytes payload, bool more) const {
    spec.ip_id = id;
    spec.raw_l4 = true;
    spec.fragment_bytes = offset;
    spec.payload = std::move(payload);
    spec.more_fragments = more;
    return FrameOf("eni-web", spec);
  }
};

TEST_F(FragmentSemantics, D_FRAG_RFC_ROW_19_AllOrdersPassBetweenInterfaces) {
  Start();
  const PacketSpec wholes[] = {
      Udp("10.0.0.10:5", "10.0.1.10:80", 40), Tcp("10.0.0.10:5", "10.0.1.10:80", kSyn, 1, 0, 28),
      Echo("10.0.0.10", "10.0.1.10", 9), Raw("10.0.0.10", "10.0.1.10", 50)};
  uint16_t id = 1;
  for (PacketSpec whole : wholes) {
    if (whole.protocol == 1) {
      whole.payload.resize(40);
    }
    const std::vector<Bytes> pieces = Pieces(whole, 0, whole.protocol == 6 ? 24 : 16);
    std::vector<size_t> order(pieces.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    do {
      const std::vector<Bytes> now = Pieces(whole, ++id, whole.protocol == 6 ? 24 : 16);
      size_t held = 0;
      bool first_seen = false;
      for (const size_t i : order) {
        first_seen = first_seen || i == 0;
        ExpectFrame("eni-web", now[i], first_seen ? "forward eni-app" : "hold");
        held += first_seen ? 0 : 1;
      }
      ExpectSettled(std::vector<std::string>(held, "forward eni-app"));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_F(FragmentSemantics, AWS_NAT_09_RFC_ROW_19_UdpPassesTheNatGatewayInAllSixOrders) {
  Start();
  std::vector<size_t> order = {0, 1, 2};
  uint16_t id = 100;
  do {
    const PacketSpec whole = Udp(End("10.0.1.10", 6000u + id), "203.0.113.9:53", 40);
    const std::vector<Bytes> pieces = Pieces(whole, ++id, 16, "eni-app");
    std::vector<Bytes> out;
    for (const size_t i : order) {
      SendFrame("eni-app", pieces[i]);
      for (const SentFrame& frame : sent()) {
        out.push_back(frame.frame);
      }
    }
    for (const SentFrame& frame : settled_frames()) {
      EXPECT_EQ(frame.port_name, "internet");
      out.push_back(frame.frame);
    }
    ASSERT_EQ(out.size(), 3u);
    ExpectSettled(
        std::vector<std::string>(order[0] == 0   ? 0
                                 : order[1] == 0 ? 1
                                                 : 2,
                                 "forward internet: udp 198.51.100.200 > 203.0.113.9 +*"));
    // Together they are the datagram with the gateway's address and port, and its checksum holds.
    std::sort(out.begin(), out.end(), [](const Bytes& a, const Bytes& b) {
      return Read(a).fragment_bytes < Read(b).fragment_bytes;
    });
    Bytes joined;
    for (const Bytes& frame : out) {
      EXPECT_EQ(Read(frame).ip_id, Read(out[0]).ip_id);
      const Bytes part = Read(frame).l4;
      joined.insert(joined.end(), part.begin(), part.end());
    }
    PacketSpec expected = whole;
    expected.src = AddressOf("198.51.100.200");
    expected.src_port = Read(out[0]).src_port;
    const Bytes packet = BuildIpv4(expected);
    EXPECT_EQ(joined, Bytes(packet.begin() + 20, packet.end()));
    // And the answer, in pieces, the other way.
    PacketSpec answer = Udp("203.0.113.9:53", End("198.51.100.200", expected.src_port), 40);
    answer.ip_id = id;
    answer.src_mac = kNextHopMac;
    const std::vector<Bytes> back = BuildFragments(answer, 16);
    for (const size_t i : order) {
      SendFrame("internet", back[i]);
    }
    EXPECT_EQ(settled_frames().size(), order[0] == 0 ? 0u : order[1] == 0 ? 1u : 2u);
    ExpectSettled(std::vector<std::string>(settled_frames().size(), "forward eni-app: *"));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(FragmentSemantics, AWS_NAT_09_TcpAndIcmpFragmentsAreDropped) {
  Start();
  PacketSpec echo = Echo("10.0.1.10", "203.0.113.9", 7);
  echo.payload.resize(40);
  for (const PacketSpec& whole : {Tcp("10.0.1.10:5", "203.0.113.9:443", kSyn, 1, 0, 20), echo}) {
    for (const Bytes& piece : Pieces(whole, whole.protocol, 24, "eni-app")) {
      ExpectFrame("eni-app", piece, "drop nat_fragment");
    }
  }
  PacketSpec big_ping = Echo("10.0.1.10", "203.0.113.9", 7);  // ping -s 10000
  big_ping.payload.resize(10'000);
  for (const Bytes& piece : Pieces(big_ping, 3, 1480, "eni-app")) {
    ExpectFrame("eni-app", piece, "drop nat_fragment");
  }
  EXPECT_EQ(LiveSessions(), 0u);
}

// The first fragment went to an appliance; the table then leads to the NAT gateway, which has no
// mapping for the datagram, whatever the gateway's own ACL would say of it.
TEST_F(FragmentSemantics, AWS_NAT_09_LaterFragmentsWithoutAMappingAreDropped) {
  VpcConfig to_appliance;
  to_appliance.Routes("rtb-app", {"0.0.0.0/0 eni-mid"});
  VpcConfig refused;
  refused.Acl("acl-pub", {"in 100 allow all 0.0.0.0/0", "out 100 allow all 10.0.0.0/8"});
  for (const VpcConfig& later : {VpcConfig(), refused}) {
    Start(to_appliance);
    const std::vector<Bytes> pieces =
        Pieces(Udp("10.0.1.10:5", "203.0.113.9:53", 40), 1, 16, "eni-app");
    ExpectFrame("eni-app", pieces[0], "forward eni-mid");
    Apply(later);
    ExpectFrame("eni-app", pieces[1], "drop nat_fragment");
  }
}

// Of a protocol that no gateway translates nothing is an answer, in fragments or not.
TEST_F(FragmentSemantics, AWS_NAT_08_FragmentsOfOtherProtocolsToTheGatewayAreUnsolicited) {
  Start();
  PacketSpec whole = Raw("203.0.113.9", "198.51.100.200", 47);
  whole.payload.resize(40);
  whole.src_mac = kNextHopMac;
  for (const Bytes& piece : BuildFragments(whole, 16)) {
    ExpectFrame("internet", piece, "drop nat_unsolicited");
  }
}

// A fragment waits when the cache's 30 s for its datagram end.
TEST_F(FragmentSemantics, D_FRAG_WhatWaitsFollowsItsFirstWhenTheMemoryEnds) {
  Start();
  const std::vector<Bytes> pieces = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 40), 1);
  ExpectFrame("eni-web", pieces[1], "hold");
  Wait(29.9);
  ExpectFrame("eni-web", pieces[2], "hold");
  ExpectSettled({"drop fragment_orphan"});
  Wait(0.5);
  ExpectFrame("eni-web", pieces[0], "forward eni-app");
  ExpectSettled({"forward eni-app"});
  ExpectFrame("eni-web", pieces[1], "hold");
}

// One that comes when the 30 s are over, to others that still wait, has its two seconds, too.
TEST_F(FragmentSemantics, D_FRAG_WhatJoinsTheWaitingFollowsItsFirst) {
  Start();
  const std::vector<Bytes> pieces = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 40), 1);
  ExpectFrame("eni-web", pieces[1], "hold");
  Wait(29.9);
  ExpectFrame("eni-web", pieces[2], "hold");
  Wait(0.5);
  ExpectFrame("eni-web", pieces[1], "hold");
  ExpectSettled({"drop fragment_orphan"});
  Wait(1.9);
  ExpectFrame("eni-web", pieces[0], "forward eni-app");
  ExpectSettled({"drop fragment_orphan", "forward eni-app"});
}

TEST_F(FragmentSemantics, D_FRAG_LaterOnesShareTheFateOfTheirFirst) {
  VpcConfig config;
  config.In("sg-app", {"udp 80 10.0.0.0/8"});
  Start(config);
  std::vector<Bytes> refused = Pieces(Udp("10.0.0.10:5", "10.0.1.10:81", 40), 1);
  ExpectFrame("eni-web", refused[1], "hold");
  ExpectFrame("eni-web", refused[0], "drop sg_ingress");
  ExpectSettled({"drop sg_ingress"});
  ExpectFrame("eni-web", refused[2], "drop sg_ingress");
  std::vector<Bytes> allowed = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 40), 2);
  for (const Bytes& piece : allowed) {
    ExpectFrame("eni-web", piece, "forward eni-app");
  }
}

TEST_F(FragmentSemantics, D_FRAG_HeldForTwoSecondsAndRememberedForThirty) {
  Start();
  const PacketSpec whole = Udp("10.0.0.10:5", "10.0.1.10:80", 40);
  std::vector<Bytes> pieces = Pieces(whole, 1);
  ExpectFrame("eni-web", pieces[1], "hold");
  Wait(2);
  ExpectFrame("eni-web", pieces[0], "forward eni-app");
  ExpectSettled({"forward eni-app"});
  Wait(28);
  ExpectFrame("eni-web", pieces[2], "forward eni-app");
  pieces = Pieces(whole, 2);
  ExpectFrame("eni-web", pieces[1], "hold");
  Wait(2.001);
  Expect("eni-two", Udp("10.0.0.11:5", "10.0.1.10:80"), "forward eni-app");  // lets time act
  ExpectSettled({"drop fragment_orphan"});
  pieces = Pieces(whole, 3);
  ExpectFrame("eni-web", pieces[0], "forward eni-app");
  Wait(30.001);
  ExpectFrame("eni-web", pieces[1], "hold");  // forgotten
  Drain();
  ExpectSettled({"drop fragment_orphan"});
}

TEST_F(FragmentSemantics, D_FRAG_RFC_ROW_92_TinyFragments) {
  Start();
  const PacketSpec tcp = Tcp("10.0.0.10:5", "10.0.1.10:80");
  for (const size_t bytes : {8u, 16u}) {
    ExpectFrame("eni-web", Piece(tcp, 1, 0, Bytes(bytes, 0), true), "drop fragment_tiny");
  }
  ExpectFrame("eni-web", Piece(tcp, 2, 8, Bytes(16, 0), false), "drop fragment_tiny");
  ExpectFrame("eni-web", Piece(tcp, 2, 8, Bytes(16, 0), true), "drop fragment_tiny");
  // UDP's header is whole in eight bytes.
  const std::vector<Bytes> udp = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 8), 3, 8);
  ASSERT_EQ(udp.size(), 2u);
  ExpectFrame("eni-web", udp[0], "forward eni-app");
  ExpectFrame("eni-web", udp[1], "forward eni-app");
}

TEST_F(FragmentSemantics, D_FRAG_RFC_ROW_93_ASecondFirstFragmentRewritesNoPorts) {
  VpcConfig config;
  config.In("sg-app", {"udp 80 10.0.0.0/8"});
  Start(config);
  const std::vector<Bytes> good = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 40), 7);
  const std::vector<Bytes> evil = Pieces(Udp("10.0.0.10:5", "10.0.1.10:22", 40), 7);
  ExpectFrame("eni-web", good[0], "forward eni-app");
  ExpectFrame("eni-web", evil[0], "drop fragment_overlap");
  ExpectFrame("eni-web", good[1], "forward eni-app");
  ExpectFrame("eni-web", good[2], "forward eni-app");
}

TEST_F(FragmentSemantics, D_FRAG_RFC_ROW_94_OverlapsInManyPatterns) {
  Start();
  const PacketSpec udp = Udp("10.0.0.10:5", "10.0.1.10:80");
  const Bytes first = BuildIpv4(Udp("10.0.0.10:5", "10.0.1.10:80", 24));
  const Bytes head(first.begin() + 20, first.end());  // 32 bytes: 0..32
  uint16_t id = 1;
  struct Pattern {
    uint32_t offset;
    size_t bytes;
    bool overlaps;
  };
  // Against 0..32 and 64..96.
  const Pattern patterns[] = {{0, 32, true},   {8, 8, true},   {24, 16, true}, {24, 8, true},
                              {32, 32, false}, {32, 8, false}, {40, 32, true}, {56, 16, true},
                              {64, 32, true},  {72, 8, true},  {88, 16, true}, {96, 8, false},
                              {32, 40, true},  {16, 96, true}};
  for (const Pattern& p : patterns) {
    ++id;
    SCOPED_TRACE("offset " + std::to_string(p.offset) + ", bytes " + std::to_string(p.bytes));
    ExpectFrame("eni-web", Piece(udp, id, 0, head, true), "forward eni-app");
    ExpectFrame("eni-web", Piece(udp, id, 64, Bytes(32, 1), true), "forward eni-app");
    ExpectFrame("eni-web", Piece(udp, id, p.offset, Bytes(p.bytes, 2), true),
                p.overlaps ? "drop fragment_overlap" : "forward eni-app");
    // The others of the datagram go on.
    ExpectFrame("eni-web", Piece(udp, id, 128, Bytes(8, 3), false), "forward eni-app");
  }
}

TEST_F(FragmentSemantics, RFC_ROW_94_NoDatagramBeyond65535) {
  Start();
  const PacketSpec udp = Udp("10.0.0.10:5", "10.0.1.10:80");
  ExpectFrame("eni-web", Piece(udp, 1, 65'528, Bytes(64, 1), false), "drop malformed_ipv4");
  ExpectFrame("eni-web", Piece(udp, 1, 65'504, Bytes(16, 1), true), "drop malformed_ipv4");
  ExpectFrame("eni-web", Piece(udp, 1, 8, Bytes(9, 1), true), "drop malformed_ipv4");  // not by 8
  ExpectFrame("eni-web", Piece(udp, 1, 8, Bytes(), true), "drop malformed_ipv4");
  ExpectFrame("eni-web", Piece(udp, 1, 8, Bytes(), false), "drop malformed_ipv4");
}

TEST_F(FragmentSemantics, D_FRAG_OneSendersFragmentsAreNotAnothers) {
  Start();
  std::vector<Bytes> mine = Pieces(Udp("10.0.0.10:5", "10.0.1.10:80", 40), 7);
  ExpectFrame("eni-web", mine[0], "forward eni-app");
  // The same addresses, protocol and id from the other VPC.
  PacketSpec theirs = Udp("10.0.0.10:5", "10.0.1.10:80", 40);
  theirs.ip_id = 7;
  theirs.src_mac = MacOf("eni-c");
  ExpectFrame("eni-c", BuildFragments(theirs, 16)[1], "hold");
  ExpectFrame("eni-web", mine[1], "forward eni-app");
}

TEST_F(FragmentSemantics, RFC_ROW_20_OrphanFloodsHurtNobodyElse) {
  Start(VpcConfig(), {.reference_world = false});
  const PacketSpec udp = Udp("10.0.0.10:5", "10.0.1.10:80");
  const std::vector<Bytes> other = Pieces(Udp("10.0.2.10:5", "10.0.1.10:80", 40), 9, 16, "eni-db");
  for (uint32_t i = 0; i < 20'000; ++i) {
    const Bytes orphan =
        Piece(udp, static_cast<uint16_t>(i), 16 + 8 * (i >> 16), Bytes(16, 1), true);
    const std::string fate = SendFrame("eni-web", orphan);
    ASSERT_TRUE(fate == "hold" || fate == "drop fragment_cache_full" ||
                fate == "drop fragment_orphan")
        << fate;
    if (i % 1000 == 0) {
      Expect("eni-two", Udp("10.0.0.11:5", "10.0.1.10:80"), "forward eni-app");
      Expect("eni-web", Udp("10.0.0.10:6", "10.0.1.10:80"), "forward eni-app");
    }
  }
  EXPECT_GT(Count("fragment_cache_full"), 0u);
  ExpectFrame("eni-db", other[1], "hold");  // fair: the neighbour's share is its own
  ExpectFrame("eni-db", other[0], "forward eni-app");
}

TEST_F(FragmentSemantics, RFC_ROW_76_DatagramsOfTwoHostsHaveIdsOfTheirOwn) {
  Start();
  std::set<uint16_t> ids;
  for (uint16_t n = 0; n < 40; ++n) {
    for (const char* eni : {"eni-app", "eni-app2"}) {
      const std::string source = eni == std::string("eni-app") ? "10.0.1.10" : "10.0.1.11";
      const std::vector<Bytes> pieces =
          Pieces(Udp(End(source, 5000), "203.0.113.9:53", 40), n, 16, eni);
      std::set<uint16_t> own;
      for (const Bytes& piece : pieces) {
        ExpectFrame(eni, piece, "forward internet: *");
        own.insert(LastSent().ip_id);
      }
      EXPECT_EQ(own.size(), 1u);
      EXPECT_TRUE(ids.insert(*own.begin()).second) << "two datagrams share an id";
    }
  }
}

// RFC 6864 5.3: no two hosts' datagrams meet, however many hosts, whatever ids they choose.
TEST_F(FragmentSemantics, RFC_ROW_76_SixtyHostsWithTheSameIdsDoNotCollide) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-app", "SourceDestCheck", "false");
  Start(config);
  std::set<uint16_t> ids;
  for (uint16_t n = 0; n < 60; ++n) {
    for (uint32_t host = 20; host < 80; ++host) {
      PacketSpec whole = Udp(End("10.0.1." + std::to_string(host), 5000), "203.0.113.9:53", 1500);
      whole.ip_id = n;
      Expect("eni-app", whole, "forward internet: * | internet: *");
      EXPECT_EQ(LastSent(0).ip_id, LastSent(1).ip_id);
      ASSERT_TRUE(ids.insert(LastSent().ip_id).second) << "host " << host << ", datagram " << n;
    }
  }
}

TEST_F(FragmentSemantics, RFC_ROW_76_TheFirstFragmentsIdIsThatOfAllOrderOrNot) {
  Start();
  const std::vector<Bytes> pieces =
      Pieces(Udp("10.0.1.10:5000", "203.0.113.9:53", 40), 7, 16, "eni-app");
  ExpectFrame("eni-app", pieces[2], "hold");
  ExpectFrame("eni-app", pieces[0], "forward internet: *");
  const uint16_t id = LastSent().ip_id;
  EXPECT_EQ(Read(settled_frames()[0].frame).ip_id, id);
  const std::vector<Bytes> others =
      Pieces(Udp("10.0.1.11:5000", "203.0.113.9:53", 40), 7, 16, "eni-app2");
  ExpectFrame("eni-app2", others[0], "forward internet: *");
  EXPECT_NE(LastSent().ip_id, id);
  ExpectFrame("eni-app", pieces[1], "forward internet: *");
  EXPECT_EQ(LastSent().ip_id, id);
  ExpectSettled({"forward internet: *"});
}

TEST_F(FragmentSemantics, D_FRAG_TooBigFragmentsAreCutAgain) {
  Start();
  PacketSpec whole = Udp("10.0.0.10:5", "203.0.113.9:53", 6000);
  const std::vector<Bytes> pieces = Pieces(whole, 5, 3000);
  ExpectFrame("eni-web", pieces[0],
              "forward internet: udp 198.51.100.10:5 > 203.0.113.9:53 +0 | internet: * +1480 | "
              "internet: * +2960");
  ExpectFrame("eni-web", pieces[1],
              "forward internet: * +3000 | internet: * +4480 | internet: * +5960");
}

}  // namespace
}  // namespace sluice::testing
