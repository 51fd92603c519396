// What flow logs and metrics are made of (decision 23): every packet is counted once, either in its
// session line or in the worker's own FlowAccount, in windows of 60 s aligned to the epoch; a
// window that has ended becomes a FlowRecord in the worker's bounded ring.
//
// Threads. FlowAccount belongs to one worker; only its ring's consuming end (Take) and the counts
// of lost records are the control thread's. Nothing blocks: a full ring counts the lost record,
// which the control thread reports as SKIPDATA.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "dataplane/base/aligned_array.h"
#include "dataplane/session/session_hash.h"
#include "dataplane/session/session_line.h"

namespace sluice {

inline constexpr uint32_t kFlowWindowSeconds = 60;

enum class FlowDirection : uint8_t { kIngress = 0, kEgress = 1 };  // as seen from the ENI
enum class FlowAction : uint8_t { kAccept = 0, kReject = 1 };

// The two clocks of one burst. They advance together: now_ms is the session clock, epoch_ms the
// wall clock at the same instant, so that a moment of the session clock has an epoch time.
struct BurstClock {
  uint32_t now_ms = 0;
  uint64_t epoch_ms = 0;

  constexpr uint32_t EpochSeconds() const { return static_cast<uint32_t>(epoch_ms / 1000); }
  constexpr uint32_t Minute() const { return EpochSeconds() / kFlowWindowSeconds; }
  // Epoch seconds of an earlier moment of the session clock (at most 24 days ago).
  constexpr uint32_t EpochSecondsOf(uint32_t then_ms) const {
    const int32_t age = static_cast<int32_t>(now_ms - then_ms);
    return static_cast<uint32_t>((epoch_ms - (age > 0 ? static_cast<uint32_t>(age) : 0)) / 1000);
  }
};

// tcp-flags of flow logs (AWS-FL-13): FIN 1, SYN 2, RST 4, SYN-ACK 18, everything else 0.
constexpr uint8_t FlowLogTcpFlags(uint8_t tcp_flags) {
  const uint8_t base = tcp_flags & (kTcpFin | kTcpSyn | kTcpRst);
  return (tcp_flags & kTcpSyn) != 0 ? static_cast<uint8_t>(base | (tcp_flags & kTcpAck)) : base;
}

// One direction of one flow in (part of) one window. Host order.
//
// A line record (line != none) is a session's direction: it was accepted by every ENI of the walk.
// `interface_idx` sent it and saw src/dst/ports leave as egress; `peer_interface_idx` received it
// and saw new_src/new_dst/new ports come as ingress; a NAT gateway of the walk (nat_gateway_idx)
// saw both. The reader expands it. A direct record (line none) is what one interface saw,
// `direction` included; new_* are pkt-srcaddr and pkt-dstaddr where they differ from src and dst at
// a NAT gateway's interface, else equal to them. ICMP has zero ports (AWS-FL-19). The ENI's side is
// not yet replaced by its primary address (AWS-FL-08).
struct FlowRecord {
  uint64_t packets = 0;
  uint64_t bytes = 0;    // IP lengths, no Ethernet
  uint32_t minute = 0;   // window: epoch seconds / 60
  uint32_t first_s = 0;  // epoch seconds of the first and last packet
  uint32_t last_s = 0;
  LineIdx line;
  uint32_t interface_idx = kNoInterface;
  uint32_t peer_interface_idx = kNoInterface;
  uint32_t src = 0;
  uint32_t dst = 0;
  uint32_t new_src = 0;
  uint32_t new_dst = 0;
  uint16_t src_l4_port = 0;
  uint16_t dst_l4_port = 0;
  uint16_t new_src_l4_port = 0;
  uint16_t new_dst_l4_port = 0;
  uint16_t nat_gateway_idx = kNoGateway;
  uint8_t protocol = 0;
  FlowDirection direction = FlowDirection::kEgress;
  FlowAction action = FlowAction::kAccept;
  uint8_t tcp_flags = 0;  // OR of FlowLogTcpFlags
  uint8_t flow_log = 0;   // SessionCold::flow_log of a line record
  bool partial = false;   // the window goes on: more records of it may follow (never a duplicate)
};
static_assert(sizeof(FlowRecord) == 72 && std::is_trivially_copyable_v<FlowRecord>);

// --- in the line ---

// The counters of a line's ended window.
struct LineWindow {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint32_t last_seen_ms = 0;
  uint16_t window = 0;  // minute (10 bits) << 6 | second of the first packet
  uint8_t tcp_flags = 0;
  bool partial = false;
};

inline constexpr int kLineBytesBits = 38;
inline constexpr uint64_t kLineBytesMask = (uint64_t{1} << kLineBytesBits) - 1;
inline constexpr uint64_t kLinePacketsMax = (uint64_t{1} << 26) - 1;

constexpr uint16_t WindowOf(const BurstClock& clock) {
  return static_cast<uint16_t>((clock.Minute() & 0x3ff) << 6 |
                               clock.EpochSeconds() % kFlowWindowSeconds);
}
constexpr uint32_t WindowMinuteBits(uint16_t window) {
  return window >> 6;
}

// Counts one packet in its direction's line if its window is open; `now` is WindowOf its burst.
// False, with nothing done: the window has ended, or its counters are nearly full. Owner of the
// line only.
inline bool CountInOpenWindow(SessionLine& line, uint16_t now, uint32_t ip_bytes,
                              uint8_t tcp_flags) noexcept {
  const uint64_t one = uint64_t{1} << kLineBytesBits | ip_bytes;
  const uint64_t counters = line.counters.load(std::memory_order_relaxed);
  const uint64_t sum = counters + one;
  const uint16_t window = line.window.load(std::memory_order_relaxed);
  // A carry out of the bytes, or out of the packets.
  const bool full = ((counters ^ one ^ sum) >> kLineBytesBits & 1) != 0 || sum < counters;
  if (counters == 0 || (window ^ now) >> 6 != 0 || full) [[unlikely]] {
    return false;
  }
  line.counters.store(sum, std::memory_order_release);
  const uint8_t before = line.tcp_flags.load(std::memory_order_relaxed);
  const uint8_t flags = FlowLogTcpFlags(tcp_flags);
  if ((before | flags) != before) {
    line.tcp_flags.store(before | flags, std::memory_order_relaxed);
  }
  return true;
}

// The same for a window that is known to be open, for a packet without flags worth noting. False,
// with nothing done, already when the counters are half full: one test then sees that and a line
// that counts nothing.
inline bool CountUnderHalf(SessionLine& line, uint32_t ip_bytes) noexcept {
  constexpr uint64_t kHalves = uint64_t{1} << 63 | uint64_t{1} << (kLineBytesBits - 1);
  const uint64_t counters = line.counters.load(std::memory_order_relaxed);
  if (((counters - 1) & kHalves) != 0) [[unlikely]] {
    return false;
  }
  line.counters.store(counters + (uint64_t{1} << kLineBytesBits | ip_bytes),
                      std::memory_order_release);
  return true;
}

// Counts one packet in its direction's line. Before the packet's last-seen time is stored: the line
// still holds that of the window's last packet. True when a window ended (or the counters ran
// nearly full): `ended` is its record's substance. Owner of the line only.
inline bool CountInLine(SessionLine& line, uint16_t now, uint32_t ip_bytes, uint8_t tcp_flags,
                        LineWindow* ended) noexcept {
  if (CountInOpenWindow(line, now, ip_bytes, tcp_flags)) [[likely]] {
    return false;
  }
  const uint64_t counters = line.counters.load(std::memory_order_relaxed);
  const uint16_t window = line.window.load(std::memory_order_relaxed);
  if (counters != 0) {
    *ended = {counters >> kLineBytesBits,
              counters & kLineBytesMask,
              line.last_seen_ms.load(std::memory_order_relaxed),
              window,
              line.tcp_flags.load(std::memory_order_relaxed),
              WindowMinuteBits(window) == WindowMinuteBits(now)};
  }
  // Release stores in this order; the sweep's reader looks at window and counters twice.
  line.window.store(now, std::memory_order_release);
  line.tcp_flags.store(FlowLogTcpFlags(tcp_flags), std::memory_order_release);
  line.counters.store(uint64_t{1} << kLineBytesBits | ip_bytes, std::memory_order_release);
  return counters != 0;
}

// The record of a line's window. `clock` is at most 17 hours behind or ahead of it.
FlowRecord MakeLineRecord(LineIdx line, const SessionLine& fields, const SessionCold& cold,
                          const LineWindow& window, const BurstClock& clock) noexcept;

// --- the ring ---

// Bounded, one producer (the worker) and one consumer (the control thread).
class FlowRecordRing {
 public:
  // `record_count` is a power of two.
  bool Make(MemorySource& source, uint32_t record_count);

  bool Push(const FlowRecord& record) noexcept {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) {  // pairs with Take
      return false;
    }
    records_[tail & mask_] = record;
    tail_.store(tail + 1, std::memory_order_release);  // pairs with Take
    return true;
  }
  bool Take(FlowRecord* record) noexcept {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) {  // pairs with Push
      return false;
    }
    *record = records_[head & mask_];
    head_.store(head + 1, std::memory_order_release);  // pairs with Push
    return true;
  }
  uint32_t capacity() const { return mask_ + 1; }

 private:
  AlignedArray<FlowRecord> records_;
  uint32_t mask_ = 0;
  alignas(kCacheLineBytes) std::atomic<uint32_t> head_{0};
  alignas(kCacheLineBytes) std::atomic<uint32_t> tail_{0};
};

// --- packets that are counted in no line ---

// What identifies a row: (interface, direction, five-tuple as that interface sees it, action).
// pkt_* ride along.
struct FlowSighting {
  uint32_t interface_idx = kNoInterface;
  uint32_t src = 0;
  uint32_t dst = 0;
  uint32_t pkt_src = 0;
  uint32_t pkt_dst = 0;
  uint16_t src_l4_port = 0;  // 0 for ICMP
  uint16_t dst_l4_port = 0;
  uint8_t protocol = 0;
  FlowDirection direction = FlowDirection::kEgress;
  FlowAction action = FlowAction::kAccept;
};

struct FlowAccountSizes {
  uint32_t row_count = 8192;      // a power of two, at least 4
  uint32_t ring_records = 65536;  // a power of two
  uint32_t interface_count = 0;   // lost records are counted for interface indices below this
};

class FlowAccount {
 public:
  // nullptr when memory is short. Control thread.
  static std::unique_ptr<FlowAccount> Make(MemorySource& source, const FlowAccountSizes& sizes,
                                           const HashSecret& secret);

  // --- worker ---

  // A packet counted in no line. A full set of rows gives up its oldest row, as a partial record.
  void Count(const FlowSighting& sighting, uint32_t ip_bytes, uint8_t tcp_flags,
             const BurstClock& clock) noexcept;
  // A packet counted in its line; the ended window, if any, goes to the ring.
  void CountLine(LineIdx line, SessionLine& fields, const SessionCold& cold, uint32_t ip_bytes,
                 uint8_t tcp_flags, const BurstClock& clock) noexcept {
    LineWindow ended;
    if (CountInLine(fields, WindowOf(clock), ip_bytes, tcp_flags, &ended)) [[unlikely]] {
      Emit(MakeLineRecord(line, fields, cold, ended, clock));
    }
  }
  // For callers that fetch the cold record only when a window has ended.
  void Emit(const FlowRecord& record) noexcept;
  // Looks at the next `rows` rows and emits those whose window has ended. Once a burst with a small
  // number: all rows are seen every row_count / rows bursts.
  void EmitEnded(const BurstClock& clock, uint32_t rows) noexcept;
  // Emits everything, ended or not (end of a replay, before the worker goes away).
  void EmitAll() noexcept;

  // --- control thread ---

  bool Take(FlowRecord* record) noexcept { return ring_.Take(record); }
  // Records lost to a full ring since the start.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  uint32_t LostOf(uint32_t interface_idx) const;

 private:
  struct alignas(kCacheLineBytes) Row {
    FlowSighting seen;
    uint32_t minute;
    uint32_t first_s;
    uint32_t last_s;
    uint32_t packets;  // a row is given up long before it could overflow: see Count
    uint64_t bytes;
    uint8_t tcp_flags;
  };
  static_assert(sizeof(Row) == 64);
  struct alignas(kCacheLineBytes) LostLine {
    std::atomic<uint32_t> counts[16];
  };
  static constexpr uint32_t kWays = 4;

  explicit FlowAccount(const HashSecret& secret) : hasher_(secret) {}
  void EmitRow(Row& row, bool partial) noexcept;
  void CountLost(uint32_t interface_idx) noexcept;

  SessionHasher hasher_;
  AlignedArray<Row> rows_;
  AlignedArray<LostLine> lost_of_;
  FlowRecordRing ring_;
  uint32_t cursor_ = 0;
  uint32_t interface_count_ = 0;
  std::atomic<uint64_t> lost_{0};
};

}  // namespace sluice
