#include "tools/sluice/packet_words.h"

namespace sluice {

std::optional<int64_t> ParseSeconds(std::string_view text) {
  constexpr uint64_t kMaxSeconds = INT64_MAX / 1'000'000'000 - 1;
  const size_t point = text.find('.');
  const auto whole = ParseNumber(text.substr(0, point), kMaxSeconds);
  if (!whole.has_value()) {
    return std::nullopt;
  }
  int64_t nanos = 0;
  if (point != std::string_view::npos) {
    const std::string_view decimals = text.substr(point + 1);
    const auto fraction = ParseNumber(decimals, 999'999'999);
    if (!fraction.has_value() || decimals.size() > 9) {
      return std::nullopt;
    }
    nanos = static_cast<int64_t>(*fraction);
    for (size_t i = decimals.size(); i < 9; ++i) {
      nanos *= 10;
    }
  }
  return static_cast<int64_t>(*whole) * 1'000'000'000 + nanos;
}

}  // namespace sluice
