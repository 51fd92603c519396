// What is remembered of one flow, and for how long: D-TIMERS, D-RST, D-MIDSTREAM, D-ICMPFLOW,
// D-OTHERPROTO, AWS-SG-13 and decisions 3 and 8. Keys are oriented: the initiator first. Any
// thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "control/explain/packet_view.h"
#include "control/intent/intent.h"

namespace sluice {

struct WorldFlowKey {
  uint8_t protocol = 0;
  uint8_t icmp_query_type = 0;
  Ipv4Address initiator;
  Ipv4Address responder;
  uint16_t initiator_port = 0;  // of ICMP: the query id
  uint16_t responder_port = 0;
  friend auto operator<=>(const WorldFlowKey&, const WorldFlowKey&) = default;
};

// The key of the flow that this packet would start; nullopt when it starts none (an ICMP reply or
// error).
std::optional<WorldFlowKey> KeyAsInitiator(const PacketHeader& header);
// The key of the flow that this packet would answer; nullopt when it answers none (an echo request
// is never a reply).
std::optional<WorldFlowKey> KeyAsResponder(const PacketHeader& header);

enum class FlowSide : uint8_t { kInitiator = 0, kResponder = 1 };

constexpr FlowSide OtherSide(FlowSide side) {
  return side == FlowSide::kInitiator ? FlowSide::kResponder : FlowSide::kInitiator;
}

// A flow at one of its ends: who sends its questions, or who receives them. One interface can be
// both ends of one flow, and an appliance is an end of each of two flows with the same key.
struct FlowEnd {
  WorldFlowKey key;
  FlowSide side = FlowSide::kInitiator;
  friend auto operator<=>(const FlowEnd&, const FlowEnd&) = default;
};
// The ends that a packet can belong to at who sends it, and at who receives it: as a question
// first, then as an answer.
std::vector<FlowEnd> EndsAtSender(const PacketHeader& header);
std::vector<FlowEnd> EndsAtReceiver(const PacketHeader& header);

// Idle limits in seconds of a flow at one place.
struct FlowLimits {
  ConnectionTracking tracking;
  std::optional<uint32_t> fixed_seconds;  // a NAT gateway's 350, whatever the protocol and state
};

class FlowProgress {
 public:
  FlowProgress() = default;
  FlowProgress(uint8_t protocol, bool opened_mid_stream)
      : protocol_(protocol), mid_stream_(opened_mid_stream) {}

  // An accepted packet of the flow. Changes nothing for ICMP errors, later fragments (do not call),
  // RST with a wrong sequence number, illegal flags, and SYN on an established flow.
  void Accept(const Packet& packet, FlowSide side, int64_t now_ns);
  // The packet that makes a NAT gateway's binding does, also where it changes nothing else.
  void RestartClock(int64_t now_ns) { last_seen_ns_ = now_ns; }

  bool IsExpired(int64_t now_ns, const FlowLimits& limits) const;
  bool mid_stream() const { return mid_stream_; }
  // A pure SYN starts over here: a FIN was sent, a valid RST was seen, or the flow was
  // opened mid-stream.
  bool MayReopen() const { return protocol_ == 6 && (reset_ || IsClosing() || mid_stream_); }

 private:
  struct TcpSender {
    bool seen = false;
    bool fin = false;
    uint32_t next_sequence = 0;
  };

  bool IsClosing() const { return sender_[0].fin || sender_[1].fin; }
  bool ResetIsValid(const TcpFields& tcp, FlowSide side) const;
  bool AcceptTcp(const TcpFields& tcp, FlowSide side);
  uint32_t IdleLimitSeconds(const FlowLimits& limits) const;

  uint8_t protocol_ = 0;
  bool mid_stream_ = false;
  bool asked_ = false;
  bool reply_seen_ = false;
  bool udp_stream_ = false;
  bool reset_ = false;
  bool established_ = false;  // the initiator sent ACK after the responder was seen
  TcpSender sender_[2];
  int64_t last_seen_ns_ = 0;
};

bool IsPureSyn(const Packet& packet);
bool HasIllegalTcpFlags(const TcpFields& tcp);
// May this packet, first of its flow, leave state behind (decisions 8, 9)?
bool MayOpenFlow(const Packet& packet);

}  // namespace sluice
