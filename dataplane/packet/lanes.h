// A short list of the lanes of a batch, in rising order: what a stage works on. Worker threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

inline constexpr size_t kMaxBatch = 256;  // packets; a lane's number fits one byte

struct LaneList {
  uint32_t count = 0;
  std::array<uint8_t, kMaxBatch> lanes;  // valid: the first `count`

  void Clear() noexcept { count = 0; }
  bool empty() const noexcept { return count == 0; }
  void Add(uint32_t lane) noexcept { lanes[count++] = static_cast<uint8_t>(lane); }
  const uint8_t* begin() const noexcept { return lanes.data(); }
  const uint8_t* end() const noexcept { return lanes.data() + count; }
};

}  // namespace sluice
