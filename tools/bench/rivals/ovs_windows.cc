#include "tools/bench/rivals/ovs_windows.h"

#include <time.h>
#include <unistd.h>

#include <cmath>

#include "absl/status/status.h"
#include "tools/bench/machine.h"

namespace sluice {
namespace {

constexpr int64_t kPatienceNs = 60'000'000'000;
constexpr uint64_t kLeastPackets = 1000;
// Reading the counters takes the packets of a few bursts in between.
constexpr uint64_t kPacketsInFlight = 256;
constexpr double kPassesTolerance = 0.01;

int64_t WallNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void Add(const OvsMoment& from, const OvsMoment& to, OvsTimes& times) {
  const uint64_t packets = to.counters.received - from.counters.received;
  const double ticks = static_cast<double>(to.counters.busy_ticks - from.counters.busy_ticks) /
                       static_cast<double>(packets);
  // The thread never rests, so its share of a CPU is that of its ticks.
  const double share =
      static_cast<double>(to.cpu_ns - from.cpu_ns) / static_cast<double>(to.wall_ns - from.wall_ns);
  times.ticks.push_back(ticks);
  times.ns.push_back(ticks / TscHz() * 1e9 * std::min(1.0, share));
  times.packets += packets;
}

}  // namespace

std::string WindowComplaint(const OvsMoment& from, const OvsMoment& to, const OvsClaim& claim) {
  const uint64_t packets = to.counters.received - from.counters.received;
  if (packets < kLeastPackets) {
    return "only " + std::to_string(packets) + " packets came";
  }
  if (from.counters.received < claim.after) {
    return std::to_string(from.counters.received) + " packets came in all, " +
           std::to_string(claim.after) + " are wanted first";
  }
  if (to.counters.upcalls != from.counters.upcalls) {
    return std::to_string(to.counters.upcalls - from.counters.upcalls) +
           " packets took the slow path";
  }
  if (to.counters.idle_ticks != from.counters.idle_ticks) {
    return "the forwarding thread found nothing to do for a while";
  }
  const double passes =
      1 + static_cast<double>(to.counters.recirculations - from.counters.recirculations) /
              static_cast<double>(packets);
  if (std::abs(passes - claim.passes) > kPassesTolerance * claim.passes) {
    return "a packet passed the datapath " + std::to_string(passes) + " times, expected " +
           std::to_string(claim.passes);
  }
  const uint64_t received = to.traffic.received - from.traffic.received;
  const uint64_t sent = to.traffic.sent - from.traffic.sent;
  if (received > sent + kPacketsInFlight || sent > received + kPacketsInFlight) {
    return std::to_string(received) + " packets came and " + std::to_string(sent) + " left";
  }
  for (const OvsMoment* moment : {&from, &to}) {
    if (claim.connections && moment->connections != *claim.connections) {
      return std::to_string(moment->connections) + " connections are tracked, expected " +
             std::to_string(*claim.connections);
    }
  }
  return "";
}

absl::StatusOr<OvsMoment> OvsWindows::Read() const {
  const auto connections = ovs_.ConnectionCount();
  if (!connections.ok()) {
    return connections.status();
  }
  const auto traffic = ovs_.Traffic();
  if (!traffic.ok()) {
    return traffic.status();
  }
  const auto counters = ovs_.Counters();
  if (!counters.ok()) {
    return counters.status();
  }
  return OvsMoment{*counters, *traffic, *connections, ovs_.ForwardingCpuNs(), WallNs()};
}

absl::StatusOr<OvsMoment> OvsWindows::ReadAfter(uint32_t ms) const {
  usleep(ms * 1000);
  return Interruption::happened() ? absl::CancelledError("interrupted") : Read();
}

absl::Status OvsWindows::Measure(uint32_t count, uint32_t window_ms, OvsTimes& times) const {
  const int64_t start_ns = WallNs();
  absl::StatusOr<OvsMoment> from = Read();
  std::string complaint;
  for (bool settled = false; from.ok() && times.ns.size() < count;) {
    absl::StatusOr<OvsMoment> to = ReadAfter(window_ms);
    if (!to.ok()) {
      return to.status();
    }
    complaint = WindowComplaint(*from, *to, claim_);
    if (!complaint.empty() && WallNs() - start_ns > kPatienceNs) {
      return absl::FailedPreconditionError("not as named: " + complaint);
    }
    if (!complaint.empty()) {
      times = {};
    } else if (settled) {
      Add(*from, *to, times);
    }
    settled = complaint.empty();
    from = std::move(to);
  }
  return from.status();
}

}  // namespace sluice
