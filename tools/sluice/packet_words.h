// Words of packets on the command line. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice {

// Decimal digits only, at most `max`.
std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t max);
// "tcp", "udp", "icmp" or 0..255.
std::optional<uint8_t> ParseProtocol(std::string_view text);
// "8/0", or "8" for code 0.
std::optional<std::pair<uint8_t, uint8_t>> ParseIcmpTypeCode(std::string_view text);
// Seconds with at most nine decimals ("12", "12.5"), as nanoseconds.
std::optional<int64_t> ParseSeconds(std::string_view text);

}  // namespace sluice
