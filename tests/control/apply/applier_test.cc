#include "control/apply/applier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/base/memory_source.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

constexpr char kHost[] = R"json({"Host": {
  "Ports": [{"Name": "web", "Device": "net_ring0"}, {"Name": "app", "Device": "net_ring1"}],
  "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "web"},
                  {"NetworkInterfaceId": "eni-app", "Port": "app"}],
  "Workers": 2, "MaxSessions": 4096}})json";

constexpr char kExtraGroup[] = R"json({"SecurityGroups": [
  {"GroupId": "sg-extra", "GroupName": "extra", "VpcId": "vpc-b", "IpPermissions": [],
   "IpPermissionsEgress": []}]})json";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::shared_ptr<const ValidatedIntent> Load(const std::string& text) {
  ValidationResult result = LoadIntentText("test.json", text, {});
  for (const IntentIssue& issue : result.issues) {
    EXPECT_TRUE(issue.is_warning) << issue.json_path << ": " << issue.what;
  }
  EXPECT_NE(result.intent, nullptr);
  return result.intent;
}

std::string Sample() {
  return std::string(testing::kSampleConfig) + kHost;
}

// Each rest lasts a millisecond, in which the workers that are not stuck finish their burst.
class FakeTime final : public ApplyClock {
 public:
  explicit FakeTime(Qsbr& qsbr) : qsbr_(qsbr) {}
  int64_t EpochNs() override { return 1'700'000'000'000'000'000 + now_ns_; }
  int64_t MonotonicNs() override { return now_ns_; }
  void Pause() override {
    now_ns_ += 1'000'000;
    if (on_pause) {
      on_pause();
    }
    for (uint32_t worker = 0; worker < qsbr_.worker_count(); ++worker) {
      if (worker != stuck_worker) {
        qsbr_.ReportQuiescent(worker);
      }
    }
  }
  uint32_t stuck_worker = kNoWorker;
  std::function<void()> on_pause;

 private:
  Qsbr& qsbr_;
  int64_t now_ns_ = 0;
};

class ApplierTest : public ::testing::Test {
 protected:
  ApplierTest() {
    qsbr_.Online(0);
    qsbr_.Online(1);
  }
  ~ApplierTest() override {
    qsbr_.Offline(0);
    qsbr_.Offline(1);
  }
  uint64_t SeenByWorkers() { return publisher_.Load()->generation; }

  Qsbr qsbr_{2};
  FakeTime time_{qsbr_};
  Compiler compiler_{HeapMemory(), {}};
  Publisher<Snapshot> publisher_{qsbr_};
  std::mutex control_;
  Applier applier_{compiler_, publisher_, time_, control_};
};

TEST_F(ApplierTest, PublishesGenerationsAndSaysWhatChanged) {
  const absl::StatusOr<ApplyReport> first = applier_.Apply(Load(Sample()));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->generation, 1u);
  EXPECT_TRUE(first->effective);
  EXPECT_EQ(first->effective_after_ns, 1'000'000);
  EXPECT_TRUE(first->changes.empty());
  EXPECT_EQ(SeenByWorkers(), 1u);

  const absl::StatusOr<ApplyReport> second = applier_.Apply(Load(Sample() + kExtraGroup));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->generation, 2u);
  ASSERT_EQ(second->changes.size(), 1u);
  EXPECT_EQ(second->changes[0].object_id, "sg-extra");
  EXPECT_EQ(second->summary, "1 change: + SecurityGroups sg-extra");
  EXPECT_EQ(SeenByWorkers(), 2u);
  EXPECT_EQ(applier_.running()->intent->FindSecurityGroup("sg-extra")->vpc_id, "vpc-b");

  ASSERT_EQ(applier_.history().size(), 2u);
  EXPECT_FALSE(applier_.history()[0].running);
  EXPECT_TRUE(applier_.history()[1].running);
  EXPECT_EQ(applier_.history()[1].summary, second->summary);
  EXPECT_GT(applier_.history()[1].applied_at_ns, applier_.history()[0].applied_at_ns);
}

TEST_F(ApplierTest, RollbackIsANewGenerationOfAnOlderConfiguration) {
  ASSERT_TRUE(applier_.Apply(Load(Sample())).ok());
  ASSERT_TRUE(applier_.Apply(Load(Sample() + kExtraGroup)).ok());
  const absl::StatusOr<ApplyReport> back = applier_.Rollback(1);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->generation, 3u);
  EXPECT_EQ(back->summary, "rollback to 1: 1 change: - SecurityGroups sg-extra");
  EXPECT_EQ(SeenByWorkers(), 3u);
  EXPECT_EQ(applier_.running()->intent->FindSecurityGroup("sg-extra"), nullptr);
  EXPECT_EQ(ExportIntentJson(*applier_.history()[0].intent),
            ExportIntentJson(*applier_.history()[2].intent));

  const absl::StatusOr<ApplyReport> nowhere = applier_.Rollback(9);
  EXPECT_EQ(nowhere.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(nowhere.status().ToString().find("kept are 1 to 3"), std::string::npos);
  EXPECT_EQ(applier_.generation(), 3u);
}

TEST_F(ApplierTest, WhatNeedsARestartIsRefusedAndNamed) {
  ASSERT_TRUE(applier_.Apply(Load(Sample())).ok());
  const std::pair<std::string, std::string> edits[] = {
      {Replaced(Sample(), "net_ring1", "net_ring7"), "Host.Ports"},
      {Replaced(Sample(), "\"Device\": \"net_ring1\"", "\"Device\": \"net_ring1\", \"Mtu\": 1500"),
       "Host.Ports"},
      {Replaced(Sample(), "\"Workers\": 2", "\"Workers\": 3"), "Host.Workers"},
      {Replaced(Sample(), "4096", "8192"), "Host.MaxSessions"},
      {std::string(testing::kSampleConfig), "no Host"}};
  for (const auto& [text, named] : edits) {
    const absl::StatusOr<ApplyReport> refused = applier_.Apply(Load(text));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition) << named;
    EXPECT_NE(refused.status().ToString().find(named), std::string::npos) << refused.status();
  }
  EXPECT_EQ(applier_.generation(), 1u);
  EXPECT_EQ(SeenByWorkers(), 1u);
  EXPECT_EQ(applier_.history().size(), 1u);
}

TEST_F(ApplierTest, AStuckWorkerIsNamedAfterASecondAndTheRestGoesOn) {
  ASSERT_TRUE(applier_.Apply(Load(Sample())).ok());
  time_.stuck_worker = 1;
  const absl::StatusOr<ApplyReport> late = applier_.Apply(Load(Sample() + kExtraGroup));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(late->effective);
  EXPECT_EQ(late->laggard, 1u);
  EXPECT_EQ(late->effective_after_ns, kEffectiveWithinNs);
  EXPECT_EQ(applier_.Laggard(), 1u);
  EXPECT_EQ(publisher_.retired_count(), 1u) << "the stuck worker may still read it";

  qsbr_.ReportQuiescent(1);
  EXPECT_EQ(applier_.Laggard(), kNoWorker);
  applier_.Reclaim();
  EXPECT_EQ(publisher_.retired_count(), 0u);
}

TEST_F(ApplierTest, AFullRetireListRefusesAndTheNextSucceedsOnceTheWorkerMoves) {
  ASSERT_TRUE(applier_.Apply(Load(Sample())).ok());
  time_.stuck_worker = 0;
  const std::shared_ptr<const ValidatedIntent> other = Load(Sample() + kExtraGroup);
  for (uint32_t i = 0; i < kMaxRetired; ++i) {
    ASSERT_TRUE(applier_.Apply(other).ok()) << i;
  }
  const absl::StatusOr<ApplyReport> refused = applier_.Apply(Load(Sample()));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(refused.status().ToString().find("worker 0"), std::string::npos);
  EXPECT_EQ(applier_.generation(), 1 + kMaxRetired);
  EXPECT_EQ(SeenByWorkers(), 1 + kMaxRetired);
  EXPECT_EQ(applier_.running()->intent, other);

  time_.stuck_worker = kNoWorker;
  qsbr_.ReportQuiescent(0);
  const absl::StatusOr<ApplyReport> again = applier_.Apply(Load(Sample()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->generation, 2 + kMaxRetired) << "no number is left out by a refusal";
  EXPECT_FALSE(again->changes.empty()) << "against what runs, not against what was refused";
}

TEST_F(ApplierTest, TheHistoryIsBounded) {
  const std::shared_ptr<const ValidatedIntent> intent = Load(Sample());
  for (size_t i = 0; i < kKeptGenerations + 3; ++i) {
    ASSERT_TRUE(applier_.Apply(intent).ok());
  }
  EXPECT_EQ(applier_.history().size(), kKeptGenerations);
  EXPECT_EQ(applier_.history().front().generation, 4u);
  EXPECT_EQ(applier_.Rollback(3).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(applier_.Rollback(4).ok());
}

TEST_F(ApplierTest, FollowersSeeEveryPublishedGenerationAndNoRefusedOne) {
  std::vector<uint64_t> seen;
  applier_.Follow([&](const CompiledConfig& config) {
    seen.push_back(config.snapshot->generation);
    EXPECT_EQ(publisher_.generation(), config.snapshot->generation);
  });
  ASSERT_TRUE(applier_.Apply(Load(Sample())).ok());
  ASSERT_FALSE(applier_.Apply(Load(Replaced(Sample(), "4096", "8192"))).ok());
  ASSERT_TRUE(applier_.Rollback(1).ok());
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 2}));
}

// The compiler's memory: every allocation after `left` fails.
class ShortMemory final : public MemorySource {
 public:
  void* Allocate(const char* name, size_t bytes, size_t alignment) override {
    return left-- > 0 ? HeapMemory().Allocate(name, bytes, alignment) : nullptr;
  }
  void Free(void* memory, size_t bytes) override { HeapMemory().Free(memory, bytes); }
  int left = 1 << 30;
};

TEST(ApplierMemoryTest, WhatDoesNotCompileLeavesTheOldGenerationRunning) {
  ShortMemory memory;
  Qsbr qsbr(1);
  FakeTime time(qsbr);
  Compiler compiler(memory, {});
  Publisher<Snapshot> publisher(qsbr);
  std::mutex control;
  Applier applier(compiler, publisher, time, control);
  ASSERT_TRUE(applier.Apply(Load(Sample())).ok());
  for (int left = 0; left < 20; ++left) {
    memory.left = left;
    const absl::StatusOr<ApplyReport> refused = applier.Apply(Load(Sample() + kExtraGroup));
    if (refused.ok()) {
      continue;
    }
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(publisher.Load()->generation, applier.generation());
    EXPECT_EQ(applier.history().back().generation, applier.generation());
  }
  memory.left = 0;
  EXPECT_FALSE(applier.Apply(Load(Sample())).ok());
  memory.left = 1 << 30;
  EXPECT_TRUE(applier.Apply(Load(Sample())).ok());
}

// The compiler's memory, which tells when something is asked of it.
class WatchedMemory final : public MemorySource {
 public:
  void* Allocate(const char* name, size_t bytes, size_t alignment) override {
    if (on_allocate) {
      on_allocate();
    }
    return HeapMemory().Allocate(name, bytes, alignment);
  }
  void Free(void* memory, size_t bytes) override { HeapMemory().Free(memory, bytes); }
  std::function<void()> on_allocate;
};

// Whether another thread would get it at once.
bool IsFree(std::mutex& mutex) {
  bool free = false;
  std::thread([&] {
    free = mutex.try_lock();
    if (free) {
      mutex.unlock();
    }
  }).join();
  return free;
}

TEST(ApplierLockTest, TheControlLockIsHeldToPublishAndNotToCompileNorToWait) {
  WatchedMemory memory;
  Qsbr qsbr(1);
  qsbr.Online(0);
  FakeTime time(qsbr);
  Compiler compiler(memory, {});
  Publisher<Snapshot> publisher(qsbr);
  std::mutex control;
  Applier applier(compiler, publisher, time, control);
  int compiling = 0;
  int publishing = 0;
  int waiting = 0;
  applier.Follow([&](const CompiledConfig&) {
    ++publishing;
    EXPECT_FALSE(IsFree(control));
  });
  memory.on_allocate = [&] {
    ++compiling;
    EXPECT_TRUE(IsFree(control));
  };
  time.on_pause = [&] {
    ++waiting;
    EXPECT_TRUE(IsFree(control));
  };
  ASSERT_TRUE(applier.Apply(Load(Sample())).ok());
  ASSERT_TRUE(applier.Apply(Load(Sample() + kExtraGroup)).ok());
  ASSERT_TRUE(applier.Rollback(1).ok());
  EXPECT_GT(compiling, 0);
  EXPECT_EQ(publishing, 3);
  EXPECT_GE(waiting, 3);
  qsbr.Offline(0);
}

// Real threads, for ThreadSanitizer too: two that apply, one that asks and reclaims like the
// daemon's tick, a worker.
TEST(ApplierLockTest, AppliesFromSeveralThreadsFollowOneAnother) {
  constexpr int kRounds = 30;  // so that generation 1 is kept
  static_assert(1 + 2 * kRounds <= kKeptGenerations);
  Qsbr qsbr(1);
  class WallTime final : public ApplyClock {
   public:
    int64_t EpochNs() override { return MonotonicNs(); }
    int64_t MonotonicNs() override {
      return std::chrono::steady_clock::now().time_since_epoch().count();
    }
    void Pause() override { std::this_thread::yield(); }
  } time;
  Compiler compiler(HeapMemory(), {});
  Publisher<Snapshot> publisher(qsbr);
  std::mutex control;
  Applier applier(compiler, publisher, time, control);
  uint64_t followed = 0;
  applier.Follow(
      [&](const CompiledConfig& config) { EXPECT_EQ(config.snapshot->generation, ++followed); });
  const std::shared_ptr<const ValidatedIntent> configurations[] = {Load(Sample()),
                                                                   Load(Sample() + kExtraGroup)};
  ASSERT_TRUE(applier.Apply(configurations[0]).ok());
  std::atomic<bool> end{false};
  std::thread worker([&] {
    qsbr.Online(0);
    while (!end) {
      EXPECT_GT(publisher.Load()->generation, 0u);
      qsbr.ReportQuiescent(0);
      std::this_thread::yield();
    }
    qsbr.Offline(0);
  });
  std::thread ticks([&] {
    while (!end) {
      const std::lock_guard<std::mutex> lock(control);
      EXPECT_EQ(applier.running()->snapshot->generation, applier.generation());
      EXPECT_EQ(applier.history().back().generation, applier.generation());
      applier.Laggard();
      applier.Reclaim();
    }
  });
  std::vector<std::thread> operators;
  for (int who = 0; who < 2; ++who) {
    operators.emplace_back([&, who] {
      for (int i = 0; i < kRounds; ++i) {
        const auto report =
            i % 4 == 3 ? applier.Rollback(1) : applier.Apply(configurations[(who + i) % 2]);
        EXPECT_TRUE(report.ok()) << report.status();
      }
    });
  }
  for (std::thread& thread : operators) {
    thread.join();
  }
  end = true;
  ticks.join();
  worker.join();
  EXPECT_EQ(applier.generation(), 1u + 2 * kRounds);
}

TEST(ChangeSummaryTest, NamesObjectsOnceAndIsBounded) {
  EXPECT_EQ(ChangeSummary({}), "no change");
  std::vector<IntentChange> changes;
  for (const char* member : {"IpPermissions[sgr-1]", "IpPermissions[sgr-2]"}) {
    changes.push_back({ChangeKind::kChanged, "SecurityGroups", "sg-web", member, "", "{}"});
  }
  changes.push_back({ChangeKind::kChanged, "Host", "Host", "RouterMac", "", ""});
  EXPECT_EQ(ChangeSummary(changes), "3 changes: ~ SecurityGroups sg-web, ~ Host");
  for (int i = 0; i < 10; ++i) {
    changes.push_back({ChangeKind::kRemoved, "Subnets", "subnet-" + std::to_string(i), "", "", ""});
  }
  EXPECT_EQ(ChangeSummary(changes),
            "13 changes: ~ SecurityGroups sg-web, ~ Host, - Subnets subnet-0, - Subnets subnet-1 "
            "and 8 more");
}

}  // namespace
}  // namespace sluice
