// Real threads on one session table. Runs under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "dataplane/session/ageing.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/session/session_state.h"
#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

// Lets all threads of one round begin together.
class Gate {
 public:
  explicit Gate(uint32_t count) : count_(count) {}
  void Wait() {
    const uint32_t round = round_.load();
    if (waiting_.fetch_add(1) + 1 == count_) {
      waiting_.store(0);
      round_.fetch_add(1);
    } else {
      while (round_.load() == round) {
        std::this_thread::yield();
      }
    }
  }

 private:
  uint32_t count_;
  std::atomic<uint32_t> waiting_{0};
  std::atomic<uint32_t> round_{0};
};

// Each key is admitted by all threads at once; exactly one session may come of it.
TEST(SessionStressTest, ConcurrentInsertsOfOneKeyEndInOneSession) {
  for (uint32_t threads = 2; threads <= 4; ++threads) {
    constexpr uint32_t kKeys = 3000;
    auto table = SessionTable::Make(HeapMemory(), {kKeys, 16, 4}, HashSecret::FromSeed(threads));
    ASSERT_NE(table, nullptr);
    std::vector<std::vector<LineIdx>> lines(threads, std::vector<LineIdx>(kKeys));
    std::vector<uint32_t> won(threads);
    std::vector<uint32_t> contended(threads);
    Gate gate(threads);
    std::vector<std::thread> workers;
    for (uint32_t t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (uint32_t n = 0; n < kKeys; ++n) {
          if (n % 64 == 0) {
            gate.Wait();
          }
          ClaimOutcome outcome;
          LineIdx existing;
          LineIdx line = InsertPair(*table, KeyNumber(n), TrackedCold(), &outcome, &existing);
          while (outcome == ClaimOutcome::kContended || outcome == ClaimOutcome::kFull) {
            // A thread was descheduled between claim and publication, or several hold a reservation
            // near capacity.
            ++contended[t];
            std::this_thread::yield();
            line = InsertPair(*table, KeyNumber(n), TrackedCold(), &outcome, &existing);
          }
          won[t] += outcome == ClaimOutcome::kClaimed ? 1 : 0;
          lines[t][n] = outcome == ClaimOutcome::kClaimed ? line : existing;
        }
      });
    }
    for (std::thread& worker : workers) {
      worker.join();
    }
    uint32_t total = 0;
    for (uint32_t t = 0; t < threads; ++t) {
      total += won[t];
    }
    EXPECT_EQ(total, kKeys);
    EXPECT_EQ(table->Counts().counted, kKeys);
    EXPECT_EQ(table->Counts().spare, table->pair_count() - kKeys);
    for (uint32_t n = 0; n < kKeys; ++n) {
      const LineIdx found = table->FindOne(KeyNumber(n));
      ASSERT_TRUE(found.has_value());
      for (uint32_t t = 0; t < threads; ++t) {
        ASSERT_EQ(PairOf(lines[t][n]), PairOf(found)) << "thread " << t << " key " << n;
      }
    }
  }
}

// A grace period of two workers, by hand: this room does not see the publish room.
class TwoWorkers final : public GracePeriods {
 public:
  uint64_t Begin() override { return token_.fetch_add(1) + 1; }
  bool IsOver(uint64_t period) const override {
    return seen_[0].load() >= period && seen_[1].load() >= period;
  }
  void Report(uint32_t worker) { seen_[worker].store(token_.load()); }
  void Leave(uint32_t worker) { seen_[worker].store(~uint64_t{0}); }

 private:
  std::atomic<uint64_t> token_{1};
  std::atomic<uint64_t> seen_[2] = {1, 1};
};

// Two workers open, find and refresh flows over a small key space while the sweep expires and frees
// them: a found line always has the key that was looked for, until the worker reports quiescent.
TEST(SessionStressTest, LookupsNeverSeeAFreedPair) {
  constexpr uint32_t kKeys = 400;
  auto table = SessionTable::Make(HeapMemory(), {300, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), true);
  TwoWorkers grace;
  std::atomic<uint32_t> now_ms{0};
  std::atomic<uint32_t> wrong{0};
  std::atomic<uint64_t> found{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (uint32_t w = 0; w < 2; ++w) {
    workers.emplace_back([&, w] {
      std::mt19937 random(w);
      while (!stop.load(std::memory_order_relaxed)) {
        SessionKey keys[32];
        uint64_t hashes[32];
        LineIdx lines[32];
        for (SessionKey& key : keys) {
          key = KeyNumber(random() % kKeys, kProtocolUdp);
        }
        table->hasher().Hash(keys, hashes, 32);
        table->Find(keys, hashes, lines, 32);
        const uint32_t now = now_ms.load(std::memory_order_relaxed);
        for (int i = 0; i < 32; ++i) {
          if (lines[i].has_value()) {
            found.fetch_add(1, std::memory_order_relaxed);
            if (!(KeyOf(table->Line(lines[i])) == keys[i])) {
              wrong.fetch_add(1);
            }
            // The forward line's one writer is worker 0, the reverse line's worker 1.
            SessionLine& own = table->Line(w == 0 ? lines[i] : PeerOf(lines[i]));
            if (i % 4 == 0) {
              AcceptPacket(own, table->Line(w == 0 ? PeerOf(lines[i]) : lines[i]), w == 0,
                           {kProtocolUdp, 0, 0, 0, 0}, now);
            }
          } else if (i % 8 == 0) {
            Admission admission;
            LineIdx existing;
            if (table->BeginPair(keys[i], hashes[i], TrackedCold(), {}, &admission, &existing) !=
                ClaimOutcome::kClaimed) {
              continue;
            }
            SessionLine& line = table->Line(ForwardLine(admission.pair));
            AcceptPacket(line, table->Line(ReverseLine(admission.pair)), true,
                         {kProtocolUdp, 0, 0, 0, 0}, now);
            if (random() % 8 != 0 && table->ClaimReverse(admission, AnswerKey(keys[i], 2),
                                                         &existing) == ClaimOutcome::kClaimed) {
              table->Publish(admission);
            } else {
              table->Abandon(admission);
            }
          }
        }
        grace.Report(w);
        std::this_thread::yield();
      }
      grace.Leave(w);
    });
  }
  for (int step = 0; step < 2'000'000 && sweep->counts().freed < 1500; ++step) {
    now_ms.fetch_add(2000, std::memory_order_relaxed);
    sweep->Step({now_ms.load(), 1'700'000'000'000u + now_ms.load()}, 64, grace, nullptr);
    std::this_thread::yield();
  }
  stop.store(true);
  for (std::thread& worker : workers) {
    worker.join();
  }
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_GT(found.load(), 1000u);
  EXPECT_GE(sweep->counts().freed, 1500u);
  // Everything expires; every pair comes back, every count is zero.
  const uint32_t end = now_ms.load() + 1'000'000;
  for (int i = 0; i < 40; ++i) {
    sweep->Step({end, 1'700'000'000'000u + end}, 64, grace, nullptr);
  }
  EXPECT_EQ(table->Counts().counted, 0u);
  EXPECT_EQ(table->Counts().spare, table->pair_count());
  EXPECT_EQ(table->CountOfInterface(1), 0u);
  EXPECT_EQ(table->CountOfVpc(0), 0u);
  EXPECT_EQ(table->OverflowPartsPerMillion(), 0u);
}

// P4: two live inside flows never share an outside five-tuple, whoever admits them.
TEST(SessionStressTest, AWS_NAT_05_ConcurrentNatBindingsAreBijective) {
  constexpr uint32_t kThreads = 3;
  constexpr uint32_t kFlows = 1500;
  auto table =
      SessionTable::Make(HeapMemory(), {kThreads * kFlows, 16, 4}, HashSecret::FromSeed(3));
  const NatStreams streams(5);
  std::vector<std::vector<uint16_t>> given(kThreads);
  std::vector<std::thread> workers;
  for (uint32_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      for (uint32_t n = 0; n < kFlows; ++n) {
        SessionCold cold = TrackedCold();
        cold.flags |= kPairNat;
        const SessionKey flow = MakeSessionKey(1, 0x0a000000 + t, 0x08080808,
                                               static_cast<uint16_t>(n + 1), 443, kProtocolTcp);
        const SessionKey answer = MakeSessionKey(9, 0x08080808, 0x0a0000fe, 443, 0, kProtocolTcp);
        Admission admission;
        LineIdx existing;
        ClaimOutcome outcome =
            table->BeginPair(flow, table->hasher().HashOne(flow), cold, {}, &admission, &existing);
        if (outcome == ClaimOutcome::kClaimed) {
          const NatClaim claim = ClaimNatPort(*table, admission, answer, streams.Ports(77, flow));
          if (claim.outcome == ClaimOutcome::kClaimed) {
            table->Publish(admission);
            given[t].push_back(claim.l4_port);
          } else {
            table->Abandon(admission);
          }
        }
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  std::vector<bool> used(65536);
  size_t total = 0;
  for (const auto& ports : given) {
    for (const uint16_t port : ports) {
      EXPECT_FALSE(used[port]) << port;
      used[port] = true;
      ++total;
    }
  }
  EXPECT_EQ(total, size_t{kThreads} * kFlows);
}

}  // namespace
}  // namespace sluice
