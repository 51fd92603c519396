#include "tools/bench/cps/cps_run.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "dataplane/session/session_state.h"
#include "tools/bench/cps/connection_rounds.h"

namespace sluice {
namespace {

constexpr const char* kStepNames[] = {"syn", "syn_ack", "ack", "fin", "fin_ack", "last_ack"};
constexpr const char* kDataStepNames[] = {"syn",       "syn_ack", "ack",     "data",
                                          "data_back", "fin",     "fin_ack", "last_ack"};

struct Parts {
  Parts(Workbench& bench, const CpsOptions& options, std::unique_ptr<ControlSide> side)
      : source(bench.families(), bench.flows(), bench.links(), options.data,
               ConnectionRounds::SlotsFor(
                   std::max(options.round, options.sampled), Lag(options),
                   static_cast<uint32_t>(ConnectionSteps(options.data).size()))),
        control(std::move(side)),
        rounds(bench, source, *control, options.round, Lag(options)) {}

  static uint32_t Lag(const CpsOptions& options) {
    return std::max<uint32_t>(
        1, options.in_flight / static_cast<uint32_t>(ConnectionSteps(options.data).size() - 1));
  }

  ConnectionSource source;
  std::unique_ptr<ControlSide> control;
  ConnectionRounds rounds;
};

// Until admissions evict; at most as many rounds as that should take.
void Fill(Workbench& bench, const CpsOptions& options, Parts& parts, CpsResult& result) {
  const SessionTable& sessions = bench.dataplane().sessions();
  const auto start = std::chrono::steady_clock::now();
  const uint32_t most = sessions.capacity() / options.round + 2;
  std::vector<double> ns;
  const Fates before = CountFates(bench.dataplane().counters());
  while (ns.size() < most && sessions.Counts().counted + options.round < sessions.capacity()) {
    ns.push_back(parts.rounds.Mixed() / options.round);
  }
  result.fill_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.filling_rounds = static_cast<uint32_t>(ns.size());
  result.filling_ns = SpreadOf(ns);
  result.filling_hit_rate = HitRate(CountFates(bench.dataplane().counters()) - before);
}

void MeasureSteady(Workbench& bench, const CpsOptions& options, Parts& parts, CpsResult& result) {
  for (int i = 0; i < 3; ++i) {
    parts.rounds.Mixed();  // the first evictions
  }
  std::vector<double> steady, source;
  const double control_before = parts.control->cpu_ns();
  const Fates before = CountFates(bench.dataplane().counters());
  const uint64_t freed_before = parts.control->counts().freed;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    const double with = parts.rounds.Mixed();
    const double without = parts.rounds.MixedSourceOnly();
    steady.push_back((with - without) / options.round);
    source.push_back(without / options.round);
  }
  result.steady_connections = uint64_t{options.round} * options.rounds;
  result.control_ns =
      (parts.control->cpu_ns() - control_before) / static_cast<double>(result.steady_connections);
  result.evicted = parts.control->counts().freed - freed_before;
  result.steady_hit_rate = HitRate(CountFates(bench.dataplane().counters()) - before);
  result.steady_ns = SpreadOf(steady);
  result.source_ns = SpreadOf(source);
  // What filling cost had the source in it too.
  for (double* value :
       {&result.filling_ns.median, &result.filling_ns.low, &result.filling_ns.high}) {
    *value = std::max(0.0, *value - result.source_ns.median);
  }
}

void MeasureStages(Workbench& bench, const CpsOptions& options, Parts& parts, CpsResult& result) {
  StageTally tally(bench);
  for (uint32_t round = 0; round < options.rounds; ++round) {
    tally.Round(options.round * parts.source.step_count(), [&] { parts.rounds.Mixed(); });
  }
  result.stages = tally.Costs();
}

std::vector<StepCost> MeasureSteps(const CpsOptions& options, uint32_t rounds, Parts& parts) {
  const uint32_t steps = parts.source.step_count();
  std::vector<std::vector<double>> ns(steps), source(steps);
  std::vector<uint64_t> hits_before(steps);
  for (uint32_t step = 0; step < steps; ++step) {
    hits_before[step] = parts.rounds.step_hits(step);
  }
  for (uint32_t round = 0; round < rounds; ++round) {
    const std::vector<double> with = parts.rounds.ByStep(RoundBody::kPipeline);
    const std::vector<double> without = parts.rounds.ByStep(RoundBody::kSourceOnly);
    for (size_t step = 0; step < with.size(); ++step) {
      ns[step].push_back((with[step] - without[step]) / options.round);
      source[step].push_back(without[step] / options.round);
    }
  }
  std::vector<StepCost> costs;
  for (uint32_t step = 0; step < steps; ++step) {
    const double packets = static_cast<double>(options.round) * rounds;
    const auto hits = static_cast<double>(parts.rounds.step_hits(step) - hits_before[step]);
    costs.push_back({(options.data ? kDataStepNames : kStepNames)[step], SpreadOf(ns[step]),
                     SpreadOf(source[step]), hits / packets, rounds});
  }
  return costs;
}

// Everything that is closed has been idle for long enough: the sweep alone takes it out.
void Expire(Parts& parts) {
  parts.rounds.SkipMs(kNatIdleMs + 1);
  parts.control->Round(parts.rounds.clock());
}

// As many rounds as fill half of the table, which is empty, and is again afterwards.
void MeasureFillingSteps(Workbench& bench, const CpsOptions& options, Parts& parts,
                         CpsResult& result) {
  const uint32_t room = bench.dataplane().sessions().capacity() / 2 / options.round;
  result.filling_steps = MeasureSteps(options, std::clamp(room, 1u, options.rounds), parts);
  Expire(parts);
}

void MeasureExpiry(Parts& parts, CpsResult& result) {
  const SweepCounts before = parts.control->counts();
  const double cpu_before = parts.control->cpu_ns();
  Expire(parts);
  const uint64_t expired = parts.control->counts().expired - before.expired;
  result.expired = expired;
  result.expiry_ns =
      expired == 0 ? 0 : (parts.control->cpu_ns() - cpu_before) / static_cast<double>(expired);
}

void CountGateways(Workbench& bench, uint64_t& attempted, uint64_t& established) {
  attempted = established = 0;
  for (const NatCounters& gateway : bench.dataplane().counters().nat_gateways) {
    attempted += gateway.attempted.Read();
    established += gateway.established.Read();
  }
}

}  // namespace

CpsResult RunCps(Workbench& bench, const CpsOptions& options) {
  CpsResult result;
  Parts parts(bench, options,
              ControlSide::Make(bench.dataplane().sessions(), bench.dataplane().account()));
  const Fates before = CountFates(bench.dataplane().counters());
  uint64_t attempted = 0;
  uint64_t established = 0;
  CountGateways(bench, attempted, established);
  Fill(bench, options, parts, result);
  MeasureSteady(bench, options, parts, result);
  if (options.stages) {
    MeasureStages(bench, options, parts, result);
  }
  parts.rounds.Drain();
  result.steps = MeasureSteps(options, options.rounds, parts);
  OutputCheck check(bench.config(), bench.flows(), bench.links());
  parts.rounds.Sample(options.sampled, check);
  MeasureExpiry(parts, result);
  MeasureFillingSteps(bench, options, parts, result);
  result.fates = CountFates(bench.dataplane().counters()) - before;
  CountGateways(bench, result.attempted, result.established);
  result.attempted -= attempted;
  result.established -= established;
  const SessionCounts counts = bench.dataplane().sessions().Counts();
  result.left = counts.counted + counts.cache_only -
                std::min<uint64_t>(counts.counted + counts.cache_only, bench.flows().size());
  result.freed = parts.control->counts().freed;
  result.connections = parts.rounds.begun();
  result.packets = parts.rounds.packets();
  result.sent = parts.rounds.sent();
  result.strangers = parts.source.strangers();
  result.compared = parts.rounds.compared();
  return result;
}

std::vector<std::string> BrokenCpsClaims(const CpsResult& result, uint32_t steps) {
  std::vector<std::string> broken;
  const auto equal = [&](const char* what, uint64_t observed, uint64_t expected,
                         const std::string& more) {
    if (observed != expected) {
      broken.push_back(std::string(what) + ": " + std::to_string(observed) + ", expected " +
                       std::to_string(expected) + (more.empty() ? "" : " (" + more + ")"));
    }
  };
  const std::string drop = result.fates.FirstDrop();
  equal("packets given to the pipeline", result.packets, result.connections * steps, "");
  equal("packets counted as received", result.fates.received, result.packets, "");
  equal("packets forwarded", result.fates.forwarded, result.packets, drop);
  equal("packets that left", result.sent, result.packets, "");
  equal("packets dropped", result.fates.dropped, 0, drop);
  equal("packets that found no session", result.fates.misses, result.connections, "connections");
  equal("connections the NAT gateway counts as attempted", result.attempted, result.connections,
        "");
  equal("connections the NAT gateway counts as established", result.established, result.connections,
        "");
  equal("sessions returned", result.freed + result.left, result.connections, "connections");
  equal("sessions left after their time", result.left, 0, "");
  equal("answers to an address that was not foreseen", result.strangers, 0, "");
  result.compared.Judge("of connections from begin to end", broken);
  if (result.steady_connections == 0) {
    broken.push_back("nothing was measured");
  }
  return broken;
}

}  // namespace sluice
