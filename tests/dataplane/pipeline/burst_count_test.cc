#include "dataplane/pipeline/burst_count.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <memory>
#include <random>

namespace sluice {
namespace {

struct Fates {
  uint64_t received = 0, received_bytes = 0, forwarded = 0, consumed = 0, dropped = 0, held = 0,
           released = 0;
  friend bool operator==(const Fates&, const Fates&) = default;
};
std::ostream& operator<<(std::ostream& out, const Fates& f) {
  return out << f.received << ' ' << f.received_bytes << ' ' << f.forwarded << ' ' << f.consumed
             << ' ' << f.dropped << ' ' << f.held << ' ' << f.released;
}

Fates FatesOf(const PortCounters& port) {
  Fates fates{port.received.Read(), port.received_bytes.Read(), port.forwarded.Read(), 0, 0,
              port.held.Read(),     port.released.Read()};
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    fates.consumed += port.consumed[i].Read();
    fates.dropped += port.dropped[i].Read();
  }
  return fates;
}

// Lane by lane, after the words of counters.h.
void Expect(const Batch& batch, uint32_t lane, std::map<uint16_t, Fates>& wanted) {
  Fates& port = wanted[batch.rx_port[lane].value];
  (batch.reentered[lane] != 0 ? port.released : port.received) += 1;
  port.received_bytes += batch.reentered[lane] != 0 ? 0 : batch.frame_bytes[lane];
  port.forwarded += batch.verdict[lane] == Verdict::kForward ? 1 : 0;
  port.consumed += batch.verdict[lane] == Verdict::kConsume ? 1 : 0;
  port.dropped += batch.verdict[lane] == Verdict::kDrop ? 1 : 0;
  port.held += batch.verdict[lane] == Verdict::kHold ? 1 : 0;
}

TEST(BurstCountTest, CountsAsLaneByLaneWhateverTheMixture) {
  constexpr uint32_t kSeed = 5;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937 random(kSeed);
  const auto batch = std::make_unique<Batch>();
  for (int round = 0; round < 2000; ++round) {
    const uint32_t ports = 1 + random() % 9;
    const uint32_t odd = random() % 3 == 0 ? 0 : 1 + random() % 40;  // one in so many
    batch->count = random() % (kMaxBatch + 1);
    std::map<uint16_t, Fates> wanted;
    for (uint32_t lane = 0; lane < kMaxBatch; ++lane) {
      const bool plain = odd == 0 || random() % odd != 0;
      batch->rx_port[lane] = PortIdx(static_cast<uint16_t>(random() % ports));
      batch->frame_bytes[lane] = 60 + random() % 65000;
      batch->verdict[lane] = plain ? Verdict::kForward : static_cast<Verdict>(random() % 4);
      batch->reentered[lane] = plain ? 0 : random() % 2;
      batch->reason[lane] = static_cast<DropReason>(random() % kDropReasonCount);
      if (lane < batch->count) {
        Expect(*batch, lane, wanted);
      }
    }
    WorkerCounters counters(10);
    WorkerContext worker;
    worker.counters = &counters;
    CountBurst(worker, *batch);
    for (uint16_t port = 0; port < 10; ++port) {
      ASSERT_EQ(FatesOf(counters.ports[port]), wanted[port])
          << "round " << round << " port " << port;
    }
  }
}

}  // namespace
}  // namespace sluice
