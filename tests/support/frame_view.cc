#include "tests/support/frame_view.h"

#include <utility>

namespace sluice::testing {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kIcmpReply = 255;

// The flow of the packet whose header is at `ip` and whose bytes reach to `end`; false when it has
// none.
bool ReadTuple(const Bytes& b, size_t ip, size_t end, FlowTuple& tuple) {
  const size_t l4 = ip + (b[ip] & 0xfu) * 4;
  tuple.protocol = b[ip + 9];
  tuple.src = Read32(b, ip + 12);
  tuple.dst = Read32(b, ip + 16);
  if ((Read16(b, ip + 6) & 0x1fff) != 0) {
    return false;
  }
  if (tuple.protocol == 6 || tuple.protocol == 17) {
    if (l4 + 4 > end) {
      return false;
    }
    tuple.src_port = static_cast<uint16_t>(Read16(b, l4));
    tuple.dst_port = static_cast<uint16_t>(Read16(b, l4 + 2));
    return true;
  }
  if (tuple.protocol != 1) {
    return true;
  }
  if (l4 + 8 > end || b[l4 + 1] != 0) {
    return false;
  }
  const uint8_t type = b[l4];
  const bool echo = type == 8 || type == 0;
  if (!echo && (type < 13 || type > 18)) {
    return false;
  }
  const bool reply = type == 0 || (type >= 13 && type % 2 == 0);
  tuple.src_port = static_cast<uint16_t>(Read16(b, l4 + 4));
  tuple.dst_port = type == 0 ? uint8_t{8} : static_cast<uint8_t>(reply ? type - 1 : type);
  if (reply) {
    tuple.protocol = kIcmpReply;
    std::swap(tuple.src_port, tuple.dst_port);
  }
  return true;
}

bool HoldsHeader(const Bytes& b, size_t ip, size_t end) {
  return end >= ip + 20 && b[ip] >> 4 == 4 && (b[ip] & 0xfu) >= 5 && ip + (b[ip] & 0xfu) * 4 <= end;
}

size_t IpOffset(const Bytes& frame) {
  return frame.size() > 18 && frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
}

}  // namespace

bool IsIcmpError(uint8_t type) {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

uint32_t Read16(const Bytes& b, size_t at) {
  return static_cast<uint32_t>(b[at] << 8 | b[at + 1]);
}
uint32_t Read32(const Bytes& b, size_t at) {
  return Read16(b, at) << 16 | Read16(b, at + 2);
}
uint64_t ReadMac(const Bytes& b, size_t at) {
  return uint64_t{Read16(b, at)} << 32 | Read32(b, at + 2);
}

FlowTuple FlowTuple::Reversed() const {
  FlowTuple answer{protocol, dst, src, dst_port, src_port};
  if (protocol == 1 || protocol == kIcmpReply) {
    answer.protocol = protocol == 1 ? kIcmpReply : uint8_t{1};
  }
  return answer;
}

std::optional<FrameView> ViewFrame(const Bytes& frame) {
  FrameView view;
  view.ip = IpOffset(frame);
  if (frame.size() < view.ip + 20 || Read16(frame, view.ip - 2) != 0x0800) {
    return std::nullopt;
  }
  view.end = view.ip + Read16(frame, view.ip + 2);
  if (view.end > frame.size() || !HoldsHeader(frame, view.ip, view.end)) {
    return std::nullopt;
  }
  view.vlan = view.ip == 18 ? static_cast<uint16_t>(Read16(frame, 14) & 0xfff) : uint16_t{0};
  view.l4 = view.ip + (frame[view.ip] & 0xfu) * 4;
  view.protocol = frame[view.ip + 9];
  view.ttl = frame[view.ip + 8];
  const uint32_t word = Read16(frame, view.ip + 6);
  view.dont_fragment = (word & 0x4000) != 0;
  view.fragment = (word & 0x3fff) != 0;
  view.fragment_offset = (word & 0x1fff) * 8;
  view.has_tuple = ReadTuple(frame, view.ip, view.end, view.tuple);
  if (view.has_tuple && view.protocol == 6 && view.l4 + 14 <= view.end) {
    view.tcp_flags = frame[view.l4 + 13];
  }
  if (view.fragment_offset == 0 && view.protocol == 1 && view.l4 + 2 <= view.end) {
    view.icmp_type = frame[view.l4];
    view.icmp_code = frame[view.l4 + 1];
  }
  const size_t inner = view.l4 + 8;
  FlowTuple quoted;
  if (view.protocol == 1 && view.fragment_offset == 0 && inner <= view.end &&
      IsIcmpError(frame[view.l4]) && HoldsHeader(frame, inner, view.end) &&
      ReadTuple(frame, inner, view.end, quoted)) {
    view.quoted = quoted;
  }
  return view;
}

bool IsFragment(const Bytes& frame) {
  const size_t ip = IpOffset(frame);
  return frame.size() >= ip + 8 && Read16(frame, ip - 2) == 0x0800 &&
         (Read16(frame, ip + 6) & 0x3fff) != 0;
}

}  // namespace sluice::testing
