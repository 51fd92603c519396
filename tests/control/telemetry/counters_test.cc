#include "control/telemetry/counters.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "control/telemetry/prometheus.h"
#include "control/telemetry/text_table.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

uint64_t& Dropped(PortReport& port, DropReason reason) {
  return port.dropped[static_cast<size_t>(reason)];
}

std::vector<PortReport> TwoPorts() {
  PortReport web;
  web.name = "web";
  web.received = 100;
  web.received_bytes = 6400;
  web.forwarded = 90;
  Dropped(web, DropReason::kSgIngress) = 7;
  web.consumed[static_cast<size_t>(DropReason::kArpReply)] = 2;
  web.held = 1;
  PortReport wan;
  wan.name = "wan";
  wan.received = 5;
  wan.forwarded = 4;  // one is missing
  wan.sent = 90;
  return {web, wan};
}

TEST(CountersTest, DropsShowTheIdentityPerPortAndInTotal) {
  EXPECT_EQ(DropsText(TwoPorts()),
            "PORT  VERDICT  REASON      PKTS\n"
            "web   drop     sg_ingress     7\n"
            "web   consume  arp_reply      2\n"
            "\n"
            "PORT   RECEIVED  FORWARDED  CONSUMED  DROPPED  HELD  BALANCES\n"
            "web         100         90         2        7     1  yes\n"
            "wan           5          4         0        0     0  NO\n"
            "total       105         94         2        7     1  NO\n");
  const Json json = Json::parse(DropsJson(TwoPorts()));
  EXPECT_EQ(json["ports"][0]["port"], "web");
  EXPECT_EQ(json["ports"][0]["dropped_by"]["sg_ingress"], 7);
  EXPECT_EQ(json["ports"][0]["dropped_by"].size(), kDropReasonCount) << "zeros included";
  EXPECT_EQ(json["ports"][1]["balances"], false);
  EXPECT_EQ(json["total"]["received"], 105);
  EXPECT_EQ(json["total"]["consumed_by"]["arp_reply"], 2);
}

TEST(CountersTest, WhatWasReadWhilePacketsWereCountedIsNotCalledWrong) {
  std::vector<PortReport> ports = TwoPorts();
  ports[1].unsettled = true;
  EXPECT_NE(
      DropsText(ports).find("wan           5          4         0        0     0  counting\n"),
      std::string::npos)
      << DropsText(ports);
  const Json json = Json::parse(DropsJson(ports));
  EXPECT_EQ(json["ports"][0]["balances"], true);
  EXPECT_TRUE(json["ports"][1]["balances"].is_null());
  EXPECT_TRUE(json["total"]["balances"].is_null());
}

TEST(CountersTest, StagesHaveTheContractsColumns) {
  const std::vector<StageReport> stages = {{"parse", 10, 320, 6720}, {"nat", 0, 0, 0}};
  EXPECT_EQ(StagesText(stages, 2.1),
            "STAGE  CALLS  PKTS  PKTS/CALL  NS/PKT  CYCLES/PKT\n"
            "parse     10   320       32.0    10.0        21.0\n"
            "nat        0     0          -       -           -\n");
  const Json json = Json::parse(StagesJson(stages, 2.1));
  EXPECT_DOUBLE_EQ(json["stages"][0]["cycles_per_packet"], 21.0);
  EXPECT_DOUBLE_EQ(json["stages"][0]["ns_per_packet"], 10.0);
  EXPECT_EQ(json["stages"][1]["packets"], 0);
  for (const char* ratio : {"packets_per_call", "ns_per_packet", "cycles_per_packet"}) {
    EXPECT_TRUE(json["stages"][1][ratio].is_null()) << ratio;
  }
  const Json untimed = Json::parse(StagesJson({{"parse", 10, 320, 0}}, 2.1));
  EXPECT_TRUE(untimed["stages"][0]["ns_per_packet"].is_null()) << "0 would be a measurement";
}

TEST(CountersTest, PortsInterfacesSessionsGenerations) {
  EXPECT_EQ(Json::parse(PortsJson(TwoPorts()))["ports"][1]["sent"], 90);
  EXPECT_NE(PortsText(TwoPorts()).find("RX-PKTS"), std::string::npos);

  const InterfaceReport eni{
      "eni-a", "vpc-1", "subnet-1", "", 0, Ipv4Address(10, 0, 1, 10), "02:00:00:00:00:0a", 3};
  EXPECT_EQ(InterfacesText({eni}, 7),
            "ENI    VPC    SUBNET    PORT  VLAN  ADDRESS    MAC                SESSIONS\n"
            "eni-a  vpc-1  subnet-1  -        -  10.0.1.10  02:00:00:00:00:0a         3\n"
            "1 of 7 interfaces\n");
  EXPECT_TRUE(Json::parse(InterfacesJson({eni}, 7))["interfaces"][0]["port"].is_null());

  SessionReport session;
  session.eni_id = "eni-a";
  session.protocol = 6;
  session.src = Ipv4Address(10, 0, 1, 10);
  session.dst = session.new_dst = Ipv4Address(8, 8, 8, 8);
  session.src_l4_port = 40000;
  session.dst_l4_port = session.new_dst_l4_port = 443;
  session.new_src = Ipv4Address(10, 0, 2, 5);
  session.new_src_l4_port = 5555;
  session.state = "established";
  session.tracked = true;
  const std::string text = SessionsText({session}, 12);
  EXPECT_NE(text.find("10.0.1.10:40000  8.8.8.8:443  10.0.2.5:5555  -"), std::string::npos) << text;
  EXPECT_NE(text.find("   tcp  "), std::string::npos) << text;
  EXPECT_NE(text.find("\n1 of 12 sessions\n"), std::string::npos);
  EXPECT_EQ(Json::parse(SessionsJson({session}, 12))["matched"], 12);

  const GenerationReport generation{4, 1700000400, true, "1 route changed"};
  EXPECT_EQ(GenerationsText({generation}),
            "GENERATION  APPLIED               RUNNING  SUMMARY\n"
            "         4  2023-11-14T22:20:00Z  yes      1 route changed\n");
  EXPECT_EQ(Json::parse(GenerationsJson({generation}))["generations"][0]["applied_at"], 1700000400);
}

TEST(CountersTest, SessionsShowPortsOfTcpAndUdpOnly) {
  SessionReport session;
  session.src = session.new_src = Ipv4Address(10, 0, 1, 10);
  session.dst = session.new_dst = Ipv4Address(8, 8, 8, 8);
  session.src_l4_port = 7;
  session.new_src_l4_port = 4791;
  session.dst_l4_port = session.new_dst_l4_port = 8;
  session.protocol = 1;
  std::string text = SessionsText({session}, 1);
  EXPECT_NE(text.find("icmp  10.0.1.10 id 7  8.8.8.8      10.0.1.10 id 4791  -  "),
            std::string::npos)
      << text;
  session.protocol = 47;
  session.src_l4_port = session.new_src_l4_port = 0;
  session.dst_l4_port = session.new_dst_l4_port = 0;
  text = SessionsText({session}, 1);
  EXPECT_NE(text.find("47  10.0.1.10  8.8.8.8  "), std::string::npos) << text;
}

TEST(CountersTest, RoutesAndNatGateways) {
  RouteReport route;
  route.route_table_id = "rtb-1";
  route.vpc_id = "vpc-1";
  route.destination = *ParseIpv4Prefix("10.0.0.0/16");
  route.target = "local";
  route.origin = "CreateRouteTable";
  EXPECT_EQ(RoutesText({route}, 2),
            "TABLE  VPC    DESTINATION  PREFIX-LIST  TARGET  STATE   ORIGIN\n"
            "rtb-1  vpc-1  10.0.0.0/16  -            local   active  CreateRouteTable\n"
            "1 of 2 routes\n");
  route.blackhole = true;
  EXPECT_EQ(Json::parse(RoutesJson({route}, 2))["routes"][0],
            (Json{{"route_table", "rtb-1"},
                  {"vpc", "vpc-1"},
                  {"destination", "10.0.0.0/16"},
                  {"prefix_list", nullptr},
                  {"target", "local"},
                  {"state", "blackhole"},
                  {"origin", "CreateRouteTable"}}));

  NatGatewayReport gateway;
  gateway.nat_gateway_id = "nat-1";
  gateway.vpc_id = "vpc-1";
  gateway.subnet_id = "subnet-1";
  gateway.addresses = {{Ipv4Address(10, 0, 0, 9), Ipv4Address(203, 0, 113, 9), 5},
                       {Ipv4Address(10, 0, 0, 8), {}, 2}};
  EXPECT_EQ(
      NatText({gateway}, 1, 3, 4),
      "NAT-GATEWAY  VPC    SUBNET    CONNECTIVITY  PRIVATE   PUBLIC       PORTS-IN-USE\n"
      "nat-1        vpc-1  subnet-1  public        10.0.0.9  203.0.113.9             5\n"
      "nat-1        vpc-1  subnet-1  public        10.0.0.8  -                       2\n"
      "1 of 1 NAT gateways\n\n"
      "NAT-GATEWAY  ACTIVE  ATTEMPTED  ESTABLISHED  PORT-ERRORS  IDLE-TIMEOUTS  DROPPED-PKTS\n"
      "nat-1             0          0            0            0              0             0\n\n"
      "NAT-GATEWAY  SIDE         PKTS-IN-FROM  BYTES-IN-FROM  PKTS-OUT-TO  BYTES-OUT-TO\n"
      "nat-1        source                  0              0            0             0\n"
      "nat-1        destination             0              0            0             0\n\n"
      "3 packets found no free port, 4 came after the idle timeout of 350 s\n");
  const Json json = Json::parse(NatJson({gateway}, 1, 3, 4));
  EXPECT_EQ(json["nat_gateways"][0]["ports_in_use"], 7);
  EXPECT_TRUE(json["nat_gateways"][0]["addresses"][1]["public"].is_null());
  EXPECT_EQ(json["nat_ports_exhausted"], 3);
}

TEST(CountersTest, NamesThatAreNoUtf8DoNotThrow) {
  PortReport port;
  port.name = "\xff";
  EXPECT_FALSE(DropsJson({port}).empty());
}

TEST(PrometheusTest, FamiliesSamplesAndEscapes) {
  const MetricFamily family{"sluice_x_total",
                            "A \\ and\na line.",
                            MetricKind::kCounter,
                            {{{{"port", "a\"b\\c\nd"}, {"worker", "0"}}, 12},
                             {{}, 0.5},
                             {{}, std::numeric_limits<double>::infinity()}}};
  EXPECT_EQ(PrometheusText({family, {"sluice_none", "Nothing.", MetricKind::kGauge, {}}}),
            "# HELP sluice_x_total A \\\\ and\\na line.\n"
            "# TYPE sluice_x_total counter\n"
            "sluice_x_total{port=\"a\\\"b\\\\c\\nd\",worker=\"0\"} 12\n"
            "sluice_x_total 0.5\n"
            "sluice_x_total +Inf\n");
}

TEST(PrometheusTest, ReportsBecomeMetrics) {
  const std::string ports = PrometheusText(PortMetrics(TwoPorts()));
  EXPECT_NE(ports.find("\nsluice_dropped_packets_total{port=\"web\",reason=\"sg_ingress\"} 7\n"),
            std::string::npos);
  EXPECT_NE(ports.find("\nsluice_dropped_packets_total{port=\"wan\",reason=\"no_route\"} 0\n"),
            std::string::npos);
  EXPECT_NE(ports.find("# TYPE sluice_held_packets gauge\n"), std::string::npos);
  const std::string stages = PrometheusText(StageMetrics({{"parse", 1, 2, 2'100'000'000}}, 2.1));
  EXPECT_NE(stages.find("\nsluice_stage_seconds_total{stage=\"parse\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace sluice
