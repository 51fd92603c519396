#include "tools/bench/update/established_loop.h"

#include "tools/bench/thread_clock.h"

namespace sluice {

double EstablishedLoop::RunNs(uint32_t packets) {
  const int64_t start = ThreadCpuNs();
  for (const uint64_t end = given_ + packets; given_ < end;) {
    bench_.ReadClock();
    Burst();
  }
  return static_cast<double>(ThreadCpuNs() - start);
}

}  // namespace sluice
