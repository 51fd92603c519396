#include "perf/rivals/linear.h"

#include <algorithm>

namespace sluice {

LinearScan::LinearScan(std::span<const ClassifierRule> rules) {
  for (const ClassifierRule& rule : rules) {
    const PortRule& port = rule.port;
    const bool any = port.protocol == kAnyProtocol;
    for (const Ipv4Prefix& prefix : rule.prefixes) {
      network_.push_back(prefix.address.value);
      mask_.push_back(prefix.Mask());
      first_.push_back(any ? port.key_low : uint32_t{port.protocol} << 16 | port.key_low);
      span_.push_back(uint32_t{port.key_high} - port.key_low);
      protocol_mask_.push_back(any ? 0xffff : 0xffffff);
      value_.push_back(port.value);
    }
  }
  while (network_.size() % kBlock != 0) {
    network_.push_back(1);  // no address is 1 under the mask 0
    mask_.push_back(0);
    first_.push_back(0);
    span_.push_back(0);
    protocol_mask_.push_back(0);
    value_.push_back(kNoMatch);
  }
}

uint32_t LinearScan::Lookup(uint32_t address, uint8_t protocol, uint16_t key) const noexcept {
  const uint32_t port_key = uint32_t{protocol} << 16 | key;
  for (size_t block = 0; block < network_.size(); block += kBlock) {
    uint32_t best = kBlock;
    for (uint32_t i = 0; i < kBlock; ++i) {
      const size_t at = block + i;
      const uint32_t differs = (address & mask_[at]) ^ network_[at];
      const uint32_t offset = (port_key & protocol_mask_[at]) - first_[at];
      const uint32_t candidate = differs == 0 && offset <= span_[at] ? i : kBlock;
      best = std::min(best, candidate);
    }
    if (best < kBlock) {
      return value_[block + best];
    }
  }
  return kNoMatch;
}

}  // namespace sluice
