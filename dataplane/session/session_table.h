// The session table: every flow the dataplane knows, shared by all workers without locks.
//
// Fixed capacity, reserved when made. Find is batched and costs one index line and one session line
// a key; an established packet then touches only its own direction's line. Capacity and expiry are
// not decided here: see session_state.h (who is expired) and ageing.h (who reclaims).
//
// Threads. Find, Line, LoadCold: any worker, inside a burst. BeginPair ... Publish or Abandon: any
// worker, one pair at a time, to the end before the next (so no worker ever waits on itself).
// Unlink, ExpireNat, Evict...: any thread; one caller wins. TakeUnlinked and Free: the control
// thread, Free only after a grace period in which every worker was quiescent, because workers may
// hold a line until the end of their burst.
//
// Load. At most `capacity` counted pairs (tracked or translated). The index is sized to an average
// of six entries in a bucket of twelve at full capacity, so at the limit 99 % of misses are proved
// by one line (Poisson(6) > 12 is 0.9 %). Memory at full capacity: 128 lines + 32 cold + 21.4 index
// + 4 links = 185.4 bytes a pair, 1/128 of pairs spare.
#pragma once

#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/lane_bits.h"
#include "dataplane/base/late_array.h"
#include "dataplane/base/memory_source.h"
#include "dataplane/session/closed_ring.h"
#include "dataplane/session/pair_pool.h"
#include "dataplane/session/session_bucket.h"
#include "dataplane/session/session_hash.h"
#include "dataplane/session/session_line.h"

namespace sluice {

inline constexpr uint32_t kFindBatch = kMaxRun;  // lanes in flight
inline constexpr uint32_t kClaimAttempts = 64;   // scans of one claim, each after a lost race
inline constexpr uint32_t kClaimWaits = 512;     // looks at another worker's unpublished claim
inline constexpr uint32_t kEvictionSteps = 32;   // pairs looked at for one cache-only victim
inline constexpr uint32_t kMaxSessionPairs = 1u << 29;
// Between a free line and none: some entry has to be looked at twice.
inline constexpr LineIdx kLineUnsure = LineIdx(0xfffffffe);

struct SessionTableSizes {
  uint32_t capacity = 0;           // MaxSessions: counted pairs, 1..kMaxSessionPairs
  uint32_t interface_count = 0;    // live counts are kept for interface indices below this
  uint32_t vpc_count = 0;          // and for VPC indices below this
  uint32_t nat_gateway_count = 0;  // idle timeouts are counted for gateway indices below this
};

// Limits of one admission, from the snapshot. 0 = none.
struct SessionLimits {
  uint32_t initiator_interface = 0;
  uint32_t responder_interface = 0;
  uint32_t vpc = 0;
};

enum class ClaimOutcome : uint8_t {
  kClaimed,
  kExists,     // the key is in the table: `existing` is its line
  kFull,       // no room: capacity, spare pairs or the neighbourhood of the bucket
  kLimit,      // an interface's or VPC's limit (AWS-SG-14)
  kContended,  // another worker's claim of this key did not end within the bound
};

// What a new pair will be, before there is one.
struct PairDemand {
  SessionCold cold;
  SessionLimits limits;
};

// The finished pairs that will make room for the next admissions, oldest first.
struct LeavingPairs {
  uint32_t count = 0;
  uint32_t first = 0;  // number of the first among the finished
  LateArray<ClosedPair, kFindBatch> closed;
};

// An admission in progress. A value on the admitting worker's stack.
struct Admission {
  struct Entry {
    uint32_t home = 0;
    uint32_t bucket = 0;
    uint32_t slot = 0;
    bool held = false;  // the entry is this admission's, pending or (when replacing) to be swapped
  };
  PairIdx pair;
  PairIdx replaced;  // BeginReplace: the pair that goes when this one is published
  Entry forward;
  Entry reverse;
  bool forward_swaps = false;  // the entry holds the replaced pair's reference until Publish
  bool reverse_swaps = false;
  bool counted = false;
  SessionCold cold;
  uint32_t full_interface_idx = kNoInterface;  // kLimit: whose limit it was, or kNoInterface (VPC)
};

struct SessionCounts {
  uint32_t counted = 0;  // tracked or translated pairs
  uint32_t cache_only = 0;
  uint32_t spare = 0;  // free pairs, physical
};

class SessionTable {
 public:
  // nullptr when memory is short or a size is out of range. Control thread.
  static std::unique_ptr<SessionTable> Make(MemorySource& source, const SessionTableSizes& sizes,
                                            const HashSecret& secret,
                                            HashKind kind = HashKind::kAuto);

  const SessionHasher& hasher() const { return hasher_; }

  // --- lookup (workers) ---

  // lines[i] = the published line of keys[i], or None. `hashes` come from hasher(). Any count.
  void Find(const SessionKey* keys, const uint64_t* hashes, LineIdx* lines,
            size_t count) const noexcept;
  LineIdx FindOne(const SessionKey& key) const noexcept;

  // The same in three steps, for callers who have something to do while memory answers: each step
  // asks for the cache line that the next one reads.
  void PrefetchHomes(const uint64_t* hashes, size_t count) const noexcept;
  // candidates[i]: the line whose tag fits, or kLineUnsure; None: surely absent.
  void FindCandidates(const uint64_t* hashes, LineIdx* candidates, size_t count) const noexcept;
  // The line of the key, or None.
  LineIdx Confirm(const SessionKey& key, uint64_t hash, LineIdx candidate) const noexcept {
    if (candidate.value < kLineUnsure.value && KeyOf(lines_[candidate.index()]) == key) [[likely]] {
      return candidate;
    }
    return candidate.has_value() ? FindSlow(key, hash) : candidate;
  }

  SessionLine& Line(LineIdx line) noexcept { return lines_[line.value]; }
  const SessionLine& Line(LineIdx line) const noexcept { return lines_[line.value]; }
  SessionCold LoadCold(PairIdx pair) const noexcept {
    const SessionColdWords& from = cold_[pair.value >> 1].pairs[pair.value & 1];
    // Word by word into its place: read back sixteen bytes at a time, words that were just stored
    // would have to reach the cache first.
    SessionCold cold;
    for (size_t i = 0; i < std::size(from.words); ++i) {
      const uint64_t word = from.words[i].load(std::memory_order_relaxed);
      std::memcpy(reinterpret_cast<uint8_t*>(&cold) + i * sizeof(word), &word, sizeof(word));
    }
    return cold;
  }
  // The cold records of all pairs, by PairIdx: for who reads some words of many.
  const SessionColdWords* ColdRecords() const noexcept { return cold_[0].pairs; }

  // --- admission (workers) ---

  // Takes a pair, prepares both lines and claims `forward`. kClaimed: fill in `admission`, then
  // ClaimReverse, then Publish or Abandon. Anything else left no trace. `cold` decides whether the
  // pair is counted, and where.
  ClaimOutcome BeginPair(const SessionKey& forward, uint64_t forward_hash, const SessionCold& cold,
                         const SessionLimits& limits, Admission* admission,
                         LineIdx* existing) noexcept;
  // BeginPair of a pair that ReserveTogether has set aside for it. Anything else than kClaimed has
  // given it back.
  ClaimOutcome BeginReserved(PairIdx pair, const SessionKey& forward, uint64_t forward_hash,
                             const SessionCold& cold, Admission* admission,
                             LineIdx* existing) noexcept;
  // Brings nearer what the claim of a key with this hash will touch.
  void PrefetchClaim(uint64_t hash) const noexcept {
    PrefetchWrite(&buckets_[HomeOf(hash, bucket_count_)]);
  }
  // The same for what is read of a pair beside the line that was found.
  void PrefetchPeer(LineIdx line) const noexcept {
    PrefetchRead(&lines_[PeerOf(line).value]);
    PrefetchCold(line);
    PrefetchRead(&links_[PairOf(line)]);
  }
  // Of that the cold record alone.
  void PrefetchCold(LineIdx line) const noexcept { PrefetchRead(&cold_[PairOf(line).value >> 1]); }
  // The same for a flow that is already in the table as `old` and needs a new pair: another
  // translation, a lapsed NAT binding, a SYN on a finished connection. Readers see the old pair
  // until Publish swaps the entry. kContended when `old` is being removed or changed by someone
  // else. The caller copies what must survive.
  ClaimOutcome BeginReplace(PairIdx old, const SessionCold& cold, Admission* admission) noexcept;

  // Claims the key of the answer. May be called again after kExists with another key (the next NAT
  // port).
  ClaimOutcome ClaimReverse(Admission& admission, const SessionKey& reverse,
                            LineIdx* existing) noexcept;
  // The same with the key's hash.
  ClaimOutcome ClaimReverse(Admission& admission, const SessionKey& reverse, uint64_t hash,
                            LineIdx* existing) noexcept;
  // BeginReplace only: the new pair takes over the old one's reverse key. False when that key is
  // not in the index any more; then ClaimReverse.
  bool KeepReverse(Admission& admission) noexcept;

  // Both lines of the pair are the caller's until Publish: FillWalk, counters, state.
  // Publish makes the reverse key visible, then the forward key. `admission.cold` is stored as it
  // stands, so NAT fields may be completed after BeginPair (flags that decide counting may not
  // change).
  void Publish(Admission& admission) noexcept;
  void Abandon(Admission& admission) noexcept;

  // --- room for several admissions at once (workers; session_reserve.cc) ---

  // What is shared by all workers is written once for `count` <= kFindBatch new pairs together. In
  // two steps, with something to do between them while memory answers: notes the finished pairs
  // that have to go in a full table, and asks for them, their buckets and the free pairs;
  void LookAhead(uint32_t count, LeavingPairs& leaving) const noexcept;
  // counts the demanded pairs, lets go what has to, and takes the pairs. All or nothing: false also
  // where a place would be among the last ones, so that those are given one by one, by BeginPair.
  bool ReserveTogether(const PairDemand* const* demands, uint32_t count,
                       const LeavingPairs& leaving, PairIdx* pairs) noexcept;
  // A reserved pair that was not begun.
  void GiveBack(const SessionCold& cold, PairIdx pair) noexcept;

  // --- removal ---

  // Takes both keys out of the index and queues the pair for Free. False when another thread owns
  // it or it is gone.
  bool Unlink(PairIdx pair) noexcept;
  // Takes only the reverse key out and marks the pair kPairNatExpired (the NAT clock has run out);
  // a TCP connection that was not closed counts as one the gateway has idled out. False as above,
  // or when it was done already.
  bool ExpireNat(PairIdx pair) noexcept;
  // A pair whose connection is fully closed may be evicted under pressure, oldest first (decision
  // 6). Here those of the connections of `which`, by a line of each and the hash of its key.
  void NoteClosed(const LineIdx* lines, const uint64_t* hashes, LaneBits which) noexcept;
  void NoteClosed(LineIdx line) noexcept {
    const uint64_t hash = HashOfLine(line);
    NoteClosed(&line, &hash, 1);
  }
  // As many are noted at most, of a table for `capacity` pairs.
  static uint32_t MostNotedClosed(uint32_t capacity) noexcept;
  // Whether any is noted. Not all are: of many that close together, some find no room.
  bool HasClosed() const noexcept { return !closed_.IsEmpty(); }

  // --- reclamation and inspection (control thread) ---

  // All pairs unlinked since the last call, as a list: first pair, then NextUnlinked until None.
  PairIdx TakeUnlinked() noexcept;
  PairIdx NextUnlinked(PairIdx pair) const noexcept;
  void Free(PairIdx pair) noexcept;

  // Asks for both lines of a pair that is about to be looked at.
  void PrefetchVisit(PairIdx pair) const noexcept {
    PrefetchRead(&lines_[ForwardLine(pair).value]);
    PrefetchRead(&lines_[ReverseLine(pair).value]);
  }
  bool IsLive(PairIdx pair) const noexcept {
    return links_[pair].load(std::memory_order_acquire) == kLinkLive;  // pairs with Publish
  }
  // Pair indices are 0 .. pair_count() - 1.
  uint32_t pair_count() const { return pair_count_; }
  uint32_t capacity() const { return capacity_; }
  SessionCounts Counts() const;
  // New connections live on the pairs that finished ones give back: nearly full, or suddenly busy.
  bool IsShortOfPairs() const { return free_.count() < 4 * spare_floor_; }
  uint32_t CountOfInterface(uint32_t interface_idx) const;  // 0 for an index out of range
  uint32_t CountOfVpc(uint32_t vpc_idx) const;
  // TCP connections of the gateway that ran into its idle timeout; 0 for an index out of range.
  uint64_t IdleTimeoutsOf(uint32_t nat_gateway_idx) const;
  // Set when an admission found the table (nearly) full; cleared by the sweep, which then evicts.
  bool TakePressure() noexcept { return pressure_.exchange(false, std::memory_order_relaxed); }
  size_t bytes() const;
  // Share of keys in the index whose home bucket has overflowed, in parts per million; walks the
  // whole index.
  uint32_t OverflowPartsPerMillion() const;

 private:
  struct Scan {
    LineIdx line;  // none: perhaps found, in an entry whose reference is not there yet
    bool pending = false;
    bool found = false;
  };
  struct alignas(kCacheLineBytes) CountLine {
    std::atomic<uint32_t> counts[16];
  };
  struct alignas(kCacheLineBytes) LongCountLine {
    std::atomic<uint64_t> counts[8];
  };

  SessionTable(const HashSecret& secret, HashKind kind) : hasher_(secret, kind) {}

  uint32_t BucketAt(uint32_t home, uint32_t probe) const {
    const uint32_t b = home + probe;
    return b < bucket_count_ ? b : b - bucket_count_;
  }
  LineIdx FindSlow(const SessionKey& key, uint64_t hash) const noexcept;
  Scan ScanFor(const SessionKey& key, uint32_t home, __m128i seen, uint8_t tag) const noexcept;
  ClaimOutcome Claim(const SessionKey& key, uint64_t hash, LineIdx line, Admission::Entry* entry,
                     LineIdx* existing) noexcept;
  bool TakeSlotBeyond(uint32_t home, uint8_t tag, LineIdx line, Admission::Entry* entry) noexcept;
  ClaimOutcome TryClaim(uint32_t home, __m128i seen, uint8_t tag, LineIdx line,
                        Admission::Entry* entry) noexcept;
  void ClearEntry(const Admission::Entry& entry) noexcept;
  bool Locate(LineIdx line, uint32_t home, Admission::Entry* entry) const noexcept;
  uint64_t HashOfLine(LineIdx line) const noexcept {
    return hasher_.HashOne(KeyOf(lines_[line.value]));
  }
  uint32_t HomeOfLine(LineIdx line) const noexcept {
    return HomeOf(HashOfLine(line), bucket_count_);
  }
  void RemoveEntry(const Admission::Entry& entry) noexcept;
  void RemoveLine(LineIdx line) noexcept { RemoveLine(line, HomeOfLine(line)); }
  void RemoveLine(LineIdx line, uint32_t home) noexcept;
  bool TakeForRemoval(PairIdx pair) noexcept;

  class CountChanges;
  void NoteCounts(const SessionCold& cold, const SessionLimits& limits, uint32_t by,
                  CountChanges& changes) noexcept;
  uint32_t EvictTogether(const LeavingPairs& leaving, uint32_t count,
                         CountChanges& changes) noexcept;
  void PrefetchPair(PairIdx pair) const noexcept;
  PairIdx TakePair(bool counted) noexcept;
  void PreparePair(Admission& admission, const SessionKey& forward,
                   const SessionCold& cold) noexcept;
  bool EvictCacheOnly() noexcept;
  bool EvictClosed() noexcept;
  ClaimOutcome CheckLimits(const SessionCold& cold, const SessionLimits& limits, uint32_t more,
                           Admission& admission) noexcept;
  ClaimOutcome Reserve(const SessionCold& cold, const SessionLimits& limits,
                       Admission& admission) noexcept;
  void Count(const SessionCold& cold, int32_t by) noexcept;
  std::atomic<uint32_t>* InterfaceCount(uint32_t interface_idx) noexcept;
  std::atomic<uint32_t>* VpcCount(uint32_t vpc_idx) noexcept;
  void StoreCold(PairIdx pair, const SessionCold& cold) noexcept;
  void CountIdleTimeout(PairIdx pair, const SessionCold& cold) noexcept;

  SessionHasher hasher_;
  uint32_t capacity_ = 0;
  uint32_t spare_floor_ = 0;  // pairs kept back from cache-only flows
  uint32_t pair_count_ = 0;
  uint32_t bucket_count_ = 0;
  uint32_t interface_count_ = 0;
  uint32_t vpc_count_ = 0;
  uint32_t nat_gateway_count_ = 0;
  AlignedArray<SessionBucket> buckets_;
  AlignedArray<SessionLine> lines_;
  AlignedArray<SessionColdLine> cold_;
  AlignedArray<CountLine> interface_counts_;
  AlignedArray<CountLine> vpc_counts_;
  AlignedArray<LongCountLine> idle_timeouts_;  // by NAT gateway
  PairLinks links_;
  ClosedRing closed_;
  PairStack free_;
  PairStack unlinked_;
  alignas(kCacheLineBytes) std::atomic<uint32_t> counted_{0};
  std::atomic<uint32_t> cache_only_{0};
  std::atomic<uint32_t> evict_hand_{0};
  std::atomic<bool> pressure_{false};
};

}  // namespace sluice
