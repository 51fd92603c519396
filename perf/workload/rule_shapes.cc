#include "perf/workload/rule_shapes.h"

#include <algorithm>
#include <array>
#include <span>

namespace sluice {
namespace {

constexpr uint16_t kTcp = 6;
constexpr uint16_t kUdp = 17;
constexpr uint16_t kIcmp = 1;

// A value and how many of a hundred have it.
struct Share {
  uint16_t percent;
  uint16_t value;
};

uint16_t Pick(std::span<const Share> shares, WorkloadRandom& random) {
  auto roll = static_cast<uint32_t>(random.Below(100));
  for (const Share& share : shares) {
    if (roll < share.percent) {
      return share.value;
    }
    roll -= share.percent;
  }
  return shares.back().value;
}

uint32_t Draw(WorkloadRandom& random, uint64_t count) {
  return static_cast<uint32_t>(random.Below(count));
}

Ipv4Prefix Network(uint32_t address, uint32_t length) {
  return Ipv4Prefix{Ipv4Address(address), static_cast<uint8_t>(length)}.Canonical();
}

// `network` with random bits below it.
uint32_t Inside(const Ipv4Prefix& network, WorkloadRandom& random) {
  return network.address.value | (static_cast<uint32_t>(random.Next()) & ~network.Mask());
}

PortRule Ports(uint16_t protocol, uint32_t low, uint32_t high) {
  return {protocol, static_cast<uint16_t>(low), static_cast<uint16_t>(std::min(high, 65535u)), 0};
}

constexpr std::array<uint16_t, 24> kWellKnown = {22,   25,   53,   80,   88,   110,  123,  143,
                                                 161,  179,  389,  443,  445,  587,  636,  993,
                                                 1433, 1521, 3306, 3389, 5432, 6379, 8080, 9200};

uint16_t WellKnown(WorkloadRandom& random) {
  return kWellKnown[random.Below(kWellKnown.size())];
}

// An ICMP rule names a type with any code, or everything.
PortRule Icmp(WorkloadRandom& random, bool wide) {
  const uint32_t type = std::array{0u, 3u, 8u, 11u}[random.Below(4)];
  return !wide && random.Below(3) == 0 ? Ports(kIcmp, 0, 65535)
                                       : Ports(kIcmp, type << 8, type << 8 | 255);
}

}  // namespace

RuleDraw::RuleDraw(const RuleSetOptions& options) : options_(options), random_(options.seed) {
  const uint32_t popular = std::clamp(options.rules / 20, 8u, 200u);
  for (uint32_t i = 0; i < popular; ++i) {
    popular_ports_.push_back(i < kWellKnown.size() ? kWellKnown[i]
                                                   : static_cast<uint16_t>(random_.Below(65536)));
  }
}

DrawnRule RuleDraw::Next() {
  ++drawn_;
  switch (options_.shape) {
    case RuleShape::kCloud:
      return Cloud();
    case RuleShape::kClassBench:
      return ClassBench();
    case RuleShape::kNested:
      return Nested();
    case RuleShape::kOverlap:
      return Overlap();
    case RuleShape::kOnePrefix:
      return OnePrefix();
    case RuleShape::kHosts:
      return Host();
  }
  return {};
}

Ipv4Prefix RuleDraw::ListedPrefix() {
  static constexpr Share kLengths[] = {{10, 16}, {15, 20}, {15, 22}, {35, 24}, {10, 28}, {15, 32}};
  return Network(0x01000000u + Draw(random_, 0xdf000000u), Pick(kLengths, random_));
}

Ipv4Prefix RuleDraw::CloudPrefix() {
  static constexpr Share kSubnets[] = {{5, 16}, {15, 20}, {35, 24}, {10, 28}, {35, 32}};
  static constexpr Share kCustomers[] = {{50, 32}, {30, 24}, {5, 29}, {5, 28}, {5, 22}, {5, 16}};
  static constexpr std::array kBlocks = {
      Ipv4Prefix{Ipv4Address(0x0a000000u), 8}, Ipv4Prefix{Ipv4Address(0xac100000u), 12},
      Ipv4Prefix{Ipv4Address(0xc0a80000u), 16}, Ipv4Prefix{Ipv4Address(0x64400000u), 10}};
  const uint32_t roll = Draw(random_, 100);
  if (roll < 3 && everybody_left_ > 0) {
    --everybody_left_;
    return {};
  }
  if (roll < 10 && blocks_left_ > 0) {
    --blocks_left_;
    return kBlocks[random_.Below(kBlocks.size())];
  }
  if (roll < 55) {
    const uint32_t vpcs = std::min(1 + options_.rules / 500, 250u);
    const uint32_t vpc = 0x0a000000u | Draw(random_, vpcs) << 16;
    return Network(vpc | Draw(random_, 65536), Pick(kSubnets, random_));
  }
  return Network(0x01000000u + Draw(random_, 0xdf000000u), Pick(kCustomers, random_));
}

// A rule for many addresses (`wide`) names few ports: it would hide what stands below it.
PortRule RuleDraw::CloudPort(bool wide) {
  static constexpr Share kProtocols[] = {{78, kTcp}, {12, kUdp}, {4, kIcmp}, {6, kAnyProtocol}};
  const uint16_t protocol = Pick(kProtocols, random_);
  if (protocol == kIcmp) {
    return Icmp(random_, wide);
  }
  if (protocol == kAnyProtocol && !wide) {
    return {};
  }
  const uint16_t named = protocol == kUdp ? kUdp : kTcp;
  const uint32_t roll = Draw(random_, 100);
  if (roll < 55 || (wide && roll < 80)) {
    const uint32_t l4_port = WellKnown(random_);
    return Ports(named, l4_port, l4_port);
  }
  if (roll < 70) {
    const uint32_t low = WellKnown(random_);
    return Ports(named, low, low + 1 + Draw(random_, 100));
  }
  if (roll < 80 || wide) {
    const uint32_t l4_port = Draw(random_, 65536);
    return Ports(named, l4_port, l4_port);
  }
  return roll < 95 ? Ports(named, std::array{1024u, 32768u, 49152u}[random_.Below(3)], 65535)
                   : Ports(named, 0, 65535);
}

DrawnRule RuleDraw::Cloud() {
  const Ipv4Prefix prefix = CloudPrefix();
  return {prefix, CloudPort(prefix.length < 16)};
}

// Six of ten nest in a prefix drawn before, so depths spread; the others start a tree of their own
// in one of few large networks.
Ipv4Prefix RuleDraw::ClassBenchPrefix() {
  static constexpr Share kLengths[] = {{4, 0}, {2, 8}, {9, 16}, {28, 24}, {37, 32}, {20, 99}};
  uint32_t length = Pick(kLengths, random_);
  if (length == 99) {
    length = 9 + Draw(random_, 23);
  }
  uint32_t address = (1 + Draw(random_, 40) * 5) << 24 | Draw(random_, 1u << 24);
  if (!seen_.empty() && random_.Below(10) < 6) {
    const Ipv4Prefix& outer = seen_[random_.Below(seen_.size())];
    address = outer.length > 0 ? Inside(outer, random_) : address;
  }
  const Ipv4Prefix prefix = Network(address, length);
  if (seen_.size() < 65'536) {
    seen_.push_back(prefix);
  }
  return prefix;
}

PortRule RuleDraw::ClassBenchPort(bool wide) {
  static constexpr Share kProtocols[] = {{66, kTcp}, {20, kUdp}, {4, kIcmp}, {3, 47}, {2, 50}};
  const uint16_t protocol =
      random_.Below(20) == 0 && !wide ? kAnyProtocol : Pick(kProtocols, random_);
  if (protocol == kIcmp) {
    return Icmp(random_, wide);
  }
  if (protocol != kTcp && protocol != kUdp) {
    return Ports(protocol, 0, 65535);
  }
  const uint32_t roll = Draw(random_, 100);
  const uint32_t any = Draw(random_, 65536);
  if (roll < 30 && !wide) {
    return Ports(protocol, 0, 65535);
  }
  if (roll < 38 && !wide) {
    return Ports(protocol, 1024, 65535);
  }
  if (roll < 40 && !wide) {
    return Ports(protocol, 0, 1023);
  }
  if (roll < 55) {
    return Ports(protocol, any, any + Draw(random_, 1000));
  }
  const uint32_t exact =
      roll < 90 ? uint32_t{popular_ports_[random_.Below(popular_ports_.size())]} : any;
  return Ports(protocol, exact, exact);
}

DrawnRule RuleDraw::ClassBench() {
  const Ipv4Prefix prefix = ClassBenchPrefix();
  return {prefix, ClassBenchPort(prefix.length < 8)};
}

DrawnRule RuleDraw::Nested() {
  const uint32_t l4_port = Draw(random_, 65536);
  return {Network(0x0a0a0a0au, (drawn_ - 1) % 33), Ports(kTcp, l4_port, l4_port)};
}

DrawnRule RuleDraw::Overlap() {
  const uint32_t low = Draw(random_, 32768);
  const uint32_t high = 32768 + Draw(random_, 32768);
  return {Network(0x0a0a0a0au, Draw(random_, 13)), Ports(kTcp, low, high)};
}

DrawnRule RuleDraw::OnePrefix() {
  const uint32_t low = Draw(random_, 65536);
  const uint16_t protocol = random_.Below(2) == 0 ? kTcp : kUdp;
  return {Network(0x0a0a0000u, 16), Ports(protocol, low, low + Draw(random_, 4))};
}

DrawnRule RuleDraw::Host() {
  const uint32_t l4_port = Draw(random_, 65536);
  return {Network(0x0a000000u | Draw(random_, 1u << 24), 32), Ports(kTcp, l4_port, l4_port)};
}

}  // namespace sluice
