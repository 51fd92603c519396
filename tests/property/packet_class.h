// What a generated frame was meant to be. A class says nothing of what must become of its frames:
// that is the reference world's affair. It lets a run tell whether each kind was made, and met both
// ends that it should (class_coverage.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::testing {

enum class PacketClass : uint8_t {
  // whole, well-formed packets
  kFresh,
  kAnswer,
  kIcmpError,
  kRepeat,
  kFlippedBit,
  // of an unusual form
  kOptions,
  kSourceRoute,
  kBadOptions,
  kBadIpChecksum,
  kBadL4Checksum,
  kTruncated,
  kLengthLie,
  kPadded,
  kTagged,
  kEtherType,
  kMartian,
  kLinkLocal,
  kTtl,
  kTooBig,
  kDontFragment,
  kTos,
  // for the router itself
  kArpRequest,
  kArpOther,
  kArpMalformed,
  kArpOfSide,
  kDhcp,
  kDhcpRenewal,
  kDhcpMalformed,
  // fragments of one datagram
  kFragmentTcp,
  kFragmentUdp,
  kFragmentIcmp,
  kFragmentOther,
  kFragmentTiny,
  kFragmentOverlap,
  kFragmentDuplicate,
  kFragmentWithoutFirst,
  kFragmentSharedId,
  kFragmentBadSize,
  kCount,
};

inline constexpr size_t kPacketClassCount = static_cast<size_t>(PacketClass::kCount);

std::string_view PacketClassName(PacketClass kind);

}  // namespace sluice::testing
