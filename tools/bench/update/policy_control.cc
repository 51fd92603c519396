#include "tools/bench/update/policy_control.h"

#include <time.h>
#include <x86intrin.h>

#include <chrono>

namespace sluice {
namespace {

CompileOptions OptionsOf(uint64_t seed) {
  CompileOptions options;
  options.hash_seed = seed;
  return options;
}

}  // namespace

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void RestNs(int64_t ns) {
  const timespec rest = {ns / 1'000'000'000, ns % 1'000'000'000};
  nanosleep(&rest, nullptr);
}

int64_t PublishClock::MonotonicNs() {
  published_ticks_ = published_ticks_ == 0 ? __rdtsc() : published_ticks_;
  return SteadyNs();
}

PolicyControl::PolicyControl(uint64_t seed)
    : compiler(HeapMemory(), OptionsOf(seed)),
      qsbr(1),
      publisher(qsbr),
      applier(compiler, publisher, clock, lock) {}

}  // namespace sluice
