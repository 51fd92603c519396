// Lengths of the frames of a workload, as on the wire: with the 4 bytes of FCS that never reach
// memory (RFC 2544 9.1), 64..1518.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perf/workload/key_stream.h"

namespace sluice {

inline constexpr uint16_t kMinFrameBytes = 64;
inline constexpr uint16_t kMaxFrameBytes = 1518;
inline constexpr uint16_t kFcsBytes = 4;

class FrameSizes {
 public:
  // "64" .. "1518", or "imix": 64, 594 and 1518 bytes in the ratio 7 : 4 : 1 (simple IMIX,
  // RFC 6985). Nothing when it is neither.
  static std::optional<FrameSizes> Parse(std::string_view text);

  uint16_t Draw(WorkloadRandom& random) const;
  double mean_bytes() const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::vector<uint16_t> deck_;  // drawn evenly
};

}  // namespace sluice
