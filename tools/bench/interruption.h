// SIGINT, SIGTERM and SIGHUP kept waiting while a run has something to clean up. Main thread; one
// object at a time.
#pragma once

#include <signal.h>

#include <array>

namespace sluice {

class Interruption {
 public:
  Interruption();
  // Puts back what was there; then a signal that came meanwhile does what it would have done. One
  // that would have ended the process ends it by exit(128 + signal): DPDK's folder goes with it.
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // One of them came while there was an object: end in good order, soon. Ignored ones stay so.
  static bool happened();

 private:
  std::array<struct sigaction, 3> before_;
};

}  // namespace sluice
