#include "dataplane/stage/gateway.h"

#include "dataplane/stage/lane_ops.h"
#include "dataplane/table/address_map.h"

namespace sluice {
namespace {

constexpr uint8_t kMaxHairpins = 1;

enum class Way : uint8_t { kOut, kBackIn, kDropped };

// The mapping is one of (VPC, private address), whoever hands the packet on: an appliance may. Only
// what a NAT gateway translated itself uses the gateway's (docs/semantics_choices.md).
bool IsBorrowedFromGateway(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                           VpcIdx vpc) {
  const uint32_t owner = snapshot.addresses->Lookup(vpc.value, batch.walk_src[lane]);
  return IsInterfaceAddress(owner) && owner != batch.origin[lane].value &&
         snapshot.interfaces[owner].kind == InterfaceRowKind::kNatGateway;
}

Way Translate(const Snapshot& snapshot, Batch& batch, uint32_t lane) {
  const VpcIdx vpc = snapshot.interfaces[batch.origin[lane].index()].vpc;
  const uint32_t private_ip = batch.walk_src[lane];
  const uint32_t public_ip = snapshot.public_of->Lookup(vpc.value, private_ip);
  if (public_ip == kNoAddress || IsBorrowedFromGateway(snapshot, batch, lane, vpc)) {
    DropLane(batch, lane, DropReason::kIgwNoPublicIp);
    return Way::kDropped;
  }
  batch.walk_src[lane] = public_ip;
  if (batch.walk_quoted_dst[lane] != 0) {
    const uint32_t quoted = snapshot.public_of->Lookup(vpc.value, batch.walk_quoted_dst[lane]);
    batch.walk_quoted_dst[lane] = quoted == kNoAddress ? batch.walk_quoted_dst[lane] : quoted;
  }
  batch.walk_flags[lane] |= kWalkGateway;
  if (snapshot.public_map->Lookup(0, batch.walk_dst[lane]) == kNoAddress) {
    return Way::kOut;
  }
  if (batch.hairpins[lane] == kMaxHairpins) {
    DropLane(batch, lane, DropReason::kBlackholeRoute);
    return Way::kDropped;
  }
  ++batch.hairpins[lane];
  batch.origin[lane] = snapshot.internet;
  ++batch.legs[lane];
  return Way::kBackIn;
}

}  // namespace

void GatewayStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes,
                  LaneList& again) noexcept {
  Retain(lanes, [&](uint32_t lane) {
    const Way way = Translate(snapshot, batch, lane);
    if (way == Way::kBackIn) {
      again.Add(lane);
    }
    return way == Way::kOut;
  });
}

}  // namespace sluice
