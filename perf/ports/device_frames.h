// A workload's packets in the buffers of DPDK ports: received in bursts, stamped, handed to the
// pipeline as the worker's loop does it, sent in bursts. For ports that give a frame whenever one
// is asked for (net_null): what such a frame says is overwritten.
//
// One thread, which is an lcore of DPDK.
#pragma once

#include <array>
#include <vector>

#include "dataplane/runtime/runtime.h"
#include "perf/workload/burst_driver.h"
#include "perf/workload/frame_source.h"

namespace sluice {

class DeviceFrames final : public FrameSource {
 public:
  // Ports by PortIdx, started; the runtime outlives the source.
  explicit DeviceFrames(const Runtime& runtime, size_t ports);

  void Load(const Stamp* stamps, uint32_t count, const Links& links,
            Batch& batch) noexcept override;
  SentFrames Send(const Batch& batch, const Snapshot* snapshot) noexcept override;

 private:
  struct Port {
    uint16_t id = 0;
    uint16_t rx_queue = 0;
    uint16_t tx_queue = 0;
    uint32_t wanted = 0;
    uint32_t next = 0;   // of the received frames
    uint32_t count = 0;  // received, or waiting to be sent
    std::array<rte_mbuf*, BurstDriver::kMaxBurst> frames;
  };
  void Receive(Port& port) noexcept;

  rte_mempool* const pool_;
  std::vector<Port> ports_;
};

}  // namespace sluice
