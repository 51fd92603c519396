// IPv4 addresses and prefixes as values, host byte order. Any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct Ipv4Address {
  uint32_t value = 0;  // host byte order: 10.0.0.1 is 0x0a000001

  constexpr Ipv4Address() = default;
  constexpr explicit Ipv4Address(uint32_t host_order) : value(host_order) {}
  constexpr Ipv4Address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
      : value(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d) {}

  friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;
};
static_assert(sizeof(Ipv4Address) == 4);

struct Ipv4Prefix {
  Ipv4Address address;  // first address of the range once canonical
  uint8_t length = 0;   // 0..32

  constexpr uint32_t Mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
  constexpr bool IsCanonical() const { return (address.value & ~Mask()) == 0; }
  constexpr Ipv4Prefix Canonical() const { return {Ipv4Address(address.value & Mask()), length}; }
  constexpr Ipv4Address First() const { return Ipv4Address(address.value & Mask()); }
  constexpr Ipv4Address Last() const { return Ipv4Address(address.value | ~Mask()); }
  constexpr bool Contains(Ipv4Address a) const { return ((a.value ^ address.value) & Mask()) == 0; }
  constexpr bool Contains(const Ipv4Prefix& other) const {
    return other.length >= length && Contains(other.address);
  }
  constexpr bool Overlaps(const Ipv4Prefix& other) const {
    return Contains(other.address) || other.Contains(address);
  }

  friend constexpr auto operator<=>(const Ipv4Prefix&, const Ipv4Prefix&) = default;
};

// "10.0.0.1": four decimal parts 0..255 without leading zeros; nullopt for anything else.
std::optional<Ipv4Address> ParseIpv4Address(std::string_view text);
// "10.0.0.0/16", length 0..32; host bits are kept as written (Canonical() clears them).
std::optional<Ipv4Prefix> ParseIpv4Prefix(std::string_view text);

std::string ToString(Ipv4Address address);
std::string ToString(const Ipv4Prefix& prefix);

}  // namespace sluice
