#include "dataplane/stage/express_group.h"

#include <bit>

#include "dataplane/base/eight.h"
#include "dataplane/stage/express_commit.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/express_rewrite.h"

namespace sluice {
namespace {

// How many, from the first on, may take the short way.
uint32_t CountFit(const Packets& packets, const Lines& lines, __m256i generations, __m256i mtus,
                  uint32_t now_ms) {
  __m256i fit = _mm256_and_si256(Equal(lines.generation, generations), lines.unchanged);
  fit = _mm256_andnot_si256(HasBit<31>(lines.next_hop), fit);
  fit = _mm256_and_si256(
      fit, HitsOwnLines(packets.tcp, packets.reverse, lines.marks, lines.last_seen_ms, now_ms));
  fit = _mm256_and_si256(fit, WalksCarry(packets, lines, mtus));
  return static_cast<uint32_t>(std::countr_one(MaskOf(fit)));
}

}  // namespace

uint32_t TakeGroup(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const ExpressLanes& found, uint32_t from, uint32_t count,
                   const EightLines& at) noexcept {
  const Glance& glance = found.glance;
  const Lines lines = ReadLines(at);
  const Packets packets = ReadPackets(found, from, lines);
  const __m256i leads = LeadsOf(snapshot, lines.next_hop);
  const __m256i senders = Load(&glance.sender[from]);
  Links links;
  ReadLinks(snapshot, *worker.neighbors, leads, links);
  const uint32_t fit =
      std::min(CountFit(packets, lines, WantedGenerations(snapshot, senders, leads), links.mtus,
                        worker.now_ms),
               count);
  CommitLines(worker, at, found, from, fit, packets, lines);
  NatCounting counting;
  PrepareNatCounting(packets.translated, packets, lines.nat_gateway, counting);
  CountNat(worker, counting, fit);
  Rewritten rewritten;
  Rewrite(packets, lines, rewritten);
  const uint32_t first_lane = glance.lane[from];
  for (uint32_t i = 0; i < fit; ++i) {
    batch.out_frame[first_lane + i] =
        WriteOne(*links.row[i], links.first[i], rewritten, i, glance.ip[from + i]);
  }
  StoreFirst(fit, _mm256_add_epi32(packets.ip_bytes, links.bytes), &batch.out_bytes[first_lane]);
  StoreFirst(fit, leads, &batch.out[first_lane].value);
  StoreFirst(fit, senders, &batch.sender[first_lane].value);
  return fit;
}

}  // namespace sluice
