// The real pipeline without EAL: plain buffers, one worker, a virtual clock. `sluice replay` and
// the tests run it; the stages, tables and sessions are the product's own.
//
// One thread. Time never runs back: an earlier time counts as the latest seen.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/compile/compiler.h"
#include "dataplane/packet/verdict.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/counters.h"
#include "dataplane/stage/worker_context.h"
#include "tools/sluice/offline_sweep.h"

namespace sluice {

struct OfflineOptions {
  uint64_t seed = 0;
  MemorySource* memory = nullptr;   // of tables and sessions; outlives them. nullptr: the heap
  HashKind hash = HashKind::kAuto;  // of session keys
  uint32_t batch_capacity = 32;     // 1..kMaxBatch: results never depend on it (decision 15)
  bool session_cache = true;
  uint64_t max_sessions = 0;  // there is room for; 0: Host.MaxSessions
  bool flow_account = false;  // keep what flow logs are made of
  // Takes it, record by record; implies flow_account.
  OfflineFlowRecords* flow_records = nullptr;
  // Every port of all configurations to come; empty: those of the first.
  std::vector<std::string> port_names;
};

// One frame that left because of an input.
struct OfflineOutput {
  PortIdx port;
  InterfaceIdx side;  // the ENI, internet or Services side it left to
  std::vector<uint8_t> bytes;
  int64_t time_ns = 0;  // of its cause
};

// What became of one input.
struct OfflineResult {
  uint64_t number = 0;  // as given with the input
  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;
  InterfaceIdx sender;
  uint16_t rule = 0;      // NACL drops: the rule's number
  SubnetIdx rule_subnet;  // NACL drops: the subnet whose NACL refused
  uint64_t generation = 0;
  std::vector<OfflineOutput> outputs;
};

struct OfflineInput {
  uint64_t number = 0;
  PortIdx port;
  std::vector<uint8_t> bytes;  // an Ethernet frame
};

class OfflineDataplane {
 public:
  // Compile errors, or memory too short for MaxSessions.
  static absl::StatusOr<std::unique_ptr<OfflineDataplane>> Make(
      std::shared_ptr<const ValidatedIntent> intent, const OfflineOptions& options);
  ~OfflineDataplane();

  // Replaces the whole configuration but for MaxSessions; tracked sessions live on. On error the
  // old one stays.
  absl::Status Apply(std::shared_ptr<const ValidatedIntent> intent);
  // The MAC of a side's next hop; 02:00:00:00:00:fe until told otherwise.
  void SetNextHopMac(InterfaceIdx side, const MacAddress& mac);

  // Packets of one instant, in order. Calls `sink` once for every input that has come to its end:
  // those given, in order, and earlier ones that were held, each right behind the one that released
  // it. What time ends comes first.
  using Sink = std::function<void(const OfflineResult&)>;
  void Receive(int64_t time_ns, std::vector<OfflineInput> inputs, const Sink& sink);
  // Lets time act without packets; then `Drain` ends held fragments too.
  void AdvanceTo(int64_t time_ns, const Sink& sink);
  void Drain(const Sink& sink);
  // Gives flow_records the rest, once, at the end.
  void ReportFlows();

  const CompiledConfig& config() const { return *config_; }
  const WorkerCounters& counters() const;
  SessionTable& sessions();
  FlowAccount* account();  // nullptr without OfflineOptions::flow_account
  BurstClock clock() const;
  // For who fills bursts himself and calls RunBurst with config().snapshot (benches); the clock is
  // then his too.
  WorkerContext& worker();
  // Unexpired sessions (tracked or translated) at the present time.
  uint64_t LiveSessions() const;
  bool IsLiveSession(PairIdx pair) const;

 private:
  struct State;
  struct Packet;
  using Queue = std::vector<std::unique_ptr<Packet>>;

  explicit OfflineDataplane(const OfflineOptions& options);

  absl::Status MakeState(const Host& host);
  MemorySource& Memory() const;
  void SetTime(int64_t time_ns);
  void StopAt(int64_t time_ns, const Sink& sink);
  size_t EndOfBurst(const Queue& queue, size_t next) const;
  void RunQueue(Queue queue);
  void RunOneBurst(Queue burst, Queue& released);
  void CollectOutputs(const Queue& burst);
  void TakeReleased(const std::vector<uint64_t>& arrivals, Queue& released);
  void Finish(std::unique_ptr<Packet> packet);
  void Report(const Sink& sink);

  OfflineOptions options_;
  std::unique_ptr<Compiler> compiler_;
  std::shared_ptr<const CompiledConfig> config_;
  uint64_t generation_ = 0;
  std::unique_ptr<State> state_;
  uint64_t arrival_count_ = 0;
  Queue done_;  // not reported yet
};

}  // namespace sluice
