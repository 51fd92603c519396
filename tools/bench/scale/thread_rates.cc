#include "tools/bench/scale/thread_rates.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "tools/bench/scale/virtual_workers.h"

namespace sluice {
namespace {

std::vector<int> UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) {
        cpus.push_back(cpu);
      }
    }
  }
  return cpus;
}

// Whether two of them say they are threads of one core.
bool AnySiblings(const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string core = std::to_string(cpu);
    std::getline(file, core);
    cores.insert(core);
  }
  return cores.size() < cpus.size();
}

void Pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

// Packets a second of these workers at once.
double RatesOf(std::vector<VirtualWorker>& workers, const std::vector<int>& cpus,
               const WorkerContext& clock, double seconds) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> packets{0};
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < workers.size(); ++i) {
    threads.emplace_back([&, i] {
      Pin(cpus[i]);
      uint64_t forwarded = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        forwarded += workers[i].RunBurst(clock);
      }
      packets.fetch_add(forwarded, std::memory_order_relaxed);
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(packets.load()) / took.count();
}

}  // namespace

ThreadRates MeasureThreadRates(Workbench& bench, uint32_t workers, const ScheduleOptions& schedule,
                               double seconds) {
  std::vector<int> cpus = UsableCpus();
  ThreadRates rates;
  if (cpus.size() < workers) {
    return rates;
  }
  cpus.resize(workers);
  rates.threads = workers;
  rates.siblings = AnySiblings(cpus);
  bench.ReadClock();
  std::vector<VirtualWorker> one = MakeVirtualWorkers(bench, 1, schedule);
  std::vector<VirtualWorker> many = MakeVirtualWorkers(bench, workers, schedule);
  // Before and after, since neighbours come and go.
  const double before = RatesOf(one, cpus, bench.worker(), seconds / 2);
  rates.together_pps = RatesOf(many, cpus, bench.worker(), seconds);
  const double after = RatesOf(one, cpus, bench.worker(), seconds / 2);
  rates.one_pps = (before + after) / 2;
  return rates;
}

}  // namespace sluice
