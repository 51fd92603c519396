#include "tools/bench/cps/connection_rounds.h"

#include <x86intrin.h>

#include <algorithm>
#include <bit>

#include "dataplane/base/check.h"
#include "tools/bench/fates.h"
#include "tools/bench/machine.h"
#include "tools/bench/thread_clock.h"

namespace sluice {

uint32_t ConnectionRounds::SlotsFor(uint32_t round, uint32_t lag, uint32_t steps) {
  return std::bit_ceil(2 * round + lag * (steps - 1) + BurstDriver::kMaxBurst);
}

ConnectionRounds::ConnectionRounds(Workbench& bench, ConnectionSource& source, ControlSide& control,
                                   uint32_t round, uint32_t lag)
    : bench_(bench),
      source_(source),
      control_(control),
      round_(round),
      mix_(source.step_count(), lag),
      burst_ns_(bench.burst_ns()),
      ns_per_tick_(1e9 / TscHz()),
      base_ns_(bench.worker().now_ns),
      base_ms_(bench.worker().now_ms),
      step_hits_(source.step_count()) {
  SLUICE_CHECK(source.slot_count() >= SlotsFor(round, lag, source.step_count()));
}

double ConnectionRounds::RealNs() const {
  return started_ == 0 || burst_ns_ != 0 ? 0.0
                                         : static_cast<double>(__rdtsc() - started_) * ns_per_tick_;
}

void ConnectionRounds::SetClock() {
  const double ns = run_ns_ + RealNs();
  bench_.worker().now_ns = base_ns_ + static_cast<int64_t>(ns);
  bench_.worker().now_ms = base_ms_ + static_cast<uint32_t>(ns / 1e6);
}

void ConnectionRounds::SkipMs(uint32_t ms) {
  run_ns_ += ms * 1e6;
  SetClock();
}

BurstClock ConnectionRounds::clock() const {
  return bench_.dataplane().clock();
}

void ConnectionRounds::Begin() {
  control_before_ns_ = control_.cpu_ns();
  cpu_before_ns_ = ThreadCpuNs();
  started_ = __rdtsc();
}

// Nanoseconds that the thread ran since Begin, but for the control side's share.
double ConnectionRounds::End(bool session_time) {
  const auto spent = static_cast<double>(ThreadCpuNs() - cpu_before_ns_);
  run_ns_ += session_time ? RealNs() : 0;
  started_ = 0;
  return spent - (control_.cpu_ns() - control_before_ns_);
}

template <RoundBody kBody>
void ConnectionRounds::RunOne(const Stamp* stamps, const ConnectionPacket* packets,
                              uint32_t count) {
  BurstDriver& driver = bench_.driver();
  driver.Load(stamps, count);
  if constexpr (kBody == RoundBody::kPipeline) {
    run_ns_ += static_cast<double>(burst_ns_);
    SetClock();
    driver.Judge();
  } else {
    driver.PassThrough();
  }
  const Batch& batch = driver.batch();
  for (uint32_t i = 0; i < count; ++i) {
    if (packets[i].step == 0 && batch.verdict[i] == Verdict::kForward) {
      if constexpr (kBody == RoundBody::kPipeline) {
        source_.Learn(packets[i].connection, batch.out_frame[i]);
      } else {
        source_.PretendToLearn(packets[i].connection, batch.out_frame[i]);
      }
    }
  }
  const uint32_t sent = driver.Send();
  if constexpr (kBody == RoundBody::kPipeline) {
    packets_ += count;
    sent_ += sent;
    control_.Between(clock());
  }
}

template <RoundBody kBody>
double ConnectionRounds::RunMix(uint64_t from, uint64_t to) {
  const uint32_t burst = bench_.driver().burst();
  Stamp stamps[BurstDriver::kMaxBurst];
  ConnectionPacket packets[BurstDriver::kMaxBurst];
  mix_.Seek(from);
  Begin();
  uint32_t count = 0;
  for (uint64_t p = from; p < to; ++p) {
    if (mix_.Take(begun_, packets[count])) {
      stamps[count] = source_.At(packets[count]);
      ++count;
    }
    if (count == burst) {
      RunOne<kBody>(stamps, packets, count);
      count = 0;
    }
  }
  if (count != 0) {
    RunOne<kBody>(stamps, packets, count);
  }
  return End(kBody == RoundBody::kPipeline);
}

void ConnectionRounds::Prepare() {
  source_.Prepare(begun_, round_);
  begun_ += round_;
}

double ConnectionRounds::Mixed() {
  Prepare();
  return RunMix<RoundBody::kPipeline>(mix_.EndOf(begun_ - round_), mix_.EndOf(begun_));
}

double ConnectionRounds::MixedSourceOnly() {
  return RunMix<RoundBody::kSourceOnly>(mix_.EndOf(begun_ - round_), mix_.EndOf(begun_));
}

void ConnectionRounds::Drain() {
  RunMix<RoundBody::kPipeline>(mix_.EndOf(begun_), mix_.LastOf(begun_));
}

template <RoundBody kBody>
double ConnectionRounds::RunStep(uint32_t step, uint64_t first, uint32_t count,
                                 std::vector<std::vector<SentPacket>>* kept) {
  const uint32_t burst = bench_.driver().burst();
  ConnectionPacket packets[BurstDriver::kMaxBurst];
  Begin();
  for (uint32_t done = 0; done < count;) {
    const auto to_end =
        source_.slot_count() - ((first + done) & (source_.slot_count() - 1));  // of the ring
    const auto some = static_cast<uint32_t>(std::min<uint64_t>({burst, count - done, to_end}));
    for (uint32_t i = 0; i < some; ++i) {
      packets[i] = {first + done + i, step};
    }
    RunOne<kBody>(source_.Run(step, first + done), packets, some);
    if (kept != nullptr) {
      for (SentPacket& sent : bench_.driver().Outputs(done)) {
        (*kept)[sent.stamp_idx].push_back(std::move(sent));
      }
    }
    done += some;
  }
  return End(kBody == RoundBody::kPipeline);
}

template <RoundBody kBody>
std::vector<double> ConnectionRounds::RunSteps() {
  std::vector<double> ns;
  for (uint32_t step = 0; step < source_.step_count(); ++step) {
    const uint64_t hits = CountFates(bench_.dataplane().counters()).hits;
    ns.push_back(RunStep<kBody>(step, begun_ - round_, round_, nullptr));
    step_hits_[step] += CountFates(bench_.dataplane().counters()).hits - hits;
  }
  return ns;
}

std::vector<double> ConnectionRounds::ByStep(RoundBody body) {
  if (body == RoundBody::kSourceOnly) {
    return RunSteps<RoundBody::kSourceOnly>();
  }
  Prepare();
  return RunSteps<RoundBody::kPipeline>();
}

void ConnectionRounds::Sample(uint32_t count, OutputCheck& check) {
  const uint64_t first = begun_;
  source_.Prepare(first, count);
  begun_ += count;
  std::vector<std::vector<SentPacket>> kept(count);
  for (uint32_t step = 0; step < source_.step_count(); ++step) {
    RunStep<RoundBody::kPipeline>(step, first, count, &kept);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const PacketHeads answer = source_.Ends(first + i).responder;
    for (uint32_t step = 0; step < source_.step_count(); ++step) {
      compared_.Add(check.Next(source_.At({first + i, step}), kept[i][step], answer));
    }
  }
}

}  // namespace sluice
