#include "dataplane/session/session_hash.h"

#include "dataplane/base/check.h"

namespace sluice {
namespace {

__extension__ typedef unsigned __int128 Uint128;

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (OOPSLA 2014).
uint64_t SplitMix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t Fold(uint64_t a, uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

HashSecret HashSecret::FromBits(uint64_t low, uint64_t high) {
  HashSecret secret;
  secret.words[0] = low;
  secret.words[1] = high;
  uint64_t a = low;
  uint64_t b = high ^ 0x6a09e667f3bcc909;
  for (uint64_t& key : secret.round_keys) {
    key = SplitMix(a) ^ SplitMix(b);
  }
  for (uint64_t& key : secret.fold_keys) {
    key = (SplitMix(a) ^ SplitMix(b)) | 1;
  }
  return secret;
}

HashSecret HashSecret::FromSeed(uint64_t seed) {
  uint64_t state = seed;
  const uint64_t low = SplitMix(state);
  return FromBits(low, SplitMix(state));
}

void HashKeysFold(const HashSecret& secret, const SessionKey* keys, uint64_t* out,
                  size_t count) noexcept {
  const uint64_t* k = secret.fold_keys;
  for (size_t i = 0; i < count; ++i) {
    // Both folds take both words, so a factor that happens to be zero in one does not blind the
    // hash.
    const uint64_t first = Fold(keys[i].addresses ^ k[0], keys[i].rest ^ k[1]);
    const uint64_t second = Fold(keys[i].addresses ^ k[2], keys[i].rest + k[3]);
    out[i] = Fold(first ^ k[2], second ^ k[1]) ^ first ^ (second << 32 | second >> 32);
  }
}

bool CpuHasAes() {
  return __builtin_cpu_supports("aes") != 0;
}

SessionHasher::SessionHasher(const HashSecret& secret, HashKind kind) : secret_(secret) {
  SLUICE_CHECK(kind != HashKind::kAes || CpuHasAes());
  const bool aes = kind == HashKind::kAes || (kind == HashKind::kAuto && CpuHasAes());
  batch_ = aes ? &HashKeysAes : &HashKeysFold;
}

bool SessionHasher::uses_aes() const {
  return batch_ == &HashKeysAes;
}

}  // namespace sluice
