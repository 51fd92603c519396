// D-FRAG, naively: every datagram that came in fragments, its ranges, what became of its first
// fragment, and the later ones that wait for it. Unbounded. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/explain/packet_view.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

inline constexpr int64_t kFragmentHoldNs = 2'000'000'000;
inline constexpr int64_t kFragmentMemoryNs = 30'000'000'000;

struct FragmentKey {
  std::string side;  // the sending side
  Ipv4Address source;
  Ipv4Address destination;
  uint8_t protocol = 0;
  uint16_t identification = 0;
  friend auto operator<=>(const FragmentKey&, const FragmentKey&) = default;
};

// Where an arrival came from: an interface, the uplink or a services side.
struct ArrivalOrigin {
  enum class Kind : uint8_t { kInterface, kUplink, kServices };
  Kind kind = Kind::kInterface;
  std::string eni_id;         // kInterface
  size_t services_index = 0;  // kServices: of Host::services
};

struct HeldFragment {
  uint64_t arrival_number = 0;
  int64_t arrived_ns = 0;
  ArrivalOrigin origin;
  EthernetFrame frame;
  Packet packet;
};

struct FirstFragmentFate {
  bool forwarded = false;
  DropReason reason = DropReason::kNone;
  PacketHeader header;
};

enum class FragmentStep : uint8_t { kProceed, kHold, kOverlap };

class WorldFragmentCache {
 public:
  static FragmentKey KeyOf(const std::string& side, const Packet& packet);

  // Takes out the held fragments older than 2 s, in order of arrival.
  std::vector<HeldFragment> TakeExpired(int64_t now_ns);
  std::vector<HeldFragment> TakeAll();

  // Files a fragment: one that was held too, when its first has been judged. kHold: the caller
  // gives it to Hold.
  FragmentStep File(const FragmentKey& key, const Packet& packet, int64_t now_ns);
  void Hold(const FragmentKey& key, HeldFragment fragment);

  // Of a later fragment that may proceed.
  const FirstFragmentFate& FateOf(const FragmentKey& key) const;
  // After the first fragment's walk; gives the fragments that waited for it, in order of arrival.
  std::vector<HeldFragment> Settle(const FragmentKey& key, const FirstFragmentFate& fate);

 private:
  struct Datagram {
    int64_t first_seen_ns = 0;
    std::vector<std::pair<size_t, size_t>> ranges;  // [begin, end) of payload bytes
    std::optional<size_t> end;                      // known once the last fragment was seen
    std::optional<FirstFragmentFate> fate;
    std::vector<HeldFragment> held;

    bool IsComplete() const;
    // False: it overlaps what was accepted, reaches beyond the end or moves it.
    bool Accept(const Packet& packet);
  };

  std::map<FragmentKey, Datagram> datagrams_;
};

}  // namespace sluice
