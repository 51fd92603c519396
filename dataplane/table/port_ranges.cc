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

// Where `b` has nothing, which is nearly everywhere for a few rules, `a` is copied in one piece.
void MergeRanges(const PortRanges& a, const PortRanges& b, PortRanges& out) {
  out.clear();
  auto x = a.begin();
  for (const KeyRange& y : b) {
    if (y.payload == kNoMatch) {
      const auto last = std::lower_bound(
          x, a.end(), y.end, [](const KeyRange& range, uint32_t end) { return range.end < end; });
      if (x != last) {
        Push(out, x->end, x->payload);
        out.insert(out.end(), x + 1, last);
      }
      x = last;
    }
    for (; x->end < y.end; ++x) {
      Push(out, x->end, std::min(x->payload, y.payload));
    }
    Push(out, y.end, std::min(x->payload, y.payload));
    if (y.end == kPortKeyMax) {
      return;
    }
    x += x->end == y.end ? 1 : 0;
  }
}

}  // namespace sluice
