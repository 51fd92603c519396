#include "tools/bench/rivals/ovs_frames.h"

#include <algorithm>
#include <numeric>

#include "dataplane/packet/protocol.h"
#include "perf/workload/key_stream.h"
#include "tools/sluice/replay/capture_writer.h"

namespace sluice {
namespace {

constexpr uint16_t kFrameBytes = 60;
constexpr uint16_t kTcpIpBytes = 40;
constexpr uint64_t kRecordBytes = 16 + kFrameBytes;

// The two ends see the flows in orders that have nothing to do with each other.
std::vector<uint32_t> Shuffled(size_t count, uint64_t seed) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  WorkloadRandom random(seed);
  for (size_t i = count; i > 1; --i) {
    std::swap(order[i - 1], order[random.Below(i)]);
  }
  return order;
}

std::vector<uint8_t> Frame(PacketHeads heads, const Links& links, uint32_t flow) {
  const bool tcp = heads.protocol == kProtocolTcp;
  const Link& link = links[heads.link];
  return FrameOf(MakeStamp(heads, link, kFrameBytes, flow, tcp ? kTcpIpBytes : 0), link);
}

PacketHeads AnswerTo(const OpenFlow& flow, uint32_t nat_address) {
  PacketHeads answer = Established(flow, true);
  answer.dst = nat_address;
  answer.dst_l4_port = flow.initiator.src_l4_port;
  return answer;
}

template <typename Heads>
absl::Status Write(const std::string& path, uint32_t passes, const std::vector<uint32_t>& order,
                   const Links& links, const Heads& heads) {
  CaptureWriter writer(path);
  for (uint32_t pass = 0; pass < passes; ++pass) {
    for (const uint32_t flow : order) {
      writer.Add(0, Frame(heads(flow), links, flow));
    }
  }
  return writer.Finish();
}

}  // namespace

absl::Status WriteOvsCaptures(const std::vector<OpenFlow>& flows, const Links& links,
                              uint32_t nat_address, uint64_t seed, const OvsCaptures& captures) {
  const absl::Status inside =
      Write(captures.inside, captures.passes, Shuffled(flows.size(), seed), links,
            [&](uint32_t flow) { return Established(flows[flow], false); });
  return !inside.ok()
             ? inside
             : Write(captures.outside, captures.passes, Shuffled(flows.size(), seed + 1), links,
                     [&](uint32_t flow) { return AnswerTo(flows[flow], nat_address); });
}

uint64_t OvsCaptureBytes(uint64_t flows, uint32_t passes) {
  return 2 * flows * passes * kRecordBytes;
}

}  // namespace sluice
