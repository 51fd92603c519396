#include "dataplane/table/mac_map.h"

#include <bit>

namespace sluice {
namespace {

constexpr uint64_t kUsed = uint64_t{1} << 63;

}  // namespace

size_t MacMap::Slot(uint32_t subnet, uint64_t mac) const noexcept {
  uint64_t x = (mac ^ hash_key_) * 0x9e3779b97f4a7c15 ^ (subnet + hash_key_) * 0xc2b2ae3d27d4eb4f;
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
  return static_cast<size_t>((x ^ x >> 32) & mask_);
}

std::shared_ptr<const MacMap> MacMap::Build(const std::vector<Owner>& owners, uint64_t key,
                                            MemorySource& memory) {
  auto map = std::make_shared<MacMap>();
  const size_t slots = std::bit_ceil(2 * owners.size() + 2);
  map->entries_ = AlignedArray<Entry>::Make(memory, "MAC map", slots);
  if (!map->entries_.ok()) {
    return nullptr;
  }
  map->hash_key_ = key;
  map->mask_ = slots - 1;
  for (const Owner& owner : owners) {
    if (map->Find(owner.subnet, owner.mac).has_value()) {
      continue;
    }
    const uint64_t mac = kUsed | owner.mac.ToUint64();
    size_t slot = map->Slot(owner.subnet.value, mac);
    while (map->entries_[slot].mac != 0) {
      slot = (slot + 1) & map->mask_;
    }
    map->entries_[slot] = {mac, owner.subnet.value, owner.interface.value};
  }
  return map;
}

InterfaceIdx MacMap::Find(SubnetIdx subnet, const MacAddress& mac) const noexcept {
  const uint64_t wanted = kUsed | mac.ToUint64();
  for (size_t slot = Slot(subnet.value, wanted); entries_[slot].mac != 0;
       slot = (slot + 1) & mask_) {
    if (entries_[slot].mac == wanted && entries_[slot].subnet == subnet.value) {
      return InterfaceIdx(entries_[slot].interface);
    }
  }
  return InterfaceIdx::None();
}

}  // namespace sluice
