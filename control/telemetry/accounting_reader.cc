#include "control/telemetry/accounting_reader.h"

#include <algorithm>
#include <map>

namespace sluice {
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
    if (sweep != nullptr && sweep->AlreadyReported(record)) {
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
