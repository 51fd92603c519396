#include "dataplane/stage/icmp_error.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/frame_builder.h"
#include "dataplane/stage/icmp_limiter.h"
#include "dataplane/stage/parse.h"

namespace sluice {
namespace {

constexpr uint32_t kMaxErrorBytes = 576;  // of the IPv4 packet
constexpr uint8_t kIcmpSourceQuench = 4;
constexpr uint8_t kIcmpRedirect = 5;

}  // namespace

bool MayAnswerWithError(const Batch& batch, uint32_t lane) noexcept {
  const uint16_t traits = batch.traits[lane];
  if ((traits & (kTraitIcmpError | kTraitLaterFragment)) != 0) {
    return false;
  }
  if (batch.protocol[lane] == kProtocolIcmp &&
      (batch.icmp_type[lane] == kIcmpSourceQuench || batch.icmp_type[lane] == kIcmpRedirect)) {
    return false;
  }
  return batch.dst[lane] >> 28 != 0xe && !IsMartian(batch.src[lane], batch.dst[lane]);
}

bool EmitIcmpError(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                   uint32_t lane, uint32_t source, const IcmpErrorKind& kind) noexcept {
  const InterfaceIdx side = batch.sender[lane];
  MacAddress mac;
  if (!MayAnswerWithError(batch, lane) || !FindLinkAddress(snapshot, worker, side, mac) ||
      (worker.icmp_limiter != nullptr && !worker.icmp_limiter->Allow(side, worker.now_ms))) {
    return false;
  }
  const uint32_t here_bytes = batch.segment_bytes[lane] - uint32_t{batch.l2_bytes[lane]};
  const uint32_t quoted_bytes = std::min(
      {uint32_t{batch.ip_bytes[lane]}, here_bytes, kMaxErrorBytes - kIpv4MinBytes - kIcmpBytes});
  const uint32_t icmp_bytes = kIcmpBytes + quoted_bytes;
  const uint16_t vlan = snapshot.adjacency[side.index()].vlan;
  const uint32_t l2_bytes = LinkBytes(vlan);
  uint8_t* frame =
      worker.emits->Emit(EmitKind::kOriginated, lane, side, l2_bytes + kIpv4MinBytes + icmp_bytes);
  if (frame == nullptr) {
    return false;
  }
  WriteLink(frame, mac, snapshot.router_mac, vlan, kEtherTypeIpv4);
  uint8_t* ip = frame + l2_bytes;
  WriteIpv4(ip, source, batch.src[lane], kProtocolIcmp, RouterIpId(snapshot, worker, batch, lane),
            static_cast<uint16_t>(kIpv4MinBytes + icmp_bytes));
  uint8_t* icmp = ip + kIpv4MinBytes;
  icmp[kIcmpTypeOffset] = kind.type;
  icmp[kIcmpCodeOffset] = kind.code;
  StoreBe16(icmp + kIcmpChecksumOffset, 0);
  StoreBe16(icmp + 4, 0);
  StoreBe16(icmp + 6, kind.mtu_bytes);
  std::memcpy(icmp + kIcmpBytes, batch.frame[lane] + batch.l2_bytes[lane], quoted_bytes);
  StoreBe16(icmp + kIcmpChecksumOffset, Checksum(icmp, icmp_bytes));
  return true;
}

}  // namespace sluice
