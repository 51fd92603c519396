#include "tests/support/invariants.h"

#include <algorithm>

namespace sluice::testing {
namespace {

using Bytes = std::vector<uint8_t>;

uint32_t Sum(const Bytes& b, size_t begin, size_t end, uint32_t sum) {
  for (size_t i = begin; i < end; i += 2) {
    sum += static_cast<uint32_t>(b[i] << 8) | (i + 1 < end ? b[i + 1] : 0u);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

bool TransportChecksumHolds(const Bytes& frame, const FrameView& s) {
  const uint32_t bytes = static_cast<uint32_t>(s.end - s.l4);
  const bool no_checksum = s.protocol == 17 && bytes >= 8 && Read16(frame, s.l4 + 6) == 0;
  if (s.fragment || no_checksum) {
    return true;
  }
  if (s.protocol == 1) {
    return Sum(frame, s.l4, s.end, 0) == 0xffff;
  }
  if (s.protocol != 6 && s.protocol != 17) {
    return true;
  }
  uint32_t pseudo = s.protocol + bytes;
  for (size_t at = s.ip + 12; at < s.ip + 20; at += 2) {
    pseudo += Read16(frame, at);
  }
  return Sum(frame, s.l4, s.end, pseudo) == 0xffff;
}

// What stands behind the fields that translation may change: TCP and UDP ports and checksum, the
// identifier and checksum of an ICMP query, all of an ICMP error.
Bytes Untouchable(const FrameView& s, Bytes packet) {
  const auto blank = [&](size_t at, size_t bytes) {
    for (size_t i = at; i < std::min(at + bytes, packet.size()); ++i) {
      packet[i] = 0;
    }
  };
  if (s.fragment_offset != 0) {
    return packet;
  }
  if (s.protocol == 6 || s.protocol == 17) {
    blank(0, 4);
    blank(s.protocol == 6 ? 16 : 6, 2);
  } else if (s.protocol == 1) {
    blank(2, 4);
    if (IsIcmpError(s.icmp_type)) {
      packet.resize(2);
    }
  }
  return packet;
}

Bytes Payload(const Bytes& frame, const FrameView& s) {
  return Bytes(frame.begin() + static_cast<ptrdiff_t>(s.l4),
               frame.begin() + static_cast<ptrdiff_t>(s.end));
}

std::string CheckPiece(const FrameView& in, const Bytes& frame, const FrameView& out) {
  std::string broken;
  if (Sum(frame, out.ip, out.l4, 0) != 0xffff) {
    broken += "P3: a sent IPv4 header checksum is wrong; ";
  }
  if (in.dont_fragment && !out.dont_fragment) {
    broken += "P11: DF was cleared; ";
  }
  if (out.ttl > in.ttl) {
    broken += "P11: TTL has risen; ";
  }
  return broken;
}

// A forwarded packet's pieces, put together, say what came.
std::string CheckForwarded(const Bytes& input, const FrameView& in, const OfflineResult& result) {
  std::string broken;
  Bytes whole;
  for (const OfflineOutput& output : result.outputs) {
    const std::optional<FrameView> out = ViewFrame(output.bytes);
    if (!out) {
      return "a sent frame is no IPv4 packet; ";
    }
    broken += CheckPiece(in, output.bytes, *out);
    if (in.fragment_offset + whole.size() != out->fragment_offset) {
      broken += "P11: a piece is not where it belongs; ";
    }
    const Bytes piece = Payload(output.bytes, *out);
    whole.insert(whole.end(), piece.begin(), piece.end());
    if (result.outputs.size() == 1 && TransportChecksumHolds(input, in) &&
        !TransportChecksumHolds(output.bytes, *out)) {
      broken += "P3: a right transport checksum was made wrong; ";
    }
  }
  if (Untouchable(in, whole) != Untouchable(in, Payload(input, in))) {
    broken += "P11: payload was changed; ";
  }
  return broken;
}

WirePlace PlaceOf(const std::string& port, const Bytes& frame) {
  const bool tagged = frame.size() >= 16 && Read16(frame, 12) == 0x8100;
  return {port, tagged ? static_cast<uint16_t>(Read16(frame, 14) & 0xfff) : uint16_t{0}};
}

}  // namespace

void InvariantChecker::Configure(const OfflineDataplane& dataplane) {
  const CompiledConfig& config = dataplane.config();
  flows_.Configure(config.intent);
  side_names_ = config.interface_names;
  port_names_ = config.port_names;
  subnet_ids_ = config.subnet_ids;
  router_mac_ = config.intent->host().router_mac.ToUint64();
  told_.resize(std::max(told_.size(), dataplane.counters().ports.size()));
}

void InvariantChecker::Receive(const OfflineInput& input) {
  ++told_[input.port.index()].received;
  inside_[input.number] = input;
}

void InvariantChecker::Check(const OfflineResult& result, std::string& broken) {
  const auto input = inside_.find(result.number);
  std::string found;
  if (input == inside_.end()) {
    found = "P10: a frame ended twice; ";
  } else {
    found = CheckVerdict(result);
    for (const OfflineOutput& output : result.outputs) {
      found += CheckLink(input->second, result, output);
    }
    if (result.verdict == Verdict::kForward) {
      found += CheckPassage(input->second, result);
    }
    Count(input->second, result);
    inside_.erase(input);
  }
  if (!found.empty() && broken.empty()) {
    broken = "input " + std::to_string(result.number) + ": " + found;
  }
}

std::string InvariantChecker::CheckVerdict(const OfflineResult& result) const {
  std::string found;
  if (result.reason == DropReason::kUndecided || result.verdict == Verdict::kHold) {
    found += "P7: a packet ended undecided; ";
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
  return found;
}

// Every sent frame is on the wire of the side it was meant for. A forwarded one is also to that
// side's MAC, and from the router's but for neighbours that speak to each other straight.
std::string InvariantChecker::CheckLink(const OfflineInput& input, const OfflineResult& result,
                                        const OfflineOutput& output) const {
  const WirePlace place = PlaceOf(port_names_[output.port.index()], output.bytes);
  const std::string& side = side_names_[output.side.index()];
  const bool host_side = side == "internet" || side.rfind("services", 0) == 0;
  std::string found;
  if (!(host_side ? flows_.IsSide(place) : flows_.IsPlaceOf(place, side))) {
    found += "P11: a frame for " + side + " left at " + place.port + "; ";
  }
  if (result.verdict != Verdict::kForward) {
    return found;
  }
  const NetworkInterface* eni = flows_.InterfaceAt(place, ReadMac(output.bytes, 0));
  if (!host_side && (eni == nullptr || eni->id != side)) {
    found += "P11: a frame for " + side + " is to another's MAC; ";
  }
  const bool bridged = std::equal(output.bytes.begin(), output.bytes.begin() + 12,
                                  input.bytes.begin(), input.bytes.begin() + 12);
  if (!bridged && ReadMac(output.bytes, 6) != router_mac_) {
    found += "P11: a frame is not from the router's MAC; ";
  }
  return found;
}

std::string InvariantChecker::CheckPassage(const OfflineInput& input, const OfflineResult& result) {
  const std::optional<FrameView> in = ViewFrame(input.bytes);
  if (!in || result.outputs.empty()) {
    return in ? "" : "P11: what is no IPv4 packet was forwarded; ";
  }
  std::string found = CheckForwarded(input.bytes, *in, result);
  found += CheckIdentification(input, *in, result);
  const OfflineOutput& output = result.outputs[0];
  const std::optional<FrameView> out = ViewFrame(output.bytes);
  if (out) {
    found += flows_.Check({PlaceOf(port_names_[input.port.index()], input.bytes),
                           ReadMac(input.bytes, 6), *in,
                           PlaceOf(port_names_[output.port.index()], output.bytes),
                           ReadMac(output.bytes, 0), *out, output.time_ns});
  }
  return found;
}

// The pieces of a packet, and the fragments of a datagram, leave with one identification, or nobody
// can put them together.
std::string InvariantChecker::CheckIdentification(const OfflineInput& input, const FrameView& in,
                                                  const OfflineResult& result) {
  std::vector<uint32_t> ids;
  for (const OfflineOutput& output : result.outputs) {
    const std::optional<FrameView> out = ViewFrame(output.bytes);
    ids.push_back(out ? Read16(output.bytes, out->ip + 4) : 0);
  }
  bool same = std::equal(ids.begin() + 1, ids.end(), ids.begin());
  if (in.fragment) {
    const Bytes& b = input.bytes;
    std::string key = port_names_[input.port.index()] + " " + std::to_string(in.protocol) + " ";
    const auto add = [&](size_t from, size_t to) {
      key.append(b.begin() + static_cast<ptrdiff_t>(from), b.begin() + static_cast<ptrdiff_t>(to));
    };
    add(6, in.ip);
    add(in.ip + 4, in.ip + 6);
    add(in.ip + 12, in.ip + 20);
    if (in.fragment_offset == 0) {
      left_as_[key] = ids[0];
    }
    const auto first = left_as_.find(key);
    same = same && first != left_as_.end() && first->second == ids[0];
  }
  return same ? "" : "P11: the fragments of a datagram left with different identifications; ";
}

bool InvariantChecker::IsLoggedReject(const OfflineInput& input,
                                      const OfflineResult& result) const {
  const bool by_groups =
      result.reason == DropReason::kSgEgress || result.reason == DropReason::kSgIngress;
  const bool by_acl =
      result.reason == DropReason::kNaclEgress || result.reason == DropReason::kNaclIngress;
  const std::optional<FrameView> in = ViewFrame(input.bytes);
  if (result.verdict != Verdict::kDrop || !in || !by_acl) {
    return by_groups;
  }
  // A fragment that shares its first's fate names no rule.
  return result.reason == DropReason::kNaclEgress ||
         (result.rule_subnet.has_value() &&
          flows_.HasReceiver(subnet_ids_[result.rule_subnet.index()], in->tuple.dst));
}

void InvariantChecker::Count(const OfflineInput& input, const OfflineResult& result) {
  Told& told = told_[input.port.index()];
  const size_t reason = static_cast<size_t>(result.reason);
  if (result.verdict == Verdict::kForward) {
    ++told.forwarded;
  } else if (reason < kDropReasonCount) {
    ++(result.verdict == Verdict::kConsume ? told.consumed : told.dropped)[reason];
  }
  const bool heard = IsLoggedReject(input, result);
  rejects_ += heard ? 1 : 0;
  perhaps_unheard_ += !heard && result.reason == DropReason::kNaclIngress ? 1 : 0;
}

void InvariantChecker::CheckSessions(OfflineDataplane& dataplane, std::string& broken) const {
  if (broken.empty()) {
    broken = flows_.CheckTable(dataplane.sessions());
  }
}

void InvariantChecker::CheckTotals(OfflineDataplane& dataplane, std::string& broken) const {
  CheckSessions(dataplane, broken);
  if (!inside_.empty()) {
    broken += "P10: " + std::to_string(inside_.size()) + " frames never ended; ";
  }
  for (size_t i = 0; i < told_.size(); ++i) {
    const PortCounters& port = dataplane.counters().ports[i];
    const Told& told = told_[i];
    const bool same = told.received == port.received.Read() &&
                      told.forwarded == port.forwarded.Read() &&
                      port.held.Read() == port.released.Read();
    uint64_t ended = port.forwarded.Read();
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      ended += port.consumed[reason].Read() + port.dropped[reason].Read();
      if (told.consumed[reason] != port.consumed[reason].Read() ||
          told.dropped[reason] != port.dropped[reason].Read()) {
        broken += "P7: " + std::string(DropReasonName(static_cast<DropReason>(reason))) +
                  " is not counted as told; ";
      }
    }
    if (!same || ended != port.received.Read()) {
      broken += "P6: port " + port_names_[i] + " does not count what came and went; ";
    }
  }
}

}  // namespace sluice::testing
