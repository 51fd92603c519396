#include "perf/rivals/inline_table.h"

#include <algorithm>

#include "dataplane/base/cache_line.h"

namespace sluice {

std::unique_ptr<InlineTable> InlineTable::Make(std::span<const SessionKey> keys,
                                               uint32_t percent_full, MemorySource& memory) {
  std::unique_ptr<InlineTable> table(new InlineTable);
  table->lines_ =
      AlignedArray<Line>::Make(memory, "inline_table", keys.size() * 100 / percent_full + 1);
  if (!table->lines_.ok()) {
    return nullptr;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    size_t place = table->HomeOf(table->hasher_.HashOne(keys[i]));
    while (!(table->lines_[place].key == SessionKey{})) {
      place = table->After(place);
    }
    table->lines_[place].key = keys[i];
    table->lines_[place].number = i;
  }
  return table;
}

uint64_t InlineTable::Run(const SessionKey* keys, size_t n, size_t burst) noexcept {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i += burst) {
    const size_t count = std::min(burst, n - i);
    uint64_t hashes[kMaxBurst];
    size_t place[kMaxBurst];
    hasher_.Hash(keys + i, hashes, count);
    for (size_t k = 0; k < count; ++k) {
      place[k] = HomeOf(hashes[k]);
      PrefetchWrite(&lines_[place[k]]);
    }
    for (size_t k = 0; k < count; ++k) {
      Line* line = &lines_[place[k]];
      while (!(line->key == keys[i + k]) && !(line->key == SessionKey{})) {
        place[k] = After(place[k]);
        line = &lines_[place[k]];
      }
      if (line->key == keys[i + k]) {
        ++line->word[4];
        sum += line->number;
      }
    }
  }
  return sum;
}

}  // namespace sluice
