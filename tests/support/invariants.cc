#include "tests/support/invariants.h"

#include <algorithm>

namespace sluice::testing {
namespace {

using Bytes = std::vector<uint8_t>;

size_t IpOffset(const Bytes& frame) {
  return frame.size() > 18 && frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
}

bool IsIpv4(const Bytes& frame) {
  const size_t ip = IpOffset(frame);
  return frame.size() >= ip + 20 && frame[ip - 2] == 8 && frame[ip - 1] == 0 && frame[ip] >> 4 == 4;
}

uint32_t Word(const Bytes& b, size_t at) {
  return static_cast<uint32_t>(b[at] << 8 | b[at + 1]);
}

uint32_t Sum(const Bytes& b, size_t begin, size_t end, uint32_t sum) {
  for (size_t i = begin; i < end; i += 2) {
    sum += static_cast<uint32_t>(b[i] << 8) | (i + 1 < end ? b[i + 1] : 0u);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

struct Shape {
  size_t ip = 0;
  size_t l4 = 0;
  size_t end = 0;
  uint8_t protocol = 0;
  bool fragment = false;
};

Shape ShapeOf(const Bytes& frame) {
  Shape s;
  s.ip = IpOffset(frame);
  s.l4 = s.ip + (frame[s.ip] & 0xfu) * 4;
  s.end = s.ip + Word(frame, s.ip + 2);
  s.protocol = frame[s.ip + 9];
  s.fragment = (Word(frame, s.ip + 6) & 0x3fff) != 0;
  return s;
}

bool TransportChecksumHolds(const Bytes& frame, const Shape& s) {
  const uint32_t bytes = static_cast<uint32_t>(s.end - s.l4);
  const bool no_checksum = s.protocol == 17 && bytes >= 8 && Word(frame, s.l4 + 6) == 0;
  if (s.fragment || no_checksum || (s.protocol != 6 && s.protocol != 17)) {
    return true;
  }
  const uint32_t pseudo = Word(frame, s.ip + 12) + Word(frame, s.ip + 14) + Word(frame, s.ip + 16) +
                          Word(frame, s.ip + 18) + s.protocol + bytes;
  return Sum(frame, s.l4, s.end, pseudo) == 0xffff;
}

// Bytes behind the transport header, which no box on the way may change (P11).
Bytes Payload(const Bytes& frame, const Shape& s) {
  const size_t header = s.protocol == 6 ? 20 : s.protocol == 17 ? 8 : 0;
  const size_t begin = std::min(s.l4 + header, s.end);
  return Bytes(frame.begin() + static_cast<ptrdiff_t>(begin),
               frame.begin() + static_cast<ptrdiff_t>(s.end));
}

void CheckForwarded(const Bytes& in, const Bytes& out, std::string& broken) {
  const Shape a = ShapeOf(in);
  const Shape b = ShapeOf(out);
  if (b.end > out.size()) {
    broken += "a sent frame is shorter than its IPv4 length; ";
    return;
  }
  if (Sum(out, b.ip, b.l4, 0) != 0xffff) {
    broken += "P3: a sent IPv4 header checksum is wrong; ";
  }
  if (TransportChecksumHolds(in, a) && !TransportChecksumHolds(out, b)) {
    broken += "P3: a right transport checksum was made wrong; ";
  }
  if ((Word(in, a.ip + 6) & 0x4000) != 0 && (Word(out, b.ip + 6) & 0x4000) == 0) {
    broken += "P11: DF was cleared; ";
  }
  if (out[b.ip + 8] > in[a.ip + 8]) {
    broken += "P11: TTL has risen; ";
  }
  if (a.protocol != 1 && !a.fragment && !b.fragment && Payload(in, a) != Payload(out, b)) {
    broken += "P11: payload was changed; ";
  }
}

}  // namespace

void InvariantChecker::Check(const Bytes& input, const OfflineResult& result, std::string& broken) {
  ++inputs_;
  std::string found;
  if (result.reason == DropReason::kUndecided) {
    found += "a packet ended undecided; ";
  }
  if (result.verdict == Verdict::kDrop && !result.outputs.empty()) {
    found += "P5: a dropped packet sent a frame; ";
  }
  if (result.verdict == Verdict::kForward && result.outputs.empty()) {
    found += "P6: a forwarded packet sent nothing; ";
  }
  if ((result.verdict == Verdict::kForward) != (result.reason == DropReason::kNone)) {
    found += "P7: verdict and reason disagree; ";
  }
  for (const OfflineOutput& output : result.outputs) {
    if (result.verdict == Verdict::kForward && IsIpv4(input) && IsIpv4(output.bytes)) {
      CheckForwarded(input, output.bytes, found);
    }
  }
  if (!found.empty() && broken.empty()) {
    broken = "input " + std::to_string(result.number) + ": " + found;
  }
}

void InvariantChecker::CheckTotals(const WorkerCounters& counters, std::string& broken) {
  uint64_t received = 0;
  uint64_t ended = 0;
  uint64_t held = 0;
  for (const PortCounters& port : counters.ports) {
    received += port.received.Read();
    ended += port.forwarded.Read();
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      ended += port.consumed[reason].Read() + port.dropped[reason].Read();
    }
    held += port.held.Read() - port.released.Read();
  }
  if (received != ended + held || held != 0) {
    broken += "P6: received " + std::to_string(received) + ", ended " + std::to_string(ended) +
              ", held " + std::to_string(held) + "; ";
  }
  if (inputs_ > received) {
    broken += "P6: more results than packets received; ";
  }
}

}  // namespace sluice::testing
