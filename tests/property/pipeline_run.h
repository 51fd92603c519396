// One run of frames through the real pipeline, and what it told of each. Invariants are checked on
// the way. One thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/intent/validated_intent.h"
#include "dataplane/packet/verdict.h"
#include "tests/property/frame_maker.h"
#include "tests/support/invariants.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {

struct PipelineOptions {
  uint32_t batch_capacity = 1;
  bool session_cache = true;
  bool flow_log = false;  // what flow logs say is checked too
};

struct SentFrame {
  std::string port;
  Frame bytes;
  friend bool operator==(const SentFrame&, const SentFrame&) = default;
};

// What became of one frame, in the words of the configuration.
struct Told {
  bool ended = false;
  Verdict verdict = Verdict::kDrop;
  DropReason reason = DropReason::kUndecided;
  std::string sender;  // the sending interface; empty when unknown or not an interface
  std::string rule;    // of an ACL that dropped it: "acl-1 egress 100"
  std::vector<SentFrame> sent;
  friend bool operator==(const Told&, const Told&) = default;
};

// "drop sg_ingress from eni-1"
std::string ToString(const Told& told);

// What a session remembers of one direction (session_line.h), without what it counts.
struct Direction {
  uint64_t key_addresses = 0;
  uint64_t key_rest = 0;
  uint8_t state = 0;
  uint32_t last_seen_ms = 0;
  uint32_t next_seq = 0;
  uint32_t fin_seq = 0;
  friend auto operator<=>(const Direction&, const Direction&) = default;
};

struct PipelineRun {
  std::vector<Told> told;  // by step; not `ended` for steps that are no frames
  std::string broken_invariant;
  bool session_cache = true;
  uint64_t live_sessions = 0;         // at the end
  std::vector<Direction> directions;  // of those live sessions, in the order of their keys
};

// The first direction of which only one run knows, or of which they know different things; empty:
// none.
std::string CompareDirections(const PipelineRun& one, const PipelineRun& another);

class PipelineUnderTest {
 public:
  PipelineUnderTest(uint64_t seed, const std::shared_ptr<const ValidatedIntent>& intent,
                    const PipelineOptions& options);

  void Apply(int64_t time_ns, const std::shared_ptr<const ValidatedIntent>& intent);
  // A frame of step `number`; frames of one instant are received together.
  void Receive(int64_t time_ns, size_t number, const std::string& port, const Frame& frame);
  // Receives what waits for more frames of its instant.
  void Flush();
  // What is known so far of a step that was flushed.
  const Told& told(size_t number) { return ToldOf(number); }
  PipelineRun Finish();

 private:
  Told& ToldOf(size_t number);
  void Tell(const OfflineResult& result);
  PortIdx PortOf(const std::string& name) const;

  class RejectCount : public OfflineFlowRecords {
   public:
    void OnRecord(const FlowRecord& record) override {
      packets_ += record.action == FlowAction::kReject ? record.packets : 0;
    }
    void OnMinuteEnded(int64_t) override {}
    uint64_t packets() const { return packets_; }

   private:
    uint64_t packets_ = 0;
  };

  RejectCount rejects_;  // of flow logs
  bool flow_log_ = false;
  std::unique_ptr<OfflineDataplane> dataplane_;
  InvariantChecker checker_;
  int64_t time_ns_ = 0;
  std::vector<OfflineInput> waiting_;
  PipelineRun run_;
};

}  // namespace sluice::testing
