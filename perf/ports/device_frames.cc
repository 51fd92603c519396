#include "perf/ports/device_frames.h"

#include <rte_config.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <utility>

#include "dataplane/runtime/mbuf_batch.h"

namespace sluice {

DeviceFrames::DeviceFrames(const Runtime& runtime, size_t ports)
    : pool_(runtime.pool()), ports_(ports) {
  for (size_t p = 0; p < ports; ++p) {
    const Device& device = runtime.device(PortIdx(static_cast<uint16_t>(p)));
    ports_[p].id = device.id();
    ports_[p].rx_queue = device.queues().rx_queue_of[0];
    ports_[p].tx_queue = device.queues().tx_queue_of[0];
  }
}

void DeviceFrames::Receive(Port& port) noexcept {
  const uint32_t wanted = std::exchange(port.wanted, 0);
  port.next = port.count = 0;
  while (port.count < wanted) {
    const uint16_t got = rte_eth_rx_burst(port.id, port.rx_queue, &port.frames[port.count],
                                          static_cast<uint16_t>(wanted - port.count));
    if (got == 0) {
      return;
    }
    port.count += got;
  }
}

void DeviceFrames::Load(const Stamp* stamps, uint32_t count, const Links& links,
                        Batch& batch) noexcept {
  for (uint32_t i = 0; i < count; ++i) {
    ++ports_[links[stamps[i].link].port.index()].wanted;
  }
  for (Port& port : ports_) {
    Receive(port);
  }
  batch.count = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const Stamp& stamp = stamps[i];
    const Link& link = links[stamp.link];
    Port& port = ports_[link.port.index()];
    if (port.next == port.count) [[unlikely]] {
      continue;  // the pool is empty
    }
    rte_mbuf* mbuf = port.frames[port.next++];
    mbuf->data_len = stamp.frame_bytes;
    mbuf->pkt_len = stamp.frame_bytes;
    WriteHeaders(stamp, link, rte_pktmbuf_mtod(mbuf, uint8_t*));
    if (!ShapeFrame(mbuf, pool_)) [[unlikely]] {
      rte_pktmbuf_free(mbuf);
      continue;
    }
    AppendLane(mbuf, link.port, batch);
  }
}

SentFrames DeviceFrames::Send(const Batch& batch, const Snapshot* snapshot) noexcept {
  for (Port& port : ports_) {
    port.count = 0;
  }
  rte_mbuf* done[BurstDriver::kMaxBurst];
  uint32_t done_count = 0;
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    auto* mbuf = static_cast<rte_mbuf*>(batch.handle[lane]);
    if (!Leaves(batch, lane)) [[unlikely]] {
      done[done_count++] = mbuf;
      continue;
    }
    CutToOutput(mbuf, batch.out_frame[lane], batch.out_bytes[lane]);
    const PortIdx out = snapshot == nullptr ? batch.rx_port[lane]
                                            : snapshot->adjacency[batch.out[lane].index()].port;
    Port& port = ports_[out.index()];
    port.frames[port.count++] = mbuf;
  }
  SentFrames sent;
  for (Port& port : ports_) {
    for (uint32_t i = 0; i < port.count; ++i) {
      sent.bytes += port.frames[i]->pkt_len;
    }
    const uint16_t taken = port.count == 0
                               ? 0
                               : rte_eth_tx_burst(port.id, port.tx_queue, port.frames.data(),
                                                  static_cast<uint16_t>(port.count));
    sent.packets += taken;
    for (uint32_t i = taken; i < port.count; ++i) {
      done[done_count++] = port.frames[i];
    }
  }
  rte_pktmbuf_free_bulk(done, done_count);
  return sent;
}

}  // namespace sluice
