// What became of the frames of each class in a run of many scenarios, and whether every class met
// the ends it is made for: a generator that no longer makes a class, or makes it so that nothing
// but one check ever sees it, is found out. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/packet/verdict.h"
#include "tests/property/scenario.h"

namespace sluice::testing {

class ClassCoverage {
 public:
  void Count(const Scenario& scenario, const PipelineRun& run);
  uint64_t frames() const;
  // A line a class, and the ends that were met least.
  void Print() const;
  // Ends that a class never met, e.g. "fragment_udp: forwarded through a NAT gateway".
  std::vector<std::string> Missing() const;

 private:
  struct Ends {
    uint64_t frames = 0;
    uint64_t forwarded = 0;
    uint64_t translated = 0;  // forwarded with another address
    uint64_t nat = 0;         // and another port or query id: through a NAT gateway
    uint64_t split = 0;       // forwarded in pieces
    uint64_t consumed = 0;
    uint64_t dropped = 0;
    std::array<uint64_t, kDropReasonCount + 1> by_reason{};
  };

  // An end that frames of a class must meet, and how many have.
  struct WantedEnd {
    std::string name;
    uint64_t count = 0;
  };

  std::vector<WantedEnd> Wanted() const;
  const Ends& Of(PacketClass kind) const { return ends_[static_cast<size_t>(kind)]; }

  std::array<Ends, kPacketClassCount> ends_{};
};

}  // namespace sluice::testing
