// Packets of an unusual form: options, broken headers, padding, tags, other EtherTypes, addresses
// that no packet may have, small TTLs, too many bytes, service classes. Each is made from a whole,
// well-formed packet, so that nothing but the one oddity decides what becomes of it. One thread.
#pragma once

#include <memory>

#include "control/intent/validated_intent.h"
#include "tests/property/random_config.h"
#include "tests/property/scenario.h"

namespace sluice::testing {

class UnusualPackets {
 public:
  explicit UnusualPackets(Random& random) : random_(random) {}

  void Configure(std::shared_ptr<const ValidatedIntent> intent) { intent_ = std::move(intent); }

  PacketClass AnyClass();
  // `step` has a frame as MakeFrame makes them; it becomes one of the class, which is one that
  // AnyClass gives.
  void Change(Step& step, PacketClass kind);

 private:
  void AddOptions(Frame& frame, PacketClass kind);
  Frame SoundOptions();
  Frame BadOptions();
  void SpoilIpChecksum(Frame& frame);
  void SpoilL4Checksum(Frame& frame);
  void Truncate(Frame& frame);
  void LieAboutLength(Frame& frame);
  void Pad(Frame& frame);
  void Tag(Frame& frame);
  void ChangeEtherType(Frame& frame);
  void MakeMartian(Frame& frame);
  void SendToLinkLocal(Frame& frame);
  void SetTtl(Frame& frame);
  void MakeBig(Frame& frame, bool dont_fragment);
  void SetServiceClass(Frame& frame);
  uint8_t AnyByte() { return static_cast<uint8_t>(random_()); }

  Random& random_;
  std::shared_ptr<const ValidatedIntent> intent_;
};

}  // namespace sluice::testing
