// What a worker remembers about fragmented datagrams (D-FRAG): the ports and the verdict of a
// datagram's first fragment, for 30 s, so that the later ones, which carry no ports, share its
// fate; and the frames of later fragments that arrived early, for at most 2 s.
//
// The cache never touches a frame: a frame is an opaque handle. Whoever calls gives it over with
// Offer (kHold) and gets every held frame back exactly once, through TakeReleased (its first
// fragment has been judged: the frame is input again), TakeOrphan (held too long, or displaced) or
// TakeAny (the end).
//
// Bounds. Datagrams and held frames are capped per sending side and in total. At its cap a side
// displaces its own oldest datagram that holds no frame; another side's datagrams never suffer
// before the total is reached, and then the oldest of all goes. Disjoint ranges of one datagram:
// kMaxFragmentRanges. A lookup visits at most kFragmentProbes entries, under a keyed hash, because
// senders choose the keys.
//
// Overlaps (RFC 1858, RFC 3128): a fragment that covers any byte already accepted, reaches beyond
// the datagram's end or moves it is refused, and the others go on: what reaches the receiver never
// overlaps. A first fragment of a datagram that is complete starts it anew.
//
// One worker; time is an argument (the wrapping session clock).
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "dataplane/base/aligned_array.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/verdict.h"
#include "dataplane/session/session_hash.h"

namespace sluice {

inline constexpr uint32_t kFragmentMemoryMs = 30'000;
inline constexpr uint32_t kFragmentHoldMs = 2'000;
inline constexpr uint32_t kMaxFragmentRanges = 16;
inline constexpr uint32_t kFragmentProbes = 16;

struct FragmentCacheSizes {
  uint32_t datagrams = 8192;           // in total
  uint32_t datagrams_per_side = 1024;  // of one sending side
  uint32_t held_frames = 1024;
  uint32_t held_frames_per_side = 64;
  uint32_t side_count =
      0;  // sending sides (scopes) are indices below this; others share one account
};

// One fragment as it arrived. Host order.
struct Fragment {
  uint32_t scope = 0;  // the sending side's index
  uint32_t src = 0;
  uint32_t dst = 0;
  uint16_t ip_id = 0;
  uint8_t protocol = 0;
  bool more = false;           // the more-fragments flag
  uint16_t offset_bytes = 0;   // a multiple of 8
  uint16_t payload_bytes = 0;  // behind the IPv4 header, at least 1
};

enum class FragmentDecision : uint8_t {
  kJudge,    // the first fragment: judge it by its own headers, then Resolve
  kInherit,  // a later one: the verdict and the ports are in FirstFragment
  kHold,     // the cache has taken the frame
  kOverlap,  // drop: fragment_overlap
  kTiny,     // drop: fragment_tiny
  kFull,     // drop: fragment_cache_full
};

// The drop reason of kOverlap, kTiny and kFull; kNone for the others.
constexpr DropReason ReasonOf(FragmentDecision decision) {
  return decision == FragmentDecision::kOverlap ? DropReason::kFragmentOverlap
         : decision == FragmentDecision::kTiny  ? DropReason::kFragmentTiny
         : decision == FragmentDecision::kFull  ? DropReason::kFragmentCacheFull
                                                : DropReason::kNone;
}

// What became of a first fragment: what its later ones inherit.
struct FirstFragment {
  uint16_t src_l4_port = 0;
  uint16_t dst_l4_port = 0;
  uint16_t rule_key = 0;
  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;
  // Where a group or an ACL refused it, and as what it came there: flow logs tell it of every
  // fragment. None: nowhere.
  InterfaceIdx refused_at;
  uint32_t refused_src = 0;
  uint32_t refused_dst = 0;
  uint16_t refused_src_l4_port = 0;
  uint16_t refused_dst_l4_port = 0;
  // The NAT gateway it got to, from inside or (inward) to whoever is behind it, and the IPv4 id it
  // left with, if it got one of the gateway's.
  NatGatewayIdx nat;
  uint16_t nat_ip_id = 0;
  bool has_nat_ip_id = false;
  bool nat_inward = false;
};
static_assert(sizeof(FirstFragment) == 32 && std::is_trivially_copyable_v<FirstFragment>);

struct HeldFrame {
  void* handle = nullptr;
  uint32_t scope = 0;
};

class FragmentCache {
 public:
  // nullptr when memory is short. Control thread.
  static std::unique_ptr<FragmentCache> Make(MemorySource& source, const FragmentCacheSizes& sizes,
                                             const HashSecret& secret);

  // What to do with a fragment. `handle` is kept only for kHold; `first` is written only for
  // kInherit.
  FragmentDecision Offer(const Fragment& fragment, void* handle, uint32_t now_ms,
                         FirstFragment* first) noexcept;
  // The first fragment of `fragment`'s datagram has been judged (after kJudge, in the same burst).
  // Its held frames are released, in the order they came.
  void Resolve(const Fragment& fragment, const FirstFragment& first, uint32_t now_ms) noexcept;

  // Each gives one frame back, false when there is none (due).
  bool TakeReleased(HeldFrame* frame) noexcept;
  bool TakeOrphan(uint32_t now_ms, HeldFrame* frame) noexcept;
  bool TakeAny(HeldFrame* frame) noexcept;

  uint32_t datagram_count() const { return datagram_count_; }
  uint32_t held_count() const { return held_count_; }  // released ones not yet taken included

 private:
  static constexpr uint32_t kNil = 0xffffffff;

  enum class Phase : uint8_t { kWaiting, kResolved };

  struct Range {
    uint16_t begin;  // units of 8 bytes
    uint16_t end;
  };
  // List places are indices of the same array.
  struct alignas(kCacheLineBytes) Datagram {
    SessionKey key;
    FirstFragment first;
    uint32_t bucket_next;
    uint32_t age_previous, age_next;    // all datagrams, oldest first
    uint32_t side_previous, side_next;  // of one side, oldest first
    uint32_t held_first, held_last;
    uint32_t created_ms;
    uint32_t released_ms;  // when frames were last released
    uint16_t end_units;    // behind the last fragment; 0 while unknown
    Phase phase;
    uint8_t range_count;
    uint16_t awaited;  // frames released and not offered again yet
    Range ranges[kMaxFragmentRanges];
  };
  static_assert(sizeof(Datagram) == 192 && std::is_trivially_copyable_v<Datagram>);
  struct Frame {
    void* handle;
    uint32_t datagram;  // kNil once released
    uint32_t next;      // of the datagram, of the released queue, or of the free list
    uint32_t age_previous, age_next;
    uint32_t held_since_ms;
    uint32_t scope;
  };
  struct Side {
    uint32_t datagrams;
    uint32_t frames;
    uint32_t oldest, newest;
  };

  explicit FragmentCache(const HashSecret& secret) : hasher_(secret) {}

  Side& SideOf(uint32_t scope) { return sides_[scope < side_count_ ? scope : side_count_]; }
  uint32_t* BucketOf(const SessionKey& key) noexcept;
  uint32_t Lookup(const SessionKey& key) noexcept;
  uint32_t Create(const SessionKey& key, uint32_t now_ms) noexcept;
  void Forget(uint32_t datagram) noexcept;
  bool MakeRoom(uint32_t scope) noexcept;
  uint32_t OldestWithoutFrames(uint32_t from, bool of_side) const noexcept;
  static bool IsPast(const Datagram& d, uint32_t now_ms) noexcept;
  void ForgetOld(uint32_t now_ms) noexcept;
  static bool IsComplete(const Datagram& d) noexcept;
  FragmentDecision Accept(Datagram& d, const Fragment& fragment) noexcept;
  FragmentDecision Hold(uint32_t datagram, uint32_t scope, void* handle, uint32_t now_ms) noexcept;
  void Release(Datagram& d, uint32_t now_ms) noexcept;
  void UnlinkAge(uint32_t frame) noexcept;
  void Detach(uint32_t frame) noexcept;
  void GiveBack(uint32_t frame, HeldFrame* out) noexcept;

  SessionHasher hasher_;
  FragmentCacheSizes sizes_;
  AlignedArray<Datagram> datagrams_;
  AlignedArray<uint32_t> buckets_;
  AlignedArray<Frame> frames_;
  AlignedArray<Side> sides_;
  uint32_t side_count_ = 0;
  uint32_t free_datagram_ = kNil;
  uint32_t free_frame_ = kNil;
  uint32_t oldest_ = kNil, newest_ = kNil;
  uint32_t oldest_frame_ = kNil, newest_frame_ = kNil;  // held, not released
  uint32_t released_first_ = kNil, released_last_ = kNil;
  uint32_t datagram_count_ = 0;
  uint32_t held_count_ = 0;
};

}  // namespace sluice
