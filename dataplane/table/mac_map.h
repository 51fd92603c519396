// Which ENI of a subnet owns a MAC address: (subnet, MAC) -> interface, for frames that hosts of
// one subnet address to each other directly (AWS-RT-10). An immutable keyed hash with linear
// probes, at most half full. Built by the control thread, read by workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/aligned_array.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"

namespace sluice {

class MacMap {
 public:
  struct Owner {
    SubnetIdx subnet;
    MacAddress mac;
    InterfaceIdx interface;
  };

  // nullptr when memory is short. Of several owners of one (subnet, MAC) the first counts. `key` is
  // random.
  static std::shared_ptr<const MacMap> Build(const std::vector<Owner>& owners, uint64_t key,
                                             MemorySource& memory);

  // The ENI with this MAC in this subnet, or none.
  InterfaceIdx Find(SubnetIdx subnet, const MacAddress& mac) const noexcept;

 private:
  struct Entry {
    uint64_t mac = 0;  // bit 63 set in used entries
    uint32_t subnet = 0;
    uint32_t interface = 0;
  };
  static_assert(sizeof(Entry) == 16);

  size_t Slot(uint32_t subnet, uint64_t mac) const noexcept;

  AlignedArray<Entry> entries_;
  uint64_t hash_key_ = 0;
  uint64_t mask_ = 0;
};

}  // namespace sluice
