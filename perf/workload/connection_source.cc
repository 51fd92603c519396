#include "perf/workload/connection_source.h"

#include <bit>

#include "dataplane/base/check.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr uint16_t kTcpIpBytes = 40;
constexpr uint8_t kDataBytes = 6;  // what fills the smallest frame
// Odd, so that multiplying by it permutes the numbers below any power of two: neighbours in time
// are none in address or port. 2^32 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
constexpr uint64_t kScatter = 0x9e3779b1;

PacketHeads HeadsOf(PacketHeads heads, const ConnectionStep& step) {
  heads.tcp_flags = step.tcp_flags;
  heads.tcp_seq = step.tcp_seq;
  heads.tcp_ack = step.tcp_ack;
  return heads;
}

uint32_t Load32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, 4);
  return value;
}
uint16_t Load16(const uint8_t* at) {
  uint16_t value;
  std::memcpy(&value, at, 2);
  return value;
}

// RFC 1624 (3), in any byte order.
uint16_t Update(uint16_t checksum, uint16_t before, uint16_t after) {
  uint32_t sum = static_cast<uint16_t>(~checksum);
  sum += static_cast<uint16_t>(~before);
  sum += after;
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~(sum + (sum >> 16)));
}

std::vector<FlowFamily> TcpOf(std::vector<FlowFamily> families) {
  std::erase_if(families,
                [](const FlowFamily& family) { return family.first.protocol != kProtocolTcp; });
  return families;
}

}  // namespace

std::vector<ConnectionStep> ConnectionSteps(bool data) {
  const uint8_t d = data ? kDataBytes : 0;
  const auto after_data = static_cast<uint8_t>(1 + d);
  const auto after_fin = static_cast<uint8_t>(2 + d);
  std::vector<ConnectionStep> steps = {
      {false, kTcpSyn, 0, 0, 0}, {true, kTcpSyn | kTcpAck, 0, 1, 0}, {false, kTcpAck, 1, 1, 0}};
  if (data) {
    steps.push_back({false, kTcpAck, 1, 1, d});
    steps.push_back({true, kTcpAck, 1, after_data, d});
  }
  steps.push_back({false, kTcpFin | kTcpAck, after_data, after_data, 0});
  steps.push_back({true, kTcpFin | kTcpAck, after_data, after_fin, 0});
  steps.push_back({false, kTcpAck, after_fin, after_fin, 0});
  return steps;
}

ConnectionSource::ConnectionSource(const std::vector<FlowFamily>& families,
                                   const std::vector<OpenFlow>& flows, const Links& links,
                                   bool data, uint32_t slots)
    : links_(links),
      plan_(TcpOf(families)),
      steps_(ConnectionSteps(data)),
      first_number_(flows.size()),
      slot_mask_(slots - 1),
      stamps_(steps_.size(), std::vector<Stamp>(slots)),
      ports_be_(slots) {
  SLUICE_CHECK(std::has_single_bit(slots) && flows.size() >= families.size());
  SLUICE_CHECK(plan_.capacity() > 2 * first_number_);
  for (size_t f = 0; f < families.size(); ++f) {
    if (families[f].first.protocol == kProtocolTcp) {
      templates_.push_back(flows[f]);
    }
  }
  number_bits_ = static_cast<uint32_t>(std::bit_width(
                     std::min<uint64_t>(plan_.capacity() - first_number_, 1u << 30))) -
                 1;
}

PacketHeads ConnectionSource::Initiator(uint64_t connection) const {
  const uint64_t scattered = connection * kScatter & (capacity() - 1);
  return plan_.Opening(static_cast<uint32_t>(first_number_ + scattered));
}

void ConnectionSource::Prepare(uint64_t first, uint32_t count) {
  for (uint64_t connection = first; connection < first + count; ++connection) {
    const PacketHeads initiator = Initiator(connection);
    const uint64_t scattered = connection * kScatter & (capacity() - 1);
    PacketHeads responder = templates_[(first_number_ + scattered) % templates_.size()].responder;
    responder.src = initiator.dst;
    responder.src_l4_port = initiator.dst_l4_port;
    responder.dst_l4_port = 0;
    const uint64_t slot = connection & slot_mask_;
    ports_be_[slot] = 0;
    for (size_t s = 0; s < steps_.size(); ++s) {
      const PacketHeads heads = HeadsOf(steps_[s].reply ? responder : initiator, steps_[s]);
      stamps_[s][slot] = MakeStamp(heads, links_[heads.link], kFrameBytes,
                                   static_cast<uint32_t>(slot) | (steps_[s].reply ? kReplyBit : 0),
                                   static_cast<uint16_t>(kTcpIpBytes + steps_[s].payload_bytes));
    }
  }
}

void ConnectionSource::Patch(uint64_t connection, uint16_t l4_port_be) noexcept {
  const uint64_t slot = connection & slot_mask_;
  for (size_t s = 1; s < steps_.size(); ++s) {
    if (steps_[s].reply) {
      Stamp& stamp = stamps_[s][slot];
      stamp.l4_checksum_be = Update(stamp.l4_checksum_be, stamp.dst_l4_port_be, l4_port_be);
      stamp.dst_l4_port_be = l4_port_be;
    }
  }
  ports_be_[slot] = l4_port_be;
}

void ConnectionSource::Learn(uint64_t connection, const uint8_t* frame) noexcept {
  const Stamp& answer = stamps_[1][connection & slot_mask_];
  const uint8_t* ip = frame + links_[answer.link].l2_bytes;
  strangers_ += Load32(ip + 12) != answer.dst_be ? 1 : 0;
  Patch(connection, Load16(ip + 20));
}

void ConnectionSource::PretendToLearn(uint64_t connection, const uint8_t* frame) noexcept {
  const Stamp& syn = stamps_[0][connection & slot_mask_];
  const uint8_t* ip = frame + links_[syn.link].l2_bytes;
  strangers_ += Load32(ip + 12) != syn.src_be ? 1 : 0;
  Patch(connection, Load16(ip + 20) == syn.src_l4_port_be ? ports_be_[connection & slot_mask_] : 0);
}

OpenFlow ConnectionSource::Ends(uint64_t connection) const {
  OpenFlow ends;
  ends.initiator = Initiator(connection);
  const Stamp& answer = stamps_[1][connection & slot_mask_];
  ends.responder.link = answer.link;
  ends.responder.protocol = kProtocolTcp;
  ends.responder.src = __builtin_bswap32(answer.src_be);
  ends.responder.dst = __builtin_bswap32(answer.dst_be);
  ends.responder.src_l4_port = __builtin_bswap16(answer.src_l4_port_be);
  ends.responder.dst_l4_port = __builtin_bswap16(answer.dst_l4_port_be);
  return ends;
}

}  // namespace sluice
