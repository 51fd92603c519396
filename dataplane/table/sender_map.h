// Who sends on a port: (port, VLAN, source MAC) -> interface, and the sole owner of (port, VLAN)
// where there is one. An immutable keyed hash with linear probes, at most half full; of few
// senders an eighth, with the best of several keys, since a place that is not the first is a branch
// mispredicted. Built by the control thread, read by workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/eight.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"

namespace sluice {

// Stands for every sender of a side (the internet, a Services side): its frames may come from any
// MAC. As an address it sends nothing.
inline constexpr MacAddress kMacOfSides = {};

class SenderMap {
 private:
  struct alignas(16) Entry {
    uint64_t place = 0;  // PackPlace; 0: free
    uint32_t port = 0;
    uint32_t interface = 0;
  };
  static constexpr uint64_t kMark = uint64_t{1} << 63;  // of the place of every MAC
  static constexpr uint64_t PackPlace(uint16_t vlan, uint64_t packed_mac) {
    return kMark | uint64_t{vlan} << 48 | packed_mac;
  }

 public:
  struct Attachment {
    PortIdx port;
    uint16_t vlan = 0;
    MacAddress mac;
    InterfaceIdx interface;
  };

  // nullptr when memory is short. (port, vlan, mac) are distinct. `key` is random; the same input
  // makes the same map.
  static std::shared_ptr<const SenderMap> Build(const std::vector<Attachment>& attachments,
                                                uint64_t key, MemorySource& memory);

  // The first place of a search, which ends nearly all of them, as a value that stays in registers.
  class FirstProbe {
   public:
    // None: nobody, or not in the first place.
    InterfaceIdx Find(PortIdx port, uint16_t vlan, uint64_t packed_mac) const noexcept {
      const uint64_t place = PackPlace(vlan, packed_mac);
      const Entry& entry = entries_[Slot(port.value, place)];
      const bool found = (entry.place == place) & (entry.port == port.value);
      return InterfaceIdx(found ? entry.interface : InterfaceIdx::kNoneValue);
    }

    // Eight of VLAN 0 at once: words of the packed MACs, the upper ones below 2^16, and ports. None
    // in a word as above.
    __m256i FindEight(__m256i ports, __m256i mac_low, __m256i mac_high) const noexcept {
      const __m256i high = _mm256_or_si256(mac_high, All(static_cast<uint32_t>(kMark >> 32)));
      const auto product = [](__m256i words, uint32_t by) {
        return _mm256_mullo_epi32(words, All(by));
      };
      const __m256i sum = _mm256_add_epi32(
          product(ports, kPortFactor),
          _mm256_add_epi32(product(_mm256_xor_si256(mac_low, All(Low(key_))), kLowFactor),
                           product(_mm256_xor_si256(high, All(High(key_))), kHighFactor)));
      const Entry* entry[kEight];
      StoreAddresses(entries_, _mm256_srl_epi32(sum, _mm_cvtsi32_si128(static_cast<int>(shift_))),
                     entry);
      const FourWords found = LoadFourWords(
          [&](int i) { return _mm_load_si128(reinterpret_cast<const __m128i*>(entry[i])); });
      const __m256i same_mac =
          _mm256_and_si256(Equal(found.word[0], mac_low), Equal(found.word[1], high));
      const __m256i same = _mm256_and_si256(same_mac, Equal(found.word[2], ports));
      return Select(same, found.word[3], All(InterfaceIdx::kNoneValue));
    }

   private:
    friend class SenderMap;
    static constexpr uint32_t Low(uint64_t word) { return static_cast<uint32_t>(word); }
    static constexpr uint32_t High(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
    // Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) of secret words, with
    // multiplications that vectors have: the upper bits are the best.
    static constexpr uint32_t kLowFactor = 0x9e3779b1;
    static constexpr uint32_t kHighFactor = 0x85ebca77;
    static constexpr uint32_t kPortFactor = 0xc2b2ae3d;
    size_t Slot(uint32_t port, uint64_t place) const noexcept {
      const uint64_t secret = place ^ key_;
      return (Low(secret) * kLowFactor + High(secret) * kHighFactor + port * kPortFactor) >> shift_;
    }

    const Entry* entries_ = nullptr;
    uint64_t key_ = 0;
    uint32_t shift_ = 0;
  };
  FirstProbe first_probe() const noexcept { return first_probe_; }

  // Who sends from this MAC (as PackMac) on this port and VLAN, or none.
  InterfaceIdx Find(PortIdx port, uint16_t vlan, uint64_t packed_mac) const noexcept {
    const InterfaceIdx found = first_probe().Find(port, vlan, packed_mac);
    return found.has_value() ? found : FindFurther(port, vlan, packed_mac);
  }

  // The only ENI of this port and VLAN, or none when there are none or several.
  InterfaceIdx SoleOwner(PortIdx port, uint16_t vlan) const noexcept;
  // Whether any ENI is attached to this port and VLAN.
  bool HasOwner(PortIdx port, uint16_t vlan) const noexcept;

 private:
  const Entry* FindPlace(uint32_t port, uint64_t place) const noexcept;
  InterfaceIdx FindFurther(PortIdx port, uint16_t vlan, uint64_t packed_mac) const noexcept;
  // Forgets all, then holds these; returns how many are not in their first place.
  size_t Fill(const std::vector<Entry>& all, uint64_t key) noexcept;

  AlignedArray<Entry> entries_;
  FirstProbe first_probe_;
  uint64_t mask_ = 0;
};

}  // namespace sluice
