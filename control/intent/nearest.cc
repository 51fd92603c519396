// Levenshtein distance by rows (Wagner and Fischer, "The String-to-String Correction Problem",
// 1974); names that are too different in length are not compared at all.
#include "control/intent/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sluice {
namespace {

constexpr size_t kMaxLength = 64;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

void NearestName::Offer(std::string_view known) {
  const size_t longer = std::max(known.size(), wanted_.size());
  const size_t shorter = std::min(known.size(), wanted_.size());
  if (longer > kMaxLength || longer - shorter >= best_distance_ || offers_left_ == 0) {
    return;
  }
  --offers_left_;
  const size_t distance = Distance(wanted_, known);
  if (distance < best_distance_ && (shorter > 4 || distance <= 1)) {
    best_distance_ = distance;
    best_ = known;
  }
}

void NearestName::OfferWords(std::string_view space_separated) {
  while (!space_separated.empty()) {
    const size_t end = std::min(space_separated.find(' '), space_separated.size());
    Offer(space_separated.substr(0, end));
    space_separated.remove_prefix(std::min(end + 1, space_separated.size()));
  }
}

std::string NearestName::Advice(std::string otherwise) const {
  if (best_.empty()) {
    return otherwise;
  }
  std::string advice(": did you mean ");
  advice += best_;
  advice += '?';
  return advice;
}

}  // namespace sluice
