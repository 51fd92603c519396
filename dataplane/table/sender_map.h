// Who sends on a port: (port, VLAN, source MAC) -> interface, and the sole owner of (port, VLAN)
// where there is one. An immutable keyed hash with linear probes; at most half full. Built by the
// control thread, read by workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/aligned_array.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"

namespace sluice {

class SenderMap {
 public:
  struct Attachment {
    PortIdx port;
    uint16_t vlan = 0;
    MacAddress mac;
    InterfaceIdx interface;
  };

  // nullptr when memory is short. (port, vlan, mac) are distinct. `key` is random.
  static std::shared_ptr<const SenderMap> Build(const std::vector<Attachment>& attachments,
                                                uint64_t key, MemorySource& memory);

  // The ENI with this MAC on this port and VLAN, or none.
  InterfaceIdx Find(PortIdx port, uint16_t vlan, const MacAddress& mac) const noexcept;
  // The only ENI of this port and VLAN, or none when there are none or several.
  InterfaceIdx SoleOwner(PortIdx port, uint16_t vlan) const noexcept;
  // Whether any ENI is attached to this port and VLAN.
  bool HasOwner(PortIdx port, uint16_t vlan) const noexcept;

 private:
  struct Entry {
    uint64_t place = 0;  // PackPlace; 0: free
    uint32_t port = 0;
    uint32_t interface = 0;
  };

  const Entry* FindPlace(uint32_t port, uint64_t place) const noexcept;
  size_t Slot(uint32_t port, uint64_t place) const noexcept;
  void Insert(uint32_t port, uint64_t place, InterfaceIdx interface) noexcept;

  AlignedArray<Entry> entries_;
  uint64_t hash_key_ = 0;
  uint64_t mask_ = 0;
};

}  // namespace sluice
