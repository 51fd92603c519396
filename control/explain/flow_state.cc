#include "control/explain/flow_state.h"

#include <algorithm>

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr uint32_t kTcpHalfOpenSeconds = 60;
constexpr uint32_t kTcpClosingSeconds = 60;
constexpr uint32_t kTcpResetSeconds = 10;
constexpr uint32_t kIcmpSeconds = 30;
constexpr uint32_t kOtherProtocolSeconds = 600;
constexpr int64_t kSecondNs = 1'000'000'000;

// Types come in pairs: the reply of 8 is 0, of 13 14, of 15 16, of 17 18.
uint8_t QueryTypeOfReply(uint8_t reply_type) {
  return reply_type == kIcmpEchoReply ? kIcmpEcho : static_cast<uint8_t>(reply_type - 1);
}

bool HasFlag(const TcpFields& tcp, uint8_t flag) {
  return (tcp.flags & flag) != 0;
}

}  // namespace

std::optional<WorldFlowKey> KeyAsInitiator(const PacketHeader& header) {
  WorldFlowKey key{.protocol = header.protocol,
                   .initiator = header.source,
                   .responder = header.destination,
                   .initiator_port = header.source_port,
                   .responder_port = header.destination_port};
  if (header.protocol == kProtocolIcmp) {
    if (!IsIcmpQuery(header)) {
      return std::nullopt;
    }
    key.icmp_query_type = header.icmp_type;
    key.initiator_port = header.icmp_id;
  }
  return key;
}

std::optional<WorldFlowKey> KeyAsResponder(const PacketHeader& header) {
  WorldFlowKey key{.protocol = header.protocol,
                   .initiator = header.destination,
                   .responder = header.source,
                   .initiator_port = header.destination_port,
                   .responder_port = header.source_port};
  if (header.protocol == kProtocolIcmp) {
    if (!IsIcmpReply(header)) {
      return std::nullopt;
    }
    key.icmp_query_type = QueryTypeOfReply(header.icmp_type);
    key.initiator_port = header.icmp_id;
  }
  return key;
}

std::vector<FlowEnd> EndsAtSender(const PacketHeader& header) {
  std::vector<FlowEnd> ends;
  if (const std::optional<WorldFlowKey> key = KeyAsInitiator(header); key.has_value()) {
    ends.push_back({*key, FlowSide::kInitiator});
  }
  if (const std::optional<WorldFlowKey> key = KeyAsResponder(header); key.has_value()) {
    ends.push_back({*key, FlowSide::kResponder});
  }
  return ends;
}

std::vector<FlowEnd> EndsAtReceiver(const PacketHeader& header) {
  std::vector<FlowEnd> ends = EndsAtSender(header);
  for (FlowEnd& end : ends) {
    end.side = OtherSide(end.side);
  }
  return ends;
}

bool IsPureSyn(const Packet& packet) {
  return packet.header.protocol == kProtocolTcp && !packet.IsLaterFragment() &&
         HasFlag(packet.tcp, kTcpSyn) && !HasFlag(packet.tcp, kTcpAck) &&
         !HasFlag(packet.tcp, kTcpFin) && !HasFlag(packet.tcp, kTcpRst);
}

// PSH aside: SYN, SYN+ACK, ACK, RST, RST+ACK, FIN+ACK, and SYN, ACK or FIN+ACK with URG are sane.
bool HasIllegalTcpFlags(const TcpFields& tcp) {
  const uint8_t flags = tcp.flags & (kTcpFin | kTcpSyn | kTcpRst | kTcpAck | kTcpUrg);
  for (const int sane :
       {kTcpSyn | 0, kTcpSyn | kTcpUrg, kTcpSyn | kTcpAck, kTcpRst | 0, kTcpRst | kTcpAck,
        kTcpFin | kTcpAck, kTcpFin | kTcpAck | kTcpUrg, kTcpAck | 0, kTcpAck | kTcpUrg}) {
    if (flags == sane) {
      return false;
    }
  }
  return true;
}

bool MayOpenFlow(const Packet& packet) {
  if (packet.IsLaterFragment()) {
    return false;
  }
  if (packet.header.protocol == kProtocolTcp) {
    return !HasFlag(packet.tcp, kTcpRst) && !HasFlag(packet.tcp, kTcpFin) &&
           !HasIllegalTcpFlags(packet.tcp);
  }
  return KeyAsInitiator(packet.header).has_value();
}

bool FlowProgress::ResetIsValid(const TcpFields& tcp, FlowSide side) const {
  const TcpSender& mine = sender_[static_cast<int>(side)];
  const TcpSender& peer = sender_[1 - static_cast<int>(side)];
  if (mine.seen) {
    return tcp.sequence == mine.next_sequence;
  }
  return HasFlag(tcp, kTcpAck) && peer.seen && tcp.acknowledgment == peer.next_sequence;
}

// Returns whether the segment counts: changes state and restarts the timer.
bool FlowProgress::AcceptTcp(const TcpFields& tcp, FlowSide side) {
  if (HasIllegalTcpFlags(tcp)) {
    return false;
  }
  if (HasFlag(tcp, kTcpRst)) {
    if (!ResetIsValid(tcp, side)) {
      return false;
    }
    reset_ = true;
  } else if (HasFlag(tcp, kTcpSyn) && established_ && !reset_ && !IsClosing()) {
    return false;
  }
  TcpSender& mine = sender_[static_cast<int>(side)];
  const uint32_t end = tcp.sequence + tcp.payload_bytes + (HasFlag(tcp, kTcpSyn) ? 1 : 0) +
                       (HasFlag(tcp, kTcpFin) ? 1 : 0);
  if (!mine.seen || static_cast<int32_t>(end - mine.next_sequence) > 0) {
    mine.next_sequence = end;
  }
  mine.seen = true;
  const bool answers =
      side == FlowSide::kInitiator && sender_[static_cast<int>(FlowSide::kResponder)].seen;
  established_ = established_ || (answers && HasFlag(tcp, kTcpAck) && !HasFlag(tcp, kTcpSyn));
  mine.fin = mine.fin || HasFlag(tcp, kTcpFin);
  return true;
}

void FlowProgress::Accept(const Packet& packet, FlowSide side, int64_t now_ns) {
  if (protocol_ == kProtocolTcp) {
    if (!AcceptTcp(packet.tcp, side)) {
      return;
    }
  } else if (side == FlowSide::kResponder) {
    reply_seen_ = true;
  } else {
    udp_stream_ = udp_stream_ || (asked_ && reply_seen_);
    asked_ = true;
  }
  last_seen_ns_ = now_ns;
}

uint32_t FlowProgress::IdleLimitSeconds(const FlowLimits& limits) const {
  if (limits.fixed_seconds.has_value()) {
    return *limits.fixed_seconds;
  }
  switch (protocol_) {
    case kProtocolTcp:
      if (reset_) {
        return kTcpResetSeconds;
      }
      if (IsClosing()) {
        return kTcpClosingSeconds;
      }
      return established_ ? limits.tracking.tcp_established_seconds : kTcpHalfOpenSeconds;
    case kProtocolUdp:
      return udp_stream_ ? limits.tracking.udp_stream_seconds : limits.tracking.udp_seconds;
    case kProtocolIcmp:
      return kIcmpSeconds;
    default:
      return kOtherProtocolSeconds;
  }
}

bool FlowProgress::IsExpired(int64_t now_ns, const FlowLimits& limits) const {
  return now_ns - last_seen_ns_ > int64_t{IdleLimitSeconds(limits)} * kSecondNs;
}

}  // namespace sluice
