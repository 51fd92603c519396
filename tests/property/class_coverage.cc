#include "tests/property/class_coverage.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <optional>
#include <span>

#include "tests/support/frame_view.h"

namespace sluice::testing {
namespace {

using enum PacketClass;

// A class that the reason must end frames of.
struct ReasonMet {
  PacketClass kind;
  DropReason reason;
};
constexpr ReasonMet kReasons[] = {
    {kSourceRoute, DropReason::kIpv4Options},
    {kBadOptions, DropReason::kMalformedIpv4},
    {kBadIpChecksum, DropReason::kBadIpv4Checksum},
    {kBadL4Checksum, DropReason::kMalformedL4},  // of an ICMP error
    {kTruncated, DropReason::kMalformedEthernet},
    {kTruncated, DropReason::kMalformedIpv4},
    {kTruncated, DropReason::kMalformedL4},
    {kLengthLie, DropReason::kMalformedIpv4},
    {kLengthLie, DropReason::kMalformedL4},
    {kTagged, DropReason::kUnknownInterface},
    {kTagged, DropReason::kUnsupportedEthertype},
    {kEtherType, DropReason::kUnsupportedEthertype},
    {kMartian, DropReason::kMartianAddress},
    {kLinkLocal, DropReason::kLinkLocalRange},
    {kTtl, DropReason::kTtlExpired},
    {kDontFragment, DropReason::kMtuExceeded},
    {kArpRequest, DropReason::kArpReply},
    {kArpRequest, DropReason::kArpIgnored},
    {kArpOther, DropReason::kArpIgnored},
    {kArpMalformed, DropReason::kArpIgnored},
    {kArpOfSide, DropReason::kArpReply},
    {kArpOfSide, DropReason::kArpIgnored},
    {kArpOfSide, DropReason::kArpLearned},
    {kDhcp, DropReason::kDhcpReply},
    {kDhcpRenewal, DropReason::kDhcpReply},
    {kDhcpMalformed, DropReason::kMalformedL4},
    {kFragmentTcp, DropReason::kNatFragment},
    {kFragmentIcmp, DropReason::kNatFragment},
    {kFragmentUdp, DropReason::kSgIngress},
    {kFragmentUdp, DropReason::kSgEgress},
    {kFragmentUdp, DropReason::kFragmentOrphan},
    {kFragmentUdp, DropReason::kTtlExpired},
    {kFragmentTiny, DropReason::kFragmentTiny},
    {kFragmentOverlap, DropReason::kFragmentOverlap},
    {kFragmentDuplicate, DropReason::kFragmentOverlap},
    {kFragmentWithoutFirst, DropReason::kFragmentOrphan},
    {kFragmentBadSize, DropReason::kMalformedIpv4},
};

// Classes of which some frames must be forwarded; through a NAT gateway; in pieces.
constexpr PacketClass kForwarded[] = {kFresh,           kAnswer,          kIcmpError,
                                      kRepeat,          kOptions,         kBadL4Checksum,
                                      kPadded,          kTagged,          kTtl,
                                      kTooBig,          kDontFragment,    kTos,
                                      kFragmentTcp,     kFragmentUdp,     kFragmentIcmp,
                                      kFragmentOther,   kFragmentOverlap, kFragmentDuplicate,
                                      kFragmentSharedId};
constexpr PacketClass kThroughNat[] = {kFresh,  kAnswer, kRepeat, kOptions,     kBadL4Checksum,
                                       kPadded, kTtl,    kTos,    kFragmentUdp, kFragmentSharedId};
constexpr PacketClass kInPieces[] = {kTooBig, kOptions, kFragmentUdp, kFragmentTcp};

// Of a whole packet or a first fragment: did its port or query id change with its address?
bool IsPortTranslation(const FrameView& in, const FrameView& out) {
  const auto is_other = [](uint32_t address, uint16_t l4_port, uint32_t new_address,
                           uint16_t new_l4_port) {
    return address != new_address && l4_port != new_l4_port;
  };
  return in.has_tuple && out.has_tuple &&
         (is_other(in.tuple.src, in.tuple.src_port, out.tuple.src, out.tuple.src_port) ||
          is_other(in.tuple.dst, in.tuple.dst_port, out.tuple.dst, out.tuple.dst_port));
}

}  // namespace

void ClassCoverage::Count(const Scenario& scenario, const PipelineRun& run) {
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    const Told& told = run.told[i];
    if (step.apply >= 0 || !told.ended) {
      continue;
    }
    Ends& ends = ends_[static_cast<size_t>(step.kind)];
    ++ends.frames;
    ++ends.by_reason[static_cast<size_t>(told.reason)];
    ends.consumed += told.verdict == Verdict::kConsume ? 1 : 0;
    ends.dropped += told.verdict == Verdict::kDrop ? 1 : 0;
    if (told.verdict != Verdict::kForward || told.sent.empty()) {
      continue;
    }
    ++ends.forwarded;
    ends.split += told.sent.size() > 1 ? 1 : 0;
    const std::optional<FrameView> in = ViewFrame(step.frame);
    const std::optional<FrameView> out = ViewFrame(told.sent.front().bytes);
    if (in && out) {
      ends.translated += in->tuple.src != out->tuple.src || in->tuple.dst != out->tuple.dst ? 1 : 0;
      ends.nat += IsPortTranslation(*in, *out) ? 1 : 0;
    }
  }
}

uint64_t ClassCoverage::frames() const {
  return std::accumulate(ends_.begin(), ends_.end(), uint64_t{0},
                         [](uint64_t sum, const Ends& ends) { return sum + ends.frames; });
}

void ClassCoverage::Print() const {
  std::printf("[ class    ] %-22s %8s %8s %8s %8s %8s %8s %8s\n", "", "frames", "forward",
              "address", "port", "pieces", "consume", "drop");
  for (size_t i = 0; i < kPacketClassCount; ++i) {
    const Ends& ends = ends_[i];
    const std::string name(PacketClassName(static_cast<PacketClass>(i)));
    const auto print = [](uint64_t n) {
      std::printf(" %8llu", static_cast<unsigned long long>(n));
    };
    std::printf("[ class    ] %-22s", name.c_str());
    for (const uint64_t n : {ends.frames, ends.forwarded, ends.translated, ends.nat, ends.split,
                             ends.consumed, ends.dropped}) {
      print(n);
    }
    std::printf("\n");
  }
  constexpr size_t kRarest = 5;
  std::vector<WantedEnd> ends = Wanted();
  std::sort(ends.begin(), ends.end(),
            [](const WantedEnd& a, const WantedEnd& b) { return a.count < b.count; });
  ends.resize(std::min(ends.size(), kRarest));
  for (const WantedEnd& end : ends) {
    std::printf("[ rarest   ] %8llu %s\n", static_cast<unsigned long long>(end.count),
                end.name.c_str());
  }
}

std::vector<ClassCoverage::WantedEnd> ClassCoverage::Wanted() const {
  std::vector<WantedEnd> wanted;
  const auto want = [&](uint64_t count, PacketClass kind, std::string_view end) {
    wanted.push_back({std::string(PacketClassName(kind)) + ": " + std::string(end), count});
  };
  for (const ReasonMet& met : kReasons) {
    want(Of(met.kind).by_reason[static_cast<size_t>(met.reason)], met.kind,
         DropReasonName(met.reason));
  }
  for (const PacketClass kind : kForwarded) {
    want(Of(kind).forwarded, kind, "forwarded");
  }
  for (const PacketClass kind : kThroughNat) {
    want(Of(kind).nat, kind, "forwarded through a NAT gateway");
  }
  for (const PacketClass kind : kInPieces) {
    want(Of(kind).split, kind, "forwarded in pieces");
  }
  return wanted;
}

std::vector<std::string> ClassCoverage::Missing() const {
  std::vector<std::string> missing;
  for (const WantedEnd& end : Wanted()) {
    if (end.count == 0) {
      missing.push_back(end.name);
    }
  }
  return missing;
}

}  // namespace sluice::testing
