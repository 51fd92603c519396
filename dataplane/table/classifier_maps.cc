#include "dataplane/table/classifier_maps.h"

#include <algorithm>

#include "dataplane/base/check.h"
#include "dataplane/table/content_hash.h"

namespace sluice {
namespace {

// Seeds of the hashes, so that what is written for one purpose is not taken for another.
constexpr uint64_t kMapSeed = 0;
constexpr uint64_t kChainSeed = 1;
constexpr uint64_t kRecordSeed = 2;

void WriteChain(const PortRanges& own, RangeRef rest, RangeRef map, RangeLine& line) {
  uint32_t* word = line.word;
  std::fill_n(word, kChainAnswerWord, 0xffffffffu ^ kRangeBias);
  std::fill_n(word + kChainAnswerWord, kChainIntervals, kNoRef);
  word[kChainMapWord] = map;
  word[kChainRestWord] = rest;
  size_t count = 0;
  uint32_t low = 0;
  for (const KeyRange& range : own) {
    if (range.payload != kNoMatch) {
      SLUICE_CHECK(count < kChainIntervals - (map != kNoRef ? 1 : 0));
      word[2 * count] = low ^ kRangeBias;
      word[2 * count + 1] = (range.end + 1) ^ kRangeBias;
      word[kChainAnswerWord + count++] = range.payload;
    }
    low = range.end + 1;
  }
}

}  // namespace

size_t CountIntervals(const PortRanges& ranges) {
  size_t count = 0;
  for (const KeyRange& range : ranges) {
    count += range.payload != kNoMatch ? 1 : 0;
  }
  return count;
}

void MapWriter::Clear() {
  full_ = false;
  pool_.clear();
  records_.clear();
  written_.clear();
  WriteChain({}, kNoRef, kNoRef, pool_.emplace_back());
}

bool MapWriter::TakeRoom(size_t more) {
  full_ = full_ || bytes() + more > max_bytes_ ||
          pool_.size() + more / sizeof(RangeLine) > kRangeMaxPoolLines;
  return !full_;
}

RangeRef MapWriter::Map(const PortRanges& ranges) {
  const size_t lines = RangeLinesFor(ranges.size());
  if (!TakeRoom(lines * sizeof(RangeLine))) {
    return kNoRef;
  }
  const RangeRef fresh = AppendRanges(ranges, pool_);
  return Share(fresh, lines, HashWords(&ranges.front().end, 2 * ranges.size(), kMapSeed));
}

RangeRef MapWriter::Chain(const PortRanges& own, RangeRef rest, RangeRef map) {
  if (!TakeRoom(sizeof(RangeLine))) {
    return kNoRef;
  }
  const size_t first = pool_.size();
  RangeLine& line = pool_.emplace_back();
  WriteChain(own, rest, map, line);
  uint64_t hash = kChainSeed;
  for (size_t i = 0; i < 16; i += 2) {
    hash = HashStep(hash, uint64_t{line.word[i]} << 32 | line.word[i + 1]);
  }
  return Share(MakeRangeRef(static_cast<uint32_t>(first), kRangeKindUser), 1, hash);
}

uint32_t MapWriter::Record(const NodeRecord& record) {
  const auto fresh = static_cast<uint32_t>(records_.size());
  const uint64_t interval = uint64_t{record.low} << 32 | record.span;
  const uint64_t hash =
      HashStep(HashStep(kRecordSeed, interval), uint64_t{record.answer} << 32 | record.rest);
  const auto [it, added] = written_.try_emplace(hash, fresh);
  if (!added && it->second < fresh) {
    const NodeRecord& known = records_[it->second];
    if (known.low == record.low && known.span == record.span && known.answer == record.answer &&
        known.rest == record.rest) {
      return it->second;
    }
  }
  if (!TakeRoom(sizeof(NodeRecord))) {
    return kNoRef;
  }
  records_.push_back(record);
  return fresh;
}

// `fresh` is what was written last; gives back the equal one written before, if there is one.
RangeRef MapWriter::Share(RangeRef fresh, size_t lines, uint64_t hash) {
  const auto [it, added] = written_.try_emplace(hash, fresh);
  if (added) {
    return fresh;
  }
  const size_t known = it->second >> kRangeKindBits;
  const size_t first = fresh >> kRangeKindBits;
  const bool same =
      (it->second & kRangeKindMask) == (fresh & kRangeKindMask) && known + lines <= first &&
      std::equal(pool_[known].word, pool_[known].word + 16 * lines, pool_[first].word);
  if (same) {
    pool_.resize(first);
  }
  return same ? it->second : fresh;
}

}  // namespace sluice
