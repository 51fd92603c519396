// AVX-512 with gathers in direct maps, for CPUs on which a gather beats eight loads: calibration
// decides (simd.h).
#include <immintrin.h>

#include "dataplane/table/avx512_ranks.h"
#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Avx512Gather : Avx512Ranks<Avx512Gather> {
  static constexpr bool kGathers = true;
  using Node = DirectNode<uint16_t>;

  // Eight nodes. The register a gather writes is also its input, so it starts as zeroes, which the
  // compiler must not see through: with what was in it before, a gather waits for the one before.
  static __m512i Gather(const Node* nodes, __m512i place) noexcept {
    __m512i into = _mm512_setzero_si512();
    __mmask8 all = 0xff;
    asm("" : "+v"(into), "+Yk"(all));
    return _mm512_mask_i64gather_epi64(into, all, place, nodes, 8);
  }

  // kVectors times eight destinations, phase by phase: a branch on what was loaded stands behind
  // all loads of its phase, so a mispredicted one does not undo their overlap. In 64-bit lanes, so
  // that a node is one lane.
  template <size_t kVectors>
  static void NextHops(const Node* nodes, const uint16_t* entries, const uint32_t* destination,
                       uint32_t* out) noexcept {
    const __m512i one = _mm512_set1_epi64(1);
    __m256i key[kVectors];
    __m512i node[kVectors];
    for (size_t v = 0; v < kVectors; ++v) {
      key[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(destination + 8 * v));
      const __m512i place = _mm512_cvtepu32_epi64(_mm256_srli_epi32(key[v], 12));
      node[v] = Gather(nodes, place);
    }
    __m512i rank[kVectors];
    __m512i entry[kVectors];
    __mmask8 listed[kVectors];
    uint32_t any_listed = 0;
    for (size_t v = 0; v < kVectors; ++v) {  // DirectLanes::EntryOf
      const __m512i block = _mm512_cvtepu32_epi64(
          _mm256_and_si256(_mm256_srli_epi32(key[v], 8), _mm256_set1_epi32(15)));
      const __m512i up_to = _mm512_sub_epi64(_mm512_sllv_epi64(_mm512_set1_epi64(2), block), one);
      rank[v] = _mm512_popcnt_epi64(_mm512_and_si512(_mm512_or_si512(node[v], one), up_to));
      entry[v] = _mm512_srlv_epi64(node[v], _mm512_slli_epi64(rank[v], 4));
      listed[v] = _mm512_testn_epi64_mask(node[v], one);
      any_listed |= listed[v];
    }
    if (any_listed != 0) {
      for (size_t v = 0; v < kVectors; ++v) {
        const __m512i place =
            _mm512_add_epi64(_mm512_srli_epi64(node[v], 32), _mm512_sub_epi64(rank[v], one));
        entry[v] = _mm512_mask_i64gather_epi64(entry[v], listed[v], place, entries, 2);
      }
    }
    Finish<kVectors>(entries, key, entry, out);
  }

  // DirectLanes::NextHop.
  template <size_t kVectors>
  static void Finish(const uint16_t* entries, const __m256i* key, const __m512i* wide,
                     uint32_t* out) noexcept {
    const __m256i group = _mm256_set1_epi32(0x8000);
    const __m256i none = _mm256_set1_epi32(0x7fff);
    const __m256i low = _mm256_set1_epi32(0xffff);
    __m256i entry[kVectors];
    uint32_t any_group = 0;
    for (size_t v = 0; v < kVectors; ++v) {
      entry[v] = _mm256_and_si256(_mm512_cvtepi64_epi32(wide[v]), low);
      any_group |= _mm256_test_epi32_mask(entry[v], group);
    }
    if (any_group != 0) [[unlikely]] {
      for (size_t v = 0; v < kVectors; ++v) {
        const __mmask8 grouped = _mm256_test_epi32_mask(entry[v], group);
        const __m256i place =
            _mm256_add_epi32(_mm256_slli_epi32(_mm256_and_si256(entry[v], none), 8),
                             _mm256_and_si256(key[v], _mm256_set1_epi32(0xff)));
        entry[v] = _mm256_and_si256(
            _mm256_mmask_i32gather_epi32(entry[v], grouped, place, entries, 2), low);
      }
    }
    for (size_t v = 0; v < kVectors; ++v) {
      const __mmask8 no_route = _mm256_cmpeq_epi32_mask(entry[v], none);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8 * v),
                          _mm256_mask_set1_epi32(entry[v], no_route, -1));
    }
  }

  static void NarrowNextHops(const Node* nodes, const uint16_t* entries,
                             const uint32_t* destination, uint32_t* out, size_t n) noexcept {
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
      NextHops<4>(nodes, entries, destination + i, out + i);
    }
    for (; i < n; i += 8) {
      NextHops<1>(nodes, entries, destination + i, out + i);
    }
  }
};

}  // namespace

const TableKernels kGatherKernels = KernelLanes<Avx512Gather>::Table();

}  // namespace sluice
