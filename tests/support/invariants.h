// The invariants of every pipeline run (reliability.md B.0), checked on what went in, what came out
// and a look at the session table. Shares no code with the pipeline.
//
//   P1 P2 P3 P4   flow_invariants.h; checksums here
//   P5            by a second run without what was dropped: tests/property/drop_state.h
//                 and the fixture of tests/semantics
//   P6 P7 P10     here: every frame ends once, as one thing, for one reason, and is counted so
//   P11           here: DF, TTL, payload, link layer
//
// P8 has no meaning in one thread; P9 and P12 are campaigns of their own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/stage/counters.h"
#include "tests/support/flow_invariants.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {

class InvariantChecker {
 public:
  // The configuration that judges from now on. Every input so far has ended or is held.
  void Configure(const OfflineDataplane& dataplane);
  // An input goes in.
  void Receive(const OfflineInput& input);
  // One input's end; `broken` gets a sentence when an invariant does not hold.
  void Check(const OfflineResult& result, std::string& broken);
  // Between bursts: the session table.
  void CheckSessions(OfflineDataplane& dataplane, std::string& broken) const;
  // At the end: what was told is what was counted, and nothing is left inside.
  void CheckTotals(OfflineDataplane& dataplane, std::string& broken) const;

  // Packets refused by a group or an ACL, which flow logs report as REJECT (P7).
  uint64_t rejects() const { return rejects_; }
  // An ACL refused them, but perhaps for an address nobody has: then no flow log hears of it.
  uint64_t perhaps_unheard_rejects() const { return perhaps_unheard_; }

 private:
  struct Told {
    uint64_t received = 0;
    uint64_t forwarded = 0;
    uint64_t consumed[kDropReasonCount] = {};
    uint64_t dropped[kDropReasonCount] = {};
  };

  std::string CheckVerdict(const OfflineResult& result) const;
  std::string CheckLink(const OfflineInput& input, const OfflineResult& result,
                        const OfflineOutput& output) const;
  std::string CheckPassage(const OfflineInput& input, const OfflineResult& result);
  std::string CheckIdentification(const OfflineInput& input, const FrameView& in,
                                  const OfflineResult& result);
  bool IsLoggedReject(const OfflineInput& input, const OfflineResult& result) const;
  void Count(const OfflineInput& input, const OfflineResult& result);

  FlowInvariants flows_;
  std::vector<std::string> side_names_;  // by InterfaceIdx
  std::vector<std::string> port_names_;  // by PortIdx
  std::vector<std::string> subnet_ids_;  // by SubnetIdx
  uint64_t router_mac_ = 0;
  std::map<uint64_t, OfflineInput> inside_;  // by number: not ended yet
  // By port, source MAC, tag, addresses, protocol and identification of a first fragment: the
  // identification it left with.
  std::map<std::string, uint32_t> left_as_;
  std::vector<Told> told_;  // by PortIdx
  uint64_t rejects_ = 0;
  uint64_t perhaps_unheard_ = 0;
};

}  // namespace sluice::testing
