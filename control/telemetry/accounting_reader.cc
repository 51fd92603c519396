#include "control/telemetry/accounting_reader.h"

#include <algorithm>
#include <map>

namespace sluice {
namespace {

// Tells the flows apart that a line carries one after the other; not of a tenant's choosing within
// one window, as a wrong match would need the same line in the same minute.
uint32_t Fingerprint(const FlowRecord& r) {
  uint64_t h = 0x9e3779b97f4a7c15;
  const uint64_t words[] = {
      uint64_t{r.src} << 32 | r.dst,
      uint64_t{r.src_l4_port} << 32 | uint64_t{r.dst_l4_port} << 16 | r.protocol,
      uint64_t{r.interface_idx} << 32 | r.peer_interface_idx, r.first_s};
  for (const uint64_t word : words) {
    h = (h ^ word) * 0xff51afd7ed558ccd;
    h ^= h >> 33;
  }
  return static_cast<uint32_t>(h);
}

}  // namespace

Ipv4Address AccountingReader::NatGatewayRow::PrivateOf(Ipv4Address seen) const {
  const auto it = std::find_if(addresses.begin(), addresses.end(),
                               [seen](const NatGatewayAddress& a) { return a.public_ip == seen; });
  return it == addresses.end() ? seen : it->private_ip;
}

std::vector<std::string> AccountingReader::Configure(
    const Intent& intent, const std::vector<InterfaceIdentity>& identities,
    const std::vector<std::string>& nat_gateway_ids, int64_t at_ns) {
  paths_ = FlowPaths(intent, identities);
  interface_count_ = identities.size();
  std::map<std::string, uint32_t> interface_of;
  for (uint32_t i = 0; i < identities.size(); ++i) {
    interface_of[identities[i].eni_id] = i;
  }
  nat_gateways_.assign(nat_gateway_ids.size(), {});
  for (const NatGateway& gateway : intent.nat_gateways) {
    const auto id = std::find(nat_gateway_ids.begin(), nat_gateway_ids.end(), gateway.id);
    const auto eni = interface_of.find(gateway.network_interface_id);
    if (id != nat_gateway_ids.end() && eni != interface_of.end()) {
      nat_gateways_[static_cast<size_t>(id - nat_gateway_ids.begin())] = {eni->second,
                                                                          gateway.addresses};
    }
  }
  return recorder_.Configure(intent, identities, at_ns);
}

void AccountingReader::Drain(FlowAccount& account, size_t worker_idx, int64_t now_ns,
                             const SessionSweep* sweep) {
  FlowRecord record;
  while (account.Take(&record)) {
    if (WasSwept(record) || (sweep != nullptr && sweep->AlreadyReported(record))) {
      ++duplicate_count_;
    } else {
      Report(record);
    }
  }
  if (worker_idx >= lost_.size()) {
    lost_.resize(worker_idx + 1);
  }
  ReportLosses(account, lost_[worker_idx], now_ns);
}

void AccountingReader::ReportLosses(const FlowAccount& account, Lost& lost, int64_t now_ns) {
  const uint64_t total = account.lost();
  if (total == lost.total) {
    return;
  }
  lost.total = total;
  lost.by_interface.resize(interface_count_);
  bool attributed = false;
  for (uint32_t i = 0; i < interface_count_; ++i) {
    const uint32_t count = account.LostOf(i);
    if (count != lost.by_interface[i]) {
      lost.by_interface[i] = count;
      recorder_.ReportLoss(i, now_ns);
      attributed = true;
    }
  }
  if (!attributed) {
    recorder_.ReportLoss(std::nullopt, now_ns);
  }
}

void AccountingReader::SweepLines(const SessionTable& table, const BurstClock& clock,
                                  uint32_t first_pair, uint32_t pair_count, Windows windows) {
  const uint32_t all = table.pair_count();
  if (reported_.size() < size_t{all} * 2) {
    reported_.resize(size_t{all} * 2);
  }
  const uint32_t begin = std::min(first_pair, all);
  const uint32_t end = begin + std::min(pair_count, all - begin);
  for (uint32_t i = begin; i < end; ++i) {
    const PairIdx pair(i);
    if (table.IsLive(pair)) {
      const SessionCold cold = table.LoadCold(pair);
      SweepLine(table, ForwardLine(pair), cold, clock, windows);
      SweepLine(table, ReverseLine(pair), cold, clock, windows);
    }
  }
}

void AccountingReader::SweepLine(const SessionTable& table, LineIdx line, const SessionCold& cold,
                                 const BurstClock& clock, Windows windows) {
  const SessionLine& fields = table.Line(line);
  // Pairs with the release stores of CountInLine: the window and its counters are read twice, and a
  // line that is counting at this moment is left to its worker.
  const uint64_t counters = fields.counters.load(std::memory_order_acquire);
  LineWindow window;
  window.window = fields.window.load(std::memory_order_acquire);
  window.tcp_flags = fields.tcp_flags.load(std::memory_order_acquire);
  window.last_seen_ms = fields.last_seen_ms.load(std::memory_order_acquire);
  window.packets = counters >> kLineBytesBits;
  window.bytes = counters & kLineBytesMask;
  const FlowRecord record = MakeLineRecord(line, fields, cold, window, clock);
  if (counters == 0 || fields.window.load(std::memory_order_acquire) != window.window ||
      fields.counters.load(std::memory_order_acquire) != counters || !table.IsLive(PairOf(line))) {
    return;
  }
  const uint64_t window_end = (uint64_t{record.minute} + 1) * kFlowWindowSeconds;
  const bool ended = window_end + kSettleSeconds <= clock.EpochSeconds();
  if ((ended || windows == Windows::kAll) && !WasSwept(record)) {
    reported_[line.value] = {record.minute, Fingerprint(record)};
    Report(record);
  }
}

bool AccountingReader::WasSwept(const FlowRecord& record) const {
  return record.line.has_value() && !record.partial && record.line.value < reported_.size() &&
         reported_[record.line.value].minute == record.minute &&
         reported_[record.line.value].fingerprint == Fingerprint(record);
}

void AccountingReader::Report(const FlowRecord& record) {
  if (record.line.has_value()) {
    ExpandLine(record);
    return;
  }
  // pkt-srcaddr and pkt-dstaddr are the packet's own addresses; the shown ones follow from
  // AWS-FL-08.
  Sight(record, record.interface_idx, record.direction, Ipv4Address(record.new_src),
        record.src_l4_port, Ipv4Address(record.new_dst), record.dst_l4_port);
}

void AccountingReader::ExpandLine(const FlowRecord& r) {
  Sight(r, r.interface_idx, FlowDirection::kEgress, Ipv4Address(r.src), r.src_l4_port,
        Ipv4Address(r.dst), r.dst_l4_port);
  if (r.nat_gateway_idx < nat_gateways_.size()) {
    ExpandNatGateway(r, nat_gateways_[r.nat_gateway_idx]);
  }
  Sight(r, r.peer_interface_idx, FlowDirection::kIngress, Ipv4Address(r.new_src), r.new_src_l4_port,
        Ipv4Address(r.new_dst), r.new_dst_l4_port);
}

// AWS-FL-09. On the way out the gateway changes the source alone: it sends what the sender
// addressed, from its private address (the internet gateway puts the public one there later). On
// the way back it changes the destination alone.
void AccountingReader::ExpandNatGateway(const FlowRecord& r, const NatGatewayRow& gateway) {
  if (IsForward(r.line)) {
    Sight(r, gateway.interface_idx, FlowDirection::kIngress, Ipv4Address(r.src), r.src_l4_port,
          Ipv4Address(r.dst), r.dst_l4_port);
    Sight(r, gateway.interface_idx, FlowDirection::kEgress,
          gateway.PrivateOf(Ipv4Address(r.new_src)), r.new_src_l4_port, Ipv4Address(r.dst),
          r.dst_l4_port);
  } else {
    Sight(r, gateway.interface_idx, FlowDirection::kIngress, Ipv4Address(r.new_src),
          r.new_src_l4_port, gateway.PrivateOf(Ipv4Address(r.dst)), r.dst_l4_port);
    Sight(r, gateway.interface_idx, FlowDirection::kEgress, Ipv4Address(r.new_src),
          r.new_src_l4_port, Ipv4Address(r.new_dst), r.new_dst_l4_port);
  }
}

void AccountingReader::Sight(const FlowRecord& r, uint32_t interface_idx, FlowDirection direction,
                             Ipv4Address source, uint16_t source_l4_port, Ipv4Address destination,
                             uint16_t destination_l4_port) {
  if (interface_idx >= interface_count_) {
    return;  // a side that is no ENI
  }
  FlowObservation o;
  o.interface_idx = interface_idx;
  o.direction = direction;
  o.action = r.action;
  if (direction == FlowDirection::kEgress && r.action == FlowAction::kAccept) {
    o.path = paths_.Of(interface_idx, destination);
  }
  o.protocol = r.protocol;
  o.tcp_flags = r.tcp_flags;
  o.source = source;
  o.source_l4_port = source_l4_port;
  o.destination = destination;
  o.destination_l4_port = destination_l4_port;
  o.packet_count = r.packets;
  o.size_bytes = r.bytes;
  o.first_ns = int64_t{r.first_s} * kNanosPerSecond;
  o.last_ns = int64_t{r.last_s} * kNanosPerSecond;
  recorder_.Observe(o);
}

}  // namespace sluice
