#include "dataplane/packet/mac.h"

namespace sluice {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr size_t kTextBytes = 17;

}  // namespace

std::optional<MacAddress> ParseMacAddress(std::string_view text) {
  if (text.size() != kTextBytes) {
    return std::nullopt;
  }
  MacAddress mac;
  for (size_t i = 0; i < mac.bytes.size(); ++i) {
    const int high = HexDigit(text[3 * i]);
    const int low = HexDigit(text[3 * i + 1]);
    const bool separated = i + 1 == mac.bytes.size() || text[3 * i + 2] == ':';
    if (high < 0 || low < 0 || !separated) {
      return std::nullopt;
    }
    mac.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return mac;
}

std::string ToString(const MacAddress& mac) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : mac.bytes) {
    if (!text.empty()) {
      text += ':';
    }
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace sluice
