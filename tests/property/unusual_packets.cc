#include "tests/property/unusual_packets.h"

#include <algorithm>

#include "tests/property/ordinary_packets.h"

namespace sluice::testing {
namespace {

using enum PacketClass;

constexpr PacketClass kClasses[] = {
    kOptions,   kOptions,   kSourceRoute, kBadOptions, kBadIpChecksum, kBadL4Checksum,
    kTruncated, kTruncated, kLengthLie,   kLengthLie,  kPadded,        kPadded,
    kTagged,    kTagged,    kEtherType,   kMartian,    kLinkLocal,     kTtl,
    kTtl,       kTtl,       kTooBig,      kTooBig,     kDontFragment,  kDontFragment,
    kTos,       kTos};
constexpr size_t kMaxOptionBytes = 40;
constexpr uint8_t kEnd = 0;
constexpr uint8_t kNop = 1;

void Set16(Frame& frame, size_t at, size_t value) {
  frame[at] = static_cast<uint8_t>(value >> 8);
  frame[at + 1] = static_cast<uint8_t>(value);
}
size_t Get16(const Frame& frame, size_t at) {
  return static_cast<size_t>(frame[at] << 8 | frame[at + 1]);
}

// The frame's packet says how long it is.
void SetTotalLength(Frame& frame, size_t bytes) {
  Set16(frame, PacketOffset(frame) + 2, bytes);
  SealPacket(frame);
}

size_t HeaderBytes(const Frame& frame) {
  return (frame[PacketOffset(frame)] & 0xfu) * 4;
}

}  // namespace

PacketClass UnusualPackets::AnyClass() {
  return Pick(random_, kClasses);
}

void UnusualPackets::Change(Step& step, PacketClass kind) {
  step.kind = kind;
  Frame& frame = step.frame;
  switch (kind) {
    case kOptions:
    case kSourceRoute:
    case kBadOptions:
      return AddOptions(frame, kind);
    case kBadIpChecksum:
      return SpoilIpChecksum(frame);
    case kBadL4Checksum:
      return SpoilL4Checksum(frame);
    case kTruncated:
      return Truncate(frame);
    case kLengthLie:
      return LieAboutLength(frame);
    case kPadded:
      return Pad(frame);
    case kTagged:
      return Tag(frame);
    case kEtherType:
      return ChangeEtherType(frame);
    case kMartian:
      return MakeMartian(frame);
    case kLinkLocal:
      return SendToLinkLocal(frame);
    case kTtl:
      return SetTtl(frame);
    case kTooBig:
      return MakeBig(frame, false);
    case kDontFragment:
      return MakeBig(frame, true);
    default:
      return SetServiceClass(frame);
  }
}

// --- options (RFC 791 3.1) ---

// Any that an observer may pass on, with and without the copied flag.
Frame UnusualPackets::SoundOptions() {
  constexpr uint8_t kTypes[] = {7, 68, 82, 94, 130, 136, 148, 222};  // record route, timestamp...
  Frame options;
  const uint32_t count = 1 + Below(random_, 4);
  for (uint32_t i = 0; i < count; ++i) {
    if (Chance(random_, 25)) {
      options.push_back(kNop);
      continue;
    }
    const uint8_t bytes = static_cast<uint8_t>(2 + Below(random_, 8));
    options.push_back(Pick(random_, kTypes));
    options.push_back(bytes);
    for (uint8_t k = 2; k < bytes; ++k) {
      options.push_back(AnyByte());
    }
  }
  return options;
}

// One whose length cannot be: too small, beyond the header, or cut off.
Frame UnusualPackets::BadOptions() {
  Frame options = Chance(random_, 50) ? Frame{} : Frame{kNop, kNop};
  switch (Below(random_, 3)) {
    case 0:
      options.insert(options.end(), {7, static_cast<uint8_t>(Below(random_, 2)), 4, 0});
      break;
    case 1:
      options.insert(options.end(), {68, static_cast<uint8_t>(7 + Below(random_, 40)), 5, 0});
      break;
    default:
      options.insert(options.end(), {kNop, kNop, kNop, 7});
      options.resize(options.size() / 4 * 4 + (options.size() % 4 == 0 ? 0 : 4), kNop);
      options.back() = 7;
      break;
  }
  return options;
}

void UnusualPackets::AddOptions(Frame& frame, PacketClass kind) {
  Frame options = kind == kBadOptions ? BadOptions() : SoundOptions();
  if (kind == kOptions && Chance(random_, 15)) {
    MakeBig(frame, false);  // which of them are repeated in every piece?
  }
  if (kind == kSourceRoute) {
    const uint8_t type = Chance(random_, 50) ? 131 : 137;
    options.resize(std::min<size_t>(options.size(), Chance(random_, 50) ? 0 : 24));
    // What stands before it must be whole: only no-operations.
    std::fill(options.begin(), options.end(), kNop);
    options.insert(options.end(), {type, 7, 4, 8, 8, 8, 8});
  }
  options.resize(std::min((options.size() + 3) / 4 * 4, kMaxOptionBytes), kEnd);
  if (kind == kOptions && Chance(random_, 20) && options.size() + 4 <= kMaxOptionBytes) {
    options.insert(options.end(), {kEnd, 131, 0, AnyByte()});  // behind the end nothing counts
  }
  const size_t ip = PacketOffset(frame);
  frame.insert(frame.begin() + static_cast<ptrdiff_t>(ip + 20), options.begin(), options.end());
  frame[ip] = static_cast<uint8_t>(0x40 | (20 + options.size()) / 4);
  SetTotalLength(frame, Get16(frame, ip + 2) + options.size());
}

// --- what is broken ---

void UnusualPackets::SpoilIpChecksum(Frame& frame) {
  frame[PacketOffset(frame) + 10 + Below(random_, 2)] ^=
      static_cast<uint8_t>(1 + Below(random_, 255));
}

void UnusualPackets::SpoilL4Checksum(Frame& frame) {
  const size_t ip = PacketOffset(frame);
  const uint8_t protocol = frame[ip + 9];
  const size_t field = ip + HeaderBytes(frame) + (protocol == 6 ? 16 : protocol == 17 ? 6 : 2);
  if (field + 1 < frame.size()) {
    frame[field] ^= static_cast<uint8_t>(1 + Below(random_, 255));
  }
}

// Anywhere; or behind the headers with a total length that agrees, so that the transport header is
// what is short.
void UnusualPackets::Truncate(Frame& frame) {
  const size_t ip = PacketOffset(frame);
  const size_t l4 = ip + HeaderBytes(frame);
  const bool agree = Chance(random_, 50);
  const size_t from = agree ? l4 : Chance(random_, 40) ? 0 : ip;
  const size_t to = from == 0 ? ip : agree ? std::min(l4 + 24, frame.size()) : frame.size();
  frame.resize(from + Below(random_, static_cast<uint32_t>(std::max<size_t>(to - from, 1))));
  if (agree) {
    SetTotalLength(frame, frame.size() - ip);
  }
}

void UnusualPackets::LieAboutLength(Frame& frame) {
  const size_t ip = PacketOffset(frame);
  const size_t l4 = ip + HeaderBytes(frame);
  const size_t bytes = frame.size() - ip;
  switch (Below(random_, 7)) {
    case 0:  // a header shorter than a header
      frame[ip] = static_cast<uint8_t>(0x40 | Below(random_, 5));
      break;
    case 1:  // one that takes the transport header in, or reaches beyond the packet
      frame[ip] = static_cast<uint8_t>(0x46 + Below(random_, 10));
      frame.resize(std::max(frame.size(), ip + 60));
      break;
    case 2:
      frame[ip] = static_cast<uint8_t>(Below(random_, 16) << 4 | 5);  // mostly another version
      break;
    case 3:
      SetTotalLength(frame, bytes + 1 + Below(random_, 2000));
      return;
    case 4:  // less: the rest is padding, and the transport header says more
      SetTotalLength(frame, Below(random_, static_cast<uint32_t>(bytes)));
      return;
    case 5:  // UDP length, or TCP data offset
      if (frame[ip + 9] == 17 && l4 + 6 <= frame.size()) {
        Set16(frame, l4 + 4, Below(random_, static_cast<uint32_t>(2 * (frame.size() - l4))));
      } else if (l4 + 13 <= frame.size()) {
        frame[l4 + 12] = static_cast<uint8_t>(Below(random_, 16) << 4);
      }
      break;
    default:  // a total length of zero, as an offloaded segment has it
      SetTotalLength(frame, 0);
      return;
  }
  SealPacket(frame);
}

// --- what is well-formed, but of an unusual kind ---

void UnusualPackets::Pad(Frame& frame) {
  const uint32_t bytes = 1 + Below(random_, 60);
  for (uint32_t i = 0; i < bytes; ++i) {
    frame.push_back(Chance(random_, 50) ? uint8_t{0} : AnyByte());
  }
}

void UnusualPackets::Tag(Frame& frame) {
  constexpr uint16_t kIds[] = {0, 1, 2, 5, 100, 4095};
  const uint16_t id = Chance(random_, 40) ? uint16_t{0} : Pick(random_, kIds);
  const size_t tag = static_cast<size_t>(Below(random_, 16) << 12) | id;
  const Frame bytes = {0x81, 0, static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag)};
  frame.insert(frame.begin() + 12, bytes.begin(), bytes.end());
  if (Chance(random_, 10)) {
    frame.resize(14 + Below(random_, 6));
  }
}

void UnusualPackets::ChangeEtherType(Frame& frame) {
  constexpr uint16_t kTypes[] = {0x86dd, 0x86dd, 0x88cc, 0x88a8, 0x8847, 0x0026, 0x0801, 0xffff};
  const uint16_t type = Pick(random_, kTypes);
  Set16(frame, PacketOffset(frame) - 2, type);
  if (type == 0x88cc) {  // LLDP: to its own group address
    constexpr MacAddress kNearestBridge = {{0x01, 0x80, 0xc2, 0, 0, 0x0e}};
    std::copy(kNearestBridge.bytes.begin(), kNearestBridge.bytes.end(), frame.begin());
  }
}

void UnusualPackets::MakeMartian(Frame& frame) {
  FrameSpec spec = ReadFrame(frame);
  constexpr Ipv4Address kBad[] = {{0, 0, 0, 0},     {0, 1, 2, 3},   {127, 0, 0, 1},
                                  {127, 255, 1, 1}, {240, 0, 0, 1}, {255, 255, 255, 254},
                                  {224, 0, 0, 5},   {239, 1, 1, 1}, {255, 255, 255, 255}};
  switch (Below(random_, 3)) {
    case 0:
      spec.source = Pick(random_, kBad);
      break;
    case 1:
      spec.destination = Pick(random_, kBad);
      break;
    default:
      spec.destination = spec.source;
      break;
  }
  frame = MakeFrame(spec);
}

void UnusualPackets::SendToLinkLocal(Frame& frame) {
  FrameSpec spec = ReadFrame(frame);
  constexpr Ipv4Address kServices[] = {
      {169, 254, 169, 254}, {169, 254, 169, 253}, {169, 254, 169, 123}, {169, 254, 0, 1}};
  const auto& vpcs = intent_->intent().vpcs;
  const Vpc& vpc = vpcs[Below(random_, static_cast<uint32_t>(vpcs.size()))];
  spec.destination = Chance(random_, 70) ? Pick(random_, kServices)
                                         : Ipv4Address(vpc.cidrs.front().First().value + 2);
  if (Chance(random_, 10)) {
    spec.source = Pick(random_, kServices);
  }
  frame = MakeFrame(spec);
}

void UnusualPackets::SetTtl(Frame& frame) {
  constexpr uint8_t kTtls[] = {0, 1, 1, 1, 2, 255};
  frame[PacketOffset(frame) + 8] = Pick(random_, kTtls);
  SealPacket(frame);
}

void UnusualPackets::MakeBig(Frame& frame, bool dont_fragment) {
  constexpr uint16_t kBytes[] = {540,  560,  1240, 1450, 1460, 1472,
                                 1473, 1480, 2000, 3000, 8473, 9000};
  FrameSpec spec = ReadFrame(frame);
  spec.payload_bytes = static_cast<uint16_t>(Pick(random_, kBytes) + Below(random_, 16));
  spec.fragment_word = dont_fragment ? 0x4000 : 0;
  frame = MakeFrame(spec);
}

void UnusualPackets::SetServiceClass(Frame& frame) {
  frame[PacketOffset(frame) + 1] = static_cast<uint8_t>(1 + Below(random_, 255));
  SealPacket(frame);
}

}  // namespace sluice::testing
