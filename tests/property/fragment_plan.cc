#include "tests/property/fragment_plan.h"

#include <algorithm>
#include <utility>

#include "tests/property/ordinary_packets.h"

namespace sluice::testing {
namespace {

using enum PacketClass;

constexpr size_t kIpBytes = 20;
constexpr size_t kTcpBytes = 20;
constexpr int64_t kMillisecondNs = 1'000'000;

void Set16(Frame& frame, size_t at, size_t value) {
  frame[at] = static_cast<uint8_t>(value >> 8);
  frame[at + 1] = static_cast<uint8_t>(value);
}

// The fragment [from, to) of a whole packet without options; zeros behind the packet's end. `from`
// in units of 8 but for what the field cannot say.
Frame Piece(const Frame& whole, size_t from, size_t to, bool more) {
  const size_t ip = PacketOffset(whole);
  const size_t l4 = ip + kIpBytes;
  Frame piece(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(l4));
  for (size_t at = from; at < to; ++at) {
    piece.push_back(l4 + at < whole.size() ? whole[l4 + at] : uint8_t{0});
  }
  Set16(piece, ip + 2, piece.size() - ip);
  const size_t flags = static_cast<size_t>(piece[ip + 6] & 0x40u) << 8;
  Set16(piece, ip + 6, flags | (more ? 0x2000u : 0u) | (from / 8 & 0x1fffu));
  SealPacket(piece);
  return piece;
}

size_t DatagramBytes(const Frame& whole) {
  return whole.size() - PacketOffset(whole) - kIpBytes;
}

PacketClass ClassOf(const Frame& whole) {
  switch (whole[PacketOffset(whole) + 9]) {
    case 1:
      return kFragmentIcmp;
    case 6:
      return kFragmentTcp;
    case 17:
      return kFragmentUdp;
    default:
      return kFragmentOther;
  }
}

void SetIdentification(Frame& whole, uint16_t identification) {
  Set16(whole, PacketOffset(whole) + 4, identification);
  SealPacket(whole);
}

}  // namespace

// The packet with enough payload to be cut; now and then its pieces are too big for a port again.
Frame FragmentPlans::Datagram(const Frame& packet) {
  constexpr uint16_t kFewIds = 4;
  FrameSpec spec = ReadFrame(packet);
  spec.payload_bytes = static_cast<uint16_t>(Chance(random_, 16) ? 1000 + Below(random_, 5000)
                                                                 : 24 + Below(random_, 200));
  spec.identification =
      static_cast<uint16_t>(Chance(random_, 10) ? Below(random_, kFewIds) : random_());
  spec.fragment_word = Chance(random_, 5) ? 0x4000 : 0;
  spec.ttl = Chance(random_, 12) ? uint8_t{1} : spec.ttl;
  if (spec.protocol == 1 && spec.icmp_type != 8 && spec.icmp_type != 0) {
    spec.quoted = PacketOf(packet, 2000);  // whatever it quoted, and more
    spec.quoted.erase(spec.quoted.begin(), spec.quoted.begin() + 28);
    spec.quoted.resize(spec.quoted.size() + spec.payload_bytes);
  }
  return MakeFrame(spec);
}

// Two to five pieces, the first with a whole transport header.
std::vector<FragmentPlans::Range> FragmentPlans::Cut(const Frame& whole) {
  const size_t bytes = DatagramBytes(whole);
  const size_t least = ClassOf(whole) == kFragmentTcp ? (kTcpBytes + 7) / 8 * 8 : 8;
  std::vector<size_t> cuts;
  const uint32_t count = 1 + Below(random_, 4);
  for (uint32_t i = 0; i < count; ++i) {
    const size_t places = (bytes - 1 - least) / 8 + 1;
    cuts.push_back(least + 8 * Below(random_, static_cast<uint32_t>(places)));
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Range> ranges;
  size_t from = 0;
  for (const size_t to : cuts) {
    ranges.push_back({from, to, true});
    from = to;
  }
  ranges.push_back({from, bytes, false});
  return ranges;
}

std::vector<Step> FragmentPlans::Pieces(const Step& packet, const Frame& whole,
                                        const std::vector<Range>& ranges, PacketClass kind) const {
  std::vector<Step> steps;
  for (const Range& range : ranges) {
    Step step;
    step.port = packet.port;
    step.kind = kind;
    step.frame = Piece(whole, range.from, range.to, range.more);
    steps.push_back(std::move(step));
  }
  return steps;
}

void FragmentPlans::Disorder(std::vector<Step>& steps) {
  if (Chance(random_, 65)) {
    std::shuffle(steps.begin(), steps.end(), random_);
  }
}

void FragmentPlans::InsertAnywhere(std::vector<Step>& steps, Step step) {
  const uint32_t at = Below(random_, static_cast<uint32_t>(steps.size() + 1));
  steps.insert(steps.begin() + static_cast<ptrdiff_t>(at), std::move(step));
}

std::vector<Step> FragmentPlans::WholeDatagram(const Step& packet) {
  const Frame whole = Datagram(packet.frame);
  std::vector<Step> steps = Pieces(packet, whole, Cut(whole), ClassOf(whole));
  Disorder(steps);
  if (Chance(random_, 10)) {  // the sender's identification comes round again
    std::vector<Step> again = Pieces(packet, whole, Cut(whole), ClassOf(whole));
    Disorder(again);
    steps.insert(steps.end(), again.begin(), again.end());
  }
  return steps;
}

// RFC 1858: a TCP header that is cut.
std::vector<Step> FragmentPlans::Tiny(const Step& packet) {
  FrameSpec spec = ReadFrame(packet.frame);
  spec.protocol = 6;
  const Frame whole = Datagram(MakeFrame(spec));
  const size_t cut = 8 + 8 * size_t{Below(random_, 2)};
  std::vector<Step> steps =
      Pieces(packet, whole, {{0, cut, true}, {cut, DatagramBytes(whole), false}}, kFragmentTiny);
  if (Chance(random_, 50)) {
    InsertAnywhere(steps, Pieces(packet, whole, {{8, 24, true}}, kFragmentTiny).front());
  }
  Disorder(steps);
  return steps;
}

// A piece that contradicts the others: it covers what one of them covers, reaches beyond the end,
// or ends the datagram elsewhere.
FragmentPlans::Range FragmentPlans::Beside(const std::vector<Range>& ranges) {
  const Range& one = ranges[Below(random_, static_cast<uint32_t>(ranges.size()))];
  const Range& last = ranges.back();
  switch (Below(random_, 5)) {
    case 0:
      return {one.from, one.to / 8 * 8 + 8, true};
    case 1:
      return {one.from < 8 ? 0 : one.from - 8, (one.to + 7) / 8 * 8, true};
    case 2:
      return {(last.to + 7) / 8 * 8, (last.to + 7) / 8 * 8 + 16, Chance(random_, 50)};
    case 3:
      return {last.from, last.from + 1 + Below(random_, static_cast<uint32_t>(last.to - last.from)),
              false};
    default:
      return {0, ranges.front().to / 8 * 8, true};
  }
}

std::vector<Step> FragmentPlans::Overlapping(const Step& packet) {
  const Frame whole = Datagram(packet.frame);
  const std::vector<Range> ranges = Cut(whole);
  std::vector<Step> steps = Pieces(packet, whole, ranges, kFragmentOverlap);
  Disorder(steps);
  const uint32_t count = 1 + Below(random_, 2);
  for (uint32_t i = 0; i < count; ++i) {
    Frame other = whole;
    const size_t l4 = PacketOffset(other) + kIpBytes;
    for (size_t at = l4; at < other.size() && Chance(random_, 70); ++at) {
      other[at] ^= 0x01;  // RFC 3128: ports that nobody was asked about
    }
    InsertAnywhere(steps, Pieces(packet, other, {Beside(ranges)}, kFragmentOverlap).front());
  }
  return steps;
}

std::vector<Step> FragmentPlans::Duplicated(const Step& packet) {
  const Frame whole = Datagram(packet.frame);
  std::vector<Step> steps = Pieces(packet, whole, Cut(whole), kFragmentDuplicate);
  Disorder(steps);
  const uint32_t count = 1 + Below(random_, 3);
  for (uint32_t i = 0; i < count; ++i) {
    const Step one = steps[Below(random_, static_cast<uint32_t>(steps.size()))];
    InsertAnywhere(steps, one);
  }
  return steps;
}

std::vector<Step> FragmentPlans::WithoutFirst(const Step& packet) {
  const Frame whole = Datagram(packet.frame);
  std::vector<Range> ranges = Cut(whole);
  ranges.erase(ranges.begin());
  std::vector<Step> steps = Pieces(packet, whole, ranges, kFragmentWithoutFirst);
  Disorder(steps);
  return steps;
}

// Two datagrams that differ in their sender, or only in addresses or protocol.
std::vector<Step> FragmentPlans::SharedId(const Step& packet, const Step& other) {
  Frame first = Datagram(packet.frame);
  Frame second = Datagram(other.frame);
  const auto identification = static_cast<uint16_t>(random_());
  SetIdentification(first, identification);
  SetIdentification(second, identification);
  std::vector<Step> steps = Pieces(packet, first, Cut(first), kFragmentSharedId);
  Disorder(steps);
  for (const Step& step : Pieces(other, second, Cut(second), kFragmentSharedId)) {
    InsertAnywhere(steps, step);
  }
  return steps;
}

// A piece that ends within a unit of 8, has no bytes, or would end beyond what a packet can be.
std::vector<Step> FragmentPlans::BadSize(const Step& packet) {
  const Frame whole = Datagram(packet.frame);
  const std::vector<Range> ranges = Cut(whole);
  std::vector<Step> steps = Pieces(packet, whole, ranges, kFragmentBadSize);
  Disorder(steps);
  const Range& one = ranges[Below(random_, static_cast<uint32_t>(ranges.size()))];
  constexpr size_t kLastOffset = 65528;
  const Range bad[] = {
      {one.from, one.from + 8 * size_t{Below(random_, 9)} + 1 + Below(random_, 7), true},
      {one.from, one.from, Chance(random_, 50)},
      {kLastOffset, kLastOffset + 1 + Below(random_, 16), false},
      {kLastOffset - 1480, kLastOffset, Chance(random_, 50)}};
  InsertAnywhere(steps, Pieces(packet, whole, {Pick(random_, bad)}, kFragmentBadSize).front());
  return steps;
}

FragmentPlan FragmentPlans::Make(const Step& packet, const Step& other) {
  const uint32_t dice = Below(random_, 100);
  const std::vector<Step> steps = dice < 52   ? WholeDatagram(packet)
                                  : dice < 59 ? Tiny(packet)
                                  : dice < 70 ? Overlapping(packet)
                                  : dice < 77 ? Duplicated(packet)
                                  : dice < 85 ? WithoutFirst(packet)
                                  : dice < 94 ? SharedId(packet, other)
                                              : BadSize(packet);
  constexpr int64_t kWaits[] = {1, 1999, 2000, 2001, 29'999, 30'000, 30'001};
  const size_t wait_before = Chance(random_, 30) ? Below(random_, 4) : steps.size();
  const size_t change_before = Chance(random_, 15) ? Below(random_, 4) : steps.size();
  FragmentPlan plan;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i == wait_before && i != 0) {
      plan.push_back({FragmentAct::Kind::kWait, {}, Pick(random_, kWaits) * kMillisecondNs});
    }
    if (i == change_before) {
      plan.push_back({FragmentAct::Kind::kChange, {}, 0});
    }
    plan.push_back({FragmentAct::Kind::kSend, steps[i], 0});
  }
  return plan;
}

}  // namespace sluice::testing
