// Open vSwitch with DPDK, its own one: database and switch as children, in a temporary folder and a
// network namespace that nobody else sees. No service of the system is started, asked or changed.
// One forwarding thread between two ports that play captures. Main thread.
//
// Errors are one line: Unavailable with what to install, Internal with what it said.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/child_process.h"
#include "tools/bench/rivals/ovs_frames.h"
#include "tools/bench/rivals/ovs_reading.h"

namespace sluice {

struct OvsPorts {
  OvsCaptures captures;
  bool endless = true;  // held in packet buffers and repeated for ever; else played once
};

class OvsSwitch {
 public:
  // Where it can run, and what is missing otherwise.
  static absl::Status Installed();
  // Makes an empty folder for captures, too. Nothing runs yet.
  static absl::StatusOr<std::unique_ptr<OvsSwitch>> Make();
  ~OvsSwitch();
  OvsSwitch(const OvsSwitch&) = delete;
  OvsSwitch& operator=(const OvsSwitch&) = delete;

  const std::string& folder() const { return folder_; }
  absl::Status Start();
  // Replaces all flows, in the language of ovs-ofctl. Port 1 is inside, 2 outside. Nothing comes in
  // before AddPorts.
  absl::Status SetFlows(const std::string& flows);
  absl::Status AddPorts(const OvsPorts& ports);

  absl::StatusOr<OvsCounters> Counters() const;
  absl::StatusOr<OvsTraffic> Traffic() const;
  absl::StatusOr<uint64_t> ConnectionCount() const;  // of all zones
  absl::StatusOr<OvsConnections> Connections(uint32_t zone, const std::string& nat_address) const;
  absl::Status SetMaxConnections(uint64_t count) const;
  // CPU time of the forwarding thread, ns; 0: it does not run.
  uint64_t ForwardingCpuNs() const;
  // How its memory is backed now, as MemoryModeNow says it of ours.
  std::string MemoryMode() const;

 private:
  explicit OvsSwitch(std::string folder) : folder_(std::move(folder)) {}
  std::vector<std::string> Words(std::vector<std::string> command) const;
  absl::StatusOr<std::string> Ask(std::vector<std::string> command) const;
  absl::Status Configure() const;
  absl::Status WaitForSocket(const std::string& name, BackgroundChild& child) const;
  std::string Complaint() const;

  const std::string folder_;
  std::unique_ptr<BackgroundChild> database_;
  std::unique_ptr<BackgroundChild> switch_;
};

}  // namespace sluice
