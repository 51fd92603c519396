#include "dataplane/stage/dhcp.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/frame_builder.h"

namespace sluice {
namespace {

constexpr uint32_t kFixedBytes = 236;  // BOOTP without options
constexpr uint32_t kMinBytes = 300;    // RFC 951: a BOOTP message
constexpr uint32_t kMaxBytes = 480;    // more than every option together
constexpr uint32_t kMagic = 0x63825363;
constexpr uint16_t kBroadcastFlag = 0x8000;
constexpr uint32_t kBroadcastAddress = 0xffffffff;

enum DhcpType : uint8_t {
  kDiscover = 1,
  kOffer = 2,
  kRequest = 3,
  kAck = 5,
  kNak = 6,
  kInform = 8,
};
enum DhcpOption : uint8_t {
  kPad = 0,
  kSubnetMask = 1,
  kRouter = 3,
  kDns = 6,
  kDomain = 15,
  kMtu = 26,
  kNtp = 42,
  kRequestedAddress = 50,
  kLease = 51,
  kMessageType = 53,
  kServer = 54,
  kEnd = 255,
};

struct Request {
  uint8_t type = 0;      // 0: not readable
  uint32_t address = 0;  // option 50, else ciaddr
};

Request ReadRequest(const uint8_t* bootp, uint32_t bytes) noexcept {
  Request request;
  if (bytes < kFixedBytes + 4 || bootp[0] != 1 || bootp[1] != 1 || bootp[2] != 6 ||
      LoadBe32(bootp + kFixedBytes) != kMagic) {
    return request;
  }
  request.address = LoadBe32(bootp + 12);
  uint8_t type = 0;
  for (uint32_t at = kFixedBytes + 4; at < bytes && bootp[at] != kEnd;) {
    if (bootp[at] == kPad) {
      ++at;
      continue;
    }
    if (at + 2 > bytes || at + 2 + bootp[at + 1] > bytes) {
      return request;
    }
    const uint8_t length = bootp[at + 1];
    if (bootp[at] == kMessageType && length == 1) {
      type = bootp[at + 2];
    } else if (bootp[at] == kRequestedAddress && length == 4) {
      request.address = LoadBe32(bootp + at + 2);
    }
    at += 2u + length;
  }
  request.type = type;
  return request;
}

// Appends options to a message; the caller's buffer holds kMaxBytes.
class OptionWriter {
 public:
  explicit OptionWriter(uint8_t* at) : at_(at) {}

  void Byte(DhcpOption code, uint8_t value) noexcept {
    Start(code, 1);
    *at_++ = value;
  }
  void Word16(DhcpOption code, uint16_t value) noexcept {
    Start(code, 2);
    StoreBe16(at_, value);
    at_ += 2;
  }
  void Word32(DhcpOption code, uint32_t value) noexcept {
    Start(code, 4);
    StoreBe32(at_, value);
    at_ += 4;
  }
  // Nothing when there are none.
  void Addresses(DhcpOption code, const std::array<Ipv4Address, DhcpRow::kMaxServers>& addresses,
                 uint32_t count) noexcept {
    if (count == 0) {
      return;
    }
    Start(code, static_cast<uint8_t>(4 * count));
    for (uint32_t i = 0; i < count; ++i, at_ += 4) {
      StoreBe32(at_, addresses[i].value);
    }
  }
  void Text(DhcpOption code, const char* text, uint8_t bytes) noexcept {
    if (bytes != 0) {
      Start(code, bytes);
      std::memcpy(at_, text, bytes);
      at_ += bytes;
    }
  }
  uint8_t* Finish() noexcept {
    *at_++ = kEnd;
    return at_;
  }

 private:
  void Start(DhcpOption code, uint8_t length) noexcept {
    *at_++ = code;
    *at_++ = length;
  }

  uint8_t* at_;
};
static_assert(kFixedBytes + 4 + 3 + 6 + 6 + 6 + 6 + 2 * (2 + 4 * DhcpRow::kMaxServers) + 2 +
                  DhcpRow::kMaxDomainBytes + 4 + 1 <=
              kMaxBytes);

void WriteConfiguration(const Snapshot& snapshot, InterfaceIdx asker, uint32_t router,
                        OptionWriter& options) noexcept {
  const InterfaceRow& row = snapshot.interfaces[asker.index()];
  const DhcpRow& told = snapshot.dhcp[row.vpc.index()];
  options.Word32(kSubnetMask, snapshot.subnets[row.subnet.index()].mask);
  options.Word32(kRouter, router);
  options.Addresses(kDns, told.dns, told.dns_count);
  options.Text(kDomain, told.domain.data(), told.domain_bytes);
  options.Addresses(kNtp, told.ntp, told.ntp_count);
  options.Word16(kMtu, snapshot.adjacency[asker.index()].mtu_bytes);
}

// Writes the answer to `asked` into `reply` (kMaxBytes); its length.
uint32_t WriteReply(const Snapshot& snapshot, InterfaceIdx asker, const uint8_t* asked,
                    uint8_t asked_type, uint8_t type, uint32_t router, uint8_t* reply) noexcept {
  const InterfaceRow& row = snapshot.interfaces[asker.index()];
  std::memset(reply, 0, kMaxBytes);
  reply[0] = 2;  // BOOTREPLY
  reply[1] = 1;  // Ethernet
  reply[2] = 6;
  std::memcpy(reply + 4, asked + 4, 4);    // transaction
  std::memcpy(reply + 10, asked + 10, 2);  // flags
  if (type == kAck) {
    std::memcpy(reply + 12, asked + 12, 4);  // the client's own address
  }
  if (type != kNak) {
    StoreBe32(reply + 16, asked_type == kInform ? 0 : row.primary.value);
    StoreBe32(reply + 20, router);
  }
  std::memcpy(reply + 28, asked + 28, 16);  // the client's hardware address
  StoreBe32(reply + kFixedBytes, kMagic);
  OptionWriter options(reply + kFixedBytes + 4);
  options.Byte(kMessageType, type);
  options.Word32(kServer, router);
  if (type != kNak) {
    if (asked_type != kInform) {
      options.Word32(kLease, snapshot.dhcp[row.vpc.index()].lease_seconds);
    }
    WriteConfiguration(snapshot, asker, router, options);
  }
  return std::max(kMinBytes, static_cast<uint32_t>(options.Finish() - reply));
}

void EmitReply(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch, uint32_t lane,
               uint32_t router, bool broadcast, const uint8_t* bootp, uint32_t bytes) noexcept {
  const InterfaceIdx side = batch.sender[lane];
  const uint16_t vlan = batch.vlan[lane];
  const uint32_t l2_bytes = LinkBytes(vlan);
  const uint32_t udp_bytes = kUdpBytes + bytes;
  uint8_t* frame =
      worker.emits->Emit(EmitKind::kOriginated, lane, side, l2_bytes + kIpv4MinBytes + udp_bytes);
  if (frame == nullptr) {
    return;
  }
  const MacAddress mac = broadcast ? kBroadcastMac : LoadMac(batch.frame[lane] + 6);
  const uint32_t dst =
      broadcast ? kBroadcastAddress : snapshot.interfaces[side.index()].primary.value;
  WriteLink(frame, mac, snapshot.router_mac, vlan, kEtherTypeIpv4);
  uint8_t* ip = frame + l2_bytes;
  WriteIpv4(ip, router, dst, kProtocolUdp, RouterIpId(snapshot, worker, batch, lane),
            static_cast<uint16_t>(kIpv4MinBytes + udp_bytes));
  uint8_t* udp = ip + kIpv4MinBytes;
  StoreBe16(udp + kL4SourceOffset, 67);
  StoreBe16(udp + kL4DestinationOffset, 68);
  StoreBe16(udp + kUdpLengthOffset, static_cast<uint16_t>(udp_bytes));
  StoreBe16(udp + kUdpChecksumOffset, 0);
  std::memcpy(udp + kUdpBytes, bootp, bytes);
  const uint16_t checksum = TransportChecksum(router, dst, kProtocolUdp, udp, udp_bytes);
  StoreBe16(udp + kUdpChecksumOffset, checksum == 0 ? 0xffff : checksum);
}

void Answer(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane) noexcept {
  const uint32_t at = batch.l2_bytes[lane] + uint32_t{batch.l3_bytes[lane]} + kUdpBytes;
  const uint32_t end = std::min<uint32_t>(batch.segment_bytes[lane],
                                          uint32_t{batch.l2_bytes[lane]} + batch.ip_bytes[lane]);
  const uint8_t* asked = batch.frame[lane] + at;
  const Request request = ReadRequest(asked, end > at ? end - at : 0);
  if (request.type == 0) {
    batch.reason[lane] = DropReason::kMalformedL4;
    return;
  }
  batch.verdict[lane] = Verdict::kConsume;
  batch.reason[lane] = DropReason::kDhcpReply;
  if (request.type != kDiscover && request.type != kRequest && request.type != kInform) {
    return;
  }
  const InterfaceIdx side = batch.sender[lane];
  const InterfaceRow& row = snapshot.interfaces[side.index()];
  const uint32_t router = snapshot.subnets[row.subnet.index()].Router().value;
  const bool refused = request.type == kRequest && request.address != row.primary.value;
  const uint8_t type = refused ? kNak : request.type == kDiscover ? kOffer : kAck;
  const bool broadcast = refused || (LoadBe16(asked + 10) & kBroadcastFlag) != 0;
  uint8_t reply[kMaxBytes];
  const uint32_t bytes = WriteReply(snapshot, side, asked, request.type, type, router, reply);
  EmitReply(snapshot, worker, batch, lane, router, broadcast, reply, bytes);
}

}  // namespace

void DhcpStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
               const LaneList& in) noexcept {
  for (const uint8_t lane : in) {
    Answer(snapshot, worker, batch, lane);
  }
}

}  // namespace sluice
