#include "perf/workload/schedule.h"

namespace sluice {

std::vector<Stamp> MakeSchedule(const std::vector<OpenFlow>& flows, const Links& links,
                                const ScheduleOptions& options) {
  KeyStream keys(options.law, static_cast<uint32_t>(flows.size()), options.zipf_exponent,
                 options.seed);
  WorkloadRandom random(options.seed ^ 0x5ca1ab1e);
  std::vector<Stamp> stamps;
  stamps.reserve(options.packets);
  for (uint32_t i = 0; i < options.packets; ++i) {
    const uint32_t flow = keys.Next();
    const bool reply = options.direction == Direction::kIn ||
                       (options.direction == Direction::kBoth && random.Below(2) == 1);
    const PacketHeads heads = Established(flows[flow], reply);
    const auto bytes = static_cast<uint16_t>(options.sizes.Draw(random) - kFcsBytes);
    stamps.push_back(MakeStamp(heads, links[heads.link], bytes, flow | (reply ? kReplyBit : 0)));
  }
  return stamps;
}

}  // namespace sluice
