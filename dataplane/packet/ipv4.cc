#include "dataplane/packet/ipv4.h"

#include <charconv>

namespace sluice {
namespace {

// A decimal number 0..max without leading zeros at the start of `text`; consumes it.
std::optional<uint32_t> TakeNumber(std::string_view& text, uint32_t max) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const size_t digits = static_cast<size_t>(end - text.data());
  if (error != std::errc() || number > max || (digits > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  return number;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

std::optional<Ipv4Address> TakeAddress(std::string_view& text) {
  uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && !TakeChar(text, '.')) {
      return std::nullopt;
    }
    const std::optional<uint32_t> octet = TakeNumber(text, 255);
    if (!octet) {
      return std::nullopt;
    }
    value = value << 8 | *octet;
  }
  return Ipv4Address(value);
}

}  // namespace

std::optional<Ipv4Address> ParseIpv4Address(std::string_view text) {
  const std::optional<Ipv4Address> address = TakeAddress(text);
  return text.empty() ? address : std::nullopt;
}

std::optional<Ipv4Prefix> ParseIpv4Prefix(std::string_view text) {
  const std::optional<Ipv4Address> address = TakeAddress(text);
  if (!address || !TakeChar(text, '/')) {
    return std::nullopt;
  }
  const std::optional<uint32_t> length = TakeNumber(text, 32);
  if (!length || !text.empty()) {
    return std::nullopt;
  }
  return Ipv4Prefix{*address, static_cast<uint8_t>(*length)};
}

std::string ToString(Ipv4Address address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address.value >> shift & 0xff);
    if (shift > 0) {
      text += '.';
    }
  }
  return text;
}

std::string ToString(const Ipv4Prefix& prefix) {
  return ToString(prefix.address) + "/" + std::to_string(prefix.length);
}

}  // namespace sluice
