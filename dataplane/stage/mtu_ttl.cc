#include "dataplane/stage/mtu_ttl.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/icmp_error.h"
#include "dataplane/stage/lane_ops.h"

namespace sluice {
namespace {

constexpr uint32_t kMaxIpv4Bytes = 60;
constexpr uint8_t kOptionCopied = 0x80;

// An interface endpoint drops what is too long in silence (AWS-EP-06).
bool IsTooLongForEndpoint(const Snapshot& snapshot, const Batch& batch, uint32_t lane) noexcept {
  return (snapshot.interfaces[batch.out[lane].index()].flags & kInterfaceForceTrack) != 0 &&
         batch.ip_bytes[lane] > kEndpointMtuBytes;
}

uint32_t MtuOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane) noexcept {
  return PathMtuBytes(snapshot, batch.out[lane], (batch.walk_flags[lane] & kWalkGateway) != 0);
}

bool AnswerExpired(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                   uint32_t lane) noexcept {
  // An internet sender knows the gateway by the address it sent to.
  const uint32_t source =
      batch.sender[lane] == snapshot.internet ? batch.dst[lane] : batch.nat_private[lane];
  return EmitIcmpError(snapshot, worker, batch, lane, source, {kIcmpTimeExceeded, 0, 0});
}

bool AnswerTooLong(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                   uint32_t lane) noexcept {
  const InterfaceRow& sender = snapshot.interfaces[batch.sender[lane].index()];
  if (sender.kind != InterfaceRowKind::kEni || IsTooLongForEndpoint(snapshot, batch, lane)) {
    return false;
  }
  const uint32_t router = snapshot.subnets[sender.subnet.index()].Router().value;
  const uint32_t source = batch.ttl_spent[lane] != 0 ? batch.nat_private[lane] : router;
  const auto mtu_bytes = static_cast<uint16_t>(MtuOf(snapshot, batch, lane));
  return EmitIcmpError(snapshot, worker, batch, lane, source,
                       {kIcmpUnreachable, kIcmpCodeFragmentationNeeded, mtu_bytes});
}

// The header of every piece but the first: options with the copied flag alone (RFC 791 3.1). Its
// length, a multiple of 4.
uint32_t LaterHeader(const uint8_t* ip, uint32_t header_bytes, uint8_t* later) noexcept {
  std::memcpy(later, ip, kIpv4MinBytes);
  uint32_t used = kIpv4MinBytes;
  for (uint32_t at = kIpv4MinBytes; at < header_bytes && ip[at] != 0;) {
    const uint32_t length = ip[at] == 1 ? 1 : ip[at + 1];
    if ((ip[at] & kOptionCopied) != 0) {
      std::memcpy(later + used, ip + at, length);
      used += length;
    }
    at += length;
  }
  while (used % 4 != 0) {
    later[used++] = 0;
  }
  later[0] = static_cast<uint8_t>(0x40 | used / 4);
  return used;
}

struct Piece {
  const uint8_t* header;
  uint32_t header_bytes;
  uint32_t from;  // payload, from the start of the IPv4 packet
  uint32_t bytes;
  uint16_t fragment_word;
};

bool EmitPiece(WorkerContext& worker, const Batch& batch, uint32_t lane, uint32_t l2_bytes,
               const Piece& piece) noexcept {
  const uint32_t ip_bytes = piece.header_bytes + piece.bytes;
  uint8_t* frame =
      worker.emits->Emit(EmitKind::kFragment, lane, batch.out[lane], l2_bytes + ip_bytes);
  if (frame == nullptr) {
    return false;
  }
  std::memcpy(frame, batch.out_frame[lane], l2_bytes);
  uint8_t* ip = frame + l2_bytes;
  std::memcpy(ip, piece.header, piece.header_bytes);
  StoreBe16(ip + kIpv4LengthOffset, static_cast<uint16_t>(ip_bytes));
  StoreBe16(ip + kIpv4FragmentOffset, piece.fragment_word);
  StoreBe16(ip + kIpv4ChecksumOffset, 0);
  StoreBe16(ip + kIpv4ChecksumOffset, Checksum(ip, piece.header_bytes));
  std::memcpy(ip + piece.header_bytes, batch.out_frame[lane] + l2_bytes + piece.from, piece.bytes);
  return true;
}

bool Split(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) noexcept {
  const uint32_t mtu_bytes = MtuOf(snapshot, batch, lane);
  const uint32_t ip_bytes = batch.ip_bytes[lane];
  const uint32_t header_bytes = batch.l3_bytes[lane];
  const uint32_t l2_bytes = batch.out_bytes[lane] - ip_bytes;
  const uint8_t* ip = batch.out_frame[lane] + l2_bytes;
  const uint16_t word = LoadBe16(ip + kIpv4FragmentOffset);
  std::array<uint8_t, kMaxIpv4Bytes> later;
  const uint32_t later_bytes = LaterHeader(ip, header_bytes, later.data());
  if (batch.segment_bytes[lane] < batch.l2_bytes[lane] + ip_bytes) {
    return false;
  }
  // Every piece carries at least 8 bytes, so the count is bounded by the payload.
  const uint32_t count = (ip_bytes - header_bytes) / ((mtu_bytes - header_bytes) & ~7u) + 1;
  if (!worker.emits->HasRoom(count, size_t{count} * (l2_bytes + header_bytes) + ip_bytes)) {
    return false;
  }
  Piece piece = {ip, header_bytes, header_bytes, 0, 0};
  while (piece.from < ip_bytes) {
    const uint32_t rest = ip_bytes - piece.from;
    const uint32_t room = mtu_bytes - piece.header_bytes;
    const bool last = rest <= room;
    piece.bytes = last ? rest : room & ~7u;
    const uint32_t offset = (word & kIpv4OffsetMask) + (piece.from - header_bytes) / 8;
    piece.fragment_word = static_cast<uint16_t>(
        offset | (!last || (word & kIpv4MoreFragments) != 0 ? kIpv4MoreFragments : 0));
    if (!EmitPiece(worker, batch, lane, l2_bytes, piece)) {
      return false;
    }
    piece.from += piece.bytes;
    piece.header = later.data();
    piece.header_bytes = later_bytes;
  }
  return true;
}

}  // namespace

uint32_t PathMtuBytes(const Snapshot& snapshot, InterfaceIdx out, bool via_internet) noexcept {
  // An IPv4 side carries 68 bytes at least (RFC 791 3.2).
  uint32_t mtu_bytes = std::max<uint32_t>(snapshot.adjacency[out.index()].mtu_bytes, 68);
  if (via_internet || out == snapshot.internet) {
    const uint32_t internet = snapshot.adjacency[snapshot.internet.index()].mtu_bytes;
    mtu_bytes =
        std::min<uint32_t>(mtu_bytes, std::clamp<uint32_t>(internet, 68, kInternetMtuBytes));
  }
  return mtu_bytes;
}

void MtuTtlStage(const Snapshot& snapshot, Batch& batch, const LaneList& in,
                 LaneList& out) noexcept {
  for (const uint8_t lane : in) {
    batch.split[lane] = 0;
    if (batch.ttl_spent[lane] != 0 && batch.ttl[lane] <= batch.ttl_spent[lane]) {
      DropLane(batch, lane, DropReason::kTtlExpired);
    } else if (IsTooLongForEndpoint(snapshot, batch, lane)) {
      DropLane(batch, lane, DropReason::kMtuExceeded);
    } else if (batch.ip_bytes[lane] <= MtuOf(snapshot, batch, lane)) {
      out.Add(lane);
    } else if ((batch.traits[lane] & kTraitDontFragment) != 0) {
      DropLane(batch, lane, DropReason::kMtuExceeded);
    } else {
      batch.split[lane] = 1;
      out.Add(lane);
    }
  }
}

void AnswerUnfit(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                 uint32_t lane) noexcept {
  const bool answered = batch.reason[lane] == DropReason::kTtlExpired
                            ? AnswerExpired(snapshot, worker, batch, lane)
                            : batch.reason[lane] == DropReason::kMtuExceeded &&
                                  AnswerTooLong(snapshot, worker, batch, lane);
  if (answered) {
    batch.verdict[lane] = Verdict::kConsume;
  }
}

void SplitStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                const LaneList& in) noexcept {
  for (const uint8_t lane : in) {
    if (batch.split[lane] != 0 && !Split(snapshot, worker, batch, lane)) {
      batch.split[lane] = 0;
      DropLane(batch, lane, DropReason::kNoMbuf);
    }
  }
}

}  // namespace sluice
