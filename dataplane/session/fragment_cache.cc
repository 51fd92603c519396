#include "dataplane/session/fragment_cache.h"

#include <algorithm>
#include <bit>

#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

SessionKey DatagramKey(const Fragment& f) {
  return MakeSessionKey(f.scope, f.src, f.dst, f.ip_id, 0, f.protocol);
}

// A walk that looks for something to displace ends after this many datagrams.
constexpr uint32_t kDisplaceSteps = 16;

}  // namespace

std::unique_ptr<FragmentCache> FragmentCache::Make(MemorySource& source,
                                                   const FragmentCacheSizes& sizes,
                                                   const HashSecret& secret) {
  std::unique_ptr<FragmentCache> cache(new FragmentCache(secret));
  FragmentCache& c = *cache;
  c.sizes_ = sizes;
  c.side_count_ = sizes.side_count;
  c.datagrams_ = AlignedArray<Datagram>::Make(source, "fragment_datagrams", sizes.datagrams);
  c.buckets_ = AlignedArray<uint32_t>::Make(source, "fragment_buckets",
                                            std::bit_ceil(std::max(sizes.datagrams, 1u)));
  c.frames_ = AlignedArray<Frame>::Make(source, "fragment_frames", sizes.held_frames);
  c.sides_ = AlignedArray<Side>::Make(source, "fragment_sides", size_t{sizes.side_count} + 1);
  if (!c.datagrams_.ok() || !c.buckets_.ok() || !c.frames_.ok() || !c.sides_.ok()) {
    return nullptr;
  }
  std::fill(c.buckets_.span().begin(), c.buckets_.span().end(), kNil);
  for (Side& side : c.sides_.span()) {
    side = {0, 0, kNil, kNil};
  }
  for (uint32_t i = sizes.datagrams; i-- > 0;) {
    c.datagrams_[i].bucket_next = c.free_datagram_;
    c.free_datagram_ = i;
  }
  for (uint32_t i = sizes.held_frames; i-- > 0;) {
    c.frames_[i].next = c.free_frame_;
    c.free_frame_ = i;
  }
  return cache;
}

// --- datagrams ---

uint32_t* FragmentCache::BucketOf(const SessionKey& key) noexcept {
  return &buckets_[(hasher_.HashOne(key) >> 32) & (buckets_.size() - 1)];
}

uint32_t FragmentCache::Lookup(const SessionKey& key) noexcept {
  uint32_t at = *BucketOf(key);
  for (uint32_t probe = 0; at != kNil && probe < kFragmentProbes; ++probe) {
    if (datagrams_[at].key == key) {
      return at;
    }
    at = datagrams_[at].bucket_next;
  }
  return kNil;
}

uint32_t FragmentCache::Create(const SessionKey& key, uint32_t now_ms) noexcept {
  uint32_t* bucket = BucketOf(key);
  uint32_t length = 0;
  for (uint32_t at = *bucket; at != kNil; at = datagrams_[at].bucket_next) {
    ++length;
  }
  if (length >= kFragmentProbes || !MakeRoom(key.scope())) {
    return kNil;
  }
  const uint32_t at = free_datagram_;
  Datagram& d = datagrams_[at];
  free_datagram_ = d.bucket_next;
  d = Datagram{};
  d.key = key;
  d.bucket_next = *BucketOf(key);
  *BucketOf(key) = at;
  d.held_first = d.held_last = kNil;
  d.created_ms = now_ms;
  d.phase = Phase::kWaiting;

  d.age_previous = newest_;
  d.age_next = kNil;
  (newest_ == kNil ? oldest_ : datagrams_[newest_].age_next) = at;
  newest_ = at;
  Side& side = SideOf(key.scope());
  d.side_previous = side.newest;
  d.side_next = kNil;
  (side.newest == kNil ? side.oldest : datagrams_[side.newest].side_next) = at;
  side.newest = at;
  ++side.datagrams;
  ++datagram_count_;
  return at;
}

// The datagram holds no frame.
void FragmentCache::Forget(uint32_t datagram) noexcept {
  Datagram& d = datagrams_[datagram];
  uint32_t* link = BucketOf(d.key);
  while (*link != datagram) {
    link = &datagrams_[*link].bucket_next;
  }
  *link = d.bucket_next;
  (d.age_previous == kNil ? oldest_ : datagrams_[d.age_previous].age_next) = d.age_next;
  (d.age_next == kNil ? newest_ : datagrams_[d.age_next].age_previous) = d.age_previous;
  Side& side = SideOf(d.key.scope());
  (d.side_previous == kNil ? side.oldest : datagrams_[d.side_previous].side_next) = d.side_next;
  (d.side_next == kNil ? side.newest : datagrams_[d.side_next].side_previous) = d.side_previous;
  --side.datagrams;
  --datagram_count_;
  d.bucket_next = free_datagram_;
  free_datagram_ = datagram;
}

uint32_t FragmentCache::OldestWithoutFrames(uint32_t from, bool of_side) const noexcept {
  for (uint32_t step = 0; from != kNil && step < kDisplaceSteps; ++step) {
    const Datagram& d = datagrams_[from];
    if (d.held_first == kNil) {
      return from;
    }
    from = of_side ? d.side_next : d.age_next;
  }
  return kNil;
}

bool FragmentCache::MakeRoom(uint32_t scope) noexcept {
  const Side& side = SideOf(scope);
  if (side.datagrams >= sizes_.datagrams_per_side) {
    const uint32_t victim = OldestWithoutFrames(side.oldest, true);
    if (victim == kNil) {
      return false;
    }
    Forget(victim);
  } else if (free_datagram_ == kNil) {
    const uint32_t victim = OldestWithoutFrames(oldest_, false);
    if (victim == kNil) {
      return false;
    }
    Forget(victim);
  }
  return free_datagram_ != kNil;
}

// Nobody waits for it, and its time is over. What its first fragment has released follows that one
// though the memory ends in between; a frame that never comes back does not keep it for longer than
// one can have been held.
bool FragmentCache::IsPast(const Datagram& d, uint32_t now_ms) noexcept {
  const bool returning = d.awaited != 0 && AgeMs(d.released_ms, now_ms) <= kFragmentHoldMs;
  return d.held_first == kNil && !returning && AgeMs(d.created_ms, now_ms) > kFragmentMemoryMs;
}

// At most two a call: as many as a call can create, and one to catch up.
void FragmentCache::ForgetOld(uint32_t now_ms) noexcept {
  for (int i = 0; i < 2 && oldest_ != kNil; ++i) {
    if (!IsPast(datagrams_[oldest_], now_ms)) {
      return;
    }
    Forget(oldest_);
  }
}

// --- fragments ---

// Checks a fragment against what was accepted of its datagram, and accepts it. kInherit stands for
// accepted.
FragmentDecision FragmentCache::Accept(Datagram& d, const Fragment& fragment) noexcept {
  const uint32_t begin = fragment.offset_bytes / 8;
  const uint32_t end = begin + (fragment.payload_bytes + 7u) / 8;
  bool overlaps = end > 8192 || (d.end_units != 0 && (end > d.end_units || !fragment.more));
  uint32_t place = 0;
  for (uint32_t i = 0; i < d.range_count; ++i) {
    overlaps |= begin < d.ranges[i].end && d.ranges[i].begin < end;
    overlaps |= !fragment.more && d.ranges[i].end > end;
    place += d.ranges[i].end <= begin ? 1 : 0;
  }
  if (overlaps) {
    return FragmentDecision::kOverlap;
  }
  if (d.range_count == kMaxFragmentRanges) {
    return FragmentDecision::kFull;
  }
  std::copy_backward(d.ranges + place, d.ranges + d.range_count, d.ranges + d.range_count + 1);
  d.ranges[place] = {static_cast<uint16_t>(begin), static_cast<uint16_t>(end)};
  ++d.range_count;
  if (!fragment.more) {
    d.end_units = static_cast<uint16_t>(end);
  }
  return FragmentDecision::kInherit;
}

bool FragmentCache::IsComplete(const Datagram& d) noexcept {
  uint32_t units = 0;
  for (uint32_t i = 0; i < d.range_count; ++i) {
    units += d.ranges[i].end - d.ranges[i].begin;  // ranges never overlap
  }
  return d.end_units != 0 && units == d.end_units;
}

FragmentDecision FragmentCache::Offer(const Fragment& fragment, void* handle, uint32_t now_ms,
                                      FirstFragment* first) noexcept {
  ForgetOld(now_ms);
  const bool is_first = fragment.offset_bytes == 0;
  if (is_first && fragment.protocol == kProtocolTcp && fragment.payload_bytes < kTcpMinBytes) {
    return FragmentDecision::kTiny;
  }
  const SessionKey key = DatagramKey(fragment);
  uint32_t at = Lookup(key);
  if (at != kNil &&
      (IsPast(datagrams_[at], now_ms) ||
       (is_first && datagrams_[at].held_first == kNil && IsComplete(datagrams_[at])))) {
    Forget(at);
    at = kNil;
  }
  if (at == kNil && (at = Create(key, now_ms)) == kNil) {
    return FragmentDecision::kFull;
  }
  Datagram& d = datagrams_[at];
  d.awaited -= !is_first && d.awaited != 0 ? 1 : 0;
  if (!is_first && d.phase == Phase::kWaiting) {
    return Hold(at, fragment.scope, handle, now_ms);
  }
  const FragmentDecision decision = Accept(d, fragment);
  if (decision != FragmentDecision::kInherit) {
    return decision;
  }
  if (is_first) {
    return FragmentDecision::kJudge;
  }
  *first = d.first;
  return FragmentDecision::kInherit;
}

void FragmentCache::Resolve(const Fragment& fragment, const FirstFragment& first,
                            uint32_t now_ms) noexcept {
  const uint32_t at = Lookup(DatagramKey(fragment));
  if (at == kNil) {
    return;  // displaced within the burst: later fragments will be orphans
  }
  Datagram& d = datagrams_[at];
  d.first = first;
  if (d.phase == Phase::kWaiting) {
    d.phase = Phase::kResolved;
  }
  Release(d, now_ms);
}

// --- held frames ---

FragmentDecision FragmentCache::Hold(uint32_t datagram, uint32_t scope, void* handle,
                                     uint32_t now_ms) noexcept {
  Side& side = SideOf(scope);
  if (free_frame_ == kNil || side.frames >= sizes_.held_frames_per_side) {
    return FragmentDecision::kFull;
  }
  const uint32_t at = free_frame_;
  Frame& f = frames_[at];
  free_frame_ = f.next;
  f = {handle, datagram, kNil, newest_frame_, kNil, now_ms, scope};
  (newest_frame_ == kNil ? oldest_frame_ : frames_[newest_frame_].age_next) = at;
  newest_frame_ = at;
  Datagram& d = datagrams_[datagram];
  (d.held_last == kNil ? d.held_first : frames_[d.held_last].next) = at;
  d.held_last = at;
  ++side.frames;
  ++held_count_;
  return FragmentDecision::kHold;
}

void FragmentCache::UnlinkAge(uint32_t frame) noexcept {
  const Frame& f = frames_[frame];
  (f.age_previous == kNil ? oldest_frame_ : frames_[f.age_previous].age_next) = f.age_next;
  (f.age_next == kNil ? newest_frame_ : frames_[f.age_next].age_previous) = f.age_previous;
}

void FragmentCache::Release(Datagram& d, uint32_t now_ms) noexcept {
  if (d.held_first == kNil) {
    return;
  }
  d.released_ms = now_ms;
  for (uint32_t at = d.held_first; at != kNil; at = frames_[at].next) {
    UnlinkAge(at);
    frames_[at].datagram = kNil;
    ++d.awaited;
  }
  (released_last_ == kNil ? released_first_ : frames_[released_last_].next) = d.held_first;
  released_last_ = d.held_last;
  d.held_first = d.held_last = kNil;
}

// Takes a held frame out of its datagram's list, of which it is normally the first: the oldest.
void FragmentCache::Detach(uint32_t frame) noexcept {
  Datagram& d = datagrams_[frames_[frame].datagram];
  uint32_t previous = kNil;
  for (uint32_t at = d.held_first; at != frame; at = frames_[at].next) {
    previous = at;
  }
  (previous == kNil ? d.held_first : frames_[previous].next) = frames_[frame].next;
  if (d.held_last == frame) {
    d.held_last = previous;
  }
}

void FragmentCache::GiveBack(uint32_t frame, HeldFrame* out) noexcept {
  Frame& f = frames_[frame];
  *out = {f.handle, f.scope};
  --SideOf(f.scope).frames;
  --held_count_;
  f.next = free_frame_;
  free_frame_ = frame;
}

bool FragmentCache::TakeReleased(HeldFrame* frame) noexcept {
  const uint32_t at = released_first_;
  if (at == kNil) {
    return false;
  }
  released_first_ = frames_[at].next;
  if (released_first_ == kNil) {
    released_last_ = kNil;
  }
  GiveBack(at, frame);
  return true;
}

bool FragmentCache::TakeOrphan(uint32_t now_ms, HeldFrame* frame) noexcept {
  const uint32_t at = oldest_frame_;
  if (at == kNil || AgeMs(frames_[at].held_since_ms, now_ms) <= kFragmentHoldMs) {
    return false;
  }
  UnlinkAge(at);
  Detach(at);
  GiveBack(at, frame);
  return true;
}

bool FragmentCache::TakeAny(HeldFrame* frame) noexcept {
  if (TakeReleased(frame)) {
    return true;
  }
  const uint32_t at = oldest_frame_;
  if (at == kNil) {
    return false;
  }
  UnlinkAge(at);
  Detach(at);
  GiveBack(at, frame);
  return true;
}

}  // namespace sluice
