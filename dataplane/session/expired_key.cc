#include "dataplane/session/expired_key.h"

#include "dataplane/session/session_state.h"

namespace sluice {

bool FreeExpiredKey(SessionTable& table, LineIdx line, uint32_t now_ms) noexcept {
  const PairIdx pair = PairOf(line);
  if (!table.IsLive(pair)) {
    return false;
  }
  const SessionLine& forward = table.Line(ForwardLine(pair));
  const SessionCold cold = table.LoadCold(pair);
  const Expiry expiry = JudgeExpiry(ViewOf(forward), ViewOf(table.Line(ReverseLine(pair))), cold,
                                    KeyOf(forward).protocol(), now_ms);
  if (expiry.gone) {
    return table.Unlink(pair);
  }
  return cold.nat() && expiry.nat && !IsForward(line) && table.ExpireNat(pair);
}

}  // namespace sluice
