// Ports: DPDK devices by name, configured and started so that every frame arrives as it was sent:
// promiscuous, VLAN tags in place, no coalescing. Main thread, except Statistics (control thread).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/runtime/queue_plan.h"

struct rte_mempool;
struct rte_ring;

namespace sluice {

struct PortSpec {
  std::string name;                   // Host.Ports[].Name
  std::string device;                 // "net_tap0,iface=web", "0000:3b:00.0", …
  std::optional<uint16_t> mtu_bytes;  // as written; an error when the device cannot
  uint16_t default_mtu_bytes = 9001;  // otherwise, or what the device can
};

// What the device itself counted, and what it is.
struct PortStatistics {
  std::string name;
  std::string device;
  std::string driver;
  uint16_t mtu_bytes = 0;
  uint16_t rx_queues = 0;
  uint16_t tx_queues = 0;
  bool link_up = false;
  uint64_t rx_missed = 0;   // no room in the device's queue
  uint64_t rx_no_mbuf = 0;  // no buffer to receive into
  uint64_t rx_errors = 0;
  uint64_t tx_errors = 0;
};

// An open port. Stopped and closed when destroyed.
class Device {
 public:
  // Attaches the device unless it is there already. Errors are one line and name the port.
  static absl::StatusOr<std::unique_ptr<Device>> Attach(const PortSpec& spec);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Once, after Attach: queues, MTU, modes. `pool` outlives the device.
  absl::Status Configure(uint32_t port, uint32_t workers, rte_mempool* pool);
  absl::Status Start();

  // Frees what has arrived and nobody will read, where closing the device would lose it: frames in
  // a net_ring. The workers have stopped.
  void DiscardArrived();

  PortStatistics Statistics() const;

  const PortSpec& spec() const { return spec_; }
  uint16_t id() const { return id_; }
  uint16_t mtu_bytes() const { return mtu_bytes_; }
  const QueuePlan& queues() const { return queues_; }
  // The bounded ring to the polling worker: many producers, one consumer.
  rte_ring* handoff() const { return handoff_; }
  // Frames may carry an L4 checksum that their sender left to hardware, without a flag that says
  // so.
  bool may_leave_checksums() const { return may_leave_checksums_; }
  uint16_t rx_descriptors() const { return rx_descriptors_; }
  uint16_t tx_descriptors() const { return tx_descriptors_; }

 private:
  explicit Device(PortSpec spec) : spec_(std::move(spec)) {}
  absl::Status ChooseMtu(uint16_t most);
  absl::Status SetUpQueues(rte_mempool* pool, int socket);
  absl::Status ReceiveAll();
  absl::Status Failed(const char* what, int error) const;

  PortSpec spec_;
  std::string driver_;
  uint16_t id_ = 0;
  uint16_t mtu_bytes_ = 0;
  uint16_t rx_descriptors_ = 0;
  uint16_t tx_descriptors_ = 0;
  QueuePlan queues_;
  rte_ring* handoff_ = nullptr;
  bool may_leave_checksums_ = false;
  bool probed_ = false;  // by Attach, so it is removed again
  bool attached_ = false;
  bool started_ = false;
};

}  // namespace sluice
