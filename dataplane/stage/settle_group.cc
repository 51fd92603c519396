#include "dataplane/stage/settle_group.h"

#include <algorithm>
#include <bit>

#include "dataplane/stage/express_commit.h"
#include "dataplane/stage/express_rewrite.h"
#include "dataplane/stage/settle_lines.h"

namespace sluice {
namespace {

// Eight found lanes, of which some may settle.
struct Group {
  uint32_t from;   // place of the first
  LaneBits open;   // bit i: the i-th stands behind nothing but neighbours
  LaneBits known;  // bit i: the i-th has a line
  EightLines at;
};

Group FindGroup(SessionTable& sessions, const ExpressLanes& found, uint32_t i) {
  Group group;
  group.from = i & ~(kEight - 1);
  const uint32_t before = i - group.from;
  const uint32_t count = std::min(found.count - group.from, kEight);
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i lanes = _mm256_add_epi32(All(found.glance.lane[i] - before), places);
  group.open =
      MaskOf(Equal(Load(&found.glance.lane[group.from]), lanes)) & AllOf(count) & ~AllOf(before);
  group.known = LineAddresses(sessions, &found.line[group.from], count, group.at);
  return group;
}

// Whether no two of `which` are of one session.
bool AreOfDifferentPairs(const LineIdx* lines, LaneBits which) {
  const __m256i nobodys = _mm256_setr_epi32(-1, -2, -3, -4, -5, -6, -7, -8);
  return AreDistinct(Select(Places(which, 0), _mm256_srli_epi32(Load(&lines->value), 1), nobodys));
}

LaneBits LiveOnes(const SessionTable& sessions, const LineIdx* lines, LaneBits which) {
  LaneBits live = 0;
  ForBits(which, [&](uint32_t i) { live |= sessions.IsLive(PairOf(lines[i])) ? BitOf(i) : 0; });
  return live;
}

// What the eight, their lines and links say.
struct Seen {
  Lines lines;
  Packets packets;
  Segments segments;
  Others others;
  __m256i leads;
  __m256i senders;
  Links links;
};

// Which of `moving` are as settling packets are.
LaneBits WhichFit(const Snapshot& snapshot, const WorkerContext& worker, const ExpressLanes& found,
                  const Group& group, LaneBits moving, const Seen& seen) {
  const Lines& lines = seen.lines;
  __m256i fit = And(Equal(lines.generation, WantedGenerations(snapshot, seen.senders, seen.leads)),
                    lines.unchanged);
  fit = Without(fit, HasBit<31>(lines.next_hop));
  fit = And(fit, WalksCarry(seen.packets, lines, seen.links.mtus));
  fit = And(fit, AreAlive(lines, seen.others, worker.now_ms));
  fit = And(fit, MayCountHere(lines, found.window));
  fit = And(fit, AreOrdinary(seen.segments, seen.packets, lines, seen.others,
                             found.walked >> group.from));
  return moving & MaskOf(fit);
}

// Moves the state of the lines of `take`, and counts them there and at their gateways.
void Commit(WorkerContext& worker, ExpressLanes& found, const Group& group, LaneBits take,
            const Seen& seen) {
  Settled settled;
  Settle(seen.packets, seen.segments, seen.lines, seen.others, worker.now_ms, found.window,
         settled);
  ForBits(take, [&](uint32_t k) { StoreSettled(*group.at[k], settled, k); });
  found.ended |= (settled.closes & take) << group.from;
  alignas(32) uint32_t gateway[kEight];
  Store(gateway, seen.others.nat_gateway);
  const LaneBits translated = take & MaskOf(seen.packets.translated);
  ForBits(settled.answers_syn & translated,
          [&](uint32_t k) { worker.counters->Of(NatGatewayIdx(gateway[k])).established.Add(1); });
  NatCounting counting;
  PrepareNatCounting(Places(translated, 0), seen.packets, seen.others.nat_gateway, counting);
  CountNat(worker, counting, kEight);
  const LaneBits walked = take & (found.walked >> group.from | MaskOf(seen.segments.syn));
  const auto walks = static_cast<uint32_t>(std::popcount(walked));
  worker.counters->session_walks.Add(walks);
  worker.counters->session_hits.Add(static_cast<uint32_t>(std::popcount(take)) - walks);
}

void Depart(Batch& batch, const Glance& glance, const Group& group, LaneBits take,
            const Seen& seen) {
  Rewritten rewritten;
  Rewrite(seen.packets, seen.lines, rewritten);
  alignas(32) uint32_t out[kEight];
  alignas(32) uint32_t out_bytes[kEight];
  Store(out, seen.leads);
  Store(out_bytes, _mm256_add_epi32(seen.packets.ip_bytes, seen.links.bytes));
  ForBits(take, [&](uint32_t k) {
    const uint32_t lane = glance.lane[group.from + k];
    batch.verdict[lane] = Verdict::kForward;
    batch.reason[lane] = DropReason::kNone;
    batch.rule[lane] = 0;
    batch.split[lane] = 0;
    batch.sender[lane] = InterfaceIdx(glance.sender[group.from + k]);
    batch.out[lane] = InterfaceIdx(out[k]);
    batch.out_bytes[lane] = out_bytes[k];
    batch.out_frame[lane] =
        WriteOne(*seen.links.row[k], seen.links.first[k], rewritten, k, glance.ip[group.from + k]);
  });
}

}  // namespace

bool SettleGroup(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
                 uint32_t i, bool changed) noexcept {
  SessionTable& sessions = *worker.sessions;
  const Group group = FindGroup(sessions, found, i);
  const LineIdx* idx = &found.line[group.from];
  const LaneBits mine = BitOf(i - group.from);
  Seen seen;
  seen.lines = ReadLines(group.at);
  seen.packets = ReadPackets(found, group.from, seen.lines);
  const LaneBits known = group.known & group.open;
  const LaneBits hits =
      MaskOf(HitsOwnLines(seen.packets.tcp, seen.packets.reverse, seen.lines.marks,
                          seen.lines.last_seen_ms, worker.now_ms));
  const LaneBits moving = known & ~(hits & found.glance.plain >> group.from);
  if ((moving & mine) == 0 || !AreOfDifferentPairs(idx, known)) {
    return false;
  }
  seen.segments = ReadSegments(found.glance, group.from);
  seen.others = ReadOthers(sessions, idx, moving);
  seen.leads = LeadsOf(snapshot, seen.lines.next_hop);
  seen.senders = Load(&found.glance.sender[group.from]);
  ReadLinks(snapshot, *worker.neighbors, seen.leads, seen.links);
  LaneBits take = WhichFit(snapshot, worker, found, group, moving, seen);
  if (changed) [[unlikely]] {
    take = LiveOnes(sessions, idx, take);
  }
  // Up to the first that goes another way.
  const LaneBits stays = group.open & ~(take | found.reserved >> group.from);
  take &= (stays & (0 - stays)) - 1;
  if ((take & mine) == 0) {
    return false;
  }
  Commit(worker, found, group, take, seen);
  Depart(batch, found.glance, group, take, seen);
  found.settled |= take << group.from;
  found.glance.plain &= ~(take << group.from);
  return true;
}

}  // namespace sluice
