#include "dataplane/table/sender_map.h"

#include <bit>
#include <map>
#include <utility>

namespace sluice {

namespace {

// Broadcast sends nothing, so its key is free to stand for "whoever owns this place alone".
constexpr uint64_t kSoleOwnerMac = 0xffffffffffff;

constexpr uint64_t PackPlace(uint16_t vlan, uint64_t mac) {
  return uint64_t{1} << 63 | uint64_t{vlan} << 48 | mac;
}

}  // namespace

size_t SenderMap::Slot(uint32_t port, uint64_t place) const noexcept {
  uint64_t x = (place ^ hash_key_) * 0x9e3779b97f4a7c15 ^ (port + hash_key_) * 0xc2b2ae3d27d4eb4f;
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
  return static_cast<size_t>((x ^ x >> 32) & mask_);
}

void SenderMap::Insert(uint32_t port, uint64_t place, InterfaceIdx interface) noexcept {
  size_t slot = Slot(port, place);
  while (entries_[slot].place != 0) {
    slot = (slot + 1) & mask_;
  }
  entries_[slot] = {place, port, interface.value};
}

std::shared_ptr<const SenderMap> SenderMap::Build(const std::vector<Attachment>& attachments,
                                                  uint64_t key, MemorySource& memory) {
  std::map<std::pair<uint16_t, uint16_t>, std::pair<InterfaceIdx, int>> places;
  for (const Attachment& a : attachments) {
    auto& [owner, count] = places[{a.port.value, a.vlan}];
    owner = a.interface;
    ++count;
  }
  auto map = std::make_shared<SenderMap>();
  const size_t slots = std::bit_ceil(2 * (attachments.size() + places.size()) + 2);
  map->entries_ = AlignedArray<Entry>::Make(memory, "sender map", slots);
  if (!map->entries_.ok()) {
    return nullptr;
  }
  map->hash_key_ = key;
  map->mask_ = slots - 1;
  for (const Attachment& a : attachments) {
    map->Insert(a.port.value, PackPlace(a.vlan, a.mac.ToUint64()), a.interface);
  }
  for (const auto& [place, owner] : places) {
    map->Insert(place.first, PackPlace(place.second, kSoleOwnerMac),
                owner.second == 1 ? owner.first : InterfaceIdx::None());
  }
  return map;
}

const SenderMap::Entry* SenderMap::FindPlace(uint32_t port, uint64_t place) const noexcept {
  for (size_t slot = Slot(port, place); entries_[slot].place != 0; slot = (slot + 1) & mask_) {
    if (entries_[slot].place == place && entries_[slot].port == port) {
      return &entries_[slot];
    }
  }
  return nullptr;
}

InterfaceIdx SenderMap::Find(PortIdx port, uint16_t vlan, const MacAddress& mac) const noexcept {
  const uint64_t place = PackPlace(vlan, mac.ToUint64());
  const Entry* entry = mac == kBroadcastMac ? nullptr : FindPlace(port.value, place);
  return entry == nullptr ? InterfaceIdx::None() : InterfaceIdx(entry->interface);
}

InterfaceIdx SenderMap::SoleOwner(PortIdx port, uint16_t vlan) const noexcept {
  const Entry* entry = FindPlace(port.value, PackPlace(vlan, kSoleOwnerMac));
  return entry == nullptr ? InterfaceIdx::None() : InterfaceIdx(entry->interface);
}

bool SenderMap::HasOwner(PortIdx port, uint16_t vlan) const noexcept {
  return FindPlace(port.value, PackPlace(vlan, kSoleOwnerMac)) != nullptr;
}

}  // namespace sluice
