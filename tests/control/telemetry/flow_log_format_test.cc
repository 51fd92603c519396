#include "control/telemetry/flow_log_format.h"

#include <gtest/gtest.h>

#include "control/telemetry/flow_log_plan.h"
#include "control/telemetry/never_logged.h"
#include "tests/control/telemetry/flow_log_world.h"

namespace sluice {
namespace {

FlowLogInterface HostA() {
  FlowLogInterface eni;
  eni.eni_id = "eni-1235b8ca123456789";
  eni.account_id = "123456789010";
  eni.vpc_id = "vpc-1";
  eni.subnet_id = "subnet-1";
  eni.instance_id = "i-a";
  eni.region = "eu-west-1";
  eni.availability_zone_id = "euw1-az1";
  eni.primary_address = Ip("172.31.16.139");
  return eni;
}

FlowLogRecord Record(FlowDirection direction, const char* source, uint16_t sport,
                     const char* destination, uint16_t dport, uint8_t protocol) {
  FlowLogRecord record;
  record.key.direction = direction;
  record.key.source = Ip(source);
  record.key.source_l4_port = sport;
  record.key.destination = Ip(destination);
  record.key.destination_l4_port = dport;
  record.key.protocol = protocol;
  record.sums.packet_count = 20;
  record.sums.size_bytes = 4249;
  record.sums.first_ns = 1418530010 * kNanosPerSecond + 999999999;
  record.sums.last_ns = 1418530070 * kNanosPerSecond;
  record.window_start_seconds = 1418529960;
  record.window_end_seconds = 1418530560;
  return record;
}

std::string Line(std::string_view format_text, const FlowLogInterface& eni,
                 const FlowLogRecord& record) {
  const auto format = FlowLogFormat::Parse(format_text);
  EXPECT_TRUE(format.ok()) << format.status();
  std::string line;
  format->AppendLine(eni, record, &line);
  return line;
}

TEST(FlowLogFormatTest, AWS_FL_04_DefaultFormat) {
  const auto format = FlowLogFormat::Parse("");
  ASSERT_TRUE(format.ok());
  EXPECT_EQ(
      format->header(),
      "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
      "start end action log-status");
  // The line of the AWS guide's first example.
  EXPECT_EQ(Line("", HostA(),
                 Record(FlowDirection::kIngress, "172.31.16.21", 20641, "172.31.16.139", 22, 6)),
            "2 123456789010 eni-1235b8ca123456789 172.31.16.21 172.31.16.139 20641 22 6 20 4249 "
            "1418530010 1418530070 ACCEPT OK\n");
}

TEST(FlowLogFormatTest, AWS_FL_05_EveryFieldOfVersionTwoToFive) {
  FlowLogRecord record = Record(FlowDirection::kEgress, "172.31.16.139", 443, "8.8.8.8", 5000, 6);
  record.sums.tcp_flags = 18;
  record.sums.path = FlowPath::kInternetGateway;
  EXPECT_EQ(Line("${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} ${pkt-srcaddr} "
                 "${pkt-dstaddr} ${region} ${az-id} ${sublocation-type} ${sublocation-id} "
                 "${pkt-src-aws-service} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path} "
                 "${version}",
                 HostA(), record),
            "vpc-1 subnet-1 i-a 18 IPv4 172.31.16.139 8.8.8.8 eu-west-1 euw1-az1 - - - - egress 8 "
            "5\n");
}

TEST(FlowLogFormatTest, AWS_FL_05_AWS_FL_15_LaterFieldsAreAcceptedAndUnknown) {
  EXPECT_EQ(Line("${ecs-cluster-arn} ${ecs-task-id} ${reject-reason} ${resource-id} "
                 "${encryption-status} ${version}",
                 HostA(), Record(FlowDirection::kIngress, "1.1.1.1", 1, "172.31.16.139", 2, 17)),
            "- - - - - 10\n");
}

TEST(FlowLogFormatTest, AWS_FL_06_VersionIsTheHighestOfTheChosenFields) {
  EXPECT_EQ(FlowLogFormat::Parse("${srcaddr}")->version(), 2);
  EXPECT_EQ(FlowLogFormat::Parse("${srcaddr} ${vpc-id}")->version(), 3);
  EXPECT_EQ(FlowLogFormat::Parse("${region} ${vpc-id} ${srcaddr}")->version(), 4);
  EXPECT_EQ(FlowLogFormat::Parse("${flow-direction} ${region}")->version(), 5);
  EXPECT_EQ(FlowLogFormat::Parse("${ecs-task-arn}")->version(), 7);
  EXPECT_EQ(FlowLogFormat::Parse("${reject-reason}")->version(), 8);
  EXPECT_EQ(FlowLogFormat::Parse("${resource-id}")->version(), 9);
}

TEST(FlowLogFormatTest, AWS_FL_06_AnyOrderAnySubset) {
  const auto format = FlowLogFormat::Parse("  ${log-status}   ${dstport}\n${srcaddr} ");
  ASSERT_TRUE(format.ok());
  EXPECT_EQ(format->header(), "log-status dstport srcaddr");
  for (const char* wrong :
       {"${nonsense}", "srcaddr", "${srcaddr", "${srcaddr},${dstaddr}", "${}"}) {
    EXPECT_FALSE(FlowLogFormat::Parse(wrong).ok()) << wrong;
  }
}

TEST(FlowLogFormatTest, AWS_FL_07_UnknownValuesAreDashes) {
  FlowLogInterface bare;
  bare.eni_id = "eni-1";
  bare.account_id = "unknown";
  EXPECT_EQ(Line("${account-id} ${vpc-id} ${subnet-id} ${instance-id} ${region} ${az-id}", bare,
                 Record(FlowDirection::kIngress, "1.1.1.1", 1, "2.2.2.2", 2, 17)),
            "unknown - - - - -\n");
}

TEST(FlowLogFormatTest, AWS_FL_08_OwnSideShowsThePrimaryAddress) {
  const char* format = "${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}";
  // A secondary address, received and answered.
  EXPECT_EQ(
      Line(format, HostA(), Record(FlowDirection::kIngress, "10.0.0.1", 1, "172.31.16.140", 2, 6)),
      "10.0.0.1 172.31.16.139 10.0.0.1 172.31.16.140\n");
  EXPECT_EQ(
      Line(format, HostA(), Record(FlowDirection::kEgress, "172.31.16.140", 2, "10.0.0.1", 1, 6)),
      "172.31.16.139 10.0.0.1 172.31.16.140 10.0.0.1\n");
}

TEST(FlowLogFormatTest, AWS_FL_09_NatGatewayShowsFourLines) {
  FlowLogInterface nat = HostA();
  nat.primary_address = Ip("10.0.0.220");
  const char* format = "${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}";
  const auto line = [&](FlowDirection direction, const char* source, const char* destination) {
    return Line(format, nat, Record(direction, source, 5000, destination, 80, 6));
  };
  // The four lines of the AWS guide's NAT gateway example.
  EXPECT_EQ(line(FlowDirection::kIngress, "10.0.1.5", "203.0.113.5"),
            "10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5\n");
  EXPECT_EQ(line(FlowDirection::kEgress, "10.0.0.220", "203.0.113.5"),
            "10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5\n");
  EXPECT_EQ(line(FlowDirection::kIngress, "203.0.113.5", "10.0.0.220"),
            "203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220\n");
  EXPECT_EQ(line(FlowDirection::kEgress, "203.0.113.5", "10.0.1.5"),
            "10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5\n");
}

TEST(FlowLogFormatTest, AWS_FL_12_NoDataAndSkipDataLines) {
  FlowLogRecord record;
  record.window_start_seconds = 1431280860;
  record.window_end_seconds = 1431280920;
  record.status = FlowLogStatus::kNoData;
  EXPECT_EQ(Line("", HostA(), record),
            "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280860 1431280920 - NODATA\n");
  record.status = FlowLogStatus::kSkipData;
  EXPECT_EQ(Line("${log-status} ${tcp-flags} ${traffic-path} ${vpc-id} ${type}", HostA(), record),
            "SKIPDATA - - vpc-1 -\n");
}

TEST(FlowLogFormatTest, AWS_FL_13_TcpFlagsOfOnePacket) {
  EXPECT_EQ(FlowLogTcpFlags(kTcpSyn), 2);
  EXPECT_EQ(FlowLogTcpFlags(kTcpSyn | kTcpAck), 18);
  EXPECT_EQ(FlowLogTcpFlags(kTcpAck), 0);
  EXPECT_EQ(FlowLogTcpFlags(kTcpAck | kTcpPsh | kTcpUrg), 0);
  EXPECT_EQ(FlowLogTcpFlags(kTcpFin | kTcpAck), 1);
  EXPECT_EQ(FlowLogTcpFlags(kTcpRst | kTcpAck), 4);
}

TEST(FlowLogFormatTest, AWS_FL_14_TrafficPathOnEgressOnly) {
  const auto path = [](FlowDirection direction, FlowPath kind) {
    FlowLogRecord record = Record(direction, "1.1.1.1", 1, "2.2.2.2", 2, 17);
    record.sums.path = kind;
    return Line("${traffic-path}", HostA(), record);
  };
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kSameVpc), "1\n");
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kInternetGateway), "8\n");
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kGatewayEndpoint), "7\n");
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kPeeringSameRegion), "4\n");
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kPeeringOtherRegion), "5\n");
  EXPECT_EQ(path(FlowDirection::kEgress, FlowPath::kUnknown), "-\n");
  EXPECT_EQ(path(FlowDirection::kIngress, FlowPath::kSameVpc), "-\n");
}

TEST(FlowLogFormatTest, AWordNeverBreaksTheLine) {
  FlowLogInterface eni = HostA();
  eni.eni_id = "eni web\nfake";
  EXPECT_EQ(Line("${interface-id} ${type}", eni,
                 Record(FlowDirection::kIngress, "1.1.1.1", 1, "2.2.2.2", 2, 17)),
            "eni_web_fake IPv4\n");
}

TEST(FlowLogPlanTest, AWS_FL_01_ScopesAndSeveralLogsOnOneResource) {
  Intent intent = FlowLogWorld();
  intent.flow_logs = {MakeLog("fl-v", "vpc-1", TrafficType::kAll, 60, ""),
                      MakeLog("fl-s", "subnet-2", TrafficType::kReject, 600, ""),
                      MakeLog("fl-e", "eni-a", TrafficType::kAccept, 60, ""),
                      MakeLog("fl-e2", "eni-a", TrafficType::kAll, 600, "${srcaddr}"),
                      MakeLog("fl-bad", "eni-a", TrafficType::kAll, 600, "${bad}")};
  const FlowLogPlan plan = BuildFlowLogPlan(intent, WorldIdentities());
  ASSERT_EQ(plan.logs.size(), 4u);
  const auto covered = [&plan](size_t log) {
    std::string ids;
    for (const uint32_t row : plan.logs[log].interface_rows) {
      ids += plan.interfaces[row].eni_id + " ";
    }
    return plan.logs[log].config.id + ": " + ids;
  };
  EXPECT_EQ(covered(0), "fl-e: eni-a ");
  EXPECT_EQ(covered(1), "fl-e2: eni-a ");
  EXPECT_EQ(covered(2), "fl-s: eni-b eni-nat ");
  EXPECT_EQ(covered(3), "fl-v: eni-a eni-b eni-nat ");
  ASSERT_EQ(plan.problems.size(), 1u);
  EXPECT_NE(plan.problems[0].find("${bad}"), std::string::npos);
  EXPECT_EQ(plan.interfaces[plan.row_of_interface_idx[kOtherIdx]].eni_id, "eni-other");
}

TEST(FlowLogPlanTest, AWS_FL_09_RequesterManagedInterfaces) {
  const FlowLogPlan plan = BuildFlowLogPlan(FlowLogWorld(), WorldIdentities());
  const FlowLogInterface& nat = plan.interfaces[plan.row_of_interface_idx[kNatIdx]];
  EXPECT_EQ(nat.instance_id, "");
  EXPECT_EQ(nat.account_id, "111122223333") << "the VPC's owner stands in";
  Intent ownerless = FlowLogWorld();
  ownerless.vpcs[0].owner_id = "";
  EXPECT_EQ(BuildFlowLogPlan(ownerless, WorldIdentities()).interfaces[2].account_id, "unknown");
}

TEST(FlowLogPlanTest, RegionIsThatOfTheZone) {
  EXPECT_EQ(ParseZoneName("eu-west-1a").region, "eu-west-1");
  EXPECT_EQ(ParseZoneName("eu-west-1a").sublocation_type, "");
  EXPECT_EQ(ParseZoneName("us-gov-west-1b").region, "us-gov-west-1");
  EXPECT_EQ(ParseZoneName("us-west-2-lax-1a").region, "us-west-2");
  EXPECT_EQ(ParseZoneName("us-west-2-lax-1a").sublocation_type, "localzone");
  EXPECT_EQ(ParseZoneName("us-east-1-wl1-bos-wlz-1").sublocation_type, "wavelength");
  EXPECT_EQ(ParseZoneName("somewhere").region, "");
  EXPECT_EQ(ParseZoneName("").region, "");
}

TEST(FlowLogPlanTest, FolderOfADestination) {
  Intent intent;
  EXPECT_EQ(FlowLogFolderOf(intent.host, "arn:aws:s3:::b"), "");
  intent.host.emplace();
  intent.host->flow_log_folder = "/all";
  intent.host->flow_log_folder_for["arn:aws:s3:::b"] = "/b";
  EXPECT_EQ(FlowLogFolderOf(intent.host, "arn:aws:s3:::b"), "/b");
  EXPECT_EQ(FlowLogFolderOf(intent.host, "arn:aws:s3:::c"), "/all");
}

TEST(NeverLoggedTest, AWS_FL_17_NeverLogged) {
  const NeverLogged never(FlowLogWorld());
  const auto covers = [&never](const char* source, uint16_t sport, const char* destination,
                               uint16_t dport, uint8_t protocol = kProtocolUdp) {
    return never.Covers("vpc-1", protocol, Ip(source), sport, Ip(destination), dport);
  };
  EXPECT_TRUE(covers("10.0.1.10", 4000, "10.0.0.2", 53)) << "the Amazon resolver";
  EXPECT_TRUE(covers("10.0.0.2", 53, "10.0.1.10", 4000));
  EXPECT_TRUE(covers("10.0.1.10", 4000, "169.254.169.254", 80, kProtocolTcp)) << "metadata";
  EXPECT_TRUE(covers("10.0.1.10", 123, "169.254.169.123", 123)) << "time";
  EXPECT_TRUE(covers("10.0.1.10", 68, "10.0.2.77", 67)) << "DHCP";
  EXPECT_TRUE(covers("10.0.1.10", 0, "10.0.1.1", 0, kProtocolIcmp)) << "the router";
  EXPECT_TRUE(covers("10.0.1.10", 0, "10.0.1.255", 0, kProtocolIcmp));
  EXPECT_FALSE(covers("10.0.1.10", 4000, "10.0.2.53", 53)) << "one's own DNS server";
  EXPECT_FALSE(covers("10.0.1.10", 68, "10.0.2.77", 67, kProtocolTcp));
  EXPECT_FALSE(covers("10.0.1.10", 4000, "10.0.1.4", 80, kProtocolTcp)) << "the first usable one";
  EXPECT_FALSE(never.Covers("vpc-2", kProtocolTcp, Ip("10.9.0.9"), 1, Ip("10.0.1.1"), 2));
}

}  // namespace
}  // namespace sluice
