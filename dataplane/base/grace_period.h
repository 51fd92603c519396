// When may memory that workers have been able to see be used again? After a grace period: every
// worker has let go of what it held when the period began. Control thread only.
#pragma once

#include <cstdint>

namespace sluice {

class GracePeriods {
 public:
  virtual ~GracePeriods() = default;

  // Begins a grace period, after the memory became unreachable. Never blocks.
  virtual uint64_t Begin() = 0;
  // True when the period is over. Never blocks.
  virtual bool IsOver(uint64_t period) const = 0;
};

// For a single thread that calls between bursts (replay, tests): nobody holds anything.
class NoReaders final : public GracePeriods {
 public:
  uint64_t Begin() override { return 0; }
  bool IsOver(uint64_t) const override { return true; }
};

}  // namespace sluice
