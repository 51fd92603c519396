// A daemon without EAL: the sample configuration applied through the real applier, a session table,
// two workers' counters. For tests of the operator verbs and of the client.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "control/api/daemon_view.h"
#include "dataplane/base/memory_source.h"
#include "dataplane/session/session_line.h"
#include "tests/support/sample_config.h"

namespace sluice::testing {

inline constexpr char kSampleHost[] = R"json({"Host": {
  "Ports": [{"Name": "web", "Device": "net_ring0"}, {"Name": "app", "Device": "net_ring1"}],
  "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "web"},
                  {"NetworkInterfaceId": "eni-app", "Port": "app", "Vlan": 12}],
  "Workers": 2, "MaxSessions": 4096}})json";
inline constexpr char kOneMoreGroup[] = R"json({"SecurityGroups": [
  {"GroupId": "sg-extra", "GroupName": "extra", "VpcId": "vpc-b", "IpPermissions": [],
   "IpPermissionsEgress": []}]})json";
inline constexpr char kNoSuchVpc[] = R"json({"Subnets": [
  {"SubnetId": "subnet-x", "VpcId": "vpc-x", "CidrBlock": "10.9.0.0/24"}]})json";

inline std::string SampleWithHost() {
  return std::string(kSampleConfig) + kSampleHost;
}

// What a session of FakeDaemon::AddSession is.
struct FakeSession {
  std::string from = "eni-web";  // names of interfaces
  std::string to = "eni-app";
  uint8_t protocol = kProtocolTcp;
  Ipv4Address src = Ipv4Address(10, 0, 0, 10);
  Ipv4Address dst = Ipv4Address(10, 0, 1, 10);
  uint16_t src_l4_port = 40000;
  uint16_t dst_l4_port = 8080;
  uint16_t nat_port = 0;  // not 0: translated by nat-a
  uint32_t last_seen_ms = 0;
  uint8_t forward_state = kLineSeen | kLineSyn | kLineConfirmed;
  bool counted = true;
};

class FakeDaemon {
 public:
  FakeDaemon() {
    qsbr_.Online(0);
    qsbr_.Online(1);
    SessionTableSizes sizes;
    sizes.capacity = 256;
    sizes.interface_count = 64;
    sizes.vpc_count = 16;
    sessions_ = SessionTable::Make(HeapMemory(), sizes, HashSecret::FromSeed(7));
    ValidationResult loaded = LoadIntentText("sample.json", SampleWithHost(), {});
    EXPECT_TRUE(loaded.intent != nullptr && applier_.Apply(loaded.intent).ok());
    view_ = std::make_unique<DaemonView>(
        DaemonView{control_, applier_, *sessions_, {&workers_[0], &workers_[1]}});
    view_->session_now_ms = [this] { return now_ms; };
    view_->monotonic_ns = [this] { return int64_t{now_ms} * 1'000'000; };
    view_->port_devices = [] {
      PortDevice web;
      web.device = "net_ring0";
      web.driver = "net_ring";
      web.mtu_bytes = 1500;
      web.link_up = true;
      return std::vector<PortDevice>{web, web};
    };
    view_->worker_loads = [this] { return loads; };
    view_->ticks_per_ns = 2.0;
    view_->accept_failures = [] { return std::vector<AcceptFailures>{{"operators", 2}}; };
    view_->request_stop = [this] { ++stops; };
  }
  ~FakeDaemon() {
    qsbr_.Offline(0);
    qsbr_.Offline(1);
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const DaemonView& view() const { return *view_; }
  Applier& applier() { return applier_; }
  WorkerCounters& worker(size_t i) { return workers_[i]; }
  uint32_t InterfaceIdxOf(const std::string& name) const {
    const auto& names = applier_.running()->interface_names;
    const auto found = std::find(names.begin(), names.end(), name);
    EXPECT_NE(found, names.end()) << name;
    return static_cast<uint32_t>(found - names.begin());
  }

  void AddSession(const FakeSession& session) {
    const uint32_t from = InterfaceIdxOf(session.from);
    const uint32_t to = InterfaceIdxOf(session.to);
    const SessionKey key =
        MakeSessionKey(from, session.src.value, session.dst.value, session.src_l4_port,
                       session.dst_l4_port, session.protocol);
    SessionCold cold;
    cold.initiator_interface_idx = from;
    cold.responder_interface_idx = to;
    cold.flags = session.counted ? kPairTrackedByInitiator : 0;
    WalkOutcome walk;
    walk.new_src = session.src.value;
    walk.new_dst = session.dst.value;
    walk.new_src_l4_port = session.src_l4_port;
    walk.new_dst_l4_port = session.dst_l4_port;
    SessionKey seen = key;
    if (session.nat_port != 0) {
      cold.flags |= kPairNat;
      cold.nat_gateway_idx = 0;
      cold.nat_address = Ipv4Address(10, 0, 0, 200).value;
      cold.nat_port = session.nat_port;
      walk.new_src = Ipv4Address(198, 51, 100, 200).value;
      walk.new_src_l4_port = session.nat_port;
      if (session.protocol == kProtocolIcmp) {
        walk.new_dst_l4_port = session.nat_port;  // the identifier stands in both halves
      }
      seen = MakeSessionKey(from, walk.new_src, session.dst.value, session.nat_port,
                            session.dst_l4_port, session.protocol);
    }
    Admission admission;
    LineIdx existing;
    ASSERT_EQ(sessions_->BeginPair(key, sessions_->hasher().HashOne(key), cold, {}, &admission,
                                   &existing),
              ClaimOutcome::kClaimed);
    ASSERT_EQ(sessions_->ClaimReverse(admission, AnswerKey(seen, to), &existing),
              ClaimOutcome::kClaimed);
    SessionLine& line = sessions_->Line(ForwardLine(admission.pair));
    FillWalk(line, walk, 1);
    line.last_seen_ms.store(session.last_seen_ms, std::memory_order_relaxed);
    line.state.store(session.forward_state, std::memory_order_relaxed);
    sessions_->Publish(admission);
  }

  uint32_t now_ms = 1000;
  std::vector<WorkerLoad> loads = {{100, 50, 250, 1000, 1}, {10, 10, 0, 1000, 9}};
  int stops = 0;

 private:
  class Clock final : public ApplyClock {
   public:
    explicit Clock(Qsbr& qsbr) : qsbr_(qsbr) {}
    int64_t EpochNs() override { return 1'700'000'000'000'000'000 + now_ns_; }
    int64_t MonotonicNs() override { return now_ns_; }
    void Pause() override {
      now_ns_ += 1'000'000;
      qsbr_.ReportQuiescent(0);
      qsbr_.ReportQuiescent(1);
    }

   private:
    Qsbr& qsbr_;
    int64_t now_ns_ = 0;
  };

  Qsbr qsbr_{2};
  Clock clock_{qsbr_};
  Compiler compiler_{HeapMemory(), {}};
  Publisher<Snapshot> publisher_{qsbr_};
  std::mutex control_;
  Applier applier_{compiler_, publisher_, clock_, control_};
  std::unique_ptr<SessionTable> sessions_;
  WorkerCounters workers_[2] = {WorkerCounters(2), WorkerCounters(2)};
  std::unique_ptr<DaemonView> view_;
};

}  // namespace sluice::testing
