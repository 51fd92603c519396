#include "perf/rivals/hash_rival.h"

#include <rte_config.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "dataplane/base/cache_line.h"

namespace sluice {

size_t HashRival::HeapBytes(size_t keys) {
  // Buckets of 128 bytes for eight keys, keys of 32, a ring of free slots; all at twice the number,
  // rounded up to a power of two.
  return (size_t{32} << 20) + keys * 4 * 96;
}

absl::StatusOr<std::unique_ptr<HashRival>> HashRival::Make(std::span<const SessionKey> keys,
                                                           MemorySource& memory) {
  auto heap = RivalHeap::Make(memory, HeapBytes(keys.size()));
  if (!heap.ok()) {
    return heap.status();
  }
  std::unique_ptr<HashRival> rival(new HashRival(*std::move(heap)));
  rte_hash_parameters parameters = {};
  parameters.name = rival->heap_->name().c_str();
  parameters.entries = static_cast<uint32_t>(std::max<size_t>(keys.size() * 2, 64));
  parameters.key_len = sizeof(SessionKey);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = rival->heap_->socket();
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  rival->hash_ = rte_hash_create(&parameters);
  rival->lines_ = AlignedArray<RivalLine>::Make(memory, "rival_lines", keys.size());
  if (rival->hash_ == nullptr || !rival->lines_.ok()) {
    return absl::ResourceExhaustedError(std::string("rte_hash does not get its memory: ") +
                                        rte_strerror(rte_errno));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const int refused =
        rte_hash_add_key_data(rival->hash_, &keys[i], reinterpret_cast<void*>(uintptr_t{i}));
    if (refused != 0) {
      return absl::ResourceExhaustedError(std::string("rte_hash does not take key ") +
                                          std::to_string(i) + ": " + rte_strerror(-refused));
    }
  }
  return rival;
}

HashRival::~HashRival() {
  rte_hash_free(hash_);
}

uint64_t HashRival::Run(const SessionKey* keys, size_t n, size_t burst) noexcept {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i += burst) {
    const auto count = static_cast<uint32_t>(std::min(burst, n - i));
    const void* pointers[kMaxBurst];
    void* found[kMaxBurst];
    for (uint32_t k = 0; k < count; ++k) {
      pointers[k] = keys + i + k;
    }
    uint64_t hits = 0;
    rte_hash_lookup_bulk_data(hash_, pointers, count, &hits, found);
    for (uint32_t k = 0; k < count; ++k) {
      PrefetchWrite(&lines_[(hits >> k & 1) != 0 ? reinterpret_cast<uintptr_t>(found[k]) : 0]);
    }
    for (uint32_t k = 0; k < count; ++k) {
      if ((hits >> k & 1) != 0) {
        const auto line = reinterpret_cast<uintptr_t>(found[k]);
        ++lines_[line].word[7];
        sum += line;
      }
    }
  }
  return sum;
}

}  // namespace sluice
