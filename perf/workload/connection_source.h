// Whole TCP connections, from SYN to the last ACK, as packets ready to be stamped: the workload of
// new connections. One thread.
//
// Packets of many connections are mixed as on a wire: packet number p is step p % steps of
// connection p / steps - (p % steps) * lag, so every step of a connection comes `lag` connections
// after the one before, and about `lag` * (steps - 1) connections are open at a time. What the
// responder answers to is known when the SYN has left: Learn takes the translated port from it.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/workload/flow_opener.h"
#include "perf/workload/flow_plan.h"
#include "perf/workload/stamp.h"

namespace sluice {

// One packet of a connection, the same in all of them.
struct ConnectionStep {
  bool reply = false;
  uint8_t tcp_flags = 0;
  uint8_t tcp_seq = 0;
  uint8_t tcp_ack = 0;
  uint8_t payload_bytes = 0;
};

// SYN, SYN+ACK, ACK, [data, data,] FIN+ACK, FIN+ACK, ACK: RFC 9293 3.5 and 3.6.
std::vector<ConnectionStep> ConnectionSteps(bool data);

// A packet by what it is of.
struct ConnectionPacket {
  uint64_t connection = 0;
  uint32_t step = 0;
};

class ConnectionSource {
 public:
  static constexpr uint16_t kFrameBytes = 60;  // 64 with FCS

  // `flows`: open flows of the families in turn, as a FlowPlan of them counts, at least one of
  // each; those of TCP show where answers come from. Connections have other keys than `flows`.
  // `slots`, a power of two: connections prepared or open at a time. `links` outlives the source.
  ConnectionSource(const std::vector<FlowFamily>& families, const std::vector<OpenFlow>& flows,
                   const Links& links, bool data, uint32_t slots);

  uint32_t step_count() const { return static_cast<uint32_t>(steps_.size()); }
  const std::vector<ConnectionStep>& steps() const { return steps_; }
  uint32_t slot_count() const { return slot_mask_ + 1; }
  // How many there are before a connection is one that was there already.
  uint64_t capacity() const { return uint64_t{1} << number_bits_; }

  // Makes the packets of connections first .. first + count - 1; those that had their slots are
  // over.
  void Prepare(uint64_t first, uint32_t count);
  const Stamp& At(const ConnectionPacket& packet) const noexcept {
    return stamps_[packet.step][packet.connection & slot_mask_];
  }
  // Of consecutive connections, as far as the ring goes.
  const Stamp* Run(uint32_t step, uint64_t connection) const noexcept {
    return &stamps_[step][connection & slot_mask_];
  }
  // The SYN of `connection` has left as `frame`: its answers go where it says it comes from.
  void Learn(uint64_t connection, const uint8_t* frame) noexcept;
  // The same work on a frame that was not translated, to no effect.
  void PretendToLearn(uint64_t connection, const uint8_t* frame) noexcept;
  // SYNs that left from another address than the flow that showed the way.
  uint64_t strangers() const { return strangers_; }

  // Both ends of a prepared connection; the responder's as learnt.
  OpenFlow Ends(uint64_t connection) const;

 private:
  void Patch(uint64_t connection, uint16_t l4_port_be) noexcept;
  PacketHeads Initiator(uint64_t connection) const;

  const Links& links_;
  const FlowPlan plan_;
  std::vector<OpenFlow> templates_;  // by family
  std::vector<ConnectionStep> steps_;
  uint32_t number_bits_ = 0;
  uint64_t first_number_ = 0;
  uint32_t slot_mask_ = 0;
  std::vector<std::vector<Stamp>> stamps_;  // by step and slot
  std::vector<uint16_t> ports_be_;          // by slot: what answers go to
  uint64_t strangers_ = 0;
};

// Which packet is number p of the mix; nothing before a connection's first turn or from `end` on.
class ConnectionMix {
 public:
  ConnectionMix(uint32_t step_count, uint32_t lag) : step_count_(step_count), lag_(lag) {}

  uint32_t lag() const { return lag_; }
  // Packet numbers below this are of connections below `connections`, and all their SYNs are.
  uint64_t EndOf(uint64_t connections) const { return connections * step_count_; }
  // From here on nothing of connections below `connections` is left.
  uint64_t LastOf(uint64_t connections) const {
    return (connections + uint64_t{lag_} * (step_count_ - 1)) * step_count_;
  }

  // Where packet `next` stands; Take moves on by one. False: no packet has this number.
  void Seek(uint64_t next) {
    turn_ = next / step_count_;
    step_ = static_cast<uint32_t>(next % step_count_);
  }
  bool Take(uint64_t end, ConnectionPacket& packet) noexcept {
    const uint64_t behind = uint64_t{step_} * lag_;
    const bool some = turn_ >= behind && turn_ - behind < end;
    packet = {turn_ - behind, step_};
    if (++step_ == step_count_) {
      step_ = 0;
      ++turn_;
    }
    return some;
  }

 private:
  const uint32_t step_count_;
  const uint32_t lag_;
  uint64_t turn_ = 0;
  uint32_t step_ = 0;
};

}  // namespace sluice
