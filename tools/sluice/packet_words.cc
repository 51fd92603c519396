#include "tools/sluice/packet_words.h"

#include <charconv>

#include "dataplane/packet/protocol.h"

namespace sluice {

std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

std::optional<uint8_t> ParseProtocol(std::string_view text) {
  if (text == "tcp") {
    return kProtocolTcp;
  }
  if (text == "udp") {
    return kProtocolUdp;
  }
  if (text == "icmp") {
    return kProtocolIcmp;
  }
  const std::optional<uint64_t> number = ParseNumber(text, 255);
  return number.has_value() ? std::optional<uint8_t>(static_cast<uint8_t>(*number)) : std::nullopt;
}

std::optional<std::pair<uint8_t, uint8_t>> ParseIcmpTypeCode(std::string_view text) {
  const size_t slash = text.find('/');
  const auto type = ParseNumber(text.substr(0, slash), 255);
  const auto code = slash == std::string_view::npos ? std::optional<uint64_t>(0)
                                                    : ParseNumber(text.substr(slash + 1), 255);
  if (!type.has_value() || !code.has_value()) {
    return std::nullopt;
  }
  return std::pair(static_cast<uint8_t>(*type), static_cast<uint8_t>(*code));
}

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
