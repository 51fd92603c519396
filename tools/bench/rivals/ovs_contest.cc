#include "tools/bench/rivals/ovs_contest.h"

#include <cstdio>
#include <filesystem>
#include <optional>

#include "dataplane/packet/ipv4.h"
#include "tools/bench/rivals/ovs_windows.h"
#include "tools/sluice/machine_facts.h"

namespace sluice {
namespace {

constexpr uint32_t kZones = 3;
constexpr uint32_t kNatZone = 3;
constexpr uint32_t kServicePasses = 4;  // through the datapath: one, and one behind every zone
constexpr uint32_t kSourceWindows = 5;
constexpr uint32_t kSourceWindowMs = 100;
// Packet buffers that Open vSwitch has at most hold the captures of so many flows.
constexpr uint32_t kMostEndlessFlows = 100'000;
constexpr uint32_t kPassesPlayedOnce = 5;
// Then an answer has come to every flow after its opening.
constexpr uint32_t kOpeningPasses = 2;

constexpr const char* kPlainFlows =
    "priority=10,in_port=1,ip,actions=output:2\n"
    "priority=10,in_port=2,ip,actions=output:1\n";

// An answer enters the NAT zone first, and is only let through as part of a known connection.
std::string ServiceFlows(const std::string& nat) {
  const std::string route = "mod_dl_src:02:00:00:00:00:01,mod_dl_dst:02:00:00:00:00:";
  return "table=0,priority=10,in_port=1,ip,actions=ct(zone=1,table=1)\n"
         "table=0,priority=10,in_port=2,ip,actions=ct(zone=3,nat,table=11)\n"
         "table=1,ip,ct_state=+trk+new,actions=ct(commit,zone=1),ct(zone=2,table=2)\n"
         "table=1,ip,ct_state=+trk+est,actions=ct(zone=2,table=2)\n"
         "table=2,ip,ct_state=+trk+new,actions=ct(commit,zone=2),"
         "ct(commit,zone=3,nat(src=" +
         nat +
         "),table=3)\n"
         "table=2,ip,ct_state=+trk+est,actions=ct(zone=3,nat,table=3)\n"
         "table=3,ip,actions=" +
         route +
         "fe,dec_ttl,output:2\n"
         "table=11,ip,ct_state=+trk+est,actions=ct(zone=2,table=12)\n"
         "table=12,ip,ct_state=+trk+est,actions=ct(zone=1,table=13)\n"
         "table=13,ip,ct_state=+trk+est,actions=" +
         route + "fd,dec_ttl,output:1\n";
}

OvsPorts PortsFor(const OvsSwitch& ovs, uint32_t flows) {
  OvsPorts ports;
  ports.endless = flows <= kMostEndlessFlows;
  ports.captures = {ovs.folder() + "/inside.pcap", ovs.folder() + "/outside.pcap",
                    ports.endless ? 1 : kPassesPlayedOnce};
  return ports;
}

struct OvsResult {
  OvsTimes services;
  OvsTimes source;
  std::string memory_mode;
};

class OvsRun {
 public:
  OvsRun(const Workbench& bench, const OvsContestOptions& options)
      : bench_(bench),
        options_(options),
        nat_address_(bench.flows().front().responder.dst),
        nat_text_(ToString(Ipv4Address(nat_address_))) {}

  absl::StatusOr<OvsResult> Run() {
    auto made = OvsSwitch::Make();
    if (!made.ok()) {
      return made.status();
    }
    ovs_ = *std::move(made);
    OvsResult result;
    absl::Status status = StartForwarding();
    if (status.ok()) {
      const uint64_t flows = bench_.flows().size();
      status = OvsWindows(*ovs_, {kServicePasses, kZones * flows, 2 * kOpeningPasses * flows})
                   .Measure(options_.windows, options_.window_ms, result.services);
    }
    if (status.ok()) {
      status = CheckTranslations();
    }
    result.memory_mode = ovs_->MemoryMode();
    if (status.ok()) {
      status = ovs_->SetFlows(kPlainFlows);
    }
    if (status.ok()) {
      status = OvsWindows(*ovs_, {1, std::nullopt, 0})
                   .Measure(kSourceWindows, kSourceWindowMs, result.source);
    }
    ovs_.reset();
    if (!status.ok()) {
      return status;
    }
    return result;
  }

 private:
  absl::Status StartForwarding() {
    const OvsPorts ports = PortsFor(*ovs_, static_cast<uint32_t>(bench_.flows().size()));
    absl::Status status = WriteOvsCaptures(bench_.flows(), bench_.links(), nat_address_,
                                           options_.seed, ports.captures);
    if (status.ok()) {
      status = ovs_->Start();
    }
    if (status.ok()) {
      status = ovs_->SetMaxConnections(4 * kZones * bench_.flows().size());
    }
    if (status.ok()) {
      status = ovs_->SetFlows(ServiceFlows(nat_text_));
    }
    return status.ok() ? ovs_->AddPorts(ports) : status;
  }

  // How many there are in all zones together was claimed of every window.
  absl::Status CheckTranslations() const {
    const uint64_t flows = bench_.flows().size();
    const auto connections = ovs_->Connections(kNatZone, nat_text_);
    if (!connections.ok()) {
      return connections.status();
    }
    if (connections->all != flows || connections->established != flows ||
        connections->translated != flows) {
      return absl::FailedPreconditionError(
          "its NAT zone has " + std::to_string(connections->all) + " connections, " +
          std::to_string(connections->established) + " established and " +
          std::to_string(connections->translated) + " translated, of " + std::to_string(flows));
    }
    return absl::OkStatus();
  }

  const Workbench& bench_;
  const OvsContestOptions& options_;
  const Interruption interruption_;  // outlives the switch
  const uint32_t nat_address_;
  const std::string nat_text_;
  std::unique_ptr<OvsSwitch> ovs_;
};

Figure OurFigure(const std::string& name, const ForwardOptions& options,
                 const ForwardResult& before, const ForwardResult& after) {
  Figure figure;
  figure.name = name;
  figure.rounds_ns = before.rounds_ns;
  figure.rounds_ns.insert(figure.rounds_ns.end(), after.rounds_ns.begin(), after.rounds_ns.end());
  figure.ns = SpreadOf(figure.rounds_ns);
  figure.source_ns = before.source_ns;
  figure.rounds = 2 * options.rounds;
  figure.round_items = options.round_packets;
  figure.counters = {{"ratio", 1}, {"flows", static_cast<double>(before.totals.flows)}};
  return figure;
}

Figure TheirFigure(const std::string& name, const OvsResult& result, const Figure& ours) {
  Figure figure;
  figure.name = name;
  const Spread whole = SpreadOf(result.services.ns);
  figure.source_ns = SpreadOf(result.source.ns);
  for (const double ns : result.services.ns) {
    figure.rounds_ns.push_back(ns - figure.source_ns.median);
  }
  figure.ns = SpreadOf(figure.rounds_ns);
  figure.rounds = static_cast<uint32_t>(result.services.ns.size());
  figure.round_items = result.services.packets / figure.rounds;
  const double flows = CounterOf(ours, "flows");
  figure.counters = {{"ratio", figure.ns.median / ours.ns.median},
                     {"ratio_low", figure.ns.low / ours.ns.high},
                     {"ratio_high", figure.ns.high / ours.ns.low},
                     {"flows", flows},
                     {"connections", flows * kZones},
                     {"passes", kServicePasses},
                     {"upcalls", 0},
                     {"packets", static_cast<double>(result.services.packets)},
                     {"whole_ns", whole.median},
                     {"busy_ticks", SpreadOf(result.services.ticks).median}};
  return figure;
}

std::string Note(const Figure& theirs, const std::string& memory_mode) {
  char text[256];
  std::snprintf(text, sizeof text,
                "OVS-DPDK at %.0f flows: %.0f ns with its source, which costs %.0f; no upcall, 4 "
                "passes a packet, %.0f connections in three zones; its memory in %s",
                CounterOf(theirs, "flows"), CounterOf(theirs, "whole_ns"), theirs.source_ns.median,
                CounterOf(theirs, "connections"), memory_mode.c_str());
  return text;
}

}  // namespace

absl::Status RoomForOvs(uint32_t flows) {
  if (const absl::Status installed = OvsSwitch::Installed(); !installed.ok()) {
    return installed;
  }
  // Packet buffers, and three connections a flow with both keys and a lock each.
  const uint64_t memory_mb = 1300 + uint64_t{flows} * kZones * 1000 / 1'000'000;
  if (memory_mb > ReadMachine(RealMachine()).usable_kib / 1024) {
    return absl::ResourceExhaustedError("needs " + std::to_string(memory_mb) +
                                        " MB of memory, which this machine has not");
  }
  const uint64_t disk_mb =
      (OvsCaptureBytes(flows, flows <= kMostEndlessFlows ? 1 : kPassesPlayedOnce) >> 20) + 16;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (!error && space.available >> 20 < disk_mb) {
    return absl::ResourceExhaustedError("needs " + std::to_string(disk_mb) + " MB in " +
                                        folder.string() + "; set TMPDIR to a folder with as much");
  }
  return absl::OkStatus();
}

ContestRow MeasureOvs(Workbench& bench, const OvsContestOptions& options) {
  ContestRow row;
  const std::string name = "services/flows:" + std::to_string(bench.flows().size());
  ForwardOptions half = options.forward;
  half.rounds = (half.rounds + 1) / 2;
  const ForwardResult before = RunForward(bench, half);
  const absl::StatusOr<OvsResult> theirs = OvsRun(bench, options).Run();
  const ForwardResult after = RunForward(bench, half);
  for (const ForwardResult* ours : {&before, &after}) {
    for (const std::string& claim : BrokenClaims(ours->totals, true)) {
      row.mistaken.push_back(name + ": " + claim);
    }
  }
  row.memory_mode = MemoryModeNow();
  row.figures.push_back(OurFigure(name, half, before, after));
  if (theirs.ok()) {
    row.figures.push_back(TheirFigure(name + "/ovs_dpdk", *theirs, row.figures.front()));
    row.notes.push_back(Note(row.figures.back(), theirs->memory_mode));
  } else {
    row.absent.push_back("OVS-DPDK at " + std::to_string(bench.flows().size()) +
                         " flows: " + std::string(theirs.status().message()));
  }
  return row;
}

}  // namespace sluice
