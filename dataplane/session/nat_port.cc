#include "dataplane/session/nat_port.h"

#include "dataplane/session/expired_key.h"
#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

// Makes the walk's stride coprime to 64,512 = 2^10 * 3^2 * 7: odd, and a multiple of neither 3
// nor 7.
constexpr uint32_t CoprimeStride(uint32_t draw) {
  uint32_t stride = draw % kNatPortCount | 1;
  while (stride % 3 == 0 || stride % 7 == 0) {
    stride += 2;
  }
  return stride;
}

constexpr uint64_t kPurposePorts = 1;
constexpr uint64_t kPurposeAddress = 2;
constexpr uint64_t kPurposeIpId = 3;

bool IsClosed(SessionTable& table, LineIdx line) {
  const PairIdx pair = PairOf(line);
  return table.IsLive(pair) &&
         PairIsClosed(table.Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                      table.Line(ReverseLine(pair)).state.load(std::memory_order_relaxed));
}

}  // namespace

uint64_t NatStreams::Draw(uint64_t gateway_id, const SessionKey& flow,
                          uint64_t purpose) const noexcept {
  uint64_t first;
  const SessionKey tuple{flow.addresses, flow.rest & ~uint64_t{kMaxScope}};
  HashKeysFold(secret_, &tuple, &first, 1);
  uint64_t second;
  const SessionKey bound{first, gateway_id ^ purpose << 56};
  HashKeysFold(secret_, &bound, &second, 1);
  return second;
}

NatPortSequence NatStreams::Ports(uint64_t gateway_id, const SessionKey& flow) const noexcept {
  const uint64_t draw = Draw(gateway_id, flow, kPurposePorts);
  return {static_cast<uint32_t>((draw >> 32) * kNatPortCount >> 32),
          CoprimeStride(static_cast<uint32_t>(draw))};
}

uint32_t NatStreams::AddressIndex(uint64_t gateway_id, const SessionKey& flow,
                                  uint32_t address_count) const noexcept {
  const uint64_t draw = Draw(gateway_id, flow, kPurposeAddress);
  return static_cast<uint32_t>((draw >> 32) * address_count >> 32);
}

uint64_t NatStreams::IpIdDraw(uint64_t gateway_id, uint32_t src, uint32_t dst,
                              uint8_t protocol) const noexcept {
  return Draw(gateway_id, MakeSessionKey(0, src, dst, 0, 0, protocol), kPurposeIpId);
}

NatClaim ClaimNatPort(SessionTable& table, Admission& admission, const SessionKey& answer,
                      const NatPortSequence& ports, uint32_t now_ms) noexcept {
  NatClaim claim;
  LineIdx oldest_closed;
  uint32_t oldest_seen = 0;
  uint16_t oldest_port = 0;
  for (; claim.probes < kNatProbes; ++claim.probes) {
    claim.l4_port = ports.At(claim.probes);
    LineIdx existing;
    const SessionKey candidate = WithDstPort(answer, claim.l4_port);
    claim.outcome = table.ClaimReverse(admission, candidate, &existing);
    if (claim.outcome == ClaimOutcome::kExists && FreeExpiredKey(table, existing, now_ms)) {
      claim.outcome = table.ClaimReverse(admission, candidate, &existing);
    }
    if (claim.outcome == ClaimOutcome::kClaimed || claim.outcome == ClaimOutcome::kFull) {
      ++claim.probes;
      return claim;
    }
    // kContended: another worker is claiming this very port; the next candidate is as good.
    if (claim.outcome == ClaimOutcome::kExists && IsClosed(table, existing)) {
      const uint32_t seen = ViewOf(table.Line(existing)).last_seen_ms;
      if (!oldest_closed.has_value() || static_cast<int32_t>(seen - oldest_seen) < 0) {
        oldest_closed = existing;
        oldest_seen = seen;
        oldest_port = claim.l4_port;
      }
    }
  }
  claim.outcome = ClaimOutcome::kExists;
  if (oldest_closed.has_value() && table.Unlink(PairOf(oldest_closed))) {
    LineIdx existing;
    claim.l4_port = oldest_port;
    claim.outcome = table.ClaimReverse(admission, WithDstPort(answer, oldest_port), &existing);
  }
  return claim;
}

}  // namespace sluice
