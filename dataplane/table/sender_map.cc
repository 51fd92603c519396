#include "dataplane/table/sender_map.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "dataplane/packet/wire.h"

namespace sluice {

namespace {

// Stands for whoever owns a port and VLAN alone. Bit 63, which the place of every MAC has, is
// clear.
constexpr uint64_t SolePlace(uint16_t vlan) {
  return uint64_t{1} << 62 | uint64_t{vlan} << 48;
}

// Few senders get a map that is an eighth full, and the best of several keys; many get what is
// built in the time of one key.
constexpr size_t kFewEntries = 4096;
constexpr uint64_t kKeysTried = 32;
constexpr size_t kSlotsTried = size_t{1} << 14;  // of all keys together

}  // namespace

size_t SenderMap::Fill(const std::vector<Entry>& all, uint64_t key) noexcept {
  std::fill_n(entries_.data(), entries_.size(), Entry{});
  first_probe_.key_ = key;
  size_t displaced = 0;
  for (const Entry& entry : all) {
    const size_t first = first_probe_.Slot(entry.port, entry.place);
    size_t slot = first;
    while (entries_[slot].place != 0) {
      slot = (slot + 1) & mask_;
    }
    entries_[slot] = entry;
    displaced += slot == first ? 0 : 1;
  }
  return displaced;
}

std::shared_ptr<const SenderMap> SenderMap::Build(const std::vector<Attachment>& attachments,
                                                  uint64_t key, MemorySource& memory) {
  std::vector<Entry> all;
  std::map<std::pair<uint16_t, uint16_t>, std::pair<InterfaceIdx, int>> places;
  for (const Attachment& a : attachments) {
    auto& [owner, count] = places[{a.port.value, a.vlan}];
    owner = a.interface;
    ++count;
    all.push_back({PackPlace(a.vlan, PackMac(a.mac)), a.port.value, a.interface.value});
  }
  for (const auto& [place, owner] : places) {
    const InterfaceIdx sole = owner.second == 1 ? owner.first : InterfaceIdx::None();
    all.push_back({SolePlace(place.second), place.first, sole.value});
  }
  auto map = std::make_shared<SenderMap>();
  const size_t slots = std::bit_ceil((all.size() <= kFewEntries ? 8 : 2) * all.size() + 2);
  map->entries_ = AlignedArray<Entry>::Make(memory, "sender map", slots);
  if (!map->entries_.ok()) {
    return nullptr;
  }
  map->mask_ = slots - 1;
  map->first_probe_.entries_ = map->entries_.data();
  map->first_probe_.shift_ = static_cast<uint32_t>(32 - std::countr_zero(slots));
  uint64_t best = key;
  size_t least = map->Fill(all, key);
  const uint64_t keys = std::min<uint64_t>(kKeysTried, kSlotsTried / slots);
  for (uint64_t tried = 1; tried < keys && least != 0; ++tried) {
    const uint64_t other = key ^ tried * 0xc2b2ae3d27d4eb4f;
    const size_t displaced = map->Fill(all, other);
    best = displaced < least ? other : best;
    least = std::min(least, displaced);
  }
  if (best != map->first_probe_.key_) {
    map->Fill(all, best);
  }
  return map;
}

const SenderMap::Entry* SenderMap::FindPlace(uint32_t port, uint64_t place) const noexcept {
  for (size_t slot = first_probe_.Slot(port, place); entries_[slot].place != 0;
       slot = (slot + 1) & mask_) {
    if (entries_[slot].place == place && entries_[slot].port == port) {
      return &entries_[slot];
    }
  }
  return nullptr;
}

InterfaceIdx SenderMap::FindFurther(PortIdx port, uint16_t vlan,
                                    uint64_t packed_mac) const noexcept {
  const Entry* entry = FindPlace(port.value, PackPlace(vlan, packed_mac));
  return entry == nullptr ? InterfaceIdx::None() : InterfaceIdx(entry->interface);
}

InterfaceIdx SenderMap::SoleOwner(PortIdx port, uint16_t vlan) const noexcept {
  const Entry* entry = FindPlace(port.value, SolePlace(vlan));
  return entry == nullptr ? InterfaceIdx::None() : InterfaceIdx(entry->interface);
}

bool SenderMap::HasOwner(PortIdx port, uint16_t vlan) const noexcept {
  return FindPlace(port.value, SolePlace(vlan)) != nullptr;
}

}  // namespace sluice
