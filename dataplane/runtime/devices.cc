#include "dataplane/runtime/devices.h"

#include <rte_config.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <iterator>

#include "dataplane/runtime/attach_hint.h"
#include "dataplane/runtime/eal.h"
#include "dataplane/runtime/eal_plan.h"
#include "dataplane/runtime/tap_interface.h"

namespace sluice {
namespace {

constexpr uint16_t kVirtualDescriptors = 512;
constexpr uint16_t kNicDescriptors = 1024;
constexpr unsigned kHandoffFrames = 1024;
constexpr uint16_t kLeastMtuBytes = 576;  // RFC 791: what every host accepts

// Fills `id` with the first Ethernet port of the device. False: there is none.
bool FindPort(const std::string& device, uint16_t* id) {
  const std::string name(DeviceName(device));
  if (rte_eth_dev_get_port_by_name(name.c_str(), id) == 0) {
    return true;
  }
  rte_dev_iterator iterator;
  uint16_t found = RTE_MAX_ETHPORTS;
  RTE_ETH_FOREACH_MATCHING_DEV(found, name.c_str(), &iterator) {
    *id = found;
    rte_eth_iterator_cleanup(&iterator);
    return true;
  }
  return false;
}

// The largest IP packet the device takes. Devices that say no MTU say the longest frame, which then
// has to hold a VLAN tag and the checksum.
uint16_t MostMtuBytes(const rte_eth_dev_info& facts) {
  constexpr uint32_t kLayerTwoBytes = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + RTE_VLAN_HLEN;
  uint32_t most = facts.max_mtu == 0 ? UINT16_MAX : facts.max_mtu;
  if (most == UINT16_MAX && facts.max_rx_pktlen > kLayerTwoBytes) {
    most = std::min(most, facts.max_rx_pktlen - kLayerTwoBytes);
  }
  return static_cast<uint16_t>(most);
}

QueueLimits LimitsOf(const rte_eth_dev_info& facts, const std::string& driver) {
  QueueLimits limits;
  limits.max_rx_queues = std::max<uint16_t>(1, facts.max_rx_queues);
  limits.max_tx_queues = std::max<uint16_t>(1, facts.max_tx_queues);
  constexpr uint64_t kOverPorts = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP;
  limits.spreads_flows = (facts.flow_type_rss_offloads & kOverPorts) == kOverPorts;
  // The kernel may move a flow between the queues of a TAP, and the other end of a ring pair is
  // the same queue: one queue each.
  if (driver == "net_tap" || driver == "net_ring") {
    limits.max_tx_queues = 1;
    limits.spreads_flows = false;
    limits.paired = true;
  }
  return limits;
}

rte_eth_conf ConfigurationFor(const rte_eth_dev_info& facts, bool spread, uint16_t mtu_bytes,
                              bool scatter) {
  rte_eth_conf conf = {};
  conf.rxmode.mtu = mtu_bytes;
  conf.rxmode.offloads = facts.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM |
                                                  (scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0));
  conf.txmode.offloads = facts.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (spread) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf =
        facts.flow_type_rss_offloads &
        (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
         RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER);
  }
  return conf;
}

}  // namespace

absl::Status Device::Failed(const char* what, int error) const {
  const std::string said = LastDpdkMessages();
  return absl::UnavailableError("port '" + spec_.name + "' (" + spec_.device + "): " + what + ": " +
                                rte_strerror(error < 0 ? -error : error) +
                                (said.empty() ? "" : " (" + said + ")"));
}

absl::StatusOr<std::unique_ptr<Device>> Device::Attach(const PortSpec& spec) {
  std::unique_ptr<Device> device(new Device(spec));
  ForgetDpdkMessages();
  if (!FindPort(spec.device, &device->id_)) {
    if (const std::string tap = TapInterfaceOf(spec.device); TapHasOwner(tap)) {
      return absl::UnavailableError("port '" + spec.name + "' (" + spec.device + "): " + tap +
                                    " has an owner already, another sluiced perhaps: end it, or "
                                    "name another iface");
    }
    const int error = rte_dev_probe(spec.device.c_str());
    if (error != 0 || !FindPort(spec.device, &device->id_)) {
      const absl::Status failed = device->Failed("cannot be attached", error == 0 ? ENODEV : error);
      return absl::UnavailableError(std::string(failed.message()) +
                                    AttachHint(spec.device, ReadAttachFacts(spec.device)));
    }
    device->probed_ = true;
  }
  device->attached_ = true;
  rte_eth_dev_info facts;
  if (const int error = rte_eth_dev_info_get(device->id_, &facts); error != 0) {
    return device->Failed("does not describe itself", error);
  }
  device->driver_ = facts.driver_name == nullptr ? "" : facts.driver_name;
  device->may_leave_checksums_ = device->driver_ == "net_af_packet";
  return device;
}

absl::Status Device::ChooseMtu(uint16_t most) {
  if (spec_.mtu_bytes && (*spec_.mtu_bytes > most || *spec_.mtu_bytes < kLeastMtuBytes)) {
    return absl::InvalidArgumentError("port '" + spec_.name + "' (" + spec_.device + "): Mtu " +
                                      std::to_string(*spec_.mtu_bytes) + " is outside " +
                                      std::to_string(kLeastMtuBytes) + ".." + std::to_string(most));
  }
  mtu_bytes_ = spec_.mtu_bytes.value_or(std::min(spec_.default_mtu_bytes, most));
  return absl::OkStatus();
}

absl::Status Device::Configure(uint32_t port, uint32_t workers, rte_mempool* pool) {
  ForgetDpdkMessages();
  rte_eth_dev_info facts;
  rte_eth_dev_info_get(id_, &facts);
  if (const absl::Status status = ChooseMtu(MostMtuBytes(facts)); !status.ok()) {
    return status;
  }
  queues_ = PlanQueues(port, workers, LimitsOf(facts, driver_));
  const uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
  const rte_eth_conf conf = ConfigurationFor(facts, queues_.rx_queues > 1, mtu_bytes_,
                                             mtu_bytes_ + uint32_t{RTE_ETHER_HDR_LEN} + 8 > room);
  if (const int error = rte_eth_dev_configure(id_, queues_.rx_queues, queues_.tx_queues, &conf);
      error != 0) {
    return Failed("cannot be configured", error);
  }
  const int socket = rte_eth_dev_socket_id(id_);
  if (const absl::Status status = SetUpQueues(pool, socket); !status.ok()) {
    return status;
  }
  // Devices without an MTU of their own (rings, files) take what they are given.
  if (const int error = rte_eth_dev_set_mtu(id_, mtu_bytes_); error != 0 && error != -ENOTSUP) {
    return Failed(("cannot carry an MTU of " + std::to_string(mtu_bytes_)).c_str(), error);
  }
  const std::string ring = "handoff_" + std::to_string(id_);
  handoff_ = rte_ring_create(ring.c_str(), kHandoffFrames, socket, RING_F_SC_DEQ);
  return handoff_ == nullptr ? Failed("has no hand-over ring", rte_errno) : absl::OkStatus();
}

absl::Status Device::SetUpQueues(rte_mempool* pool, int socket) {
  const bool nic = IsPciDevice(spec_.device);
  rx_descriptors_ = tx_descriptors_ = nic ? kNicDescriptors : kVirtualDescriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors_, &tx_descriptors_);
      error != 0) {
    return Failed("refuses the number of descriptors", error);
  }
  for (uint16_t q = 0; q < queues_.rx_queues; ++q) {
    const int error = rte_eth_rx_queue_setup(id_, q, rx_descriptors_, static_cast<unsigned>(socket),
                                             nullptr, pool);
    if (error != 0) {
      return Failed("has no receive queue", error);
    }
  }
  for (uint16_t q = 0; q < queues_.tx_queues; ++q) {
    const int error =
        rte_eth_tx_queue_setup(id_, q, tx_descriptors_, static_cast<unsigned>(socket), nullptr);
    if (error != 0) {
      return Failed("has no transmit queue", error);
    }
  }
  return absl::OkStatus();
}

absl::Status Device::ReceiveAll() {
  // Frames come for the router's MAC and for every ENI of a shared segment, so filters are off.
  // Devices that have no filters answer ENOTSUP.
  for (const int error : {rte_eth_promiscuous_enable(id_), rte_eth_allmulticast_enable(id_)}) {
    if (error != 0 && error != -ENOTSUP) {
      return Failed("cannot receive for every address", error);
    }
  }
  return absl::OkStatus();
}

absl::Status Device::Start() {
  ForgetDpdkMessages();
  if (const int error = rte_eth_dev_start(id_); error != 0) {
    return Failed("cannot be started", error);
  }
  started_ = true;
  return ReceiveAll();
}

void Device::DiscardArrived() {
  if (!started_ || driver_ != "net_ring") {
    return;
  }
  rte_mbuf* frames[32];
  for (uint16_t q = 0; q < queues_.rx_queues; ++q) {
    while (const uint16_t count = rte_eth_rx_burst(id_, q, frames, std::size(frames))) {
      rte_pktmbuf_free_bulk(frames, count);
    }
  }
}

PortStatistics Device::Statistics() const {
  PortStatistics statistics;
  statistics.name = spec_.name;
  statistics.device = spec_.device;
  statistics.driver = driver_;
  statistics.mtu_bytes = mtu_bytes_;
  statistics.rx_queues = queues_.rx_queues;
  statistics.tx_queues = queues_.tx_queues;
  rte_eth_link link = {};
  statistics.link_up = rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status != 0;
  rte_eth_stats counted = {};
  if (rte_eth_stats_get(id_, &counted) == 0) {
    statistics.rx_missed = counted.imissed;
    statistics.rx_no_mbuf = counted.rx_nombuf;
    statistics.rx_errors = counted.ierrors;
    statistics.tx_errors = counted.oerrors;
  }
  return statistics;
}

Device::~Device() {
  if (!attached_) {
    return;
  }
  rte_eth_dev_info facts = {};
  rte_device* bus_device = rte_eth_dev_info_get(id_, &facts) == 0 ? facts.device : nullptr;
  if (started_) {
    rte_eth_dev_stop(id_);
  }
  rte_eth_dev_close(id_);
  if (probed_ && bus_device != nullptr) {
    rte_dev_remove(bus_device);
  }
  rte_ring_free(handoff_);
}

}  // namespace sluice
