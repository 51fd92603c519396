// The reference world: a naive, stateful VPC that interprets the configuration as written, one
// frame at a time. It is the oracle of the differential tests (the same frames through the real
// pipeline must give the same verdicts and the same bytes) and what `sluice explain` runs. Slow and
// obvious; shares no code with the compiled path. Capacity limits (sessions, ports of a gateway
// apart from the oracle's answer, fragment cache, ICMP rate) do not exist here.
//
// One thread at a time. Time never runs back: a smaller time_ns counts as the largest seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/explain/frame_bytes.h"
#include "control/explain/nat_port_oracle.h"
#include "control/explain/trace.h"
#include "control/intent/validated_intent.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

// A frame as one port received it.
struct Arrival {
  std::string port;  // Host.Ports[].Name
  Bytes frame;       // from the destination MAC on, without FCS
};

// A frame that one port sends.
struct Emission {
  std::string port;
  std::string eni_id;  // the interface it is delivered to; empty on uplink and services sides
  Bytes frame;
  // The router chose the IPv4 identification itself (its own ICMP, RST and DHCP packets, fragments
  // that leave through a NAT gateway): any value is right, so compare with
  // SameExceptIdentification.
  bool identification_is_free = false;
  friend bool operator==(const Emission&, const Emission&) = default;
};

struct DroppingRule {
  std::string nacl_id;
  bool egress = false;
  int number = 0;  // 32767: the final "*"
  friend bool operator==(const DroppingRule&, const DroppingRule&) = default;
};

struct Outcome {
  uint64_t arrival_number = 0;  // of Receive calls, from 0
  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;  // kNone when forwarded or held
  std::string eni_id;  // the sending interface; empty when unknown or not an interface
  std::optional<DroppingRule> rule;  // when an ACL dropped it
  std::vector<Emission> outputs;     // in the order sent
  // The consume is an ICMP error, which the pipeline may leave out when its rate limit is reached:
  // then the verdict is drop with the same reason and no output.
  bool answer_is_rate_limited = false;
  // Not empty: the NatPortOracle gave an answer that breaks AWS-NAT-04 or P4; says which.
  std::string complaint;
};

// What one arrival led to: its own fate, and that of earlier held fragments which it released or
// outlived, in order. A held arrival's first Outcome says kHold; its final one comes later in
// `settled`.
struct Receipt {
  Outcome outcome;
  std::vector<Outcome> settled;
};

struct WorldState;
class Walk;

class ReferenceWorld {
 public:
  // `ports` is asked for every new NAT flow; nullptr: a first-free oracle of its own.
  explicit ReferenceWorld(std::shared_ptr<const ValidatedIntent> intent,
                          NatPortOracle* ports = nullptr);
  ~ReferenceWorld();
  ReferenceWorld(const ReferenceWorld&) = delete;
  ReferenceWorld& operator=(const ReferenceWorld&) = delete;

  // Replaces the configuration. Tracked state survives, untracked flows are judged anew (D-TRACK,
  // D-SGCHANGE).
  void Replace(std::shared_ptr<const ValidatedIntent> intent);

  // Learns the MAC of a configured next hop when `arrival` is an ARP packet it sent. `sluice
  // replay` resolves next hops from anywhere in a port's capture, so show it every frame of the
  // uplink and services ports first.
  void ObserveNextHop(const Arrival& arrival);

  Receipt Receive(int64_t time_ns, const Arrival& arrival);

  // The end of the run: everything still held is dropped as fragment_orphan.
  std::vector<Outcome> Finish(int64_t time_ns);

  // Sessions that are tracked at some interface or bound at a NAT gateway and not expired at
  // time_ns.
  size_t LiveSessionCount(int64_t time_ns) const;

  // Where the next walks record their hops; nullptr: nowhere.
  void set_trace(Trace* trace) { trace_ = trace; }

 private:
  std::shared_ptr<const ValidatedIntent> intent_;
  FirstFreeNatPorts own_ports_;
  NatPortOracle* ports_;
  std::unique_ptr<WorldState> state_;
  Trace* trace_ = nullptr;
};

// Equal but for the identification (and the header checksum, which must be right in both) of the
// outer IPv4 header.
bool SameExceptIdentification(const Bytes& expected_frame, const Bytes& observed_frame);

}  // namespace sluice
