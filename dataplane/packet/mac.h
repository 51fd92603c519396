// Ethernet addresses as values. Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct MacAddress {
  std::array<uint8_t, 6> bytes{};  // in the order of the wire

  // The low 48 bits of the result are the address, first byte highest.
  constexpr uint64_t ToUint64() const {
    uint64_t value = 0;
    for (const uint8_t byte : bytes) {
      value = value << 8 | byte;
    }
    return value;
  }
  constexpr bool IsMulticast() const { return (bytes[0] & 1) != 0; }

  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
  // The defaulted one calls memcmp; this one is two compares.
  friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) {
    return __builtin_memcmp(a.bytes.data(), b.bytes.data(), 6) == 0;
  }
};
static_assert(sizeof(MacAddress) == 6);

inline constexpr uint64_t kWholeMac = 0xffff'ffff'ffff;  // every bit of a packed MAC (wire.h)
inline constexpr MacAddress kBroadcastMac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// "02:00:00:00:00:01", either case; nullopt for anything else.
std::optional<MacAddress> ParseMacAddress(std::string_view text);
// Lower case.
std::string ToString(const MacAddress& mac);

}  // namespace sluice
