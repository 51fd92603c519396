// Turns nested prefixes with payloads into disjoint merged ranges over the whole address space: the
// deepest prefix wins. Control thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/table/range_map.h"

namespace sluice {

class RangeSweep {
 public:
  // Payload of addresses outside every prefix. Appends to `ranges`, which starts empty.
  RangeSweep(uint32_t outside, std::vector<KeyRange>& ranges) : ranges_(ranges) {
    open_[0] = {0xffffffffu, outside};
  }

  // Prefixes come in ascending (address, length) order, each once.
  void Enter(const Ipv4Prefix& prefix, uint32_t payload) {
    const uint32_t first = prefix.First().value;
    CloseBefore(first);
    if (next_ < first) {
      Emit(first - 1, open_[depth_].payload);
    }
    open_[++depth_] = {prefix.Last().value, payload};
  }

  void Finish() {
    while (depth_ > 0) {
      CloseTop();
    }
    if (next_ <= 0xffffffffu) {
      Emit(0xffffffffu, open_[0].payload);
    }
  }

 private:
  struct Open {
    uint32_t last;
    uint32_t payload;
  };

  void CloseBefore(uint32_t first) {
    while (depth_ > 0 && open_[depth_].last < first) {
      CloseTop();
    }
  }
  void CloseTop() {
    if (next_ <= open_[depth_].last) {
      Emit(open_[depth_].last, open_[depth_].payload);
    }
    --depth_;
  }
  void Emit(uint32_t end, uint32_t payload) {
    if (!ranges_.empty() && ranges_.back().payload == payload) {
      ranges_.back().end = end;
    } else {
      ranges_.push_back({end, payload});
    }
    next_ = uint64_t{end} + 1;
  }

  std::vector<KeyRange>& ranges_;
  std::array<Open, 34> open_;  // the outside and at most one prefix of each length
  size_t depth_ = 0;
  uint64_t next_ = 0;  // first address without a range
};

}  // namespace sluice
