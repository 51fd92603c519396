#include "dataplane/table/port_ranges.h"

#include <algorithm>

namespace sluice {
namespace {

void Push(PortRanges& out, uint32_t end, uint32_t payload) {
  if (!out.empty() && out.back().payload == payload) {
    out.back().end = end;
  } else {
    out.push_back({end, payload});
  }
}

}  // namespace

void RangesOfRule(const PortRule& rule, uint32_t rank, PortRanges& out) {
  out.clear();
  const bool any = rule.protocol == kAnyProtocol;
  const uint32_t first = any ? 0 : rule.protocol;
  const uint32_t last = any ? 255 : rule.protocol;
  if (any && rule.key_low == 0 && rule.key_high == 0xffff) {
    out.push_back({kPortKeyMax, rank});
    return;
  }
  for (uint32_t protocol = first; protocol <= last; ++protocol) {
    const uint32_t low = protocol << 16 | rule.key_low;
    if (low != 0) {
      Push(out, low - 1, kNoMatch);
    }
    Push(out, protocol << 16 | rule.key_high, rank);
  }
  if (out.back().end != kPortKeyMax) {
    Push(out, kPortKeyMax, kNoMatch);
  }
}

void MergeRanges(const PortRanges& a, const PortRanges& b, PortRanges& out) {
  out.clear();
  const KeyRange* x = a.data();
  const KeyRange* y = b.data();
  while (true) {
    const uint32_t end = std::min(x->end, y->end);
    Push(out, end, std::min(x->payload, y->payload));
    if (end == kPortKeyMax) {
      return;
    }
    x += x->end == end ? 1 : 0;
    y += y->end == end ? 1 : 0;
  }
}

}  // namespace sluice
