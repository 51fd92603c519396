#include "dataplane/stage/arp.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/arp_learned.h"
#include "dataplane/stage/frame_builder.h"
#include "dataplane/stage/interface.h"
#include "dataplane/table/address_map.h"

namespace sluice {
namespace {

constexpr uint32_t kArpBytes = 28;
constexpr uint16_t kArpRequest = 1;
constexpr uint16_t kArpReply = 2;

struct Arp {
  uint16_t operation = 0;  // 0: not Ethernet and IPv4
  MacAddress sender_mac;
  uint32_t sender = 0;
  uint32_t target = 0;
};

// RFC 826.
Arp ReadArp(const Batch& batch, uint32_t lane) noexcept {
  Arp arp;
  const uint8_t* bytes = batch.frame[lane] + batch.l2_bytes[lane];
  if (batch.segment_bytes[lane] < batch.l2_bytes[lane] + kArpBytes || LoadBe16(bytes) != 1 ||
      LoadBe16(bytes + 2) != kEtherTypeIpv4 || bytes[4] != 6 || bytes[5] != 4) {
    return arp;
  }
  arp.operation = LoadBe16(bytes + 6);
  arp.sender_mac = LoadMac(bytes + 8);
  arp.sender = LoadBe32(bytes + 14);
  arp.target = LoadBe32(bytes + 24);
  return arp;
}

// Whose MAC an ENI is told for `target`; false: nobody answers.
bool AnswerToEni(const Snapshot& snapshot, InterfaceIdx asker, uint32_t target,
                 MacAddress& answer) noexcept {
  const InterfaceRow& row = snapshot.interfaces[asker.index()];
  if (target == snapshot.subnets[row.subnet.index()].Router().value) {
    answer = snapshot.router_mac;
    return true;
  }
  const uint32_t owner = snapshot.addresses->Lookup(row.vpc.value, target);
  if (!IsInterfaceAddress(owner) || owner == asker.value ||
      snapshot.interfaces[owner].subnet != row.subnet) {
    return false;
  }
  answer = snapshot.adjacency[owner].mac;
  return true;
}

const SideRow* FindSideRow(const Snapshot& snapshot, InterfaceIdx side) noexcept {
  for (const SideRow& row : snapshot.sides.span()) {
    if (row.interface == side) {
      return &row;
    }
  }
  return nullptr;
}

bool Reply(WorkerContext& worker, const Batch& batch, uint32_t lane, const Arp& request,
           const MacAddress& answer) noexcept {
  const uint16_t vlan = batch.vlan[lane];
  const uint32_t l2_bytes = LinkBytes(vlan);
  uint8_t* frame =
      worker.emits->Emit(EmitKind::kOriginated, lane, batch.sender[lane], l2_bytes + kArpBytes);
  if (frame == nullptr) {
    return false;
  }
  WriteLink(frame, LoadMac(batch.frame[lane] + 6), answer, vlan, kEtherTypeArp);
  uint8_t* arp = frame + l2_bytes;
  StoreBe16(arp, 1);
  StoreBe16(arp + 2, kEtherTypeIpv4);
  arp[4] = 6;
  arp[5] = 4;
  StoreBe16(arp + 6, kArpReply);
  StoreMac(arp + 8, answer);
  StoreBe32(arp + 14, request.target);
  StoreMac(arp + 18, request.sender_mac);
  StoreBe32(arp + 24, request.sender);
  return true;
}

DropReason Handle(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                  uint32_t lane) noexcept {
  const InterfaceIdx sender = batch.sender[lane];
  const Arp arp = ReadArp(batch, lane);
  MacAddress answer = snapshot.router_mac;
  bool answered = false;
  if (snapshot.interfaces[sender.index()].kind == InterfaceRowKind::kEni) {
    answered = arp.operation == kArpRequest && AnswerToEni(snapshot, sender, arp.target, answer);
  } else if (const SideRow* side = FindSideRow(snapshot, sender); side != nullptr) {
    if (arp.operation == kArpReply && arp.sender == side->next_hop.value) {
      if (worker.arp_learned != nullptr) {
        worker.arp_learned->Push({sender, arp.sender_mac});
      }
      return DropReason::kArpLearned;
    }
    const bool ours =
        arp.target == side->address.value ||
        (sender == snapshot.internet && snapshot.public_map->Lookup(0, arp.target) != kNoAddress);
    answered = arp.operation == kArpRequest && ours;
  }
  return answered && Reply(worker, batch, lane, arp, answer) ? DropReason::kArpReply
                                                             : DropReason::kArpIgnored;
}

}  // namespace

void ArpStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
              const LaneList& in) noexcept {
  for (const uint8_t lane : in) {
    batch.reason[lane] = NameSender(snapshot, batch, lane);
    if (batch.reason[lane] == DropReason::kNone) {
      batch.verdict[lane] = Verdict::kConsume;
      batch.reason[lane] = Handle(snapshot, worker, batch, lane);
    }
  }
}

}  // namespace sluice
