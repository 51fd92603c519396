#include "tools/sluice/replay/replay_summary.h"

#include <nlohmann/json.hpp>
#include <numeric>

#include "control/telemetry/text_table.h"

namespace sluice {
namespace {

using Reasons = std::array<uint64_t, kDropReasonCount>;

uint64_t Total(const Reasons& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

nlohmann::ordered_json ByReason(const Reasons& counts) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (size_t i = 0; i < counts.size(); ++i) {
    object[std::string(DropReasonName(static_cast<DropReason>(i)))] = counts[i];
  }
  return object;
}

void AddRows(TextTable& table, const std::string& fate, const Reasons& counts) {
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) {
      table.AddRow({fate, std::string(DropReasonName(static_cast<DropReason>(i))),
                    std::to_string(counts[i])});
    }
  }
}

}  // namespace

void ReplaySummary::Count(Verdict verdict, DropReason reason) {
  ++received;
  if (verdict == Verdict::kForward) {
    ++forwarded;
    return;
  }
  ++(verdict == Verdict::kConsume ? consumed : dropped)[static_cast<size_t>(reason)];
}

uint64_t ReplaySummary::ConsumedTotal() const {
  return Total(consumed);
}
uint64_t ReplaySummary::DroppedTotal() const {
  return Total(dropped);
}

std::string ReplaySummary::Json() const {
  const nlohmann::ordered_json json = {{"received", received},
                                       {"forwarded", forwarded},
                                       {"consumed", ConsumedTotal()},
                                       {"dropped", ByReason(dropped)},
                                       {"consumed_by", ByReason(consumed)},
                                       {"sessions", sessions}};
  return json.dump(2) + "\n";
}

std::string ReplaySummary::Text() const {
  TextTable table({"FATE", "REASON", ">PACKETS"});
  if (forwarded != 0) {
    table.AddRow({"forward", "", std::to_string(forwarded)});
  }
  AddRows(table, "consume", consumed);
  AddRows(table, "drop", dropped);
  table.AddRow({"received", "", std::to_string(received)});
  return table.ToString() + "\nsessions " + std::to_string(sessions) + ", generation " +
         std::to_string(generation) + "\n";
}

}  // namespace sluice
