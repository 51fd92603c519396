// P1..P4 of reliability.md B.0, from the configuration as the user wrote it, the frames that went
// in and the frames that came out: who may reach an inside host from outside, which translations
// exist and that an answer undoes its request's.
//
// What was seen is never forgotten: the record knows no timeouts, so it allows what a session that
// has run out would not. That is the reference world's to judge.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "control/intent/validated_intent.h"
#include "dataplane/session/session_table.h"
#include "tests/support/frame_view.h"

namespace sluice::testing {

// Where a frame is on the wire.
struct WirePlace {
  std::string port;
  uint16_t vlan = 0;
  friend auto operator<=>(const WirePlace&, const WirePlace&) = default;
};

// A forwarded packet, as it came and as it left (the first of its pieces).
struct Passage {
  WirePlace from;
  uint64_t source_mac = 0;
  FrameView in;
  WirePlace to;
  uint64_t destination_mac = 0;
  FrameView out;
  int64_t time_ns = 0;
};

class FlowInvariants {
 public:
  void Configure(std::shared_ptr<const ValidatedIntent> intent);

  // Empty, or what is broken.
  std::string Check(const Passage& passage);
  // Between bursts: P2, P3 and P4 in the session table, what its lines say of each other, and P10
  // of its pairs.
  std::string CheckTable(const SessionTable& table) const;

  // The interface behind a place with this MAC; nullptr: none.
  const NetworkInterface* InterfaceAt(const WirePlace& place, uint64_t mac) const;
  bool IsPlaceOf(const WirePlace& place, const std::string& eni_id) const {
    return at_.count({eni_id, place}) != 0;
  }
  // False: an address of this subnet that no interface has (nobody's flow log hears of it).
  bool HasReceiver(const std::string& subnet_id, uint32_t destination) const;
  // Whether the internet or a Services side is there.
  bool IsSide(const WirePlace& place) const { return sides_.count(place) != 0; }

 private:
  struct Mapping {
    FlowTuple inside;
    int64_t last_ns = 0;
    uint32_t configuration = 0;  // that it was made under
    bool ending = false;         // FIN or RST was seen: the port may be given to another flow
  };

  std::string CheckAdmission(const Passage& passage) const;
  std::string CheckError(const Passage& passage) const;
  std::string CheckTranslation(const Passage& passage);
  std::string CheckSource(const Passage& passage);
  std::string CheckNewMapping(const Passage& passage);
  void Remember(const Passage& passage);
  bool GroupsAdmit(const NetworkInterface& eni, const FrameView& packet) const;
  bool RuleAdmits(const SecurityGroupRule& rule, const FrameView& packet) const;
  bool IsAnswer(const FlowTuple& came) const;

  std::shared_ptr<const ValidatedIntent> intent_;
  std::set<WirePlace> sides_;
  std::map<std::pair<WirePlace, uint64_t>, const NetworkInterface*> interfaces_;
  std::set<std::pair<std::string, WirePlace>> at_;
  std::map<uint32_t, uint32_t> private_of_;            // 1:1, by public address
  std::set<std::pair<uint32_t, uint32_t>> public_of_;  // 1:1: private, public
  std::set<uint32_t> gateway_addresses_;               // of NAT gateways, either side
  std::set<std::pair<std::string, FlowTuple>> known_;  // as the interface sends it
  std::set<FlowTuple> sent_inside_;                    // by any interface, and forwarded
  std::map<FlowTuple, Mapping> mappings_;              // by what left the NAT gateway
  uint32_t configuration_ = 0;                         // counts Configure
};

}  // namespace sluice::testing
