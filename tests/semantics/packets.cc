#include "tests/semantics/packets.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::testing {
namespace {

constexpr size_t kEthernetBytes = 14;

std::string AddressText(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 0xff) + (shift == 0 ? "" : ".");
  }
  return text;
}

std::string MacTextAt(const Bytes& bytes, size_t at) {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", bytes.at(at),
                bytes.at(at + 1), bytes.at(at + 2), bytes.at(at + 3), bytes.at(at + 4),
                bytes.at(at + 5));
  return text.data();
}

Bytes Part(const Bytes& bytes, size_t from, size_t to) {
  const size_t end = std::min(to, bytes.size());
  const size_t begin = std::min(from, end);
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
               bytes.begin() + static_cast<std::ptrdiff_t>(end));
}

uint16_t PortOf(const std::string& end) {
  const size_t colon = end.find(':');
  return colon == std::string::npos ? uint16_t{0}
                                    : static_cast<uint16_t>(std::stoi(end.substr(colon + 1)));
}

PacketSpec Between(const std::string& from, const std::string& to, uint8_t protocol) {
  PacketSpec spec;
  spec.src = AddressOf(from);
  spec.dst = AddressOf(to);
  spec.src_port = PortOf(from);
  spec.dst_port = PortOf(to);
  spec.protocol = protocol;
  return spec;
}

bool IsError(uint8_t icmp_type) {
  return icmp_type == 3 || icmp_type == 4 || icmp_type == 5 || icmp_type == 11 || icmp_type == 12;
}

void ReadTransport(Seen& seen) {
  const Bytes& l4 = seen.l4;
  if ((seen.protocol == 6 || seen.protocol == 17) && l4.size() >= 4) {
    seen.src_port = static_cast<uint16_t>(Get16(l4, 0));
    seen.dst_port = static_cast<uint16_t>(Get16(l4, 2));
  }
  if (seen.protocol == 6 && l4.size() >= 14) {
    seen.seq = Get32(l4, 4);
    seen.ack = Get32(l4, 8);
    seen.tcp_flags = l4[13];
  }
  if (seen.protocol == 1 && l4.size() >= 8) {
    seen.icmp_type = l4[0];
    seen.icmp_code = l4[1];
    seen.icmp_id = static_cast<uint16_t>(Get16(l4, 4));
    seen.icmp_rest = Get32(l4, 4);
    seen.quote = IsError(seen.icmp_type) ? Part(l4, 8, l4.size()) : Bytes();
  }
}

// From an IPv4 header on; `bytes` may be cut short, as in a quote.
Seen ReadPacket(const Bytes& bytes) {
  Seen seen;
  seen.header_bytes = (bytes.at(0) & 15u) * 4;
  seen.ip = Part(bytes, 0, Get16(bytes, 2));
  seen.ip_id = static_cast<uint16_t>(Get16(bytes, 4));
  const uint32_t word = Get16(bytes, 6);
  seen.dont_fragment = (word & 0x4000) != 0;
  seen.more_fragments = (word & 0x2000) != 0;
  seen.fragment_bytes = (word & 0x1fff) * 8;
  seen.ttl = bytes.at(8);
  seen.protocol = bytes.at(9);
  seen.src = AddressText(Get32(bytes, 12));
  seen.dst = AddressText(Get32(bytes, 16));
  seen.l4 = Part(seen.ip, seen.header_bytes, seen.ip.size());
  if (seen.fragment_bytes == 0) {
    ReadTransport(seen);
  }
  return seen;
}

std::string PacketText(const Bytes& packet);

std::string SeenText(const Seen& seen) {
  const bool later = seen.fragment_bytes != 0;
  const bool has_ports = !later && (seen.protocol == 6 || seen.protocol == 17);
  std::string text = seen.protocol == 6    ? "tcp "
                     : seen.protocol == 17 ? "udp "
                     : seen.protocol == 1  ? "icmp "
                                           : std::to_string(seen.protocol) + " ";
  if (seen.protocol == 1 && !later) {
    text += std::to_string(seen.icmp_type) + "/" + std::to_string(seen.icmp_code) + " ";
    text += IsError(seen.icmp_type) ? "" : "id " + std::to_string(seen.icmp_id) + " ";
  }
  text += has_ports ? End(seen.src, seen.src_port) : seen.src;
  text += " > " + (has_ports ? End(seen.dst, seen.dst_port) : seen.dst);
  if (later || seen.more_fragments) {
    text += " +" + std::to_string(seen.fragment_bytes);
  }
  if (seen.quote.size() >= 28) {
    text += " [" + PacketText(seen.quote) + "]";
  }
  return text;
}

std::string PacketText(const Bytes& packet) {
  return SeenText(ReadPacket(packet));
}

}  // namespace

uint32_t AddressOf(const std::string& text) {
  return Address(text.substr(0, text.find(':')).c_str());
}

std::string End(const std::string& address, uint32_t l4_port) {
  return address + ":" + std::to_string(l4_port);
}

PacketSpec Tcp(const std::string& from, const std::string& to, uint8_t flags, uint32_t seq,
               uint32_t ack, size_t payload_bytes) {
  PacketSpec spec = Between(from, to, 6);
  spec.tcp_flags = flags;
  spec.seq = seq;
  spec.ack = ack;
  spec.payload.resize(payload_bytes, 0x5a);
  return spec;
}

PacketSpec Udp(const std::string& from, const std::string& to, size_t payload_bytes) {
  PacketSpec spec = Between(from, to, 17);
  spec.payload.resize(payload_bytes, 0x5a);
  return spec;
}

PacketSpec Icmp(const std::string& from, const std::string& to, uint8_t type, uint8_t code,
                uint16_t id) {
  PacketSpec spec = Between(from, to, 1);
  spec.icmp_type = type;
  spec.icmp_code = code;
  spec.icmp_id = id;
  spec.payload.resize(8, 0x5a);
  return spec;
}

PacketSpec Echo(const std::string& from, const std::string& to, uint16_t id) {
  return Icmp(from, to, 8, 0, id);
}
PacketSpec EchoReply(const std::string& from, const std::string& to, uint16_t id) {
  return Icmp(from, to, 0, 0, id);
}

PacketSpec Raw(const std::string& from, const std::string& to, uint8_t protocol) {
  PacketSpec spec = Between(from, to, protocol);
  spec.raw_l4 = true;
  spec.payload.resize(24, 0x5a);
  return spec;
}

PacketSpec ErrorAbout(const std::string& from, const std::string& to, uint8_t type, uint8_t code,
                      const Bytes& packet, size_t quoted_bytes) {
  PacketSpec spec = Between(from, to, 1);
  spec.icmp_type = type;
  spec.icmp_code = code;
  spec.payload = Part(packet, 0, quoted_bytes);
  return spec;
}

bool IsIpv4Frame(const Bytes& frame) {
  return frame.size() >= kEthernetBytes + 20 && Get16(frame, 12) == 0x0800 &&
         frame[kEthernetBytes] >> 4 == 4;
}

Seen Read(const Bytes& frame) {
  return ReadPacket(Part(frame, kEthernetBytes, frame.size()));
}

std::string TextOf(const Bytes& frame) {
  if (IsIpv4Frame(frame) && (frame[kEthernetBytes] & 15) >= 5) {
    return SeenText(Read(frame));
  }
  if (frame.size() >= 42 && Get16(frame, 12) == 0x0806) {
    return "arp " + AddressText(Get32(frame, 28)) + " is " + MacTextAt(frame, 22) + " to " +
           AddressText(Get32(frame, 38));
  }
  return "frame";
}

std::string FrameComplaint(const Bytes& frame) {
  if (!IsIpv4Frame(frame)) {
    return "";
  }
  const std::string outer = ChecksumComplaint(frame, kEthernetBytes);
  if (!outer.empty()) {
    return outer;
  }
  const Seen seen = Read(frame);
  if (seen.quote.size() < 20) {
    return "";
  }
  const size_t header_bytes = (seen.quote[0] & 15u) * 4;
  if (header_bytes >= 20 && header_bytes <= seen.quote.size() &&
      SlowSum(seen.quote, 0, header_bytes) != 0xffff) {
    return "quoted IPv4 header checksum";
  }
  const bool whole = seen.quote.size() >= Get16(seen.quote, 2);
  const std::string inner = whole ? ChecksumComplaint(seen.quote, 0) : "";
  return inner.empty() ? "" : "quoted " + inner;
}

bool Matches(const std::string& text, const std::string& pattern) {
  size_t t = 0;
  size_t p = 0;
  size_t star = std::string::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string::npos;
}

}  // namespace sluice::testing
