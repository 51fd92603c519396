#include "tests/property/pipeline_run.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice::testing {

std::string ToString(const Told& told) {
  std::string text = std::string(VerdictName(told.verdict)) + " " +
                     std::string(DropReasonName(told.reason)) + " from " + told.sender;
  return told.rule.empty() ? text : text + " by " + told.rule;
}

namespace {

// When what has expired is taken out depends on the sweep: live sessions only.
std::vector<Direction> DirectionsOf(OfflineDataplane& dataplane) {
  const SessionTable& sessions = dataplane.sessions();
  std::vector<Direction> directions;
  for (uint32_t i = 0; i < 2 * sessions.pair_count(); ++i) {
    if (dataplane.IsLiveSession(PairOf(LineIdx(i)))) {
      const SessionLine& line = sessions.Line(LineIdx(i));
      directions.push_back({line.key_addresses.load(), line.key_rest.load(), line.state.load(),
                            line.last_seen_ms.load(), line.next_seq.load(), line.fin_seq.load()});
    }
  }
  std::sort(directions.begin(), directions.end());
  return directions;
}

std::string ToString(const Direction& d) {
  char text[160];
  std::snprintf(text, sizeof text, "key %016llx %016llx state %02x last seen %u next %u fin %u",
                static_cast<unsigned long long>(d.key_addresses),
                static_cast<unsigned long long>(d.key_rest), d.state, d.last_seen_ms, d.next_seq,
                d.fin_seq);
  return text;
}

}  // namespace

std::string CompareDirections(const PipelineRun& one, const PipelineRun& another) {
  const auto [a, b] = std::mismatch(one.directions.begin(), one.directions.end(),
                                    another.directions.begin(), another.directions.end());
  const auto said = [](const PipelineRun& run, auto at) {
    return at == run.directions.end() ? std::string("no more") : ToString(*at);
  };
  return a == one.directions.end() && b == another.directions.end()
             ? ""
             : "\n  one table: " + said(one, a) + "\n  another: " + said(another, b);
}

PipelineUnderTest::PipelineUnderTest(uint64_t seed,
                                     const std::shared_ptr<const ValidatedIntent>& intent,
                                     const PipelineOptions& options) {
  OfflineOptions offline;
  offline.seed = seed;
  offline.batch_capacity = options.batch_capacity;
  offline.session_cache = options.session_cache;
  offline.flow_records = options.flow_log ? &rejects_ : nullptr;
  flow_log_ = options.flow_log;
  run_.session_cache = options.session_cache;
  dataplane_ = OfflineDataplane::Make(intent, offline).value();
  checker_.Configure(*dataplane_);
}

Told& PipelineUnderTest::ToldOf(size_t number) {
  if (run_.told.size() <= number) {
    run_.told.resize(number + 1);
  }
  return run_.told[number];
}

PortIdx PipelineUnderTest::PortOf(const std::string& name) const {
  const std::vector<std::string>& names = dataplane_->config().port_names;
  const auto it = std::find(names.begin(), names.end(), name);
  return PortIdx(static_cast<uint16_t>(it - names.begin()));
}

void PipelineUnderTest::Tell(const OfflineResult& result) {
  const CompiledConfig& config = dataplane_->config();
  Told& told = ToldOf(result.number);
  told.ended = true;
  told.verdict = result.verdict;
  told.reason = result.reason;
  if (result.sender.has_value()) {
    const std::string& name = config.interface_names[result.sender.index()];
    told.sender = name == "internet" || name.rfind("services", 0) == 0 ? "" : name;
  }
  if (result.rule_subnet.has_value() && result.rule != 0) {
    told.rule = config.nacl_ids[result.rule_subnet.index()] +
                (result.reason == DropReason::kNaclEgress ? " egress " : " ingress ") +
                std::to_string(result.rule);
  }
  for (const OfflineOutput& output : result.outputs) {
    told.sent.push_back({config.port_names[output.port.index()], output.bytes});
  }
  checker_.Check(result, run_.broken_invariant);
}

void PipelineUnderTest::Flush() {
  if (!waiting_.empty()) {
    dataplane_->Receive(time_ns_, std::exchange(waiting_, {}),
                        [this](const OfflineResult& result) { Tell(result); });
  }
}

void PipelineUnderTest::Apply(int64_t time_ns,
                              const std::shared_ptr<const ValidatedIntent>& intent) {
  Flush();
  dataplane_->AdvanceTo(time_ns, [this](const OfflineResult& result) { Tell(result); });
  checker_.CheckSessions(*dataplane_, run_.broken_invariant);
  (void)dataplane_->Apply(intent);
  checker_.Configure(*dataplane_);
}

void PipelineUnderTest::Receive(int64_t time_ns, size_t number, const std::string& port,
                                const Frame& frame) {
  if (time_ns != time_ns_) {
    Flush();
    time_ns_ = time_ns;
  }
  waiting_.push_back({number, PortOf(port), frame});
  checker_.Receive(waiting_.back());
}

PipelineRun PipelineUnderTest::Finish() {
  Flush();
  dataplane_->Drain([this](const OfflineResult& result) { Tell(result); });
  checker_.CheckTotals(*dataplane_, run_.broken_invariant);
  run_.live_sessions = dataplane_->LiveSessions();
  run_.directions = DirectionsOf(*dataplane_);
  if (flow_log_) {
    dataplane_->ReportFlows();
    const uint64_t least = checker_.rejects();
    const uint64_t most = least + checker_.perhaps_unheard_rejects();
    const uint64_t logged = rejects_.packets();
    if ((logged < least || logged > most) && run_.broken_invariant.empty()) {
      run_.broken_invariant = "P7: flow logs reject " + std::to_string(logged) + " packets, not " +
                              std::to_string(least) + ".." + std::to_string(most) + "; ";
    }
  }
  return std::move(run_);
}

}  // namespace sluice::testing
