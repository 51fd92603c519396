// `show` and `top` against a daemon without EAL: sums over workers, filters, limits.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/api/gather_reports.h"
#include "control/api/operator_verbs.h"
#include "dataplane/pipeline/burst_count.h"
#include "dataplane/session/session_state.h"
#include "tests/control/api/fake_daemon.h"

namespace sluice {
namespace {

using testing::FakeDaemon;
using testing::FakeSession;
using Json = nlohmann::ordered_json;

class ShowVerbTest : public ::testing::Test {
 protected:
  Json Ask(const std::string& what, Json filters) {
    filters["Verb"] = "show";
    filters["What"] = what;
    return Json::parse(AnswerOperator(daemon_.view(), filters.dump()));
  }
  Json Show(const std::string& what, const Json& filters = Json::object()) {
    const Json answer = Ask(what, filters);
    EXPECT_EQ(answer["Ok"], true) << answer;
    return answer.value("Result", Json());
  }
  std::string Text(const std::string& what, Json filters = Json::object()) {
    filters["As"] = "text";
    return Show(what, filters).value("Text", "");
  }
  std::string Refusal(const std::string& what, const Json& filters, int exit_code = 2) {
    const Json answer = Ask(what, filters);
    EXPECT_EQ(answer["Ok"], false) << answer;
    EXPECT_EQ(answer["ExitCode"], exit_code) << answer;
    return answer.value("Error", "");
  }
  // How many sessions the filters let through.
  uint64_t Matched(const Json& filters) {
    return Show("sessions", filters)["matched"].get<uint64_t>();
  }

  FakeDaemon daemon_;
};

TEST_F(ShowVerbTest, WhatIsNotThereIsListed) {
  EXPECT_EQ(Refusal("", Json::object()),
            "show what? One of: sessions, routes, interfaces, drops, stages, ports, generations, "
            "nat");
  EXPECT_EQ(Refusal("packets", Json::object()),
            "there is no \"packets\" to show; there are: sessions, routes, interfaces, drops, "
            "stages, ports, generations, nat");
  EXPECT_EQ(Refusal("stages", {{"Eni", "eni-web"}}), "show stages has no filter Eni");
  EXPECT_EQ(Refusal("routes", {{"Proto", "tcp"}}),
            "show routes has no filter Proto; it has: Vpc, Table, Dst, Limit");
  EXPECT_EQ(Refusal("sessions", {{"Proto", "tpc"}}), "Proto tpc is none of tcp, udp, icmp, 0..255");
  EXPECT_EQ(Refusal("sessions", {{"Port", "http"}}), "Port http is no number 0..65535");
  EXPECT_EQ(Refusal("sessions", {{"Src", "10.0.0"}}),
            "Src 10.0.0 is no IPv4 address or prefix (10.0.0.0/8)");
  EXPECT_EQ(Refusal("sessions", {{"Limit", 0}}), "\"Limit\" is a number from 1 to 100000");
  EXPECT_EQ(Refusal("sessions", {{"Limit", kMaxRows + 1}}),
            "\"Limit\" is a number from 1 to 100000");
  EXPECT_EQ(Refusal("sessions", {{"Eni", "eni-x"}}, 1),
            "there is no ENI eni-x in the running configuration; see `sluice show interfaces`");
  EXPECT_EQ(Refusal("nat", {{"Vpc", "vpc-x"}}, 1).substr(0, 22), "there is no VPC vpc-x ");
  EXPECT_EQ(Refusal("routes", {{"Table", "rtb-x"}}, 1).substr(0, 30),
            "there is no route table rtb-x ");
  EXPECT_EQ(Refusal("drops", {{"Port", "lan"}}, 1).substr(0, 21), "there is no port lan ");
}

TEST_F(ShowVerbTest, DropsAndPortsAddTheWorkersUp) {
  constexpr auto kSgIngress = static_cast<size_t>(DropReason::kSgIngress);
  daemon_.worker(0).ports[0].received.Add(10);
  daemon_.worker(0).ports[0].forwarded.Add(4);
  daemon_.worker(0).ports[0].dropped[kSgIngress].Add(1);
  daemon_.worker(1).ports[0].received.Add(5);
  daemon_.worker(1).ports[0].dropped[kSgIngress].Add(2);
  daemon_.worker(1).ports[0].held.Add(9);
  daemon_.worker(1).ports[0].released.Add(1);
  daemon_.worker(1).ports[1].sent.Add(4);
  daemon_.worker(0).ports[1].tx_full.Add(3);
  const Json drops = Show("drops");
  EXPECT_EQ(drops["total"]["received"], 15);
  EXPECT_EQ(drops["total"]["dropped_by"]["sg_ingress"], 3);
  EXPECT_EQ(drops["total"]["held"], 8);
  EXPECT_EQ(drops["ports"][0]["port"], "web");
  EXPECT_EQ(drops["ports"][0]["balances"], true);
  EXPECT_EQ(Show("drops", {{"Port", "app"}})["total"]["received"], 0);
  const Json ports = Show("ports")["ports"];
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0]["driver"], "net_ring");
  EXPECT_EQ(ports[0]["link_up"], true);
  EXPECT_EQ(ports[1]["sent"], 4);
  EXPECT_EQ(ports[1]["tx_full"], 3);
  EXPECT_NE(Text("ports").find("web   net_ring0  net_ring  up    1500"), std::string::npos)
      << Text("ports");
  EXPECT_NE(Text("drops").find("sg_ingress     3\n"), std::string::npos);
}

TEST_F(ShowVerbTest, DropsThatCannotBalanceAreCalledWrong) {
  PortCounters& counters = daemon_.worker(0).ports[0];
  counters.received.Add(kMaxBatch);
  EXPECT_TRUE(Show("drops")["ports"][0]["balances"].is_null()) << "their fate may be next";
  counters.received.Add(1);
  EXPECT_EQ(Show("drops")["ports"][0]["balances"], false);
  counters.forwarded.Add(kMaxBatch + 2);
  EXPECT_EQ(Show("drops")["ports"][0]["balances"], false);
  EXPECT_NE(Text("drops").find("NO"), std::string::npos);
}

// A worker that does nothing but count, and a reader of thousands of reports.
TEST_F(ShowVerbTest, DropsAreNeverCalledWrongWhileAWorkerCounts) {
  constexpr uint32_t kLanes = 32;
  auto batch = std::make_unique<Batch>();
  batch->count = kLanes;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    constexpr Verdict kVerdicts[] = {Verdict::kForward, Verdict::kConsume, Verdict::kDrop,
                                     Verdict::kHold};
    batch->rx_port[lane] = PortIdx(lane % 2);
    batch->verdict[lane] = kVerdicts[lane / 2 % 4];
    batch->reason[lane] = static_cast<DropReason>(1 + lane % (kDropReasonCount - 1));
    batch->reentered[lane] = lane % 8 == 5;  // as many as that port holds
  }
  WorkerContext context;
  context.counters = &daemon_.worker(1);
  // Nothing is released that was not held before.
  context.counters->ports[1].received.Add(1);
  context.counters->ports[1].held.Add(1);
  std::atomic<bool> end{false};
  std::atomic<uint64_t> bursts{0};
  std::thread worker([&] {
    while (!end) {
      CountBurst(context, *batch);
      ++bursts;
    }
  });
  while (bursts == 0) {
    std::this_thread::yield();
  }
  uint64_t settled = 0;
  for (int i = 0; i < 5000 && !HasFailure(); ++i) {
    for (const PortReport& port : GatherPorts(daemon_.view(), {})) {
      EXPECT_TRUE(port.Balances() || port.unsettled) << "report " << i << " of port " << port.name;
      settled += port.Balances() ? 1 : 0;
    }
  }
  end = true;
  worker.join();
  RecordProperty("balanced_of_10000", std::to_string(settled));
  for (const PortReport& port : GatherPorts(daemon_.view(), {})) {
    EXPECT_TRUE(port.Balances() && !port.unsettled) << port.name;
    EXPECT_EQ(port.received,
              port.name == "web" ? bursts * kLanes / 2 : 1 + bursts * (kLanes / 2 - kLanes / 8));
  }
}

TEST_F(ShowVerbTest, StagesHaveNamesAndSums) {
  StageCounters& nat = daemon_.worker(1).stages[static_cast<size_t>(StageId::kNat)];
  nat.calls.Add(2);
  nat.packets.Add(40);
  nat.ticks.Add(800);
  daemon_.worker(0).stages[static_cast<size_t>(StageId::kNat)].packets.Add(10);
  const Json stages = Show("stages")["stages"];
  ASSERT_EQ(stages.size(), kStageCount);
  EXPECT_EQ(stages[0]["stage"], "express");
  EXPECT_EQ(stages[kStageCount - 1]["stage"], "account");
  const Json& row = stages[static_cast<size_t>(StageId::kNat)];
  EXPECT_EQ(row["stage"], "nat");
  EXPECT_EQ(row["packets"], 50);
  EXPECT_EQ(row["cycles_per_packet"], 16.0);
  EXPECT_EQ(row["ns_per_packet"], 8.0);
  EXPECT_EQ(Text("stages").substr(0, 5), "STAGE");
}

TEST_F(ShowVerbTest, InterfacesShowWhereTheyHangAndTheirSessions) {
  daemon_.AddSession({});
  const Json all = Show("interfaces");
  EXPECT_EQ(all["matched"], 4) << "the NAT gateway's own, too";
  const Json app = Show("interfaces", {{"Eni", "eni-app"}})["interfaces"];
  ASSERT_EQ(app.size(), 1u);
  EXPECT_EQ(app[0]["vpc"], "vpc-a");
  EXPECT_EQ(app[0]["subnet"], "subnet-private");
  EXPECT_EQ(app[0]["port"], "app");
  EXPECT_EQ(app[0]["vlan"], 12);
  EXPECT_EQ(app[0]["address"], "10.0.1.10");
  EXPECT_EQ(app[0]["mac"], "02:0a:00:00:01:10");
  const Json web = Show("interfaces", {{"Port", "web"}})["interfaces"];
  ASSERT_EQ(web.size(), 1u);
  EXPECT_EQ(web[0]["eni"], "eni-web");
  EXPECT_EQ(web[0]["sessions"], 1);
  EXPECT_EQ(Show("interfaces", {{"Vpc", "vpc-b"}})["matched"], 1);
  const Json limited = Show("interfaces", {{"Limit", 1}});
  EXPECT_EQ(limited["interfaces"].size(), 1u);
  EXPECT_EQ(limited["matched"], 4);
}

TEST_F(ShowVerbTest, SessionsAreFilteredAtEitherEnd) {
  daemon_.AddSession({});
  FakeSession dns;
  dns.from = "eni-app";
  dns.to = "internet";
  dns.protocol = kProtocolUdp;
  dns.src = Ipv4Address(10, 0, 1, 10);
  dns.dst = Ipv4Address(8, 8, 8, 8);
  dns.src_l4_port = 5353;
  dns.dst_l4_port = 53;
  dns.nat_port = 2048;
  dns.forward_state = kLineSeen;
  daemon_.AddSession(dns);
  EXPECT_EQ(Matched({}), 2u);
  EXPECT_EQ(Matched({{"Eni", "eni-app"}}), 2u) << "either end";
  EXPECT_EQ(Matched({{"Eni", "eni-web"}}), 1u);
  EXPECT_EQ(Matched({{"Eni", "internet"}}), 1u);
  EXPECT_EQ(Matched({{"Eni", "eni-b"}}), 0u);
  EXPECT_EQ(Matched({{"Vpc", "vpc-a"}}), 2u);
  EXPECT_EQ(Matched({{"Vpc", "vpc-b"}}), 0u);
  EXPECT_EQ(Matched({{"Proto", "udp"}}), 1u);
  EXPECT_EQ(Matched({{"Proto", "6"}}), 1u);
  EXPECT_EQ(Matched({{"Src", "10.0.0.0/24"}}), 1u);
  EXPECT_EQ(Matched({{"Src", "10.0.1.10"}, {"Dst", "8.8.8.8"}}), 1u);
  EXPECT_EQ(Matched({{"Dst", "10.0.0.0/8"}}), 1u);
  EXPECT_EQ(Matched({{"Port", "53"}}), 1u);
  EXPECT_EQ(Matched({{"Port", "2048"}}), 1u) << "the translated port";
  EXPECT_EQ(Matched({{"Port", "8080"}, {"Proto", "udp"}}), 0u);
  const Json session = Show("sessions", {{"Port", "53"}})["sessions"][0];
  EXPECT_EQ(session, (Json{{"eni", "eni-app"},
                           {"responder", "internet"},
                           {"nat_gateway", "nat-a"},
                           {"proto", 17},
                           {"src", "10.0.1.10"},
                           {"sport", 5353},
                           {"dst", "8.8.8.8"},
                           {"dport", 53},
                           {"new_src", "198.51.100.200"},
                           {"new_sport", 2048},
                           {"new_dst", "8.8.8.8"},
                           {"new_dport", 53},
                           {"state", "udp"},
                           {"tracked", true},
                           {"idle_ms", 1000}}));
  EXPECT_EQ(Show("sessions", {{"Proto", "tcp"}})["sessions"][0]["state"], "established");
}

TEST_F(ShowVerbTest, AnIcmpSessionKeepsItsTypeThroughNat) {
  FakeSession ping;
  ping.from = "eni-app";
  ping.to = "internet";
  ping.protocol = kProtocolIcmp;
  ping.src = Ipv4Address(10, 0, 1, 10);
  ping.dst = Ipv4Address(8, 8, 8, 8);
  ping.src_l4_port = 7;
  ping.dst_l4_port = 8;  // echo
  ping.nat_port = 2048;
  ping.forward_state = kLineSeen;
  daemon_.AddSession(ping);
  const Json session = Show("sessions", {{"Proto", "icmp"}})["sessions"][0];
  EXPECT_EQ(session["sport"], 7);
  EXPECT_EQ(session["new_sport"], 2048);
  EXPECT_EQ(session["dport"], 8);
  EXPECT_EQ(session["new_dport"], 8);
}

TEST_F(ShowVerbTest, ExpiredSessionsAreNotShownAndRowsAreBounded) {
  FakeSession session;
  for (uint16_t i = 0; i < 200; ++i) {
    session.src_l4_port = static_cast<uint16_t>(1000 + i);
    session.last_seen_ms = i < 50 ? 0 : 100'000;
    session.forward_state = kLineSeen | kLineSyn;  // half-open: 60 s
    daemon_.AddSession(session);
  }
  daemon_.now_ms = 60'001;
  EXPECT_EQ(Matched({}), 150u);
  const Json few = Show("sessions", {{"Limit", 7}});
  EXPECT_EQ(few["sessions"].size(), 7u);
  EXPECT_EQ(few["matched"], 150);
  EXPECT_NE(Text("sessions", {{"Limit", 7}}).find("\n7 of 150 sessions\n"), std::string::npos);
}

TEST_F(ShowVerbTest, RoutesAreShownAsInstalled) {
  const Json routes = Show("routes", {{"Table", "rtb-private"}});
  EXPECT_EQ(routes["matched"], 3);
  EXPECT_EQ(routes["routes"][0], (Json{{"route_table", "rtb-private"},
                                       {"vpc", "vpc-a"},
                                       {"destination", "0.0.0.0/0"},
                                       {"prefix_list", nullptr},
                                       {"target", "nat-a"},
                                       {"state", "active"},
                                       {"origin", "CreateRoute"}}));
  EXPECT_EQ(routes["routes"][1]["target"], "local");
  EXPECT_EQ(routes["routes"][1]["origin"], "CreateRouteTable");
  EXPECT_EQ(Show("routes", {{"Vpc", "vpc-b"}})["matched"], 2);
  EXPECT_EQ(Show("routes", {{"Table", "rtb-private"}, {"Dst", "10.1.0.10"}})["matched"], 2)
      << "0.0.0.0/0 and 10.1.0.0/16";
  const Json one = Show("routes", {{"Limit", 1}});
  EXPECT_EQ(one["routes"].size(), 1u);
  EXPECT_GT(one["matched"], 4);
}

TEST_F(ShowVerbTest, AWS_RT_07_PrefixListsAreExpandedAndAStaticRouteHidesThem) {
  constexpr char kMore[] = R"json({
    "PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "one",
                     "Cidrs": ["192.0.2.0/25", "192.0.2.128/25"]}],
    "RouteTables": [{"RouteTableId": "rtb-more", "VpcId": "vpc-b", "Routes": [
      {"DestinationPrefixListId": "pl-1", "VpcPeeringConnectionId": "pcx-ab"},
      {"DestinationCidrBlock": "192.0.2.0/25", "NatGatewayId": "nat-gone"}]}]})json";
  ValidationResult loaded = LoadIntentText("t.json", testing::SampleWithHost() + kMore, {});
  ASSERT_NE(loaded.intent, nullptr);
  ASSERT_TRUE(daemon_.applier().Apply(loaded.intent).ok());
  EXPECT_EQ(Text("routes", {{"Table", "rtb-more"}}),
            "TABLE     VPC    DESTINATION     PREFIX-LIST  TARGET    STATE      ORIGIN\n"
            "rtb-more  vpc-b  10.1.0.0/16     -            local     active     CreateRouteTable\n"
            "rtb-more  vpc-b  192.0.2.0/25    -            nat-gone  blackhole  CreateRoute\n"
            "rtb-more  vpc-b  192.0.2.128/25  pl-1         pcx-ab    active     CreateRoute\n"
            "3 of 3 routes\n");
}

TEST_F(ShowVerbTest, NatGatewaysCountTheirLiveBindings) {
  FakeSession session;
  session.from = "eni-app";
  session.to = "internet";
  session.dst = Ipv4Address(8, 8, 8, 8);
  for (uint16_t port = 2000; port < 2003; ++port) {
    session.src_l4_port = session.nat_port = port;
    daemon_.AddSession(session);
  }
  daemon_.worker(1).ports[0].dropped[static_cast<size_t>(DropReason::kNatPortsExhausted)].Add(4);
  daemon_.worker(0).ports[1].consumed[static_cast<size_t>(DropReason::kNatIdleTimeout)].Add(5);
  const Json nat = Show("nat");
  EXPECT_EQ(nat["matched"], 1);
  EXPECT_EQ(nat["nat_gateways"][0]["nat_gateway"], "nat-a");
  EXPECT_EQ(nat["nat_gateways"][0]["connectivity"], "public");
  EXPECT_EQ(nat["nat_gateways"][0]["ports_in_use"], 3);
  EXPECT_EQ(nat["nat_gateways"][0]["addresses"][0]["public"], "198.51.100.200");
  EXPECT_EQ(nat["nat_ports_exhausted"], 4);
  EXPECT_EQ(nat["nat_idle_timeout"], 5);
  daemon_.now_ms = kNatIdleMs + 1;  // the tracked flow lives on, its binding does not
  EXPECT_EQ(Show("nat")["nat_gateways"][0]["ports_in_use"], 0);
  EXPECT_EQ(Matched({}), 3u);
  EXPECT_EQ(Show("nat", {{"Vpc", "vpc-b"}})["matched"], 0);
}

TEST_F(ShowVerbTest, AWS_NAT_15_FourteenMetricsAGateway) {
  FakeSession session;
  session.from = "eni-app";
  session.to = "internet";
  session.dst = Ipv4Address(8, 8, 8, 8);
  session.src_l4_port = session.nat_port = 2000;
  daemon_.AddSession(session);
  session.src_l4_port = session.nat_port = 2001;
  session.protocol = kProtocolUdp;
  daemon_.AddSession(session);  // no TCP connection
  for (size_t w = 0; w < 2; ++w) {
    NatCounters& counters = daemon_.worker(w).nat_gateways[0];
    counters.from_source.left_packets.Add(10);
    counters.from_source.left_bytes.Add(1000);
    counters.from_source.stayed_packets.Add(3);
    counters.from_source.stayed_bytes.Add(300);
    counters.from_destination.left_packets.Add(20);
    counters.from_destination.left_bytes.Add(2000);
    counters.from_destination.stayed_packets.Add(1);
    counters.from_destination.stayed_bytes.Add(50);
    counters.dropped.Add(2);
    counters.attempted.Add(5);
    counters.established.Add(4);
    counters.no_port.Add(1);
  }
  const Json nat = Show("nat")["nat_gateways"][0];
  const std::map<std::string, uint64_t> expected = {
      {"active_connection_count", 1},      {"bytes_in_from_destination", 4100},
      {"bytes_in_from_source", 2600},      {"bytes_out_to_destination", 2000},
      {"bytes_out_to_source", 4000},       {"connection_attempt_count", 10},
      {"connection_established_count", 8}, {"error_port_allocation", 2},
      {"idle_timeout_count", 0},           {"packets_drop_count", 4},
      {"packets_in_from_destination", 42}, {"packets_in_from_source", 26},
      {"packets_out_to_destination", 20},  {"packets_out_to_source", 40}};
  for (const auto& [name, value] : expected) {
    EXPECT_EQ(nat[name], value) << name;
  }
  EXPECT_EQ(
      Text("nat"),
      "NAT-GATEWAY  VPC    SUBNET         CONNECTIVITY  PRIVATE     PUBLIC          PORTS-IN-USE\n"
      "nat-a        vpc-a  subnet-public  public        10.0.0.200  198.51.100.200             2\n"
      "1 of 1 NAT gateways\n"
      "\n"
      "NAT-GATEWAY  ACTIVE  ATTEMPTED  ESTABLISHED  PORT-ERRORS  IDLE-TIMEOUTS  DROPPED-PKTS\n"
      "nat-a             1         10            8            2              0             4\n"
      "\n"
      "NAT-GATEWAY  SIDE         PKTS-IN-FROM  BYTES-IN-FROM  PKTS-OUT-TO  BYTES-OUT-TO\n"
      "nat-a        source                 26           2600           40          4000\n"
      "nat-a        destination            42           4100           20          2000\n"
      "\n"
      "0 packets found no free port, 0 came after the idle timeout of 350 s\n");
}

TEST_F(ShowVerbTest, AWS_SG_14_AllowancesOfAnInterface) {
  ValidationResult loaded = LoadIntentText("t.json", testing::SampleWithHost(), {});
  Json config = Json::parse(ExportIntentJson(*loaded.intent));
  config["Host"]["Attachments"][0]["MaxSessions"] = 3;
  loaded = LoadIntentText("t.json", config.dump(), {});
  ASSERT_NE(loaded.intent, nullptr);
  ASSERT_TRUE(daemon_.applier().Apply(loaded.intent).ok());
  daemon_.AddSession({});
  const uint32_t web = daemon_.InterfaceIdxOf("eni-web");
  daemon_.worker(0).conntrack_exceeded[web].Add(2);
  daemon_.worker(1).conntrack_exceeded[web].Add(5);
  const Json one = Show("interfaces", {{"Eni", "eni-web"}})["interfaces"][0];
  EXPECT_EQ(one["conntrack_allowance_available"], 2);
  EXPECT_EQ(one["conntrack_allowance_exceeded"], 7);
  const Json other = Show("interfaces", {{"Eni", "eni-app"}})["interfaces"][0];
  EXPECT_EQ(other["conntrack_allowance_available"], 255) << "the host's";
  EXPECT_EQ(other["conntrack_allowance_exceeded"], 0);
}

TEST_F(ShowVerbTest, TopHasWhatAScreenNeeds) {
  daemon_.AddSession({});
  daemon_.worker(0).ports[1].received.Add(3);
  const Json top = Json::parse(AnswerOperator(daemon_.view(), "{\"Verb\":\"top\"}"))["Result"];
  EXPECT_EQ(top["time_ns"], 1'000'000'000);
  EXPECT_EQ(top["generation"], 1);
  EXPECT_EQ(top["ports"][1]["received"], 3);
  EXPECT_EQ(top["total"]["received"], 3);
  EXPECT_EQ(top["sessions"]["counted"], 1);
  EXPECT_EQ(top["sessions"]["capacity"], 256);
  EXPECT_EQ(top["workers"][0]["busy_ticks"], 250);
  EXPECT_EQ(top["nat_ports_in_use"], 0);
}

}  // namespace
}  // namespace sluice
