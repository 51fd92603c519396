// Which packets of an offered load were lost because the system had the CPU, and which because the
// worker did not keep up. One thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

class LoadAccount {
 public:
  // More of what arrived is not the load that is named, whoever had the CPU.
  static constexpr double kMostLostShare = 0.1;
  // Of what arrived, beyond what gaps explain: queues of few packets overflow now and then.
  static constexpr double kMostUnexplainedShare = 0.001;

  // A turn of the worker's loop that took `gap_ticks` or more was interrupted.
  LoadAccount(double packets_per_tick, uint64_t gap_ticks)
      : packets_per_tick_(packets_per_tick), gap_ticks_(gap_ticks) {}

  // A turn took so long; `lost` packets found no room in it.
  void Turn(uint64_t ticks, uint64_t lost) noexcept {
    if (ticks >= gap_ticks_) {
      ++gaps_;
      gaps_ticks_ += ticks;
      excused_ += static_cast<double>(ticks) * packets_per_tick_;
    }
    lost_ += lost;
    const double by_gap =
        excused_ < static_cast<double>(lost) ? excused_ : static_cast<double>(lost);
    excused_ -= by_gap;
    explained_ += by_gap;
  }
  // The queue is empty: what gaps did to it is over.
  void Empty() noexcept { excused_ = 0; }

  uint64_t gaps() const { return gaps_; }
  uint64_t gaps_ticks() const { return gaps_ticks_; }
  uint64_t lost() const { return lost_; }
  // Of the lost: at most as many as came during gaps, and before the queue was empty again.
  double explained() const { return explained_; }

  // Empty when the load was carried, of `arrived` packets; else why it was not.
  std::string WhyNotCarried(uint64_t arrived) const;

 private:
  double packets_per_tick_;
  uint64_t gap_ticks_;
  double excused_ = 0;  // packets that may still be lost by gaps
  double explained_ = 0;
  uint64_t gaps_ = 0;
  uint64_t gaps_ticks_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace sluice
