// The packets of a run, in order: which flow, which direction, what size. Bench's control thread.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/workload/flow_opener.h"
#include "perf/workload/frame_sizes.h"
#include "perf/workload/key_stream.h"

namespace sluice {

enum class Direction : uint8_t { kBoth, kOut, kIn };  // out: the initiators' packets

struct ScheduleOptions {
  KeyLaw law = KeyLaw::kUniform;
  double zipf_exponent = 1.0;
  Direction direction = Direction::kBoth;
  FrameSizes sizes;
  uint32_t packets = 0;
  uint64_t seed = 1;
};

// Every packet is of an established flow; its Stamp::flow says which.
std::vector<Stamp> MakeSchedule(const std::vector<OpenFlow>& flows, const Links& links,
                                const ScheduleOptions& options);

}  // namespace sluice
