// summary.json: inputs by fate. Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/packet/verdict.h"

namespace sluice {

struct ReplaySummary {
  uint64_t received = 0;
  uint64_t forwarded = 0;
  std::array<uint64_t, kDropReasonCount> dropped{};   // by DropReason
  std::array<uint64_t, kDropReasonCount> consumed{};  // by DropReason
  uint64_t sessions = 0;                              // unexpired at the end of the clock
  uint64_t generation = 0;                            // of the last configuration

  // One input that has come to its end.
  void Count(Verdict verdict, DropReason reason);
  uint64_t ConsumedTotal() const;
  uint64_t DroppedTotal() const;

  // {"received","forwarded","consumed","dropped":{…},"consumed_by":{…},"sessions"}: every reason is
  // listed.
  std::string Json() const;
  // A table of what occurred.
  std::string Text() const;
};

}  // namespace sluice
