#include "perf/workload/frame_sizes.h"

#include <charconv>
#include <numeric>

namespace sluice {

std::optional<FrameSizes> FrameSizes::Parse(std::string_view text) {
  FrameSizes sizes;
  sizes.name_ = text;
  if (text == "imix") {
    sizes.deck_ = {64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518};
    return sizes;
  }
  uint16_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size() || bytes < kMinFrameBytes ||
      bytes > kMaxFrameBytes) {
    return std::nullopt;
  }
  sizes.deck_ = {bytes};
  return sizes;
}

uint16_t FrameSizes::Draw(WorkloadRandom& random) const {
  return deck_.size() == 1 ? deck_[0] : deck_[random.Below(deck_.size())];
}

double FrameSizes::mean_bytes() const {
  return std::accumulate(deck_.begin(), deck_.end(), 0.0) / static_cast<double>(deck_.size());
}

}  // namespace sluice
