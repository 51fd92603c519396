// Columns for people: aligned by the widest cell, two spaces apart, numbers to the right. Any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class TextTable {
 public:
  // A heading that starts with '>' is a column of numbers, aligned to the right.
  explicit TextTable(const std::vector<std::string_view>& headings);

  // As many cells as headings; an empty cell prints as "-".
  void AddRow(std::vector<std::string> cells);
  std::string ToString() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// A number with `decimals` digits after the point.
std::string FixedPoint(double value, int decimals);

}  // namespace sluice
