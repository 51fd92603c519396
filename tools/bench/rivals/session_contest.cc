#include "tools/bench/rivals/session_contest.h"

#include <algorithm>

#include "absl/status/status.h"
#include "dataplane/base/cache_line.h"
#include "dataplane/session/session_table.h"
#include "perf/rivals/hash_rival.h"
#include "perf/rivals/inline_table.h"
#include "perf/workload/key_stream.h"

namespace sluice {
namespace {

constexpr uint32_t kFlowsOfSender = 30'000;
constexpr uint32_t kInlinePercents[] = {50, 75};

// The two directions of session n.
SessionKey Forward(uint32_t n) {
  return MakeSessionKey(1, 0x0a000000 + n / kFlowsOfSender, 0x08080808,
                        static_cast<uint16_t>(1024 + n % kFlowsOfSender), 443, kProtocolTcp);
}
SessionKey Reverse(uint32_t n) {
  const SessionKey key = Forward(n);
  return MakeSessionKey(2, key.dst(), key.src(), key.dst_l4_port(), key.src_l4_port(),
                        key.key_protocol());
}

struct Work {
  std::vector<SessionKey> all;   // key i is line i of every table
  std::vector<uint32_t> number;  // of each key asked
  std::vector<SessionKey> asked;

  explicit Work(const SessionContestOptions& options) {
    for (uint32_t n = 0; n < options.sessions; ++n) {
      all.push_back(Forward(n));
      all.push_back(Reverse(n));
    }
    WorkloadRandom random(options.seed);
    for (uint32_t i = 0; i < options.keys; ++i) {
      number.push_back(static_cast<uint32_t>(random.Below(all.size())));
      asked.push_back(all[number.back()]);
    }
  }
  uint64_t Sum(size_t first, size_t count) const {
    uint64_t sum = 0;
    for (size_t i = first; i < first + count; ++i) {
      sum += number[i];
    }
    return sum;
  }
};

// Ours: lines come from the pool in the order of admission, so line numbers are remembered.
class Ours {
 public:
  bool Fill(const Work& work) {
    const auto sessions = static_cast<uint32_t>(work.all.size() / 2);
    table_ = SessionTable::Make(HeapMemory(), {sessions, 16, 16}, HashSecret::FromSeed(1));
    if (table_ == nullptr) {
      return false;
    }
    SessionCold cold;
    cold.flags = kPairTrackedByInitiator;
    cold.initiator_interface_idx = 1;
    number_of_line_.resize(2 * size_t{table_->pair_count()});
    for (uint32_t n = 0; n < sessions; ++n) {
      Admission admission;
      LineIdx existing;
      const SessionKey& forward = work.all[2 * size_t{n}];
      const SessionKey& reverse = work.all[2 * size_t{n} + 1];
      if (table_->BeginPair(forward, table_->hasher().HashOne(forward), cold, {}, &admission,
                            &existing) != ClaimOutcome::kClaimed ||
          table_->ClaimReverse(admission, reverse, &existing) != ClaimOutcome::kClaimed) {
        return false;
      }
      number_of_line_[2 * size_t{admission.pair.value}] = 2 * n;
      number_of_line_[2 * size_t{admission.pair.value} + 1] = 2 * n + 1;
      table_->Publish(admission);
    }
    return true;
  }

  // Looks up and counts a packet in each line found. `number`: also sums what was found.
  template <bool kNumber>
  uint64_t Run(const SessionKey* keys, size_t n, size_t burst) noexcept {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += burst) {
      const size_t count = std::min(burst, n - i);
      uint64_t hashes[HashRival::kMaxBurst];
      LineIdx lines[HashRival::kMaxBurst];
      table_->hasher().Hash(keys + i, hashes, count);
      table_->Find(keys + i, hashes, lines, count);
      for (size_t k = 0; k < count; ++k) {
        if (lines[k].has_value()) {
          std::atomic<uint64_t>& packets = table_->Line(lines[k]).counters;
          packets.store(packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
          sum += kNumber ? number_of_line_[lines[k].value] : lines[k].value;
        }
      }
    }
    return sum;
  }
  size_t bytes() const { return table_->bytes(); }

 private:
  std::unique_ptr<SessionTable> table_;
  std::vector<uint32_t> number_of_line_;
};

class SessionContest {
 public:
  explicit SessionContest(const SessionContestOptions& options)
      : options_(options), work_(options) {}

  absl::StatusOr<ContestRow> Run() {
    Ours ours;
    if (!ours.Fill(work_)) {
      return absl::ResourceExhaustedError("the session table does not take " +
                                          std::to_string(options_.sessions) + " sessions");
    }
    Enter("sluice", ours.bytes(), [&](const SessionKey* keys, size_t n) {
      return ours.Run<false>(keys, n, options_.burst);
    });
    Check("sluice", ours.Run<true>(work_.asked.data(), options_.keys, options_.burst));
    auto hash = HashRival::Make(work_.all, HeapMemory());
    if (!hash.ok()) {
      return hash.status();
    }
    Enter("rte_hash lock-free", (*hash)->bytes(),
          [&](const SessionKey* keys, size_t n) { return (*hash)->Run(keys, n, options_.burst); });
    Check("rte_hash lock-free", (*hash)->Run(work_.asked.data(), options_.keys, options_.burst));
    std::vector<std::unique_ptr<InlineTable>> tables;
    for (const uint32_t percent : kInlinePercents) {
      tables.push_back(InlineTable::Make(work_.all, percent, HeapMemory()));
      InlineTable* table = tables.back().get();
      if (table == nullptr) {
        return absl::ResourceExhaustedError("no memory for the inline layout");
      }
      const std::string name = "inline " + std::to_string(percent) + " percent full";
      Enter(name, table->bytes(), [this, table](const SessionKey* keys, size_t n) {
        return table->Run(keys, n, options_.burst);
      });
      Check(name, table->Run(work_.asked.data(), options_.keys, options_.burst));
    }
    return Finish();
  }

 private:
  template <typename Body>
  void Enter(const std::string& name, size_t bytes, Body body) {
    bytes_.push_back(bytes);
    contestants_.push_back({name, [this, body](size_t first, size_t count) {
                              const uint64_t sum = body(&work_.asked[first], count);
                              asm volatile("" : : "r"(sum));
                            }});
  }
  void Check(const std::string& name, uint64_t sum) {
    Claim(sum != work_.Sum(0, options_.keys) ? 1 : 0, name, row_);
  }
  ContestRow Finish() {
    row_.memory_mode = MemoryModeNow();
    const ContestOptions contest = {options_.keys, options_.round_keys, options_.rounds, true};
    const std::vector<ContestResult> results = RunContest(contestants_, contest);
    const std::string name = "sessions/sessions:" + std::to_string(options_.sessions);
    for (size_t i = 0; i < results.size(); ++i) {
      Figure figure = ContestFigure(i == 0 ? name : name + "/" + NamePart(contestants_[i].name),
                                    results[i], contest);
      const auto bytes = static_cast<double>(bytes_[i]);
      figure.counters.emplace_back("sessions", options_.sessions);
      figure.counters.emplace_back("bytes", bytes);
      figure.counters.emplace_back("bytes_per_session", bytes / options_.sessions);
      row_.figures.push_back(std::move(figure));
    }
    return std::move(row_);
  }

  const SessionContestOptions options_;
  const Work work_;
  std::vector<Contestant> contestants_;
  std::vector<size_t> bytes_;
  ContestRow row_;
};

}  // namespace

uint64_t SessionContestBytes(uint32_t sessions) {
  // Ours, rte_hash with its lines, both inline layouts, and the keys.
  return (uint64_t{64} << 20) + HashRival::HeapBytes(2 * size_t{sessions}) +
         uint64_t{sessions} * (192 + 128 + 256 + 171 + 64);
}

absl::StatusOr<ContestRow> MeasureSessions(const SessionContestOptions& options) {
  return SessionContest(options).Run();
}

}  // namespace sluice
