#include "tools/bench/forward_run.h"

#include <x86intrin.h>

#include <algorithm>
#include <random>

#include "tools/bench/byte_check.h"
#include "tools/bench/fates.h"
#include "tools/bench/interruption.h"
#include "tools/bench/machine.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr uint32_t kBurstsBetweenSamples = 61;  // a prime: no beat with the schedule

// Short, so that the median is of rounds that nobody interrupted. A multiple of few bursts only:
// what does not fill one is left out.
constexpr uint32_t kStageRoundPackets = 4096;

enum class Body : uint8_t { kPipeline, kSourceOnly };

struct RoundTime {
  double cpu_ns = 0;
  double wall_ns = 0;
};

// The number of a stamp's line: the direction of its flow.
size_t LineOf(const Stamp& stamp) {
  return 2 * size_t{stamp.flow & ~kReplyBit} + ((stamp.flow & kReplyBit) != 0 ? 1 : 0);
}

class Rounds {
 public:
  Rounds(Workbench& bench, const ForwardOptions& options)
      : bench_(bench),
        options_(options),
        schedule_(MakeSchedule(bench.flows(), bench.links(), options.schedule)) {}

  // A packet of each line of the schedule, but of a share of them.
  void WalkAllBut(double share, uint64_t seed) {
    std::mt19937_64 random(seed);
    const uint64_t spared = static_cast<uint64_t>(share * 0x1p32);
    std::vector<bool> seen(2 * bench_.flows().size());
    std::vector<Stamp> burst;
    const auto run = [&] {
      bench_.ReadClock();
      bench_.driver().Load(burst.data(), static_cast<uint32_t>(burst.size()));
      bench_.driver().Judge();
      bench_.driver().Send();
      burst.clear();
    };
    for (const Stamp& stamp : schedule_) {
      if (seen[LineOf(stamp)]) {
        continue;
      }
      seen[LineOf(stamp)] = true;
      if ((random() >> 32) >= spared) {
        burst.push_back(stamp);
      }
      if (burst.size() == bench_.driver().burst()) {
        run();
      }
    }
    run();
  }

  const std::vector<Stamp>& schedule() const { return schedule_; }
  uint64_t sent() const { return sent_; }
  const std::vector<SentPacket>& samples() const { return samples_; }
  const std::vector<float>& burst_ticks() const { return burst_ticks_; }

  template <Body kBody>
  RoundTime Run(uint32_t packets, bool sample) {
    BurstDriver& driver = bench_.driver();
    const uint32_t burst = driver.burst();
    const int64_t cpu = ThreadCpuNs();
    const uint64_t start = __rdtsc();
    uint64_t before = start;
    for (uint32_t done = 0; done + burst <= packets; done += burst) {
      const uint32_t at = TakeBurst(burst);
      bench_.ReadClock();
      driver.Load(&schedule_[at], burst);
      if constexpr (kBody == Body::kPipeline) {
        driver.Judge();
        if (sample) {
          SampleSometimes(at);  // before the frames are gone
        }
      } else {
        driver.PassThrough();
      }
      const uint32_t sent = driver.Send();
      if constexpr (kBody == Body::kPipeline) {
        sent_ += sent;
        const uint64_t now = __rdtsc();
        if (sample) {
          burst_ticks_.push_back(static_cast<float>(now - before));
        }
        before = now;
      }
    }
    const double wall = static_cast<double>(__rdtsc() - start) * 1e9 / TscHz();
    return {static_cast<double>(ThreadCpuNs() - cpu), wall};
  }

 private:
  uint32_t TakeBurst(uint32_t burst) {
    if (next_ + burst > schedule_.size()) {
      next_ = 0;
    }
    const uint32_t at = next_;
    next_ += burst;
    return at;
  }
  void SampleSometimes(uint32_t at) {
    if (++bursts_ % kBurstsBetweenSamples == 0 && samples_.size() < options_.sampled_packets) {
      for (SentPacket& sent : bench_.driver().Outputs(at)) {
        samples_.push_back(std::move(sent));
      }
    }
  }

  Workbench& bench_;
  const ForwardOptions& options_;
  const std::vector<Stamp> schedule_;
  uint32_t next_ = 0;
  uint64_t bursts_ = 0;
  uint64_t sent_ = 0;
  std::vector<SentPacket> samples_;
  std::vector<float> burst_ticks_;
};

void CheckSamples(Workbench& bench, const Rounds& rounds, ForwardTotals& totals) {
  OutputCheck check(bench.config(), bench.flows(), bench.links());
  ByteCheck compared;
  for (const SentPacket& sent : rounds.samples()) {
    compared.Add(check.Complaint(rounds.schedule()[sent.stamp_idx], sent));
  }
  totals.sampled = compared.sampled;
  totals.wrong = compared.wrong;
  totals.first_wrong = std::move(compared.first_wrong);
}

void AddFates(const Fates& fates, ForwardTotals& totals) {
  totals.received += fates.received;
  totals.forwarded += fates.forwarded;
  totals.consumed += fates.consumed;
  totals.dropped += fates.dropped;
  totals.hits += fates.hits;
  totals.walks += fates.walks;
  totals.first_drop = totals.first_drop.empty() ? fates.FirstDrop() : totals.first_drop;
}

}  // namespace

std::vector<std::string> BrokenClaims(const ForwardTotals& totals, bool session_cache) {
  std::vector<std::string> broken;
  const auto equal = [&](const char* what, uint64_t observed, uint64_t expected,
                         const std::string& more) {
    if (observed != expected) {
      broken.push_back(std::string(what) + ": " + std::to_string(observed) + ", expected " +
                       std::to_string(expected) + (more.empty() ? "" : " (" + more + ")"));
    }
  };
  equal("packets counted as received", totals.received, totals.packets, "");
  equal("packets forwarded", totals.forwarded, totals.packets, totals.first_drop);
  equal("packets that left", totals.sent, totals.packets, "");
  equal("packets dropped", totals.dropped, 0, totals.first_drop);
  equal("packets consumed", totals.consumed, 0, "");
  if (totals.stale) {
    equal("packets of known sessions", totals.hits + totals.walks, totals.packets, "");
  } else {
    equal("hits of the session cache", totals.hits, session_cache ? totals.packets : 0, "");
  }
  equal("live sessions", totals.sessions, totals.flows, "flows");
  equal("sampled packets with wrong bytes", totals.wrong, 0, totals.first_wrong);
  if (totals.packets == 0 || totals.sampled == 0) {
    broken.push_back("nothing was measured or no packet was sampled");
  }
  if (totals.stale && totals.walks == 0) {
    broken.push_back("no session was stale");
  }
  return broken;
}

ForwardResult RunForward(Workbench& bench, const ForwardOptions& options) {
  Rounds rounds(bench, options);
  rounds.Run<Body::kPipeline>(options.warmup_packets, false);
  ForwardResult result;
  ForwardTotals& totals = result.totals;
  const uint64_t sent_before = rounds.sent();
  std::vector<double> pipeline, source, whole;
  RoundTime all;
  const double packets = options.round_packets;
  for (uint32_t round = 0; round < options.rounds && !Interruption::happened(); ++round) {
    if (options.make_stale) {
      options.make_stale();
      if (options.stale_share < 1) {
        rounds.WalkAllBut(options.stale_share, options.schedule.seed + round);
      }
    }
    const Fates before = CountFates(bench.dataplane().counters());
    const RoundTime with = rounds.Run<Body::kPipeline>(options.round_packets, true);
    AddFates(CountFates(bench.dataplane().counters()) - before, totals);
    const RoundTime without = rounds.Run<Body::kSourceOnly>(options.round_packets, false);
    whole.push_back(with.cpu_ns / packets);
    source.push_back(without.cpu_ns / packets);
    pipeline.push_back((with.cpu_ns - without.cpu_ns) / packets);
    all.cpu_ns += with.cpu_ns + without.cpu_ns;
    all.wall_ns += with.wall_ns + without.wall_ns;
  }
  totals.stale = options.make_stale != nullptr;
  totals.packets = uint64_t{options.round_packets} * options.rounds;
  totals.sent = rounds.sent() - sent_before;
  totals.flows = bench.flows().size();
  const SessionCounts counts = bench.dataplane().sessions().Counts();
  totals.sessions = counts.counted + counts.cache_only;
  CheckSamples(bench, rounds, totals);
  result.pipeline_ns = SpreadOf(pipeline);
  result.rounds_ns = std::move(pipeline);
  result.source_ns = SpreadOf(source);
  result.whole_ns = SpreadOf(whole);
  result.p99_burst_ns = Quantile({rounds.burst_ticks().begin(), rounds.burst_ticks().end()}, 0.99) *
                        1e9 / TscHz() / bench.driver().burst();
  result.preempted_share = std::max(0.0, 1 - all.cpu_ns / all.wall_ns);
  result.mean_frame_bytes = options.schedule.sizes.mean_bytes();
  return result;
}

std::vector<StageCost> MeasureStages(Workbench& bench, const ForwardOptions& options) {
  Rounds rounds(bench, options);
  rounds.Run<Body::kPipeline>(options.warmup_packets, false);
  StageTally tally(bench);
  const uint32_t round_count =
      std::max(3u, options.rounds * (options.round_packets / kStageRoundPackets));
  for (uint32_t round = 0; round < round_count; ++round) {
    tally.Round(kStageRoundPackets,
                [&] { rounds.Run<Body::kPipeline>(kStageRoundPackets, false); });
  }
  return tally.Costs();
}

}  // namespace sluice
