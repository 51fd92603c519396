#include "control/telemetry/accounting_reader.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "dataplane/session/session_state.h"
#include "tests/control/telemetry/flow_log_world.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kInternetIdx = 4;  // a side: its identity is empty
constexpr const char* kFormat =
    "${interface-id} ${flow-direction} ${srcaddr} ${srcport} ${dstaddr} ${dstport} ${pkt-srcaddr} "
    "${pkt-dstaddr} ${packets} ${traffic-path} ${action} ${log-status}";

Intent RoutedWorld() {
  Intent intent = FlowLogWorld();
  RouteTable inside{"rtb-in", "vpc-1", false, {}, "", {}, ""};
  inside.routes.push_back({Net("10.0.0.0/16"), "", {RouteTargetKind::kLocal, ""}});
  inside.routes.push_back({Net("0.0.0.0/0"), "", {RouteTargetKind::kNatGateway, "nat-1"}});
  inside.routes.push_back({{}, "pl-s3", {RouteTargetKind::kGatewayEndpoint, "vpce-1"}});
  inside.routes.push_back({Net("10.9.0.0/16"), "", {RouteTargetKind::kPeering, "pcx-1"}});
  RouteTable outside = inside;
  outside.id = "rtb-out";
  outside.routes[1].target = {RouteTargetKind::kInternetGateway, "igw-1"};
  outside.routes[3].blackhole = true;
  intent.route_tables = {inside, outside};
  intent.prefix_lists = {{"pl-s3", "", {Net("52.216.0.0/15")}, ""}};
  intent.vpc_peerings = {{"pcx-1", "vpc-1", "vpc-2", {}, {}, ""}};
  intent.subnets[0].route_table_id = "rtb-in";
  intent.subnets[1].route_table_id = "rtb-out";
  NatGateway nat;
  nat.id = "nat-1";
  nat.network_interface_id = "eni-nat";
  nat.addresses = {{Ip("10.0.2.5"), Ip("198.51.100.5"), ""}};
  intent.nat_gateways = {nat};
  intent.flow_logs = {MakeLog("fl-1", "vpc-1", TrafficType::kAll, 60, kFormat)};
  return intent;
}

class AccountingReaderTest : public ::testing::Test {
 protected:
  AccountingReaderTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-accounting-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    FlowLogRecorder::Options options;
    options.folder = folder_;
    recorder_.emplace(options);
    reader_.emplace(*recorder_);
    Configure(0);
  }
  ~AccountingReaderTest() override { fs::remove_all(folder_); }

  void Configure(int64_t second) {
    std::vector<InterfaceIdentity> identities = WorldIdentities();
    identities.push_back({""});
    EXPECT_TRUE(reader_->Configure(RoutedWorld(), identities, {"nat-1"}, At(second)).empty());
  }

  // All lines with traffic or a loss, in any order.
  std::multiset<std::string> Lines(int64_t end_second) {
    EXPECT_TRUE(recorder_->Finish(At(end_second)).ok());
    std::multiset<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file()) {
        continue;
      }
      gzFile file = gzopen(entry.path().c_str(), "rb");
      char line[512];
      gzgets(file, line, sizeof line);  // the header
      while (gzgets(file, line, sizeof line) != nullptr) {
        const std::string text(line, strlen(line) - 1);
        if (text.find("NODATA") == std::string::npos) {
          lines.insert(text);
        }
      }
      gzclose(file);
    }
    return lines;
  }

  std::string folder_;
  std::optional<FlowLogRecorder> recorder_;
  std::optional<AccountingReader> reader_;
};

FlowRecord LineRecord(uint32_t line, uint32_t sender, uint32_t receiver) {
  FlowRecord r;
  r.packets = 3;
  r.bytes = 300;
  r.minute = static_cast<uint32_t>(kEpochSeconds / 60);
  r.first_s = static_cast<uint32_t>(kEpochSeconds + 1);
  r.last_s = static_cast<uint32_t>(kEpochSeconds + 9);
  r.line = LineIdx(line);
  r.interface_idx = sender;
  r.peer_interface_idx = receiver;
  r.protocol = kProtocolTcp;
  return r;
}

TEST_F(AccountingReaderTest, AWS_FL_03_OneLineIsTheAcceptOfBothEnds) {
  FlowRecord r = LineRecord(0, kAIdx, kBIdx);
  r.src = r.new_src = Ip("10.0.1.11").value;
  r.dst = r.new_dst = Ip("10.0.2.20").value;
  r.src_l4_port = r.new_src_l4_port = 40000;
  r.dst_l4_port = r.new_dst_l4_port = 80;
  reader_->Report(r);
  EXPECT_EQ(Lines(59),
            (std::multiset<std::string>{
                "eni-a egress 10.0.1.10 40000 10.0.2.20 80 10.0.1.11 10.0.2.20 3 1 ACCEPT OK",
                "eni-b ingress 10.0.1.11 40000 10.0.2.20 80 10.0.1.11 10.0.2.20 3 - ACCEPT OK"}));
}

// The sweep reports an idle line ten seconds behind its window, and later.
TEST_F(AccountingReaderTest, AWS_FL_03_WhatASweepOwesOfTheMinuteBeforeOutlivesAConfiguration) {
  Configure(62);
  FlowRecord r = LineRecord(0, kAIdx, kInternetIdx);
  r.src = r.new_src = Ip("10.0.1.10").value;
  r.dst = r.new_dst = Ip("203.0.113.9").value;
  reader_->Report(r);
  EXPECT_EQ(Lines(73), (std::multiset<std::string>{
                           "eni-a egress 10.0.1.10 0 203.0.113.9 0 10.0.1.10 203.0.113.9 3 1 "
                           "ACCEPT OK"}));
}

TEST_F(AccountingReaderTest, AWS_FL_09_NatGatewaysFourLines) {
  FlowRecord out = LineRecord(0, kAIdx, kInternetIdx);
  out.nat_gateway_idx = 0;
  out.src = Ip("10.0.1.10").value;
  out.dst = out.new_dst = Ip("203.0.113.9").value;
  out.new_src = Ip("198.51.100.5").value;  // behind the internet gateway
  out.src_l4_port = 40000;
  out.new_src_l4_port = 5555;
  out.dst_l4_port = out.new_dst_l4_port = 443;
  reader_->Report(out);
  FlowRecord back = LineRecord(1, kInternetIdx, kAIdx);
  back.nat_gateway_idx = 0;
  back.src = back.new_src = Ip("203.0.113.9").value;
  back.dst = Ip("198.51.100.5").value;
  back.new_dst = Ip("10.0.1.10").value;
  back.src_l4_port = back.new_src_l4_port = 443;
  back.dst_l4_port = 5555;
  back.new_dst_l4_port = 40000;
  reader_->Report(back);
  EXPECT_EQ(
      Lines(59),
      (std::multiset<std::string>{
          "eni-a egress 10.0.1.10 40000 203.0.113.9 443 10.0.1.10 203.0.113.9 3 1 ACCEPT OK",
          "eni-nat ingress 10.0.1.10 40000 10.0.2.5 443 10.0.1.10 203.0.113.9 3 - ACCEPT OK",
          "eni-nat egress 10.0.2.5 5555 203.0.113.9 443 10.0.2.5 203.0.113.9 3 8 ACCEPT OK",
          "eni-nat ingress 203.0.113.9 443 10.0.2.5 5555 203.0.113.9 10.0.2.5 3 - ACCEPT OK",
          "eni-nat egress 10.0.2.5 443 10.0.1.10 40000 203.0.113.9 10.0.1.10 3 1 ACCEPT OK",
          "eni-a ingress 203.0.113.9 443 10.0.1.10 40000 203.0.113.9 10.0.1.10 3 - ACCEPT OK"}));
}

TEST_F(AccountingReaderTest, AWS_FL_10_DirectRecordsKeepTheirAction) {
  FlowAccountSizes sizes{64, 64, 8};
  const auto account = FlowAccount::Make(HeapMemory(), sizes, HashSecret::FromSeed(1));
  ASSERT_NE(account, nullptr);
  const BurstClock clock{0, static_cast<uint64_t>(At(5) / 1'000'000)};
  FlowSighting seen;
  seen.interface_idx = kAIdx;
  seen.src = seen.pkt_src = Ip("10.0.1.10").value;
  seen.dst = seen.pkt_dst = Ip("10.0.2.20").value;
  seen.src_l4_port = 1000;
  seen.dst_l4_port = 53;
  seen.protocol = kProtocolUdp;
  account->Count(seen, 100, 0, clock);
  seen.interface_idx = kBIdx;
  seen.direction = FlowDirection::kIngress;
  seen.action = FlowAction::kReject;
  account->Count(seen, 100, 0, clock);
  account->EmitAll();
  reader_->Drain(*account, 0, At(6));
  EXPECT_EQ(Lines(59),
            (std::multiset<std::string>{
                "eni-a egress 10.0.1.10 1000 10.0.2.20 53 10.0.1.10 10.0.2.20 1 1 ACCEPT OK",
                "eni-b ingress 10.0.1.10 1000 10.0.2.20 53 10.0.1.10 10.0.2.20 1 - REJECT OK"}));
}

TEST_F(AccountingReaderTest, AWS_FL_12_FullRingIsSkipDataWhereItWasLost) {
  FlowAccountSizes sizes{64, 2, 8};
  const auto account = FlowAccount::Make(HeapMemory(), sizes, HashSecret::FromSeed(1));
  ASSERT_NE(account, nullptr);
  for (uint32_t i = 0; i < 3; ++i) {
    FlowRecord r = LineRecord(2 * i, i < 2 ? kAIdx : kBIdx, kNoInterface);
    r.dst = r.new_dst = Ip("10.0.2.99").value;
    r.dst_l4_port = static_cast<uint16_t>(i + 1);
    account->Emit(r);
  }
  reader_->Drain(*account, 0, At(10));
  reader_->Drain(*account, 0, At(70));
  const std::multiset<std::string> lines = Lines(119);
  EXPECT_EQ(lines.count("eni-b - - - - - - - - - - SKIPDATA"), 1u);
  EXPECT_EQ(lines.size(), 3u) << "two records of eni-a and one loss, told once";
}

BurstClock ClockAt(uint32_t second) {
  return {second * 1000, static_cast<uint64_t>(At(second) / 1'000'000)};
}

// One tracked UDP session from eni-a to eni-b, and its worker.
struct OneSession {
  OneSession() {
    cold.initiator_interface_idx = kAIdx;
    cold.responder_interface_idx = kBIdx;
    cold.vpc_idx = 0;
    cold.flags = kPairTrackedByInitiator;
    const SessionKey key =
        MakeSessionKey(kAIdx, Ip("10.0.1.10").value, Ip("10.0.2.20").value, 7, 8, kProtocolUdp);
    Admission admission;
    LineIdx existing;
    EXPECT_EQ(table->BeginPair(key, table->hasher().HashOne(key), cold, {}, &admission, &existing),
              ClaimOutcome::kClaimed);
    EXPECT_EQ(table->ClaimReverse(admission, AnswerKey(key, kBIdx), &existing),
              ClaimOutcome::kClaimed);
    line = ForwardLine(admission.pair);
    FillWalk(table->Line(line), {key.src(), key.dst(), 7, 8, 0, 0, 0}, 1);
    table->Publish(admission);
  }
  void Packet(uint32_t second) {
    account->CountLine(line, table->Line(line), cold, 100, 0, ClockAt(second));
    AcceptPacket(table->Line(line), table->Line(ReverseLine(PairOf(line))), true,
                 {.protocol = kProtocolUdp}, second * 1000);
  }

  const HashSecret secret = HashSecret::FromSeed(1);
  std::unique_ptr<SessionTable> table = SessionTable::Make(HeapMemory(), {64, 8, 8}, secret);
  std::unique_ptr<FlowAccount> account = FlowAccount::Make(HeapMemory(), {64, 64, 8}, secret);
  SessionCold cold;
  LineIdx line;
};

// The sink of a session sweep that hands on to a reader.
struct ReaderSink final : FlowRecordSink {
  explicit ReaderSink(AccountingReader& r) : reader(r) {}
  void OnRecord(const FlowRecord& record) override { reader.Report(record); }
  AccountingReader& reader;
};

TEST_F(AccountingReaderTest, IdleLinesAreReportedOnce) {
  OneSession session;
  ReaderSink sink(*reader_);
  const auto sweep = SessionSweep::Make(*session.table, HeapMemory(), true);
  NoReaders workers_at_rest;
  const auto step = [&](uint32_t second) {
    sweep->Step(ClockAt(second), session.table->pair_count(), workers_at_rest, &sink);
  };
  session.Packet(50);
  session.Packet(51);
  step(55);
  step(61);  // not settled
  EXPECT_EQ(recorder_->aggregator().open_flow_count(), 0u);
  step(62);
  step(75);
  session.Packet(78);  // pushes the window that was swept
  reader_->Drain(*session.account, 0, At(78), sweep.get());
  EXPECT_EQ(reader_->duplicate_count(), 1u);
  sweep->ExportAll(ClockAt(80), sink);
  sweep->ExportAll(ClockAt(80), sink);
  const char* rest = " 1 ACCEPT OK";
  const std::string shown = "eni-a egress 10.0.1.10 7 10.0.2.20 8 10.0.1.10 10.0.2.20 ";
  const std::multiset<std::string> lines = Lines(111);
  EXPECT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines.count(shown + "2" + rest), 1u);
  EXPECT_EQ(lines.count(shown + "1" + rest), 1u);
}

// The daemon's way: the session sweep reports idle lines, and what a pair counted last before its
// memory is free.
TEST_F(AccountingReaderTest, WhatTheSessionSweepReportedIsLeftOutOfTheRing) {
  ReaderSink sink(*reader_);
  OneSession session;
  const auto sweep = SessionSweep::Make(*session.table, HeapMemory(), true);
  NoReaders workers_at_rest;
  const uint32_t all = session.table->pair_count();
  session.Packet(58);
  sweep->Step(ClockAt(63), all, workers_at_rest, &sink);
  session.Packet(75);  // pushes the window that was swept
  reader_->Drain(*session.account, 0, At(75), sweep.get());
  EXPECT_EQ(reader_->duplicate_count(), 1u);
  ASSERT_TRUE(session.table->Unlink(PairOf(session.line)));
  sweep->Step(ClockAt(76), all, workers_at_rest, &sink);
  EXPECT_EQ(sweep->counts().freed, 1u);
  const std::string shown =
      "eni-a egress 10.0.1.10 7 10.0.2.20 8 10.0.1.10 10.0.2.20 1 1 ACCEPT OK";
  const std::multiset<std::string> lines = Lines(111);
  EXPECT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines.count(shown), 2u) << "one a window";
}

TEST(FlowPathTest, AWS_FL_14_PathFollowsTheRoute) {
  const FlowPaths paths(RoutedWorld(), WorldIdentities());
  EXPECT_EQ(paths.Of(kAIdx, Ip("10.0.2.20")), FlowPath::kSameVpc);
  EXPECT_EQ(paths.Of(kAIdx, Ip("8.8.8.8")), FlowPath::kSameVpc) << "to the NAT gateway";
  EXPECT_EQ(paths.Of(kBIdx, Ip("8.8.8.8")), FlowPath::kInternetGateway);
  EXPECT_EQ(paths.Of(kBIdx, Ip("52.217.1.1")), FlowPath::kGatewayEndpoint);
  EXPECT_EQ(paths.Of(kAIdx, Ip("10.9.0.9")), FlowPath::kPeeringOtherRegion);
  EXPECT_EQ(paths.Of(kBIdx, Ip("10.9.0.9")), FlowPath::kUnknown) << "a blackhole";
  EXPECT_EQ(paths.Of(kOtherIdx, Ip("8.8.8.8")), FlowPath::kUnknown) << "no table";
  EXPECT_EQ(paths.Of(99, Ip("8.8.8.8")), FlowPath::kUnknown);
}

}  // namespace
}  // namespace sluice
