#include "dataplane/pipeline/burst_count.h"

#include <algorithm>
#include <bit>

#include "dataplane/base/eight.h"

namespace sluice {

void CountReleasedDrop(WorkerContext& worker, PortIdx port, DropReason reason) noexcept {
  worker.counters->ports[port.index()].released.Add(1);
  worker.counters->ports[port.index()].dropped[static_cast<size_t>(reason)].Add(1);
}

namespace {

void CountLane(PortCounters& port, const Batch& batch, uint32_t lane) noexcept {
  if (batch.reentered[lane] != 0) {
    port.released.Add(1);
  } else {
    port.received.Add(1);
    port.received_bytes.Add(batch.frame_bytes[lane]);
  }
  const auto reason = static_cast<size_t>(batch.reason[lane]);
  switch (batch.verdict[lane]) {
    case Verdict::kForward:
      port.forwarded.Add(1);
      break;
    case Verdict::kConsume:
      port.consumed[reason].Add(1);
      break;
    case Verdict::kDrop:
      port.dropped[reason].Add(1);
      break;
    case Verdict::kHold:
      port.held.Add(1);
      break;
  }
}

constexpr uint32_t kRun = 32;  // lanes counted at a time
static_assert(kMaxBatch % kRun == 0, "columns are read in whole runs");

// Bit i: lane first + i was received in this burst and is forwarded, as nearly all are.
uint32_t PlainLanes(const Batch& batch, uint32_t first) noexcept {
  const auto load = [first](const auto& column) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(column.data() + first));
  };
  static_assert(sizeof(Verdict) == 1);
  const __m256i forward = _mm256_set1_epi8(static_cast<char>(Verdict::kForward));
  const __m256i odd =
      _mm256_or_si256(_mm256_xor_si256(load(batch.verdict), forward), load(batch.reentered));
  return static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(odd, _mm256_setzero_si256())));
}

// Bit i: lane first + i came from `port`.
uint32_t LanesOf(const Batch& batch, uint32_t first, PortIdx port) noexcept {
  const auto* ports = reinterpret_cast<const __m256i*>(batch.rx_port.data() + first);
  const __m256i wanted = _mm256_set1_epi16(static_cast<int16_t>(port.value));
  const __m256i equal =
      _mm256_packs_epi16(_mm256_cmpeq_epi16(_mm256_loadu_si256(ports), wanted),
                         _mm256_cmpeq_epi16(_mm256_loadu_si256(ports + 1), wanted));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_permute4x64_epi64(equal, 0b11011000)));
}

// Of the lanes of the mask; sums of a run fit 32 bits.
uint32_t BytesOf(const Batch& batch, uint32_t first, uint32_t lanes) noexcept {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i sum = _mm256_setzero_si256();
  for (uint32_t at = 0; at < kRun; at += kEight) {
    const __m256i chosen = Equal(_mm256_and_si256(All(lanes >> at), bits), bits);
    sum = _mm256_add_epi32(sum,
                           _mm256_and_si256(chosen, Load(batch.frame_bytes.data() + first + at)));
  }
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
  return static_cast<uint32_t>(_mm_extract_epi32(half, 0)) +
         static_cast<uint32_t>(_mm_extract_epi32(half, 1));
}

// Plain lanes, port by port: a burst has one or two. Returns those of further ports.
uint32_t CountPlain(PortCounters* ports, const Batch& batch, uint32_t first,
                    uint32_t lanes) noexcept {
  constexpr int kMostPorts = 4;
  for (int i = 0; i < kMostPorts && lanes != 0; ++i) {
    const PortIdx idx = batch.rx_port[first + static_cast<uint32_t>(std::countr_zero(lanes))];
    const uint32_t same = LanesOf(batch, first, idx) & lanes;
    const auto count = static_cast<uint32_t>(std::popcount(same));
    PortCounters& port = ports[idx.index()];
    port.received.Add(count);
    port.received_bytes.Add(BytesOf(batch, first, same));
    port.forwarded.Add(count);
    lanes &= ~same;
  }
  return lanes;
}

}  // namespace

void CountBurst(WorkerContext& worker, const Batch& batch) noexcept {
  PortCounters* ports = worker.counters->ports.data();
  for (uint32_t first = 0; first < batch.count; first += kRun) {
    const uint32_t count = std::min(kRun, batch.count - first);
    const uint32_t all = ~0u >> (kRun - count);
    const uint32_t plain = PlainLanes(batch, first) & all;
    uint32_t others = (all & ~plain) | CountPlain(ports, batch, first, plain);
    for (; others != 0; others &= others - 1) {
      const uint32_t lane = first + static_cast<uint32_t>(std::countr_zero(others));
      CountLane(ports[batch.rx_port[lane].index()], batch, lane);
    }
  }
}

}  // namespace sluice
