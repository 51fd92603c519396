#include "dataplane/runtime/mbuf_batch.h"

#include <rte_config.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

// Drops the first `bytes` of a chain, freeing segments that end up empty. `bytes` is less than the
// whole.
rte_mbuf* CutFront(rte_mbuf* mbuf, uint32_t bytes) {
  while (bytes >= mbuf->data_len) {
    bytes -= mbuf->data_len;
    rte_mbuf* next = mbuf->next;
    next->pkt_len = mbuf->pkt_len - mbuf->data_len;
    next->nb_segs = static_cast<uint16_t>(mbuf->nb_segs - 1);
    rte_pktmbuf_free_seg(mbuf);
    mbuf = next;
  }
  rte_pktmbuf_adj(mbuf, static_cast<uint16_t>(bytes));
  return mbuf;
}

// Drops the last `bytes` of a chain. Segment 1 is not emptied.
void CutBack(rte_mbuf* mbuf, uint32_t bytes) {
  while (bytes != 0) {
    rte_mbuf* last = rte_pktmbuf_lastseg(mbuf);
    if (last == mbuf || last->data_len > bytes) {
      SLUICE_CHECK(last->data_len > bytes);
      last->data_len = static_cast<uint16_t>(last->data_len - bytes);
      mbuf->pkt_len -= bytes;
      return;
    }
    rte_mbuf* before = mbuf;
    while (before->next != last) {
      before = before->next;
    }
    bytes -= last->data_len;
    mbuf->pkt_len -= last->data_len;
    mbuf->nb_segs = static_cast<uint16_t>(mbuf->nb_segs - 1);
    before->next = nullptr;
    rte_pktmbuf_free_seg(last);
  }
}

bool IsShaped(const rte_mbuf* mbuf) {
  return rte_pktmbuf_data_len(mbuf) >= std::min(rte_pktmbuf_pkt_len(mbuf), kContiguousBytes) &&
         rte_pktmbuf_headroom(mbuf) >= 2 * kFrameHeadroomBytes && RTE_MBUF_DIRECT(mbuf) &&
         rte_mbuf_refcnt_read(mbuf) == 1;
}

// A private copy of a frame whose bytes others may hold too.
bool CopyWhole(rte_mbuf*& mbuf, rte_mempool* pool) {
  rte_mbuf* copy = rte_pktmbuf_copy(mbuf, pool, 0, UINT32_MAX);
  if (copy == nullptr) {
    return false;
  }
  rte_pktmbuf_free(mbuf);
  mbuf = copy;
  return true;
}

// Moves the first bytes into a new segment before the rest.
bool MoveHeaders(rte_mbuf*& mbuf, rte_mempool* pool) {
  rte_mbuf* front = rte_pktmbuf_alloc(pool);
  if (front == nullptr) {
    return false;
  }
  const uint32_t whole_bytes = rte_pktmbuf_pkt_len(mbuf);
  const uint32_t moved_bytes =
      std::min<uint32_t>({whole_bytes, kContiguousBytes, rte_pktmbuf_tailroom(front)});
  auto* to =
      reinterpret_cast<uint8_t*>(rte_pktmbuf_append(front, static_cast<uint16_t>(moved_bytes)));
  const void* from = rte_pktmbuf_read(mbuf, 0, moved_bytes, to);
  if (from != to) {
    std::memcpy(to, from, moved_bytes);
  }
  front->ol_flags = mbuf->ol_flags;
  front->vlan_tci = mbuf->vlan_tci;
  front->port = mbuf->port;
  if (moved_bytes == whole_bytes) {
    rte_pktmbuf_free(mbuf);
    mbuf = front;
    return true;
  }
  rte_mbuf* rest = CutFront(mbuf, moved_bytes);
  if (rte_pktmbuf_chain(front, rest) != 0) {
    // 65,535 segments: no device makes them. The frame ends short and is refused as malformed.
    rte_pktmbuf_free(rest);
  }
  mbuf = front;
  return true;
}

}  // namespace

bool ShapeFrame(rte_mbuf*& mbuf, rte_mempool* pool) noexcept {
  if (!IsShaped(mbuf)) [[unlikely]] {
    const bool shared = !RTE_MBUF_DIRECT(mbuf) || rte_mbuf_refcnt_read(mbuf) != 1;
    if (shared && !CopyWhole(mbuf, pool)) {
      return false;
    }
    if (!IsShaped(mbuf) && !MoveHeaders(mbuf, pool)) {
      return false;
    }
  }
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && mbuf->data_len >= 12) [[unlikely]] {
    rte_vlan_insert(&mbuf);
    mbuf->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_VLAN);
  }
  return true;
}

void AppendLane(rte_mbuf* mbuf, PortIdx port, Batch& batch) noexcept {
  const uint32_t lane = batch.count++;
  mbuf->port = port.value;
  batch.frame[lane] = rte_pktmbuf_mtod(mbuf, uint8_t*);
  batch.handle[lane] = mbuf;
  batch.segment_bytes[lane] = rte_pktmbuf_data_len(mbuf);
  batch.frame_bytes[lane] = rte_pktmbuf_pkt_len(mbuf);
  batch.rx_port[lane] = port;
  batch.reentered[lane] = 0;
}

void CutToOutput(rte_mbuf* mbuf, const uint8_t* out_frame, uint32_t out_bytes) noexcept {
  const auto* buffer = static_cast<const uint8_t*>(mbuf->buf_addr);
  const ptrdiff_t offset = out_frame - buffer;
  SLUICE_CHECK(offset >= 0 && offset <= mbuf->data_off + mbuf->data_len);
  const int32_t grown_bytes = static_cast<int32_t>(mbuf->data_off) - static_cast<int32_t>(offset);
  mbuf->data_off = static_cast<uint16_t>(offset);
  mbuf->data_len = static_cast<uint16_t>(mbuf->data_len + grown_bytes);
  mbuf->pkt_len = static_cast<uint32_t>(static_cast<int32_t>(mbuf->pkt_len) + grown_bytes);
  SLUICE_CHECK(out_bytes != 0 && out_bytes <= mbuf->pkt_len);
  if (mbuf->pkt_len != out_bytes) {
    CutBack(mbuf, mbuf->pkt_len - out_bytes);
  }
  mbuf->ol_flags = 0;  // nothing is left for the device to do
}

rte_mbuf* CopyToMbuf(std::span<const uint8_t> bytes, rte_mempool* pool) noexcept {
  rte_mbuf* head = nullptr;
  while (!bytes.empty()) {
    rte_mbuf* segment = rte_pktmbuf_alloc(pool);
    if (segment == nullptr) {
      rte_pktmbuf_free(head);
      return nullptr;
    }
    const size_t room = std::min<size_t>(bytes.size(), rte_pktmbuf_tailroom(segment));
    std::memcpy(rte_pktmbuf_append(segment, static_cast<uint16_t>(room)), bytes.data(), room);
    bytes = bytes.subspan(room);
    if (head == nullptr) {
      head = segment;
    } else {
      rte_pktmbuf_chain(head, segment);
    }
  }
  return head;
}

}  // namespace sluice
