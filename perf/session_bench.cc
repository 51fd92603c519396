// The session table alone: batched lookup of uniform random keys (index and line, no packet work),
// misses, the admission of a pair, and ageing. The argument is the number of pairs in the table.
// Every run asserts that it found what it names.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "dataplane/base/check.h"
#include "dataplane/session/ageing.h"
#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

constexpr uint32_t kBatch = 32;

SessionCold Tracked() {
  SessionCold cold;
  cold.flags = kPairTrackedByInitiator;
  cold.initiator_interface_idx = 1;
  return cold;
}

SessionKey KeyNumber(uint32_t n) {
  return MakeSessionKey(1, 0x0a000000 + n / 30000, 0x08080808,
                        static_cast<uint16_t>(1024 + n % 30000), 443, kProtocolTcp);
}

bool Admit(SessionTable& table, const SessionKey& key, PairIdx* pair) {
  Admission admission;
  LineIdx existing;
  if (table.BeginPair(key, table.hasher().HashOne(key), Tracked(), {}, &admission, &existing) !=
          ClaimOutcome::kClaimed ||
      table.ClaimReverse(admission, AnswerKey(key, 2), &existing) != ClaimOutcome::kClaimed) {
    return false;
  }
  *pair = admission.pair;
  table.Line(ForwardLine(*pair)).state.fetch_or(kLineSeen);  // alive, for the sweep
  table.Publish(admission);
  return true;
}

SessionTable& TableOf(uint32_t pairs) {
  static std::unique_ptr<SessionTable> table;
  static uint32_t filled = 0;
  if (filled != pairs) {
    table.reset();
    table = SessionTable::Make(HeapMemory(), {pairs, 16, 16}, HashSecret::FromSeed(1));
    SLUICE_CHECK(table != nullptr);
    for (uint32_t n = 0; n < pairs; ++n) {
      PairIdx pair;
      SLUICE_CHECK(Admit(*table, KeyNumber(n), &pair));
    }
    filled = pairs;
  }
  return *table;
}

void Lookups(benchmark::State& state, bool hits) {
  const uint32_t pairs = static_cast<uint32_t>(state.range(0));
  SessionTable& table = TableOf(pairs);
  std::mt19937_64 random(1);
  std::vector<SessionKey> keys(1 << 20);
  for (SessionKey& key : keys) {
    key = KeyNumber(static_cast<uint32_t>(random() % pairs) + (hits ? 0 : pairs));
  }
  uint64_t found = 0;
  size_t at = 0;
  for (auto _ : state) {
    uint64_t hashes[kBatch];
    LineIdx lines[kBatch];
    table.hasher().Hash(&keys[at], hashes, kBatch);
    table.Find(&keys[at], hashes, lines, kBatch);
    for (const LineIdx line : lines) {
      found += line.has_value() ? 1 : 0;
    }
    at = (at + kBatch) & (keys.size() - 1);
  }
  SLUICE_CHECK(found == (hits ? static_cast<uint64_t>(state.iterations()) * kBatch : 0));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatch);
  state.counters["bytes_per_pair"] = static_cast<double>(table.bytes()) / pairs;
}

void BM_FindHit(benchmark::State& state) {
  Lookups(state, true);
}
void BM_FindMiss(benchmark::State& state) {
  Lookups(state, false);
}
BENCHMARK(BM_FindHit)->Arg(1000)->Arg(1 << 20)->Arg(16 << 20);
BENCHMARK(BM_FindMiss)->Arg(1000)->Arg(1 << 20)->Arg(16 << 20);

// Open and close: admission of a pair, its removal, its return to the free list.
void BM_AdmitAndFree(benchmark::State& state) {
  const uint32_t pairs = static_cast<uint32_t>(state.range(0));
  auto table = SessionTable::Make(HeapMemory(), {pairs, 16, 16}, HashSecret::FromSeed(1));
  SLUICE_CHECK(table != nullptr);
  uint32_t n = 0;
  for (auto _ : state) {
    PairIdx pair;
    SLUICE_CHECK(Admit(*table, KeyNumber(n++), &pair));
    SLUICE_CHECK(table->Unlink(pair));
    const PairIdx unlinked = table->TakeUnlinked();
    SLUICE_CHECK(unlinked == pair);
    table->Free(unlinked);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_AdmitAndFree)->Arg(1000)->Arg(1 << 20);

enum Load : int64_t {
  kActive,  // a packet in either direction within the last ten seconds
  kIdle     // silent for minutes, their timeout days away
};

// All pairs established TCP, last seen some time before now_ms.
void LeaveAlone(SessionTable& table, Load load, uint32_t now_ms) {
  for (uint32_t i = 0; i < table.pair_count(); ++i) {
    const uint32_t idle_ms = load == kActive ? i % 10'000 : 300'000 + i % 100'000;
    for (const LineIdx line : {ForwardLine(PairIdx(i)), ReverseLine(PairIdx(i))}) {
      table.Line(line).state.store(IsForward(line) ? kLineSeen | kLineConfirmed : kLineSeen);
      table.Line(line).last_seen_ms.store(now_ms - idle_ms);
    }
  }
}

// Ageing: rounds of the sweep over live pairs, in steps as the daemon takes them, one every ten
// milliseconds of the session clock. An iteration is a round that looks and those that may pass by.
// The share of a core is that of the steps of a second. What rests has been looked at before.
void BM_SweepRounds(benchmark::State& state) {
  constexpr uint32_t kStepMs = 10;
  SessionTable& table = TableOf(static_cast<uint32_t>(state.range(0)));
  const auto sweep = SessionSweep::Make(table, HeapMemory(), false);
  SLUICE_CHECK(sweep != nullptr);
  NoReaders grace;
  const uint32_t step = SweepPairsAStep(table.pair_count());
  uint32_t now_ms = 1'000'000;
  uint64_t steps = 0;
  const auto load = static_cast<Load>(state.range(1));
  // One that looks, and those that pass by.
  constexpr uint32_t kRounds = 1 + (kQuietMs + kLingerMs) / (kSweepRoundSteps * kStepMs);
  const auto look_and_pass_by = [&] {
    const uint64_t rounds = sweep->counts().rounds;
    for (; sweep->counts().rounds < rounds + kRounds; now_ms += kStepMs, ++steps) {
      sweep->Step({now_ms, uint64_t{1'700'000'000'000} + now_ms}, step, grace, nullptr);
    }
    now_ms += kQuietMs;  // the next begin anew
  };
  LeaveAlone(table, load, now_ms);
  look_and_pass_by();
  steps = 0;
  for (auto _ : state) {
    if (load == kActive) {
      state.PauseTiming();
      LeaveAlone(table, load, now_ms);
      state.ResumeTiming();
    }
    look_and_pass_by();
  }
  SLUICE_CHECK(sweep->counts().expired == 0);
  state.counters["passed_by"] =
      static_cast<double>(sweep->counts().passed_by) /
      (kRounds * static_cast<double>(state.iterations() + 1) * table.pair_count());
  state.counters["core_percent"] =
      benchmark::Counter(static_cast<double>(steps) * kStepMs / 1000 / 100,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_SweepRounds)
    ->ArgsProduct({{1 << 20, 16 << 20}, {kActive, kIdle}})
    ->ArgNames({"pairs", "idle"})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
