#include "dataplane/stage/admit_claim.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/expired_key.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/stage/admit_steps.h"

namespace sluice {
namespace {

void SetNatPort(Batch& batch, uint32_t lane, uint16_t l4_port) {
  batch.walk_l4_src[lane] = l4_port;
  if (batch.protocol[lane] == kProtocolIcmp) {
    batch.walk_l4_dst[lane] = l4_port;
  }
}

// Moves the source to another address of the gateway, public if it leaves through the internet
// gateway.
void SetNatAddress(const NatGatewayRow& row, uint32_t address, Batch& batch, uint32_t lane) {
  batch.nat_private[lane] = row.addresses[address].private_ip.value;
  batch.nat_public[lane] = row.addresses[address].public_ip.value;
  const bool outside = (batch.walk_flags[lane] & kWalkGateway) != 0;
  batch.walk_src[lane] = outside ? batch.nat_public[lane] : batch.nat_private[lane];
}

// Whether the pair that holds the key of an answer gives way to a flow of `vpc_idx`: it holds it by
// an outdated translation, or another interface has asked from the same address. What asks a
// services side keeps its answers from other VPCs (interface.md, Services).
bool GivesWay(SessionTable& sessions, LineIdx holder, bool services, uint16_t vpc_idx) {
  return !services || sessions.LoadCold(PairOf(holder)).vpc_idx == vpc_idx;
}

}  // namespace

ClaimOutcome ClaimNat(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                      Admission& admission) noexcept {
  const NatGatewayRow& row = snapshot.nat_gateways[batch.nat[lane].index()];
  uint32_t chosen = 0;
  while (chosen + 1 < row.address_count &&
         row.addresses[chosen].private_ip.value != batch.nat_private[lane]) {
    ++chosen;
  }
  const NatPortSequence ports = worker.nat_streams->Ports(row.stream, StoredKey(batch, lane));
  NatClaim claim;
  for (uint32_t i = 0; i < row.address_count; ++i) {
    SetNatAddress(row, (chosen + i) % row.address_count, batch, lane);
    claim = ClaimNatPort(*worker.sessions, admission, AnswerOf(batch, lane), ports, worker.now_ms);
    if (claim.outcome != ClaimOutcome::kExists) {
      break;
    }
  }
  if (claim.outcome == ClaimOutcome::kClaimed) {
    SetNatPort(batch, lane, claim.l4_port);
    admission.cold.nat_port = claim.l4_port;
    admission.cold.nat_address = batch.nat_private[lane];
  }
  return claim.outcome;
}

ClaimOutcome ClaimPlain(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                        uint32_t lane, Admission& admission) noexcept {
  const SessionKey answer = AnswerOf(batch, lane);
  LineIdx existing;
  const ClaimOutcome outcome = worker.sessions->ClaimReverse(admission, answer, &existing);
  const bool services =
      snapshot.interfaces[batch.out[lane].index()].kind == InterfaceRowKind::kServices;
  if (outcome != ClaimOutcome::kExists) {
    return outcome;
  }
  const bool freed = GivesWay(*worker.sessions, existing, services, admission.cold.vpc_idx)
                         ? worker.sessions->Unlink(PairOf(existing))
                         : FreeExpiredKey(*worker.sessions, existing, worker.now_ms);
  if (!freed) {
    return outcome;
  }
  return worker.sessions->ClaimReverse(admission, answer, &existing);
}

}  // namespace sluice
