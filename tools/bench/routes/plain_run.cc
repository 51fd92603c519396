#include "tools/bench/routes/plain_run.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "dataplane/base/lane_bits.h"
#include "dataplane/stage/glance.h"
#include "dataplane/stage/short_walk.h"
#include "perf/workload/burst_driver.h"
#include "perf/workload/key_stream.h"
#include "perf/workload/plain_network.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice {
namespace {

constexpr uint16_t kFrameBytes = 60;  // 64 with its FCS
constexpr uint32_t kComparedPackets = 2048;

// A packet that the short walk has led to the end of its first leg, to an interface that takes it.
void SendPlain(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch, uint32_t lane,
               const ShortWalk& walk, uint8_t* ip, uint32_t ip_bytes) {
  const InterfaceRow& row = snapshot.interfaces[walk.target.index()];
  const LinkRow& link = snapshot.links[walk.target.index()];
  const uint64_t first = PackedLink(link, *worker.neighbors);
  const bool takes = (row.flags & kInterfaceSourceDestCheck) == 0 || (walk.flags & kWalkPeer) != 0;
  if (!takes || !IsResolved(first) || ip_bytes > link.mtu_bytes) {
    return;
  }
  batch.verdict[lane] = Verdict::kForward;
  batch.reason[lane] = DropReason::kNone;
  batch.split[lane] = 0;
  batch.sender[lane] = walk.sender;
  batch.out[lane] = walk.target;
  batch.out_frame[lane] = WriteLink(link, first, ip);
  batch.out_bytes[lane] = link.bytes + ip_bytes;
}

// What is left of the short way when neither sessions nor lists are asked: a glance at eight
// packets at a time, the first leg of the short walk, and the link header. Packets that do not
// arrive keep the verdict drop.
void ForwardPlain(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) {
  worker.emits->Clear();
  for (uint32_t first = 0; first < batch.count; first += kFindBatch) {
    const uint32_t count = std::min(kFindBatch, batch.count - first);
    std::fill_n(batch.verdict.begin() + first, count, Verdict::kDrop);
    Glance glance;
    ShortWalks walks;
    GlanceAtLinks(snapshot, batch, first, count, glance);
    for (uint32_t at = 0; at < glance.count; at += kEight) {
      GlanceAtEight(glance, at);
    }
    for (uint32_t i = 0; i < glance.count; ++i) {
      AddShortWalk(glance.key[i], true, walks);
    }
    BeginShortWalks(snapshot, walks);
    ForBits(walks.open & glance.plain, [&](uint32_t i) {
      SendPlain(snapshot, worker, batch, glance.lane[i], WalkAt(walks, i), glance.ip[i],
                glance.ip_bytes[i]);
    });
  }
}

class PlainBench {
 public:
  static absl::StatusOr<std::unique_ptr<PlainBench>> Make(const PlainOptions& options) {
    const auto intent = LoadIntentText("generated", PlainNetworkJson(), {}).intent;
    if (intent == nullptr) {
      return absl::InternalError("the generated configuration is refused");
    }
    OfflineOptions offline;
    offline.seed = options.seed;
    offline.session_cache = false;
    auto dataplane = OfflineDataplane::Make(intent, offline);
    if (!dataplane.ok()) {
      return dataplane.status();
    }
    std::unique_ptr<PlainBench> bench(new PlainBench(options, *std::move(dataplane)));
    bench->DrawStamps();
    return bench;
  }

  // Frames that do not leave as the whole pipeline sends them; on the way, the buffers get warm.
  size_t Differing() {
    size_t differing = 0;
    for (uint32_t first = 0; first < kComparedPackets; first += options_.burst) {
      driver_.Load(&stamps_[first], options_.burst);
      driver_.Judge();
      const std::vector<SentPacket> whole = driver_.Outputs(first);
      driver_.Load(&stamps_[first], options_.burst);
      driver_.Run(ForwardPlain);
      const std::vector<SentPacket> plain = driver_.Outputs(first);
      for (size_t i = 0; i < plain.size(); ++i) {
        differing += plain[i].verdict != Verdict::kForward ||
                             whole[i].verdict != Verdict::kForward ||
                             plain[i].port != whole[i].port || plain[i].bytes != whole[i].bytes
                         ? 1
                         : 0;
      }
    }
    return differing;
  }

  Contestant Forwarding() {
    return {"plain", [this](size_t first, size_t count) {
              for (size_t i = first; i < first + count; i += options_.burst) {
                driver_.Load(&stamps_[i], options_.burst);
                driver_.Run(ForwardPlain);
                sent_ += driver_.Send();
                given_ += options_.burst;
              }
            }};
  }
  Contestant Source() {
    return {"source", [this](size_t first, size_t count) {
              for (size_t i = first; i < first + count; i += options_.burst) {
                driver_.Load(&stamps_[i], options_.burst);
                driver_.PassThrough();
                driver_.Send();
              }
            }};
  }
  uint64_t lost() const { return given_ - sent_; }

 private:
  PlainBench(const PlainOptions& options, std::unique_ptr<OfflineDataplane> dataplane)
      : options_(options),
        dataplane_(std::move(dataplane)),
        driver_(*dataplane_->config().snapshot, dataplane_->worker(), links_, options.burst) {}

  void DrawStamps() {
    const ValidatedIntent& intent = *dataplane_->config().intent;
    const NetworkInterface* sender = intent.FindNetworkInterface("eni-in");
    PacketHeads heads;
    heads.link = links_.Add(MakeLink(PortIdx(0), 0, intent.host().router_mac, *sender->mac));
    heads.src = sender->addresses.front().address.value;
    heads.src_l4_port = 1024;
    heads.dst_l4_port = 443;
    WorkloadRandom random(options_.seed);
    for (uint32_t i = 0; i < options_.destinations; ++i) {
      const uint64_t network =
          kFirstPlainNetwork + random.Below(kLastPlainNetwork - kFirstPlainNetwork + 1);
      heads.dst = static_cast<uint32_t>(network << 24 | random.Below(1u << 24));
      stamps_.push_back(MakeStamp(heads, links_[heads.link], kFrameBytes, i));
    }
  }

  const PlainOptions options_;
  std::unique_ptr<OfflineDataplane> dataplane_;
  Links links_;
  BurstDriver driver_;
  std::vector<Stamp> stamps_;
  uint64_t given_ = 0;
  uint64_t sent_ = 0;
};

Spread Less(const Spread& whole, double source) {
  return {whole.median - source, whole.low - source, whole.high - source};
}

}  // namespace

absl::StatusOr<ContestRow> MeasurePlain(const PlainOptions& options) {
  auto bench = PlainBench::Make(options);
  if (!bench.ok()) {
    return bench.status();
  }
  ContestRow row;
  Claim((*bench)->Differing(), "plain forwarding beside the whole pipeline", row);
  const ContestOptions contest = {options.destinations, options.round_packets, options.rounds};
  const auto results = RunContest({(*bench)->Forwarding(), (*bench)->Source()}, contest);
  if ((*bench)->lost() != 0) {
    row.mistaken.push_back("plain forwarding: " + std::to_string((*bench)->lost()) +
                           " packets did not leave");
  }
  Figure figure;
  figure.name = "plain/destinations:" + std::to_string(options.destinations);
  figure.ns = Less(results[0].ns, results[1].ns.median);
  figure.source_ns = results[1].ns;
  figure.frame_bytes = kFrameBytes + 4;
  figure.rounds = options.rounds;
  figure.round_items = options.round_packets;
  figure.counters = {{"destinations", options.destinations}};
  row.figures.push_back(std::move(figure));
  row.memory_mode = MemoryModeNow();
  return row;
}

}  // namespace sluice
