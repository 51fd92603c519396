#include "tools/bench/contest_row.h"

#include <algorithm>

namespace sluice {

void Claim(size_t wrong, const std::string& who, ContestRow& row) {
  if (wrong != 0) {
    row.mistaken.push_back(who + ": " + std::to_string(wrong) + " answers differ");
  }
}

Figure ContestFigure(std::string name, const ContestResult& result, const ContestOptions& options) {
  Figure figure;
  figure.name = std::move(name);
  figure.unit = "lookup";
  figure.ns = result.ns;
  figure.rounds = options.rounds;
  figure.round_items = options.round_items;
  figure.counters = {{"ratio", result.ratio.median},
                     {"ratio_low", result.ratio.low},
                     {"ratio_high", result.ratio.high}};
  return figure;
}

std::string NamePart(const std::string& name) {
  std::string part = name;
  std::transform(part.begin(), part.end(), part.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == ' ' || c == '-' ? '_' : c;
  });
  return part;
}

double CounterOf(const Figure& figure, const std::string& name) {
  const auto found = std::find_if(figure.counters.begin(), figure.counters.end(),
                                  [&](const auto& counter) { return counter.first == name; });
  return found == figure.counters.end() ? 0 : found->second;
}

}  // namespace sluice
