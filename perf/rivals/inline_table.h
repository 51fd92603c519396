// A prototype for benches: session lines with their keys are the hash table, so a lookup is one
// line where the session table reads a bucket and a line. No removal, no concurrency, no pairs:
// what it leaves out is told in docs/decisions/0005-session-table.md. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/aligned_array.h"
#include "dataplane/session/session_hash.h"
#include "dataplane/session/session_key.h"

namespace sluice {

class InlineTable {
 public:
  // Key number i is in it with the number i; linear probing at `percent_full`. nullptr when memory
  // is short.
  static std::unique_ptr<InlineTable> Make(std::span<const SessionKey> keys, uint32_t percent_full,
                                           MemorySource& memory);

  // As HashRival::Run, bursts of up to kMaxBurst.
  static constexpr size_t kMaxBurst = 64;
  uint64_t Run(const SessionKey* keys, size_t n, size_t burst) noexcept;

  size_t bytes() const { return lines_.bytes(); }

 private:
  struct alignas(kCacheLineBytes) Line {
    SessionKey key;    // all zero: free
    uint64_t number;   // of the key
    uint64_t word[5];  // the rest of a session line
  };

  InlineTable() : hasher_(HashSecret::FromSeed(1)) {}
  size_t HomeOf(uint64_t hash) const {
    return static_cast<size_t>((hash >> 32) * lines_.size() >> 32);
  }
  size_t After(size_t place) const { return place + 1 < lines_.size() ? place + 1 : 0; }

  SessionHasher hasher_;
  AlignedArray<Line> lines_;
};

}  // namespace sluice
