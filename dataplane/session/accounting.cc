#include "dataplane/session/accounting.h"

#include <bit>
#include <limits>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

bool SameRow(const FlowSighting& a, const FlowSighting& b) {
  return a.interface_idx == b.interface_idx && a.src == b.src && a.dst == b.dst &&
         a.src_l4_port == b.src_l4_port && a.dst_l4_port == b.dst_l4_port &&
         a.protocol == b.protocol && a.direction == b.direction && a.action == b.action &&
         a.pkt_src == b.pkt_src && a.pkt_dst == b.pkt_dst;
}

// The minute nearest to `clock` with these low ten bits.
uint32_t FullMinute(uint32_t bits, const BurstClock& clock) {
  const uint32_t now = clock.Minute();
  int32_t behind = static_cast<int32_t>((now - bits) & 0x3ff);
  if (behind >= 512) {
    behind -= 1024;
  }
  return now - static_cast<uint32_t>(behind);
}

}  // namespace

FlowRecord MakeLineRecord(LineIdx line, const SessionLine& fields, const SessionCold& cold,
                          const LineWindow& window, const BurstClock& clock) noexcept {
  const SessionKey key = KeyOf(fields);
  const WalkOutcome walk = ShowWalk(fields);
  const bool forward = IsForward(line);
  const bool with_ports = key.protocol() == kProtocolTcp || key.protocol() == kProtocolUdp;
  FlowRecord r;
  r.packets = window.packets;
  r.bytes = window.bytes;
  r.minute = FullMinute(WindowMinuteBits(window.window), clock);
  r.first_s = r.minute * kFlowWindowSeconds + (window.window & 0x3f);
  r.last_s = clock.EpochSecondsOf(window.last_seen_ms);
  // The two clocks may differ by a rounding millisecond at the edge of a window.
  r.last_s = r.last_s < r.first_s ? r.first_s : r.last_s;
  const uint32_t window_end = r.minute * kFlowWindowSeconds + kFlowWindowSeconds - 1;
  r.last_s = r.last_s > window_end ? window_end : r.last_s;
  r.line = line;
  r.interface_idx = forward ? cold.initiator_interface_idx : cold.responder_interface_idx;
  r.peer_interface_idx = forward ? cold.responder_interface_idx : cold.initiator_interface_idx;
  r.src = key.src();
  r.dst = key.dst();
  r.new_src = walk.new_src;
  r.new_dst = walk.new_dst;
  r.src_l4_port = with_ports ? key.src_l4_port() : uint16_t{0};
  r.dst_l4_port = with_ports ? key.dst_l4_port() : uint16_t{0};
  r.new_src_l4_port = with_ports ? walk.new_src_l4_port : uint16_t{0};
  r.new_dst_l4_port = with_ports ? walk.new_dst_l4_port : uint16_t{0};
  r.nat_gateway_idx = cold.nat() ? cold.nat_gateway_idx : kNoGateway;
  r.protocol = key.protocol();
  r.direction = FlowDirection::kEgress;
  r.action = FlowAction::kAccept;
  r.tcp_flags = window.tcp_flags;
  r.flow_log = cold.flow_log;
  r.partial = window.partial;
  return r;
}

bool FlowRecordRing::Make(MemorySource& source, uint32_t record_count) {
  SLUICE_CHECK(std::has_single_bit(record_count));
  records_ = AlignedArray<FlowRecord>::Make(source, "flow_record_ring", record_count);
  mask_ = record_count - 1;
  return records_.ok();
}

std::unique_ptr<FlowAccount> FlowAccount::Make(MemorySource& source, const FlowAccountSizes& sizes,
                                               const HashSecret& secret) {
  SLUICE_CHECK(std::has_single_bit(sizes.row_count) && sizes.row_count >= kWays);
  std::unique_ptr<FlowAccount> account(new FlowAccount(secret));
  account->rows_ = AlignedArray<Row>::Make(source, "flow_account", sizes.row_count);
  account->lost_of_ =
      AlignedArray<LostLine>::Make(source, "flow_records_lost", sizes.interface_count / 16 + 1);
  account->interface_count_ = sizes.interface_count;
  if (!account->rows_.ok() || !account->lost_of_.ok() ||
      !account->ring_.Make(source, sizes.ring_records)) {
    return nullptr;
  }
  return account;
}

void FlowAccount::CountLost(uint32_t interface_idx) noexcept {
  if (interface_idx < interface_count_) {
    // The worker is the only writer.
    std::atomic<uint32_t>& count = lost_of_[interface_idx >> 4].counts[interface_idx & 15];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

void FlowAccount::Emit(const FlowRecord& record) noexcept {
  if (!ring_.Push(record)) {
    lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    CountLost(record.interface_idx);
    if (record.peer_interface_idx != record.interface_idx) {
      CountLost(record.peer_interface_idx);
    }
  }
}

uint32_t FlowAccount::LostOf(uint32_t interface_idx) const {
  return interface_idx >= interface_count_
             ? 0
             : lost_of_[interface_idx >> 4].counts[interface_idx & 15].load(
                   std::memory_order_relaxed);
}

void FlowAccount::EmitRow(Row& row, bool partial) noexcept {
  FlowRecord r;
  r.packets = row.packets;
  r.bytes = row.bytes;
  r.minute = row.minute;
  r.first_s = row.first_s;
  r.last_s = row.last_s;
  r.interface_idx = row.seen.interface_idx;
  r.src = row.seen.src;
  r.dst = row.seen.dst;
  r.new_src = row.seen.pkt_src;
  r.new_dst = row.seen.pkt_dst;
  r.src_l4_port = r.new_src_l4_port = row.seen.src_l4_port;
  r.dst_l4_port = r.new_dst_l4_port = row.seen.dst_l4_port;
  r.protocol = row.seen.protocol;
  r.direction = row.seen.direction;
  r.action = row.seen.action;
  r.tcp_flags = row.tcp_flags;
  r.partial = partial;
  Emit(r);
  row.packets = 0;
}

void FlowAccount::Count(const FlowSighting& sighting, uint32_t ip_bytes, uint8_t tcp_flags,
                        const BurstClock& clock) noexcept {
  const uint64_t hash = hasher_.HashOne(MakeSessionKey(sighting.interface_idx, sighting.src,
                                                       sighting.dst, sighting.src_l4_port,
                                                       sighting.dst_l4_port, sighting.protocol));
  Row* set = &rows_[(hash >> 32) & (rows_.size() - 1) & ~size_t{kWays - 1}];
  const uint32_t minute = clock.Minute();
  const uint32_t now_s = clock.EpochSeconds();
  Row* row = nullptr;
  Row* victim = set;
  for (uint32_t way = 0; way < kWays; ++way) {
    Row& candidate = set[way];
    if (candidate.packets != 0 && SameRow(candidate.seen, sighting)) {
      row = &candidate;
      break;
    }
    const bool is_older = candidate.packets == 0 || candidate.last_s < victim->last_s;
    if (victim->packets != 0 && is_older) {
      victim = &candidate;
    }
  }
  if (row != nullptr &&
      (row->minute != minute || row->packets == std::numeric_limits<uint32_t>::max())) {
    EmitRow(*row, row->minute == minute);
  }
  if (row == nullptr) {
    row = victim;
    if (row->packets != 0) {
      EmitRow(*row, row->minute == minute);
    }
  }
  if (row->packets == 0) {
    *row = Row{sighting, minute, now_s, now_s, 0, 0, 0};
  }
  row->last_s = now_s;
  ++row->packets;
  row->bytes += ip_bytes;
  row->tcp_flags |= FlowLogTcpFlags(tcp_flags);
}

void FlowAccount::EmitEnded(const BurstClock& clock, uint32_t rows) noexcept {
  const uint32_t minute = clock.Minute();
  for (uint32_t i = 0; i < rows; ++i) {
    Row& row = rows_[cursor_++ & (rows_.size() - 1)];
    if (row.packets != 0 && row.minute != minute) {
      EmitRow(row, false);
    }
  }
}

void FlowAccount::EmitAll() noexcept {
  for (Row& row : rows_.span()) {
    if (row.packets != 0) {
      EmitRow(row, true);
    }
  }
}

}  // namespace sluice
