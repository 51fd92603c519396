// Whole, well-formed packets that could be the first of a flow: from an interface or from outside,
// to whatever the configuration knows or almost knows. One thread.
#pragma once

#include <memory>
#include <string>

#include "control/intent/validated_intent.h"
#include "tests/property/frame_maker.h"
#include "tests/property/random_config.h"
#include "tests/property/scenario.h"

namespace sluice::testing {

// The MAC of the next hops, and of nobody else.
inline constexpr MacAddress kPeerMac = {{0x02, 0, 0, 0, 0, 0xfe}};

template <typename T, size_t N>
const T& Pick(Random& random, const T (&values)[N]) {
  return values[Below(random, N)];
}

class OrdinaryPackets {
 public:
  explicit OrdinaryPackets(Random& random) : random_(random) {}

  // The configuration that the packets to come are meant for; before the first of them.
  void Configure(std::shared_ptr<const ValidatedIntent> intent) { intent_ = std::move(intent); }

  // Fills in port and frame.
  void Fresh(Step& step);
  uint8_t TcpFlags();
  // An address of the internet.
  Ipv4Address Host();
  const NetworkInterface& AnyEni();
  Ipv4Address AnyPublic();
  // Where the interface hangs; one that hangs nowhere speaks from a port without owner.
  void Attach(const std::string& eni_id, Step& step, FrameSpec& spec) const;

 private:
  Ipv4Address AnyDestination();
  void FromEni(Step& step, FrameSpec& spec);
  void FromOutside(Step& step, FrameSpec& spec);

  Random& random_;
  std::shared_ptr<const ValidatedIntent> intent_;
};

}  // namespace sluice::testing
