// What became of a packet, and why: the one closed enumeration that counters, replay, explain,
// captures and metrics print. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

enum class Verdict : uint8_t {
  kDrop = 0,  // where every lane starts
  kForward,
  kConsume,  // answered or absorbed by the router itself
  kHold,     // an early fragment kept by the fragment cache; ends as forward or drop later
};

// Why a packet was dropped or consumed. kUndecided is where every lane starts: a packet that ends
// with it shows a defect of the pipeline. kNone belongs to forwarded packets only.
enum class DropReason : uint8_t {
  kUndecided = 0,
  kMalformedEthernet,
  kMalformedIpv4,
  kBadIpv4Checksum,
  kMalformedL4,
  kUnsupportedEthertype,
  kUnknownInterface,
  kUnknownMac,
  kSourceCheck,
  kDestCheck,
  kReservedAddress,
  kMartianAddress,
  kIpv4Options,
  kLinkLocalRange,
  kNoRoute,
  kBlackholeRoute,
  kUnknownDestination,
  kPeeringNotTransitive,
  kEndpointUnavailable,
  kSgEgress,
  kSgIngress,
  kNaclEgress,
  kNaclIngress,
  kIgwNoPublicIp,
  kIgwUnknownPublicIp,
  kNatPortsExhausted,
  kNatUnsupportedProtocol,
  kNatFragment,
  kNatUnsolicited,
  kNatIdleTimeout,
  kConntrackFull,
  kConntrackInvalid,
  kFragmentOrphan,
  kFragmentOverlap,
  kFragmentTiny,
  kFragmentCacheFull,
  kMtuExceeded,
  kTtlExpired,
  kNextHopUnresolved,
  kTxFull,
  kNoMbuf,
  kArpReply,
  kArpIgnored,
  kArpLearned,
  kDhcpReply,
  kNone,
};
inline constexpr size_t kDropReasonCount =
    static_cast<size_t>(DropReason::kNone);  // kNone is not a reason

// "forward", "drop", "consume", "hold".
std::string_view VerdictName(Verdict verdict);
// Snake case, e.g. "sg_ingress"; "none" for kNone.
std::string_view DropReasonName(DropReason reason);

}  // namespace sluice
