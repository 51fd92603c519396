#include "dataplane/runtime/mbuf_pool.h"

#include <rte_config.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <bit>
#include <string>

#include "dataplane/base/remedy.h"

namespace sluice {
namespace {

constexpr uint32_t kCacheMbufs = 512;  // a worker's
constexpr uint32_t kWorkerMbufs =
    2 * kCacheMbufs + 1024;                     // its cache at its fullest and a burst's output
constexpr uint32_t kNicDescriptors = 2 * 1024;  // receive and transmit
constexpr uint32_t kVirtualDescriptors = 2 * 512;
constexpr uint64_t kSmallPageBytes = 4096;
constexpr uint32_t kLayerTwoBytes = 22;  // Ethernet with one VLAN tag and its checksum

uint64_t ElementBytes(uint16_t room_bytes) {
  // The mempool's own header, trailer and padding of an element are below 192 bytes.
  return room_bytes + sizeof(rte_mbuf) + 192;
}

}  // namespace

uint64_t MbufPoolSize::bytes() const {
  return uint64_t{count} * ElementBytes(room_bytes);
}

uint64_t MbufPoolSize::small_page_bytes() const {
  const uint64_t element_bytes = ElementBytes(room_bytes);
  if (element_bytes > kSmallPageBytes) {
    return count * ((element_bytes + kSmallPageBytes - 1) / kSmallPageBytes * kSmallPageBytes);
  }
  const uint64_t per_page = kSmallPageBytes / element_bytes;
  return (count + per_page - 1) / per_page * kSmallPageBytes;
}

MbufPoolSize SizeMbufPool(uint32_t ports, uint32_t pci_ports, uint32_t workers,
                          uint16_t largest_mtu_bytes) {
  const uint32_t busy = (ports - pci_ports) * kVirtualDescriptors +
                        pci_ports * workers * kNicDescriptors + workers * kWorkerMbufs;
  MbufPoolSize size;
  size.count = std::max(8192u, std::bit_ceil(busy + busy / 2)) - 1;  // ideal for the ring inside
  const uint32_t frame_bytes = largest_mtu_bytes + kLayerTwoBytes;
  const uint32_t room_bytes =
      RTE_PKTMBUF_HEADROOM + std::max<uint32_t>(2048, (frame_bytes + 63) / 64 * 64);
  size.room_bytes = static_cast<uint16_t>(std::min<uint32_t>(room_bytes, UINT16_MAX));
  return size;
}

absl::StatusOr<MbufPool> MbufPool::Make(const MbufPoolSize& size) {
  rte_mempool* pool = rte_pktmbuf_pool_create("packets", size.count, kCacheMbufs, 0,
                                              size.room_bytes, SOCKET_ID_ANY);
  if (pool == nullptr) {
    return absl::ResourceExhaustedError("packet buffers: " + std::to_string(size.bytes() >> 20) +
                                        " MB cannot be had (" + rte_strerror(rte_errno) +
                                        "): free memory or reserve hugepages: `" +
                                        HugePagesCommand((size.bytes() >> 21) + 32) + "`");
  }
  return MbufPool(pool);
}

MbufPool::~MbufPool() {
  rte_mempool_free(pool_);
}
uint32_t MbufPool::count() const {
  return pool_->size;
}
uint32_t MbufPool::in_use() const {
  return rte_mempool_in_use_count(pool_);
}

}  // namespace sluice
