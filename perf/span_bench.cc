// What prefetches of random lines cost beside arithmetic, by how far apart the lines lie and by how
// many there are: where the first tells and the second does not, translation of addresses is waited
// for, not data. Nobody reads the lines.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "dataplane/base/cache_line.h"
#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr uint64_t kMb = uint64_t{1} << 20;
constexpr uint64_t kHugePageBytes = 2 * kMb;
constexpr uint32_t kGroup = 8;        // steps whose lines are asked for together
constexpr uint32_t kLinesAStep = 2;   // index and session of a packet
constexpr uint32_t kArithmetic = 25;  // rounds of about ten instructions

// Memory in transparent huge pages, where the kernel gives them; touched.
class Span {
 public:
  explicit Span(uint64_t bytes) : mapped_bytes_(bytes + kHugePageBytes) {
    mapped_ =
        mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SLUICE_CHECK(mapped_ != MAP_FAILED);
    void* aligned = mapped_;
    size_t space = mapped_bytes_;
    begin_ = static_cast<uint8_t*>(std::align(kHugePageBytes, bytes, aligned, space));
    (void)madvise(begin_, bytes, MADV_HUGEPAGE);
    std::memset(begin_, 1, bytes);
  }
  ~Span() { munmap(mapped_, mapped_bytes_); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  const uint8_t* begin() const { return begin_; }

 private:
  uint64_t mapped_bytes_;
  void* mapped_;
  uint8_t* begin_;
};

uint64_t Arithmetic(uint64_t seed) {
  uint64_t a = seed, b = seed + 1, c = seed + 2, d = seed + 3;
  for (uint32_t i = 0; i < kArithmetic; ++i) {
    a = a * 3 + 1;
    b ^= b >> 3;
    c += c << 2;
    d ^= a;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
  }
  return a ^ b ^ c ^ d;
}

class Random {
 public:
  uint64_t Next() {  // xorshift
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_ = 88172645463325252u;
};

void CountSteps(benchmark::State& state) {
  state.counters["step"] = benchmark::Counter(
      kGroup, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// The place of a line in its stretch, any but the same for the same line.
uint64_t PlaceOf(uint64_t line, uint64_t places) {
  return (line * 0x9E3779B97F4A7C15u >> 40) % places;
}

// Two random lines a step that share a page of 4 KB, as a session's line and its bucket could: the
// second asked for a group later, when its page has been translated for the first.
void BM_PrefetchTwoOfAPage(benchmark::State& state) {
  constexpr uint64_t kPageBytes = 4096;
  constexpr uint64_t kLinesAPage = kPageBytes / kCacheLineBytes;
  const auto span_bytes = static_cast<uint64_t>(state.range(0)) * kMb;
  const uint64_t pages = span_bytes / kPageBytes;
  const Span span(span_bytes);
  Random random;
  std::array<const uint8_t*, kGroup> second;
  second.fill(span.begin());
  uint64_t sum = 0;
  for (auto _ : state) {
    for (const uint8_t*& line : second) {
      PrefetchRead(line);
      const uint64_t drawn = random.Next();
      const uint8_t* page = span.begin() + ((drawn >> 32) * pages >> 32) * kPageBytes;
      PrefetchRead(page + drawn % kLinesAPage * kCacheLineBytes);
      line = page + drawn / kLinesAPage % kLinesAPage * kCacheLineBytes;
    }
    for (uint32_t i = 0; i < kGroup; ++i) {
      sum += Arithmetic(sum + i);
    }
  }
  benchmark::DoNotOptimize(sum);
  CountSteps(state);
}
BENCHMARK(BM_PrefetchTwoOfAPage)->Arg(16)->Arg(256)->Arg(2048)->ArgName("span_mb");

// One line in each stretch of the span, at a place of its own in it.
void BM_PrefetchBesideArithmetic(benchmark::State& state) {
  const auto span_bytes = static_cast<uint64_t>(state.range(0)) * kMb;
  const uint64_t lines = static_cast<uint64_t>(state.range(1)) * kMb / kCacheLineBytes;
  const uint64_t stretch_bytes = span_bytes / lines;
  const Span span(span_bytes);
  Random random;
  uint64_t sum = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < kGroup * kLinesAStep; ++i) {
      const uint64_t line = (random.Next() >> 32) * lines >> 32;
      const uint64_t place = PlaceOf(line, stretch_bytes / kCacheLineBytes);
      PrefetchRead(span.begin() + line * stretch_bytes + place * kCacheLineBytes);
    }
    for (uint32_t i = 0; i < kGroup; ++i) {
      sum += Arithmetic(sum + i);
    }
  }
  benchmark::DoNotOptimize(sum);
  CountSteps(state);
}
BENCHMARK(BM_PrefetchBesideArithmetic)
    ->Args({16, 16})
    ->Args({256, 16})
    ->Args({256, 256})
    ->Args({2048, 16})
    ->Args({2048, 256})
    ->Args({2048, 2048})
    ->ArgNames({"span_mb", "lines_mb"});

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
