// What `sluice-bench update` says of what it measured: figures, claims that do not hold, and the
// table for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/figure.h"
#include "tools/bench/update/update_run.h"

namespace sluice {

struct CompileRow {
  std::string what;
  CompileCost cost;
};

struct UpdateResult {
  uint32_t sessions = 0;
  EffectResult effect;
  std::vector<StaleResult> stale;  // a change each
  uint32_t log_rounds = 0;
  FlowLogResult logs;
  std::vector<CompileRow> compile;
};

void AddUpdateFigures(const UpdateResult& result, Report& report);
std::vector<std::string> BrokenUpdateClaims(const UpdateResult& result);
void PrintUpdateTable(const Report& report, const UpdateResult& result);

}  // namespace sluice
