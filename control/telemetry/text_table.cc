#include "control/telemetry/text_table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "dataplane/base/check.h"

namespace sluice {

TextTable::TextTable(const std::vector<std::string_view>& headings) {
  std::vector<std::string> cells;
  for (std::string_view heading : headings) {
    const bool right = heading.substr(0, 1) == ">";
    right_.push_back(right);
    cells.emplace_back(heading.substr(right ? 1 : 0));
  }
  rows_.push_back(std::move(cells));
}

void TextTable::AddRow(std::vector<std::string> cells) {
  SLUICE_CHECK(cells.size() == right_.size());
  for (std::string& cell : cells) {
    if (cell.empty()) {
      cell.assign(1, '-');
    }
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::ToString() const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t pad = widths[i] - row[i].size();
      line.append(i == 0 ? 0 : 2, ' ');
      line.append(right_[i] ? pad : 0, ' ').append(row[i]).append(right_[i] ? 0 : pad, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string FixedPoint(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

}  // namespace sluice
