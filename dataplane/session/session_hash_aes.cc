// The AES variant of the session hash: the one file compiled with -maes.
#include <wmmintrin.h>

#include "dataplane/session/session_hash.h"

namespace sluice {
namespace {

struct RoundKeys {
  __m128i whitening;
  __m128i k[4];
};

inline __m128i Rounds(__m128i x, const RoundKeys& keys) {
  x = _mm_xor_si128(x, keys.whitening);
  x = _mm_aesenc_si128(x, keys.k[0]);
  x = _mm_aesenc_si128(x, keys.k[1]);
  x = _mm_aesenc_si128(x, keys.k[2]);
  return _mm_aesenc_si128(x, keys.k[3]);
}

}  // namespace

void HashKeysAes(const HashSecret& secret, const SessionKey* keys, uint64_t* out,
                 size_t count) noexcept {
  RoundKeys round;
  round.whitening = _mm_loadu_si128(reinterpret_cast<const __m128i*>(secret.words));
  for (int i = 0; i < 4; ++i) {
    round.k[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(secret.round_keys + 2 * i));
  }
  size_t i = 0;
  // Four independent chains hide the latency of the rounds.
  for (; i + 4 <= count; i += 4) {
    __m128i x[4];
    for (int j = 0; j < 4; ++j) {
      x[j] = Rounds(_mm_loadu_si128(reinterpret_cast<const __m128i*>(keys + i + j)), round);
    }
    for (int j = 0; j < 4; ++j) {
      out[i + j] = static_cast<uint64_t>(_mm_cvtsi128_si64(x[j]));
    }
  }
  for (; i < count; ++i) {
    const __m128i x = Rounds(_mm_loadu_si128(reinterpret_cast<const __m128i*>(keys + i)), round);
    out[i] = static_cast<uint64_t>(_mm_cvtsi128_si64(x));
  }
}

}  // namespace sluice
