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
      for (uint32_t spins = 0; round_.load() == round; ++spins) {
        if (spins > 2000) {
          std::this_thread::yield();
        }
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
    constexpr uint32_t kKeys = 6000;
    auto table =
        SessionTable::Make(HeapMemory(), {4 * kKeys, 16, 4}, HashSecret::FromSeed(threads));
    ASSERT_NE(table, nullptr);
    std::vector<std::vector<LineIdx>> lines(threads, std::vector<LineIdx>(kKeys));
    std::vector<uint32_t> won(threads);
    std::vector<uint32_t> contended(threads);
    Gate gate(threads);
    std::vector<std::thread> workers;
    for (uint32_t t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (uint32_t n = 0; n < kKeys; ++n) {
          gate.Wait();
          ClaimOutcome outcome;
          LineIdx existing;
          LineIdx line = InsertPair(*table, KeyNumber(n), TrackedCold(), &outcome, &existing);
          while (outcome == ClaimOutcome::kContended || outcome == ClaimOutcome::kFull) {
            // A thread was descheduled between claim and publication.
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

// Keys that all begin in the first buckets of the index: more of them than those hold.
std::vector<SessionKey> CrowdedKeys(const SessionTable& table, uint32_t count) {
  std::vector<SessionKey> keys;
  for (uint32_t n = 0; keys.size() < count; ++n) {
    if (table.hasher().HashOne(KeyNumber(n)) >> 56 == 0) {
      keys.push_back(KeyNumber(n));
    }
  }
  return keys;
}

// Threads take and give up crowded keys: whoever has claimed a key is alone with it until it is
// given up, whatever happens to the entries beside it and in the buckets behind.
TEST(SessionStressTest, AClaimedKeyIsNobodyElsesUntilItIsGivenUp) {
  constexpr uint32_t kThreads = 3;
  constexpr uint32_t kKeys = 60;
  constexpr uint32_t kSteps = 60000;
  auto table = SessionTable::Make(HeapMemory(), {kThreads * kKeys, 16, 4}, HashSecret::FromSeed(4));
  ASSERT_NE(table, nullptr);
  const std::vector<SessionKey> keys = CrowdedKeys(*table, kKeys);
  std::vector<std::atomic<uint32_t>> holders(kKeys);
  std::atomic<uint64_t> claimed{0};
  std::atomic<uint64_t> shared{0};
  std::vector<std::thread> workers;
  for (uint32_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      std::mt19937 random(t);
      std::vector<Admission> held(kKeys);
      const auto give_up = [&](uint32_t n) {
        holders[n].fetch_sub(1, std::memory_order_relaxed);
        table->Abandon(held[n]);
      };
      for (uint32_t step = 0; step < kSteps; ++step) {
        const uint32_t n = random() % kKeys;
        if (held[n].pair.has_value()) {
          give_up(n);
          continue;
        }
        LineIdx existing;
        if (table->BeginPair(keys[n], table->hasher().HashOne(keys[n]), TrackedCold(), {}, &held[n],
                             &existing) == ClaimOutcome::kClaimed) {
          shared.fetch_add(holders[n].fetch_add(1, std::memory_order_relaxed));
          claimed.fetch_add(1, std::memory_order_relaxed);
        } else {
          held[n] = Admission{};
        }
      }
      for (uint32_t n = 0; n < kKeys; ++n) {
        if (held[n].pair.has_value()) {
          give_up(n);
        }
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  EXPECT_EQ(shared.load(), 0u) << "of " << claimed.load();
  EXPECT_GT(claimed.load(), 1000u);
  EXPECT_EQ(table->Counts().counted, 0u);
  EXPECT_EQ(table->OverflowPartsPerMillion(), 0u);
  for (uint32_t n = 0; n < kKeys; ++n) {
    EXPECT_FALSE(table->FindOne(keys[n]).has_value());
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

// What the threads of the next test share.
struct Churn {
  static constexpr uint32_t kKeys = 400;

  std::unique_ptr<SessionTable> table =
      SessionTable::Make(HeapMemory(), {300, 16, 4}, HashSecret::FromSeed(1));
  std::unique_ptr<SessionSweep> sweep = SessionSweep::Make(*table, HeapMemory(), true);
  TwoWorkers grace;
  std::atomic<uint32_t> now_ms{0};
  std::atomic<uint32_t> wrong{0};
  std::atomic<uint64_t> found{0};
  std::atomic<bool> stop{false};

  void Step(uint32_t now) {
    sweep->Step({now, uint64_t{1'700'000'000'000} + now}, 400, grace, nullptr);
  }

  void Admit(const SessionKey& key, uint64_t hash, uint32_t now, bool publish) {
    Admission admission;
    LineIdx existing;
    if (table->BeginPair(key, hash, TrackedCold(), {}, &admission, &existing) !=
        ClaimOutcome::kClaimed) {
      return;
    }
    AcceptPacket(table->Line(ForwardLine(admission.pair)), table->Line(ReverseLine(admission.pair)),
                 true, {kProtocolUdp, 0, 0, 0, 0}, now);
    if (publish &&
        table->ClaimReverse(admission, AnswerKey(key, 2), &existing) == ClaimOutcome::kClaimed) {
      table->Publish(admission);
    } else {
      table->Abandon(admission);
    }
  }

  void Burst(uint32_t worker, std::mt19937& random) {
    SessionKey keys[32];
    uint64_t hashes[32];
    LineIdx lines[32];
    for (SessionKey& key : keys) {
      key = KeyNumber(random() % kKeys, kProtocolUdp);
    }
    table->hasher().Hash(keys, hashes, 32);
    table->Find(keys, hashes, lines, 32);
    for (int i = 0; i < 4; ++i) {
      std::this_thread::yield();  // a chance for the others to free what was just found
    }
    const uint32_t now = now_ms.load(std::memory_order_relaxed);
    for (int i = 0; i < 32; ++i) {
      if (!lines[i].has_value()) {
        if (i % 8 == 0) {
          Admit(keys[i], hashes[i], now, random() % 8 != 0);
        }
        continue;
      }
      found.fetch_add(1, std::memory_order_relaxed);
      if (!(KeyOf(table->Line(lines[i])) == keys[i])) {
        wrong.fetch_add(1);
      }
      if (i % 4 == 0) {
        // The forward line's one writer is worker 0, the reverse line's worker 1.
        const LineIdx own = worker == 0 ? lines[i] : PeerOf(lines[i]);
        AcceptPacket(table->Line(own), table->Line(PeerOf(own)), worker == 0,
                     {kProtocolUdp, 0, 0, 0, 0}, now);
      }
    }
  }

  void Work(uint32_t worker) {
    std::mt19937 random(worker);
    while (!stop.load(std::memory_order_relaxed)) {
      Burst(worker, random);
      grace.Report(worker);
    }
    grace.Leave(worker);
  }
};

// Two workers open, find and refresh flows over a small key space while the sweep expires and frees
// them: a found line always has the key that was looked for, until the worker reports quiescent.
TEST(SessionStressTest, LookupsNeverSeeAFreedPair) {
  Churn churn;
  std::thread first([&churn] { churn.Work(0); });
  std::thread second([&churn] { churn.Work(1); });
  for (int step = 0; step < 2'000'000 && churn.sweep->counts().freed < 10000; ++step) {
    churn.Step(churn.now_ms.fetch_add(16000) + 16000);
    std::this_thread::yield();
  }
  churn.stop.store(true);
  first.join();
  second.join();
  EXPECT_EQ(churn.wrong.load(), 0u);
  EXPECT_GT(churn.found.load(), 100u);
  EXPECT_GE(churn.sweep->counts().freed, 10000u);
  // Everything expires; every pair comes back, every count is zero.
  for (int i = 0; i < 40; ++i) {
    churn.Step(churn.now_ms.load() + 1'000'000);
  }
  const SessionTable& table = *churn.table;
  EXPECT_EQ(table.Counts().counted, 0u);
  EXPECT_EQ(table.Counts().spare, table.pair_count());
  EXPECT_EQ(table.CountOfInterface(1), 0u);
  EXPECT_EQ(table.CountOfVpc(0), 0u);
  EXPECT_EQ(table.OverflowPartsPerMillion(), 0u);
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
          const NatClaim claim =
              ClaimNatPort(*table, admission, answer, streams.Ports(77, flow), 0);
          if (claim.outcome == ClaimOutcome::kClaimed) {
            MarkSeen(table->Line(ForwardLine(admission.pair)), 0);
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
