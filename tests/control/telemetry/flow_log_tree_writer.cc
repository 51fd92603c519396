// Writes the flow logs of a list of observations into a folder: what flow_log_consumer_test.py
// judges. flow_log_tree_writer OBSERVATIONS OUT FIRST_NS END_NS; an observation a line:
// interface_idx direction(0 ingress) action(0 accept) protocol src sport dst dport packets bytes
// first_ns last_ns flags
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "control/telemetry/flow_log_recorder.h"
#include "tests/control/telemetry/flow_log_world.h"

namespace sluice {
namespace {

bool ReadObservation(std::istream& in, FlowObservation* o) {
  int direction = 0, action = 0, protocol = 0, flags = 0;
  std::string source, destination;
  if (!(in >> o->interface_idx >> direction >> action >> protocol >> source >> o->source_l4_port >>
        destination >> o->destination_l4_port >> o->packet_count >> o->size_bytes >> o->first_ns >>
        o->last_ns >> flags)) {
    return false;
  }
  o->direction = static_cast<FlowDirection>(direction);
  o->action = static_cast<FlowAction>(action);
  o->protocol = static_cast<uint8_t>(protocol);
  o->tcp_flags = static_cast<uint8_t>(flags);
  o->source = Ip(source.c_str());
  o->destination = Ip(destination.c_str());
  return true;
}

int Run(const char* observations, const char* out, int64_t first_ns, int64_t end_ns) {
  Intent intent = FlowLogWorld();
  intent.flow_logs = {
      MakeLog("fl-vpc", "vpc-1", TrafficType::kAll, 60, ""),
      MakeLog("fl-subnet", "subnet-1", TrafficType::kReject, 600,
              "${version} ${flow-direction} ${tcp-flags} ${pkt-dstaddr} ${pkt-srcaddr} ${az-id} "
              "${region} ${vpc-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
              "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"),
      MakeLog("fl-eni", "eni-a", TrafficType::kAccept, 60, ""),
      MakeLog("fl-other", "vpc-2", TrafficType::kAll, 600, "")};
  intent.flow_logs[1].hive_partitions = true;
  intent.flow_logs[1].per_hour_partition = true;
  FlowLogRecorder::Options options;
  options.folder = out;
  FlowLogRecorder recorder(options);
  recorder.Configure(intent, WorldIdentities(), first_ns);
  std::ifstream in(observations);
  for (FlowObservation o; ReadObservation(in, &o);) {
    if (!recorder.Advance(o.first_ns - 60 * kNanosPerSecond).ok()) {
      return 1;
    }
    recorder.Observe(o);
  }
  const absl::Status status = recorder.Finish(end_ns);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
  }
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "flow_log_tree_writer OBSERVATIONS OUT FIRST_NS END_NS\n");
    return 2;
  }
  return sluice::Run(argv[1], argv[2], std::atoll(argv[3]), std::atoll(argv[4]));
}
