#include "tests/property/frame_maker.h"

#include <algorithm>

namespace sluice::testing {
namespace {

constexpr size_t kLinkBytes = 14;
constexpr size_t kIpBytes = 20;

void Put16(Frame& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void Put32(Frame& out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

uint32_t Sum(const Frame& bytes, size_t begin, size_t end, uint32_t sum) {
  for (size_t i = begin; i < end; i += 2) {
    sum += static_cast<uint32_t>(bytes[i] << 8) | (i + 1 < end ? bytes[i + 1] : 0u);
  }
  return sum;
}

uint16_t Finish(uint32_t sum) {
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

void Set16(Frame& out, size_t at, uint16_t value) {
  out[at] = static_cast<uint8_t>(value >> 8);
  out[at + 1] = static_cast<uint8_t>(value);
}

uint32_t PseudoSum(const FrameSpec& spec, size_t bytes) {
  return (spec.source.value >> 16) + (spec.source.value & 0xffff) + (spec.destination.value >> 16) +
         (spec.destination.value & 0xffff) + spec.protocol + static_cast<uint32_t>(bytes);
}

Frame Transport(const FrameSpec& spec) {
  Frame out;
  if (spec.protocol == 6 || spec.protocol == 17) {
    Put16(out, spec.source_port);
    Put16(out, spec.destination_port);
  }
  if (spec.protocol == 6) {
    Put32(out, spec.tcp_sequence);
    Put32(out, spec.tcp_acknowledgment);
    Put16(out, 0x5000u | spec.tcp_flags);
    Put16(out, 8192);
    Put32(out, 0);
  } else if (spec.protocol == 17) {
    Put16(out, 8u + spec.payload_bytes);
    Put16(out, 0);
  } else if (spec.protocol == 1) {
    out.push_back(spec.icmp_type);
    out.push_back(spec.icmp_code);
    Put16(out, 0);
    Put16(out, spec.quoted.empty() ? spec.source_port : 0u);
    Put16(out, spec.quoted.empty() ? 7u : 0u);
    out.insert(out.end(), spec.quoted.begin(), spec.quoted.end());
  }
  for (uint16_t i = 0; i < spec.payload_bytes && spec.quoted.empty(); ++i) {
    out.push_back(static_cast<uint8_t>(i * 7 + 3));
  }
  return out;
}

void SealTransport(const FrameSpec& spec, Frame& l4) {
  const auto bytes = l4.size();
  if (spec.protocol == 6) {
    Set16(l4, 16, Finish(Sum(l4, 0, bytes, PseudoSum(spec, bytes))));
  } else if (spec.protocol == 17 && !spec.zero_udp_checksum) {
    const uint16_t checksum = Finish(Sum(l4, 0, bytes, PseudoSum(spec, bytes)));
    Set16(l4, 6, checksum == 0 ? 0xffff : checksum);
  } else if (spec.protocol == 1) {
    Set16(l4, 2, Finish(Sum(l4, 0, bytes, 0)));
  }
}

uint32_t Get16(const Frame& f, size_t at) {
  return static_cast<uint32_t>(f[at] << 8 | f[at + 1]);
}

uint32_t Get32(const Frame& f, size_t at) {
  return Get16(f, at) << 16 | Get16(f, at + 2);
}

}  // namespace

size_t PacketOffset(const Frame& frame) {
  return Get16(frame, 12) == 0x8100 ? 18 : kLinkBytes;
}

void SealPacket(Frame& frame) {
  const size_t ip = PacketOffset(frame);
  Set16(frame, ip + 10, 0);
  Set16(frame, ip + 10, Finish(Sum(frame, ip, ip + (frame[ip] & 0xfu) * 4, 0)));
}

Frame MakeFrame(const FrameSpec& spec) {
  Frame l4 = Transport(spec);
  SealTransport(spec, l4);
  Frame out(spec.destination_mac.bytes.begin(), spec.destination_mac.bytes.end());
  out.insert(out.end(), spec.source_mac.bytes.begin(), spec.source_mac.bytes.end());
  if (spec.vlan != 0) {
    Put16(out, 0x8100);
    Put16(out, spec.vlan);
  }
  Put16(out, 0x0800);
  const size_t ip = out.size();
  out.push_back(0x45);
  out.push_back(0);
  Put16(out, static_cast<uint32_t>(kIpBytes + l4.size()));
  Put16(out, spec.identification);
  Put16(out, spec.fragment_word);
  out.push_back(spec.ttl);
  out.push_back(spec.protocol);
  Put16(out, 0);
  Put32(out, spec.source.value);
  Put32(out, spec.destination.value);
  Set16(out, ip + 10, Finish(Sum(out, ip, ip + kIpBytes, 0)));
  out.insert(out.end(), l4.begin(), l4.end());
  return out;
}

FrameSpec ReadFrame(const Frame& frame) {
  const size_t ip = PacketOffset(frame);
  FrameSpec spec;
  std::copy_n(frame.begin(), 6, spec.destination_mac.bytes.begin());
  std::copy_n(frame.begin() + 6, 6, spec.source_mac.bytes.begin());
  spec.vlan = ip == kLinkBytes ? uint16_t{0} : static_cast<uint16_t>(Get16(frame, 14) & 0xfff);
  const size_t l4 = ip + (frame[ip] & 0xfu) * 4;
  spec.protocol = frame[ip + 9];
  spec.ttl = frame[ip + 8];
  spec.source = Ipv4Address(Get32(frame, ip + 12));
  spec.destination = Ipv4Address(Get32(frame, ip + 16));
  if ((spec.protocol == 6 || spec.protocol == 17) && frame.size() >= l4 + 8) {
    spec.source_port = static_cast<uint16_t>(Get16(frame, l4));
    spec.destination_port = static_cast<uint16_t>(Get16(frame, l4 + 2));
  }
  if (spec.protocol == 6 && frame.size() >= l4 + 20) {
    spec.tcp_sequence = Get32(frame, l4 + 4);
    spec.tcp_acknowledgment = Get32(frame, l4 + 8);
    spec.tcp_flags = frame[l4 + 13];
    spec.payload_bytes = static_cast<uint16_t>(frame.size() - l4 - 20);
  }
  if (spec.protocol == 1 && frame.size() >= l4 + 8) {
    spec.icmp_type = frame[l4];
    spec.icmp_code = frame[l4 + 1];
    spec.source_port = static_cast<uint16_t>(Get16(frame, l4 + 4));
  }
  return spec;
}

std::vector<Frame> InPieces(const Frame& frame, size_t bytes) {
  const size_t ip = PacketOffset(frame);
  const size_t payload = ip + (frame[ip] & 0xfu) * 4;
  if (frame.size() <= payload + bytes) {
    return {frame};
  }
  std::vector<Frame> pieces;
  for (size_t from = payload; from < frame.size(); from += bytes) {
    const size_t end = std::min(frame.size(), from + bytes);
    Frame piece(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(payload));
    piece.insert(piece.end(), frame.begin() + static_cast<ptrdiff_t>(from),
                 frame.begin() + static_cast<ptrdiff_t>(end));
    const size_t more = end < frame.size() ? 0x2000 : 0;
    Set16(piece, ip + 2, static_cast<uint16_t>(piece.size() - ip));
    Set16(piece, ip + 6, static_cast<uint16_t>(more | (from - payload) / 8));
    Set16(piece, ip + 10, 0);
    Set16(piece, ip + 10, Finish(Sum(piece, ip, payload, 0)));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

Frame PacketOf(const Frame& frame, size_t bytes) {
  const size_t ip = PacketOffset(frame);
  const size_t end = std::min(frame.size(), ip + bytes);
  return Frame(frame.begin() + static_cast<ptrdiff_t>(ip),
               frame.begin() + static_cast<ptrdiff_t>(end));
}

}  // namespace sluice::testing
