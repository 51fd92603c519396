#include "dataplane/session/nat_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "dataplane/session/nat_ip_id.h"
#include "dataplane/session/session_state.h"
#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

constexpr uint32_t kRemote = 0x08080808;
constexpr uint64_t kGateway = 0x6e61742d31;

SessionCold NatCold() {
  SessionCold cold;
  cold.initiator_interface_idx = 1;
  cold.flags = kPairNat;
  return cold;
}

SessionKey FlowNumber(uint32_t n, uint8_t protocol = kProtocolUdp) {
  return MakeSessionKey(1, 0x0a000000 + n / 50000, kRemote, static_cast<uint16_t>(n % 50000 + 1),
                        53, protocol);
}

struct Bound {
  NatClaim claim;
  LineIdx line;
};

Bound Bind(SessionTable& table, const NatStreams& streams, const SessionKey& flow,
           uint32_t gateway_address = 0x0a0000fe, uint32_t now_ms = 0) {
  Bound bound;
  const SessionKey answer =
      MakeSessionKey(9, flow.dst(), gateway_address, flow.dst_l4_port(), 0, flow.protocol());
  Admission admission;
  LineIdx existing;
  bound.claim.outcome =
      table.BeginPair(flow, table.hasher().HashOne(flow), NatCold(), {}, &admission, &existing);
  if (bound.claim.outcome != ClaimOutcome::kClaimed) {
    return bound;
  }
  bound.claim = ClaimNatPort(table, admission, answer, streams.Ports(kGateway, flow), now_ms);
  if (bound.claim.outcome != ClaimOutcome::kClaimed) {
    table.Abandon(admission);
    return bound;
  }
  admission.cold.nat_port = bound.claim.l4_port;
  bound.line = ForwardLine(admission.pair);
  MarkSeen(table.Line(bound.line), now_ms);
  table.Publish(admission);
  return bound;
}

TEST(NatPortTest, AWS_NAT_04_CandidatesAreDistinctAndInRange) {
  const NatStreams streams(1);
  for (uint32_t n = 0; n < 20; ++n) {
    const NatPortSequence ports = streams.Ports(kGateway, FlowNumber(n));
    std::vector<bool> seen(65536);
    for (uint32_t i = 0; i < kNatPortCount; ++i) {
      const uint16_t port = ports.At(i);
      ASSERT_GE(port, 1024);
      ASSERT_FALSE(seen[port]) << "flow " << n << " attempt " << i;
      seen[port] = true;
    }
  }
}

// D-ISOLATION: a stream depends on seed, gateway and flow, not on dense indices.
TEST(NatPortTest, StreamsBelongToTheGatewayAndTheFlow) {
  const SessionKey flow = FlowNumber(3);
  const NatStreams streams(1);
  const NatPortSequence ports = streams.Ports(kGateway, flow);
  SessionKey elsewhere = flow;
  elsewhere.rest ^= 0x55;  // another scope
  EXPECT_EQ(streams.Ports(kGateway, elsewhere).start, ports.start);
  EXPECT_NE(streams.Ports(kGateway + 1, flow).start, ports.start);
  EXPECT_NE(NatStreams(2).Ports(kGateway, flow).start, ports.start);
  EXPECT_NE(streams.Ports(kGateway, FlowNumber(4)).start, ports.start);
}

TEST(NatPortTest, AWS_NAT_05_FiftyFiveThousandToOneDestinationAndAnotherOneHasItsOwn) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    auto table = SessionTable::Make(HeapMemory(), {2 * 65536, 16, 4}, HashSecret::FromSeed(seed));
    ASSERT_NE(table, nullptr);
    const NatStreams streams(seed);
    std::vector<bool> used(65536);
    uint32_t most_probes = 0;
    for (uint32_t n = 0; n < kGuaranteedNatPorts; ++n) {
      const Bound bound = Bind(*table, streams, FlowNumber(n));
      ASSERT_EQ(bound.claim.outcome, ClaimOutcome::kClaimed) << "seed " << seed << " flow " << n;
      ASSERT_FALSE(used[bound.claim.l4_port]) << "two flows share an outside five-tuple";
      used[bound.claim.l4_port] = true;
      most_probes = std::max(most_probes, bound.claim.probes);
    }
    EXPECT_LE(most_probes, kNatProbes);
    // Best effort beyond; never more than there are, and existing flows are untouched (AWS-NAT-06).
    uint32_t more = 0;
    uint32_t refused = 0;
    for (uint32_t n = kGuaranteedNatPorts; n < 70000; ++n) {
      const Bound bound = Bind(*table, streams, FlowNumber(n));
      if (bound.claim.outcome == ClaimOutcome::kClaimed) {
        ASSERT_FALSE(used[bound.claim.l4_port]);
        used[bound.claim.l4_port] = true;
        ++more;
      } else {
        ASSERT_EQ(bound.claim.outcome, ClaimOutcome::kExists);
        ASSERT_LE(bound.claim.probes, kNatProbes);
        ++refused;
      }
    }
    EXPECT_LE(kGuaranteedNatPorts + more, kNatPortCount);
    EXPECT_GT(refused, 0u);
    EXPECT_EQ(table->Counts().counted, kGuaranteedNatPorts + more);
    // The same port serves another destination, another protocol, another gateway address.
    SessionKey other = FlowNumber(0);
    other.addresses ^= 1;
    EXPECT_EQ(Bind(*table, streams, other).claim.outcome, ClaimOutcome::kClaimed);
    EXPECT_EQ(Bind(*table, streams, FlowNumber(0, kProtocolTcp)).claim.outcome,
              ClaimOutcome::kClaimed);
    EXPECT_EQ(Bind(*table, streams, FlowNumber(69999), 0x0a0000fd).claim.outcome,
              ClaimOutcome::kClaimed);
  }
}

TEST(NatPortTest, AWS_NAT_05_EveryAddressOfAGatewayAddsItsOwn) {
  constexpr uint32_t kAddresses = 2;
  auto table = SessionTable::Make(HeapMemory(), {120000, 16, 4}, HashSecret::FromSeed(1));
  const NatStreams streams(11);
  for (uint32_t n = 0; n < kAddresses * kGuaranteedNatPorts; ++n) {
    const SessionKey flow = FlowNumber(n);
    const uint32_t at = streams.AddressIndex(kGateway, flow, kAddresses);
    ASSERT_LT(at, kAddresses);
    ASSERT_EQ(Bind(*table, streams, flow, 0x0a0000f0 + at).claim.outcome, ClaimOutcome::kClaimed)
        << n;
  }
}

TEST(NatPortTest, AFullDestinationReusesThePortOfAClosedConnectionOldestFirst) {
  auto table = SessionTable::Make(HeapMemory(), {65536, 16, 4}, HashSecret::FromSeed(1));
  const NatStreams streams(1);
  std::vector<LineIdx> lines;
  uint32_t n = 0;
  uint32_t refused = 0;
  for (; refused == 0; ++n) {
    const Bound bound = Bind(*table, streams, FlowNumber(n));
    refused += bound.claim.outcome == ClaimOutcome::kExists ? 1 : 0;
    if (bound.line.has_value()) {
      lines.push_back(bound.line);
    }
  }
  const SessionKey wanting = FlowNumber(n - 1);
  // Close three of the flows that hold its candidates, at different times.
  const NatPortSequence ports = streams.Ports(kGateway, wanting);
  for (uint32_t i = 0; i < 3; ++i) {
    const uint16_t port = ports.At(10 + i);
    const LineIdx holder =
        table->FindOne(MakeSessionKey(9, kRemote, 0x0a0000fe, 53, port, kProtocolUdp));
    ASSERT_TRUE(holder.has_value());
    SessionLine& answering = table->Line(holder);
    answering.state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
    answering.last_seen_ms.store(i == 1 ? 100 : 200, std::memory_order_relaxed);
  }
  const Bound bound = Bind(*table, streams, wanting);
  EXPECT_EQ(bound.claim.outcome, ClaimOutcome::kClaimed);
  EXPECT_EQ(bound.claim.l4_port, ports.At(11));
  EXPECT_EQ(FreeUnlinked(*table), 1u);
}

// Decision 3: expiry is decided when a claim meets the key, not when the sweep comes by.
TEST(NatPortTest, D_TIMERS_ALapsedBindingHoldsItsPortNoLonger) {
  const NatStreams streams(1);
  for (const uint32_t idle_ms : {kNatIdleMs, kNatIdleMs + 1}) {
    auto table = SessionTable::Make(HeapMemory(), {100, 16, 4}, HashSecret::FromSeed(1));
    const SessionKey flow = FlowNumber(1);
    const Bound old = Bind(*table, streams, flow);
    // The same tuple from another interface has the same candidates.
    const SessionKey again{flow.addresses, flow.rest + 1};
    const Bound anew = Bind(*table, streams, again, 0x0a0000fe, idle_ms);
    ASSERT_EQ(anew.claim.outcome, ClaimOutcome::kClaimed);
    EXPECT_EQ(anew.claim.l4_port == old.claim.l4_port, idle_ms > kNatIdleMs) << idle_ms;
  }
}

// AWS-NAT-16: the query identifier is translated where a port would be.
TEST(NatPortTest, AWS_NAT_16_QueryIdentifiers) {
  auto table = SessionTable::Make(HeapMemory(), {100, 16, 4}, HashSecret::FromSeed(1));
  const NatStreams streams(1);
  const IcmpQuery request = ClassifyIcmp(kIcmpEcho, 0);
  const IcmpQuery reply = ClassifyIcmp(kIcmpEchoReply, 0);
  const SessionKey flow = MakeIcmpSessionKey(1, 0x0a000001, kRemote, 77, request);
  Admission admission;
  LineIdx existing;
  ASSERT_EQ(
      table->BeginPair(flow, table->hasher().HashOne(flow), NatCold(), {}, &admission, &existing),
      ClaimOutcome::kClaimed);
  // The remote answers what it sees: the gateway's address and the new identifier.
  const SessionKey seen = MakeIcmpSessionKey(1, 0x0a0000fe, kRemote, 0, request);
  const NatClaim claim =
      ClaimNatPort(*table, admission, AnswerKey(seen, 9), streams.Ports(kGateway, flow), 0);
  ASSERT_EQ(claim.outcome, ClaimOutcome::kClaimed);
  const LineIdx line = ForwardLine(admission.pair);
  table->Publish(admission);
  EXPECT_EQ(table->FindOne(MakeIcmpSessionKey(9, kRemote, 0x0a0000fe, claim.l4_port, reply)),
            PeerOf(line));
  EXPECT_FALSE(table->FindOne(MakeIcmpSessionKey(9, kRemote, 0x0a0000fe, claim.l4_port, request))
                   .has_value());
}

// RFC 6864 5.3: as many ids as there are, none twice, and nothing of another gateway in them.
TEST(NatIpIdsTest, RFC_ROW_76_AllIdsOfATripleBeforeOneComesAgain) {
  const NatStreams streams(1);
  NatIpIds ids(streams);
  NatIpIds busy(streams);
  std::vector<bool> seen(65536);
  for (uint32_t i = 0; i < 65536; ++i) {
    const uint16_t id = ids.Next(NatGatewayIdx(0), 77, 0xc6336464, 0xcb007109, 17);
    ASSERT_FALSE(seen[id]) << i;
    seen[id] = true;
    busy.Next(NatGatewayIdx(1), 78, 0xc6336464, 0xcb007109, 17);
    ASSERT_EQ(busy.Next(NatGatewayIdx(0), 77, 0xc6336464, 0xcb007109, 17), id) << "D-ISOLATION";
  }
}

TEST(NatIpIdsTest, RFC_ROW_76_TwoWorkersNeverGetOneId) {
  const NatStreams streams(2);
  NatIpIds ids(streams);
  std::vector<uint16_t> got[2];
  std::vector<std::thread> workers;
  for (std::vector<uint16_t>& mine : got) {
    workers.emplace_back([&ids, &mine] {
      for (int i = 0; i < 30000; ++i) {
        mine.push_back(ids.Next(NatGatewayIdx(0), 77, 1, 2, 17));
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  std::set<uint16_t> all(got[0].begin(), got[0].end());
  all.insert(got[1].begin(), got[1].end());
  EXPECT_EQ(all.size(), 60000u);
}

}  // namespace
}  // namespace sluice
