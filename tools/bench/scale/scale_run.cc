#include "tools/bench/scale/scale_run.h"

#include <algorithm>
#include <map>
#include <set>

#include "tools/bench/scale/virtual_workers.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

struct Tally {
  uint64_t received = 0;
  uint64_t forwarded = 0;
  uint64_t hits = 0;
};

Tally CountOf(const std::vector<VirtualWorker>& workers) {
  Tally tally;
  for (const VirtualWorker& worker : workers) {
    tally.hits += worker.counters().session_hits.Read();
    for (const PortCounters& port : worker.counters().ports) {
      tally.received += port.received.Read();
      tally.forwarded += port.forwarded.Read();
    }
  }
  return tally;
}

// A round of all workers in turn, burst by burst: nanoseconds a packet.
double RunRound(Workbench& bench, std::vector<VirtualWorker>& workers, uint32_t packets,
                bool source_only) {
  const int64_t start = ThreadCpuNs();
  uint32_t done = 0;
  while (done < packets) {
    for (VirtualWorker& worker : workers) {
      bench.ReadClock();
      if (source_only) {
        worker.PassBurst();
      } else {
        worker.RunBurst(bench.worker());
      }
      done += worker.burst();
    }
  }
  return static_cast<double>(ThreadCpuNs() - start) / done;
}

}  // namespace

ScaleResult MeasureScale(Workbench& bench, const ScaleOptions& options) {
  std::vector<VirtualWorker> one = MakeVirtualWorkers(bench, 1, options.schedule);
  ScheduleOptions share = options.schedule;
  share.packets /= options.workers;
  std::vector<VirtualWorker> many = MakeVirtualWorkers(bench, options.workers, share);
  RunRound(bench, one, options.schedule.packets, false);
  RunRound(bench, many, options.schedule.packets, false);
  std::vector<double> one_ns, many_ns, source_ns, speedup;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    const double source = RunRound(bench, one, options.round_packets, true);
    const double alone = RunRound(bench, one, options.round_packets, false) - source;
    const double source_of_many = RunRound(bench, many, options.round_packets, true);
    const double together = RunRound(bench, many, options.round_packets, false) - source_of_many;
    source_ns.push_back(source);
    one_ns.push_back(alone);
    many_ns.push_back(together);
    speedup.push_back(options.workers * alone / together);
  }
  ScaleResult result;
  result.one_ns = SpreadOf(one_ns);
  result.workers_ns = SpreadOf(many_ns);
  result.source_ns = SpreadOf(source_ns);
  result.speedup = SpreadOf(speedup);
  for (const auto* workers : {&one, &many}) {
    const Tally tally = CountOf(*workers);
    result.packets += tally.received;
    result.forwarded += tally.forwarded;
    result.hits += tally.hits;
  }
  return result;
}

SharingResult MeasureSharing(Workbench& bench, const WatchedMemory& memory,
                             const ScaleOptions& options, uint32_t packets) {
  ScheduleOptions schedule = options.schedule;
  schedule.packets = 2 * packets;
  std::vector<VirtualWorker> workers = MakeVirtualWorkers(bench, options.workers, schedule);
  SharingResult result;
  std::map<uintptr_t, uint32_t> writer;  // of each line, the first
  std::set<uintptr_t> contested;
  std::vector<std::set<uintptr_t>> read(workers.size());
  for (uint32_t w = 0; w < workers.size(); ++w) {
    for (uint32_t i = 0; i < packets; ++i) {  // nobody idle: as in `budget`
      bench.ReadClock();
      workers[w].RunBurst(bench.worker());
    }
  }
  const Tally before = CountOf(workers);
  const AccessTrace trace(memory);
  for (uint32_t i = 0; i < packets; ++i) {
    for (uint32_t w = 0; w < workers.size(); ++w) {
      bench.ReadClock();
      for (const MemoryAccess& access : trace.Of([&] { workers[w].RunBurst(bench.worker()); })) {
        if (!access.write) {
          read[w].insert(access.line());
        } else if (const auto [at, fresh] = writer.emplace(access.line(), w);
                   !fresh && at->second != w) {
          contested.insert(access.line());
        }
      }
    }
  }
  for (uint32_t w = 0; w < workers.size(); ++w) {
    for (const uintptr_t line : read[w]) {
      const auto at = writer.find(line);
      result.foreign_reads += at != writer.end() && at->second != w ? 1 : 0;
    }
  }
  const Tally after = CountOf(workers);
  result.packets = after.received - before.received;
  result.hits = after.hits - before.hits;
  result.written_lines = writer.size();
  result.contested_lines = contested.size();
  for (const WatchedMemory::Region& region : memory.regions()) {
    if (!contested.empty() && region.Holds(*contested.begin() * 64)) {
      result.first_contested = region.name;
    }
  }
  return result;
}

}  // namespace sluice
