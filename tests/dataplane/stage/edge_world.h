// A snapshot made by hand for the edge stages, and a batch of exact-size buffers around it (so that
// ASan sees a read past the end).
//
//   port 0  eni 0  10.0.0.10, 10.0.0.20   port 1  eni 1  10.0.0.11, VLAN 12
//   port 2  eni 2  10.0.0.12 and eni 3 10.0.0.13 together (no check on eni 3)
//   port 3  the uplink (interface 5), next hop 198.51.100.1, MTU 1500
//   port 4  Services (interface 6) on VLAN 30      interface 4: a NAT gateway's ENI, 10.0.0.200
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/base/check.h"
#include "dataplane/session/fragment_cache.h"
#include "dataplane/stage/arp_learned.h"
#include "dataplane/stage/icmp_limiter.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/mac_map.h"
#include "dataplane/table/sender_map.h"
#include "dataplane/table/snapshot.h"
#include "tests/support/packet_builder.h"

namespace sluice::testing {

inline constexpr MacAddress kRouterMac = {{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kNextHopMac = {{2, 0, 0, 0, 0, 0xfe}};
constexpr MacAddress EniMac(uint8_t i) {
  return {{2, 0x0a, 0, 0, 0, static_cast<uint8_t>(0x10 + i)}};
}

struct EdgeWorld {
  Snapshot snapshot;
  WorkerContext worker;
  NeighborTable neighbors;
  EmitList emits;
  ArpLearnedRing learned;
  IcmpLimiter limiter{8};
  std::unique_ptr<FragmentCache> fragments;
  std::unique_ptr<Batch> batch = std::make_unique<Batch>();
  std::vector<std::unique_ptr<uint8_t[]>> buffers;

  EdgeWorld() {
    FillRows();
    FillMaps();
    FragmentCacheSizes sizes;
    sizes.side_count = 8;
    fragments = FragmentCache::Make(HeapMemory(), sizes, HashSecret{});
    neighbors.Resolve(0, kNextHopMac);
    worker.fragments = fragments.get();
    worker.neighbors = &neighbors;
    worker.emits = &emits;
    worker.arp_learned = &learned;
    worker.icmp_limiter = &limiter;
    worker.now_ms = 1000;
    worker.now_ns = 1'000'000'000;
  }

  // Adds a frame in a buffer of its own size; its lane.
  uint32_t Add(const Bytes& frame, uint16_t port = 0) {
    const uint32_t lane = batch->count++;
    buffers.push_back(std::make_unique<uint8_t[]>(frame.size() + kFrameHeadroomBytes));
    uint8_t* start = buffers.back().get() + kFrameHeadroomBytes;
    if (!frame.empty()) {
      std::memcpy(start, frame.data(), frame.size());
    }
    batch->frame[lane] = start;
    batch->handle[lane] = start;
    batch->segment_bytes[lane] = static_cast<uint16_t>(frame.size());
    batch->frame_bytes[lane] = static_cast<uint32_t>(frame.size());
    batch->rx_port[lane] = PortIdx(port);
    return lane;
  }
  LaneList Lanes() const {
    LaneList lanes;
    for (uint32_t i = 0; i < batch->count; ++i) {
      lanes.Add(i);
    }
    return lanes;
  }
  Bytes Emitted(size_t i) const {
    return Bytes(emits.frame_bytes(i), emits.frame_bytes(i) + emits.frame(i).bytes);
  }
  Bytes Output(uint32_t lane) const {
    return Bytes(batch->out_frame[lane], batch->out_frame[lane] + batch->out_bytes[lane]);
  }

 private:
  template <typename T>
  static AlignedArray<T> Rows(size_t count) {
    return AlignedArray<T>::Make(HeapMemory(), "test", count);
  }
  void FillRows() {
    snapshot.router_mac = kRouterMac;
    snapshot.internet = InterfaceIdx(5);
    snapshot.interfaces = Rows<InterfaceRow>(7);
    snapshot.adjacency = Rows<AdjacencyRow>(7);
    snapshot.ports = Rows<PortRow>(6);
    snapshot.sides = Rows<SideRow>(2);
    snapshot.subnets = Rows<SubnetRow>(1);
    snapshot.vpcs = Rows<VpcRow>(1);
    snapshot.dhcp = Rows<DhcpRow>(1);
    snapshot.subnets[0] = {Ipv4Address(10, 0, 0, 0), 0xffffff00, VpcIdx(0), kNoTable, kNoTable};
    for (PortRow& row : snapshot.ports.span()) {
      row = PortRow();
    }
    for (uint8_t i = 0; i < 7; ++i) {
      snapshot.interfaces[i] = InterfaceRow();
      snapshot.interfaces[i].flags = i == 3 ? 0 : kInterfaceSourceDestCheck;
      snapshot.interfaces[i].vpc = VpcIdx(0);
      snapshot.interfaces[i].subnet = SubnetIdx(0);
      snapshot.interfaces[i].primary = Ipv4Address(10, 0, 0, static_cast<uint8_t>(10 + i));
      snapshot.adjacency[i] = {EniMac(i), 0, PortIdx(i < 3 ? i : 2), 9001, kNoTable};
    }
    snapshot.adjacency[1].vlan = 12;
    snapshot.interfaces[4].kind = InterfaceRowKind::kNatGateway;
    snapshot.adjacency[4].port = PortIdx::None();
    snapshot.interfaces[5].kind = InterfaceRowKind::kInternet;
    snapshot.adjacency[5] = {MacAddress(), 0, PortIdx(3), 1500, 0};
    snapshot.ports[3].side = InterfaceIdx(5);
    snapshot.interfaces[6].kind = InterfaceRowKind::kServices;
    snapshot.adjacency[6] = {MacAddress(), 30, PortIdx(4), 1500, 1};
    snapshot.sides[0] = {InterfaceIdx(5), PortIdx(3), 0, Ipv4Address(198, 51, 100, 2),
                         Ipv4Address(198, 51, 100, 1)};
    snapshot.sides[1] = {InterfaceIdx(6), PortIdx(4), 30, Ipv4Address(192, 0, 2, 2),
                         Ipv4Address(192, 0, 2, 1)};
    DhcpRow told;
    told.dns_count = 1;
    told.dns[0] = Ipv4Address(10, 0, 0, 2);
    told.domain_bytes = 12;
    std::memcpy(told.domain.data(), "ec2.internal", 12);
    snapshot.dhcp[0] = told;
  }
  void FillMaps() {
    std::vector<AddressEntry> addresses = {{0, Ipv4Address(10, 0, 0, 20), 0},
                                           {0, Ipv4Address(10, 0, 0, 200), 4},
                                           {0, Ipv4Address(10, 0, 0, 2), kAddressResolver}};
    for (uint8_t i = 0; i < 4; ++i) {
      addresses.push_back({0, Ipv4Address(10, 0, 0, static_cast<uint8_t>(10 + i)), i});
    }
    for (const uint8_t host : {0, 1, 3, 255}) {
      addresses.push_back({0, Ipv4Address(10, 0, 0, host), kAddressReserved});
    }
    const std::vector<AddressEntry> publics = {{0, Ipv4Address(203, 0, 113, 10), 0}};
    snapshot.addresses = Built(addresses);
    snapshot.public_map = Built(publics);
    std::vector<SenderMap::Attachment> senders;
    std::vector<MacMap::Owner> macs;
    for (uint8_t i = 0; i < 5; ++i) {
      macs.push_back({SubnetIdx(0), EniMac(i), InterfaceIdx(i)});
      if (i < 4) {
        const AdjacencyRow& row = snapshot.adjacency[i];
        senders.push_back({row.port, row.vlan, row.mac, InterfaceIdx(i)});
      }
    }
    snapshot.senders = SenderMap::Build(senders, 77, HeapMemory());
    snapshot.macs = MacMap::Build(macs, 78, HeapMemory());
  }
  static std::shared_ptr<const AddressMap> Built(const std::vector<AddressEntry>& entries) {
    auto map = AddressMap::Build(entries, AddressHashKey{{1, 2}}, HeapMemory());
    SLUICE_CHECK(map.ok());
    return *map;
  }
};

// A UDP packet from eni 0 to eni 1.
inline PacketSpec UdpSpec() {
  PacketSpec spec;
  spec.src_mac = EniMac(0);
  spec.src = Address("10.0.0.10");
  spec.dst = Address("10.0.0.11");
  spec.src_port = 4000;
  spec.dst_port = 53;
  spec.payload = {1, 2, 3, 4, 5, 6, 7};
  return spec;
}

}  // namespace sluice::testing
