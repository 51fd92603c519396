#include "perf/workload/flow_opener.h"

#include <set>
#include <tuple>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr uint16_t kOpeningFrameBytes = 60;

uint32_t Read16(const std::vector<uint8_t>& bytes, size_t at) {
  return uint32_t{bytes.at(at)} << 8 | bytes.at(at + 1);
}
uint32_t Read32(const std::vector<uint8_t>& bytes, size_t at) {
  return Read16(bytes, at) << 16 | Read16(bytes, at + 2);
}
MacAddress ReadMac(const std::vector<uint8_t>& bytes, size_t at) {
  MacAddress mac;
  for (size_t i = 0; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = bytes.at(at + i);
  }
  return mac;
}

std::string Describe(const PacketHeads& heads) {
  return ToString(Ipv4Address(heads.src)) + ":" + std::to_string(heads.src_l4_port) + " -> " +
         ToString(Ipv4Address(heads.dst)) + ":" + std::to_string(heads.dst_l4_port) +
         (heads.protocol == kProtocolTcp ? " TCP" : " UDP");
}

PacketHeads WithTcp(PacketHeads heads, uint8_t flags, uint32_t seq, uint32_t ack) {
  if (heads.protocol == kProtocolTcp) {
    heads.tcp_flags = flags;
    heads.tcp_seq = seq;
    heads.tcp_ack = ack;
  }
  return heads;
}

}  // namespace

PacketHeads OpeningStep(const OpenFlow& flow, uint32_t step) {
  switch (step) {
    case 0:
      return WithTcp(flow.initiator, kTcpSyn, 0, 0);
    case 1:
      return WithTcp(flow.responder, kTcpSyn | kTcpAck, 0, 1);
    default:
      return Established(flow, step % 2 == 1);
  }
}

PacketHeads Established(const OpenFlow& flow, bool reply) {
  return WithTcp(reply ? flow.responder : flow.initiator, kTcpAck, 1, 1);
}

bool FlowOpener::LearnAnswer(const SentPacket& sent, OpenFlow& flow) {
  const std::vector<uint8_t>& frame = sent.bytes;
  const bool tagged = Read16(frame, 12) == 0x8100;
  const size_t ip = tagged ? 18 : 14;
  const auto vlan = static_cast<uint16_t>(tagged ? Read16(frame, 14) & 0xfff : 0);
  PacketHeads& answer = flow.responder;
  answer.link = links_.Add(MakeLink(sent.port, vlan, ReadMac(frame, 6), ReadMac(frame, 0)));
  answer.protocol = flow.initiator.protocol;
  answer.src = Read32(frame, ip + 16);
  answer.dst = Read32(frame, ip + 12);
  answer.src_l4_port = static_cast<uint16_t>(Read16(frame, ip + 22));
  answer.dst_l4_port = static_cast<uint16_t>(Read16(frame, ip + 20));
  return true;
}

bool FlowOpener::RunStep(std::vector<OpenFlow>& flows, size_t first, uint32_t step) {
  std::vector<Stamp> stamps;
  for (size_t i = first; i < flows.size(); ++i) {
    const PacketHeads heads = OpeningStep(flows[i], step);
    stamps.push_back(
        MakeStamp(heads, links_[heads.link], kOpeningFrameBytes, static_cast<uint32_t>(i)));
  }
  driver_.Load(stamps.data(), static_cast<uint32_t>(stamps.size()));
  driver_.Judge();
  for (const SentPacket& sent : driver_.Outputs(0)) {
    OpenFlow& flow = flows[first + sent.stamp_idx];
    if (sent.verdict != Verdict::kForward || sent.bytes.size() < 54) {
      error_ = Describe(OpeningStep(flow, step)) + " was not forwarded (" +
               std::string(VerdictName(sent.verdict)) + " " +
               std::string(DropReasonName(sent.reason)) + ")";
      return false;
    }
    if (step == 0) {
      LearnAnswer(sent, flow);
    }
  }
  return true;
}

bool FlowOpener::Open(const PacketHeads* openings, uint32_t count, std::vector<OpenFlow>& flows) {
  const size_t first = flows.size();
  for (uint32_t i = 0; i < count; ++i) {
    flows.push_back({openings[i], {}});
  }
  for (uint32_t step = 0; step < kOpeningSteps; ++step) {
    if (!RunStep(flows, first, step)) {
      return false;
    }
  }
  return true;
}

std::vector<FlowFamily> FlowOpener::Passing(const std::vector<FlowFamily>& candidates) {
  std::vector<FlowFamily> passing;
  std::set<std::tuple<uint16_t, uint32_t, uint8_t>> served;
  for (const FlowFamily& family : candidates) {
    const std::tuple key(family.first.link, family.first.dst, family.first.protocol);
    PacketHeads probe = family.first;
    probe.src_l4_port = 65535;  // no flow of a plan has it
    std::vector<OpenFlow> flow;
    if (served.count(key) == 0 && Open(&probe, 1, flow)) {
      served.insert(key);
      passing.push_back(family);
    }
  }
  return passing;
}

}  // namespace sluice
