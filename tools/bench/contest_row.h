// One row of a contest: ours and the rivals that ran, and who did not and why. Main thread.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/contest.h"
#include "tools/bench/figure.h"

namespace sluice {

struct ContestRow {
  std::vector<Figure> figures;        // ours, then the rivals that ran
  std::vector<std::string> absent;    // "rte_lpm: why"
  std::vector<std::string> notes;     // "OVS-DPDK: what stands behind its figure"
  std::vector<std::string> mistaken;  // broken claims
  std::string memory_mode;            // with all tables of the row alive
};

// Notes a broken claim when there are wrong answers.
void Claim(size_t wrong, const std::string& who, ContestRow& row);

// Of one contestant, with the counters ratio, ratio_low and ratio_high.
Figure ContestFigure(std::string name, const ContestResult& result, const ContestOptions& options);

// "rte_fib AVX-512" -> "rte_fib_avx_512", for names of figures.
std::string NamePart(const std::string& name);

// 0 when the figure has no such counter.
double CounterOf(const Figure& figure, const std::string& name);

}  // namespace sluice
