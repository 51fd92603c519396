// A scan of the whole list, rule by rule: what needs no structure at all. Blocks of rules are
// compared together, as vectors as far as the compiler makes them, and the first block with a match
// ends it. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/table/classifier.h"

namespace sluice {

class LinearScan {
 public:
  // A rule of several prefixes becomes one a prefix.
  explicit LinearScan(std::span<const ClassifierRule> rules);

  // What Classifier::Lookup answers.
  uint32_t Lookup(uint32_t address, uint8_t protocol, uint16_t key) const noexcept;
  size_t bytes() const { return network_.size() * 6 * sizeof(uint32_t); }

 private:
  static constexpr size_t kBlock = 32;

  // Columns, padded to whole blocks with rules that match nothing.
  std::vector<uint32_t> network_;
  std::vector<uint32_t> mask_;
  std::vector<uint32_t> first_;  // protocol << 16 | key, or the key alone
  std::vector<uint32_t> span_;   // last - first
  std::vector<uint32_t> protocol_mask_;
  std::vector<uint32_t> value_;
};

}  // namespace sluice
