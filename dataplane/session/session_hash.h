// The keyed hash of session keys. Tenants choose the keys, so the hash must not let them choose the
// collisions: four AES rounds under a random 128-bit key (any differential through four rounds
// activates at least 25 S-boxes, so a pair of related keys collides with probability far below
// 2^-64; Daemen and Rijmen, "The Design of Rijndael", wide trail strategy). A CPU without AES
// instructions uses two keyed 64x64->128 multiply-folds (the construction of wyhash). A seeded CRC
// is linear and would not do.
//
// Made by the control thread; Hash is const and may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/session/session_key.h"

namespace sluice {

// 128 secret bits and what both hashes derive from them.
struct alignas(16) HashSecret {
  uint64_t words[2] = {};
  uint64_t round_keys[8] = {};  // four 128-bit round keys
  uint64_t fold_keys[4] = {};

  // From 128 random bits (the daemon).
  static HashSecret FromBits(uint64_t low, uint64_t high);
  // From `--seed` (replay and tests): deterministic, not secret.
  static HashSecret FromSeed(uint64_t seed);
};

enum class HashKind : uint8_t { kAuto, kAes, kFold };

class SessionHasher {
 public:
  // kAuto takes AES where the CPU has it. kAes on a CPU without AES aborts.
  explicit SessionHasher(const HashSecret& secret, HashKind kind = HashKind::kAuto);

  // out[i] = hash of keys[i]. All 64 bits are usable.
  void Hash(const SessionKey* keys, uint64_t* out, size_t count) const noexcept {
    batch_(secret_, keys, out, count);
  }
  uint64_t HashOne(const SessionKey& key) const noexcept {
    uint64_t out;
    batch_(secret_, &key, &out, 1);
    return out;
  }
  bool uses_aes() const;

 private:
  using BatchFn = void (*)(const HashSecret&, const SessionKey*, uint64_t*, size_t) noexcept;

  HashSecret secret_;
  BatchFn batch_;
};

// The two variants, for tests and benchmarks. HashKeysAes only when CpuHasAes().
bool CpuHasAes();
void HashKeysAes(const HashSecret& secret, const SessionKey* keys, uint64_t* out,
                 size_t count) noexcept;
void HashKeysFold(const HashSecret& secret, const SessionKey* keys, uint64_t* out,
                  size_t count) noexcept;

}  // namespace sluice
