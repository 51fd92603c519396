#include "tools/sluice/offline_dataplane.h"

#include <algorithm>
#include <iterator>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/pipeline/burst_count.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/session/fragment_cache.h"
#include "dataplane/session/nat_ip_id.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/icmp_limiter.h"

namespace sluice {
namespace {

constexpr size_t kHeadroomBytes = 64;
constexpr size_t kMaxSegmentBytes = UINT16_MAX;
constexpr MacAddress kUnresolvedNextHopMac = {{0x02, 0, 0, 0, 0, 0xfe}};
constexpr uint32_t kInterfaceSlots = 1u << 16;  // of live counts and per-side limits

// Of an IPv4 frame with one VLAN tag at most; true of some frames that the parser will refuse.
bool IsFirstFragment(const uint8_t* frame, size_t bytes) {
  size_t type_at = 2 * sizeof(MacAddress);
  if (bytes >= type_at + 4 && LoadBe16(frame + type_at) == kEtherTypeVlan) {
    type_at += kVlanTagBytes;
  }
  const size_t ip = type_at + 2;
  if (bytes < ip + kIpv4MinBytes || LoadBe16(frame + type_at) != kEtherTypeIpv4) {
    return false;
  }
  return (LoadBe16(frame + ip + kIpv4FragmentOffset) & (kIpv4MoreFragments | kIpv4OffsetMask)) ==
         kIpv4MoreFragments;
}

}  // namespace

// An input on its way: the buffer holds headroom, then the frame.
struct OfflineDataplane::Packet {
  std::vector<uint8_t> buffer;
  size_t bytes = 0;
  PortIdx port;
  bool held = false;        // the fragment cache has had it
  uint64_t arrival = 0;     // its place among all inputs
  uint64_t ended_with = 0;  // the arrival whose turn it shares: its own, or that of its releaser
  OfflineResult result;
};

struct OfflineDataplane::State {
  State(size_t port_count, uint64_t seed)
      : counters(port_count), limiter(kInterfaceSlots), nat_streams(seed) {}

  Batch batch;
  EmitList emits;
  WorkerCounters counters;
  NeighborTable neighbors;
  IcmpLimiter limiter;
  NatStreams nat_streams;
  NatIpIds nat_ip_ids{nat_streams};
  SightingLog sightings;
  std::unique_ptr<SessionTable> sessions;
  std::unique_ptr<FragmentCache> fragments;
  std::unique_ptr<FlowAccount> account;
  std::unique_ptr<OfflineSweep> sweep;
  WorkerContext worker;
  bool started = false;
  int64_t start_ns = 0;
};

OfflineDataplane::OfflineDataplane(const OfflineOptions& options) : options_(options) {
  options_.flow_account |= options_.flow_records != nullptr;
  CompileOptions compile;
  compile.hash_seed = options.seed;
  compile.port_names = options.port_names;
  compiler_ = std::make_unique<Compiler>(Memory(), compile);
}

OfflineDataplane::~OfflineDataplane() {
  if (config_ != nullptr) {
    Drain([](const OfflineResult&) {});
  }
}

MemorySource& OfflineDataplane::Memory() const {
  return options_.memory != nullptr ? *options_.memory : HeapMemory();
}

absl::Status OfflineDataplane::MakeState(const Host& host) {
  state_ = std::make_unique<State>(std::max(host.ports.size(), options_.port_names.size()),
                                   options_.seed);
  State& state = *state_;
  const HashSecret secret = HashSecret::FromSeed(options_.seed);
  const uint64_t asked = options_.max_sessions != 0 ? options_.max_sessions : host.max_sessions;
  const auto capacity = static_cast<uint32_t>(std::min<uint64_t>(asked, kMaxSessionPairs));
  state.sessions = SessionTable::Make(
      Memory(), {capacity, kInterfaceSlots, kInterfaceSlots, kCountedNatGateways}, secret,
      options_.hash);
  FragmentCacheSizes fragment_sizes;
  fragment_sizes.side_count = kInterfaceSlots;
  state.fragments = FragmentCache::Make(Memory(), fragment_sizes, secret);
  if (options_.flow_account) {
    FlowAccountSizes account_sizes;
    account_sizes.interface_count = kInterfaceSlots;
    state.account = FlowAccount::Make(Memory(), account_sizes, secret);
  }
  if (state.sessions != nullptr) {
    state.sweep = OfflineSweep::Make(*state.sessions, state.account.get(), options_.flow_records);
  }
  if (state.sweep == nullptr || state.fragments == nullptr ||
      (options_.flow_account && state.account == nullptr)) {
    return absl::ResourceExhaustedError("not enough memory for MaxSessions = " +
                                        std::to_string(asked) + "; lower Host.MaxSessions");
  }
  WorkerContext& worker = state.worker;
  worker.session_cache = options_.session_cache;
  worker.nat_streams = &state.nat_streams;
  worker.nat_ip_ids = &state.nat_ip_ids;
  worker.sessions = state.sessions.get();
  worker.fragments = state.fragments.get();
  worker.account = state.account.get();
  worker.sightings = options_.flow_account ? &state.sightings : nullptr;
  worker.neighbors = &state.neighbors;
  worker.icmp_limiter = &state.limiter;
  worker.emits = &state.emits;
  worker.counters = &state.counters;
  worker.seed = options_.seed;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OfflineDataplane>> OfflineDataplane::Make(
    std::shared_ptr<const ValidatedIntent> intent, const OfflineOptions& options) {
  std::unique_ptr<OfflineDataplane> dataplane(new OfflineDataplane(options));
  if (absl::Status status = dataplane->MakeState(intent->host()); !status.ok()) {
    return status;
  }
  if (absl::Status status = dataplane->Apply(std::move(intent)); !status.ok()) {
    return status;
  }
  return dataplane;
}

absl::Status OfflineDataplane::Apply(std::shared_ptr<const ValidatedIntent> intent) {
  absl::StatusOr<std::shared_ptr<const CompiledConfig>> compiled =
      compiler_->Compile(std::move(intent), generation_ + 1);
  if (!compiled.ok()) {
    return compiled.status();
  }
  if ((*compiled)->port_names.size() > state_->counters.ports.size()) {
    return absl::FailedPreconditionError("a new port; OfflineOptions::port_names must name it");
  }
  if (config_ != nullptr) {
    state_->sweep->BeforeApply(clock());
  }
  ++generation_;
  config_ = *std::move(compiled);
  const Snapshot& snapshot = *config_->snapshot;
  for (size_t i = 0; i < snapshot.adjacency.size(); ++i) {
    MacAddress mac;
    const uint32_t neighbor = snapshot.adjacency[i].neighbor;
    if (neighbor != kNoTable && !state_->neighbors.Lookup(neighbor, mac)) {
      state_->neighbors.Resolve(neighbor, kUnresolvedNextHopMac);
    }
  }
  return absl::OkStatus();
}

void OfflineDataplane::SetNextHopMac(InterfaceIdx side, const MacAddress& mac) {
  const uint32_t neighbor = config_->snapshot->adjacency[side.index()].neighbor;
  if (neighbor != kNoTable) {
    state_->neighbors.Resolve(neighbor, mac);
  }
}

void OfflineDataplane::SetTime(int64_t time_ns) {
  WorkerContext& worker = state_->worker;
  if (!state_->started) {
    state_->started = true;
    state_->start_ns = time_ns;
    worker.now_ns = time_ns;
  }
  worker.now_ns = std::max(worker.now_ns, time_ns);
  worker.now_ms = static_cast<uint32_t>((worker.now_ns - state_->start_ns) / 1'000'000);
}

void OfflineDataplane::Finish(std::unique_ptr<Packet> packet) {
  packet->result.generation = config_->snapshot->generation;
  done_.push_back(std::move(packet));
}

// In the order in which they would end one by one: a burst's later packets end before what its
// earlier ones released.
void OfflineDataplane::Report(const Sink& sink) {
  const auto earlier = [](const std::unique_ptr<Packet>& a, const std::unique_ptr<Packet>& b) {
    return a->ended_with < b->ended_with;
  };
  if (!std::is_sorted(done_.begin(), done_.end(), earlier)) {
    std::stable_sort(done_.begin(), done_.end(), earlier);
  }
  for (const std::unique_ptr<Packet>& packet : done_) {
    sink(packet->result);
  }
  done_.clear();
}

// Frames the fragment cache gave back: dropped ones end, the others are input again, before any
// other packet. `arrivals` of the burst's lanes; empty when time gave them back.
void OfflineDataplane::TakeReleased(const std::vector<uint64_t>& arrivals, Queue& released) {
  for (size_t i = 0; i < state_->emits.released_count(); ++i) {
    const ReleasedFrame& frame = state_->emits.released(i);
    std::unique_ptr<Packet> packet(static_cast<Packet*>(frame.handle));
    packet->ended_with =
        arrivals.empty() ? packet->arrival : std::max(packet->arrival, arrivals[frame.lane]);
    if (!frame.dropped) {
      released.push_back(std::move(packet));
      continue;
    }
    packet->result.verdict = Verdict::kDrop;
    packet->result.reason = frame.reason;
    CountReleasedDrop(state_->worker, packet->port, frame.reason);
    Finish(std::move(packet));
  }
}

void OfflineDataplane::CollectOutputs(const Queue& burst) {
  const Snapshot& snapshot = *config_->snapshot;
  const Batch& batch = state_->batch;
  const int64_t now_ns = state_->worker.now_ns;
  const auto add = [&](size_t lane, InterfaceIdx side, const uint8_t* frame, size_t bytes) {
    burst[lane]->result.outputs.push_back(
        {snapshot.adjacency[side.index()].port, side, {frame, frame + bytes}, now_ns});
  };
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    OfflineResult& result = burst[lane]->result;
    result.verdict = batch.verdict[lane];
    result.reason = batch.reason[lane];
    result.sender = batch.sender[lane];
    result.rule = batch.rule[lane];
    result.rule_subnet = batch.rule_subnet[lane];
    if (result.verdict == Verdict::kForward && batch.split[lane] == 0) {
      add(lane, batch.out[lane], batch.out_frame[lane], batch.out_bytes[lane]);
    }
  }
  for (size_t i = 0; i < state_->emits.frame_count(); ++i) {
    const EmittedFrame& emitted = state_->emits.frame(i);
    add(emitted.lane, emitted.out, state_->emits.frame_bytes(i), emitted.bytes);
  }
}

void OfflineDataplane::RunOneBurst(Queue burst, Queue& released) {
  Batch& batch = state_->batch;
  std::vector<uint64_t> arrivals(burst.size());
  batch.count = static_cast<uint32_t>(burst.size());
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    Packet& packet = *burst[lane];
    batch.frame[lane] = packet.buffer.data() + kHeadroomBytes;
    batch.handle[lane] = &packet;
    batch.segment_bytes[lane] =
        static_cast<uint16_t>(std::min(packet.bytes, kMaxSegmentBytes));  // a frame may be longer
    batch.frame_bytes[lane] = static_cast<uint32_t>(packet.bytes);
    batch.rx_port[lane] = packet.port;
    batch.reentered[lane] = packet.held ? 1 : 0;
    arrivals[lane] = packet.ended_with;
  }
  RunBurst(*config_->snapshot, state_->worker, batch);
  CollectOutputs(burst);
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    if (burst[lane]->result.verdict == Verdict::kHold) {
      burst[lane]->held = true;
      burst[lane].release();  // the fragment cache owns it until it is released
    } else {
      Finish(std::move(burst[lane]));
    }
  }
  TakeReleased(arrivals, released);
  state_->sweep->AfterBurst(clock(), batch.count);
}

// Frames that a first fragment releases are input before any other packet (decision 14): a burst
// ends behind it, so that this holds at any capacity.
size_t OfflineDataplane::EndOfBurst(const Queue& queue, size_t next) const {
  const size_t limit = std::min<size_t>(queue.size(), next + options_.batch_capacity);
  while (next < limit &&
         !IsFirstFragment(queue[next]->buffer.data() + kHeadroomBytes, queue[next]->bytes)) {
    ++next;
  }
  return std::min(limit, next + 1);
}

void OfflineDataplane::RunQueue(Queue queue) {
  for (size_t next = 0; next < queue.size();) {
    const size_t end = EndOfBurst(queue, next);
    Queue burst(std::make_move_iterator(queue.begin() + static_cast<ptrdiff_t>(next)),
                std::make_move_iterator(queue.begin() + static_cast<ptrdiff_t>(end)));
    Queue released;
    RunOneBurst(std::move(burst), released);
    next = end;
    if (!released.empty()) {
      RunQueue(std::move(released));
    }
  }
}

void OfflineDataplane::Receive(int64_t time_ns, std::vector<OfflineInput> inputs,
                               const Sink& sink) {
  AdvanceTo(time_ns, sink);
  Queue queue;
  for (OfflineInput& input : inputs) {
    auto packet = std::make_unique<Packet>();
    packet->bytes = input.bytes.size();
    packet->buffer = std::vector<uint8_t>(kHeadroomBytes + input.bytes.size());
    std::copy(input.bytes.begin(), input.bytes.end(), packet->buffer.begin() + kHeadroomBytes);
    packet->port = input.port;
    packet->result.number = input.number;
    packet->arrival = packet->ended_with = arrival_count_++;
    queue.push_back(std::move(packet));
  }
  RunQueue(std::move(queue));
  Report(sink);
}

void OfflineDataplane::AdvanceTo(int64_t time_ns, const Sink& sink) {
  while (state_->started && state_->worker.now_ns < time_ns) {
    StopAt(state_->sweep->NextStop(state_->worker.now_ns, time_ns), sink);
  }
  SetTime(time_ns);
}

void OfflineDataplane::StopAt(int64_t time_ns, const Sink& sink) {
  SetTime(time_ns);
  Queue released;
  RunTimers(state_->worker, false);
  TakeReleased({}, released);
  RunQueue(std::move(released));
  Report(sink);
  state_->sweep->AtStop(state_->worker.now_ns, clock());
}

void OfflineDataplane::Drain(const Sink& sink) {
  Queue released;
  RunTimers(state_->worker, true);
  TakeReleased({}, released);
  RunQueue(std::move(released));
  Report(sink);
}

void OfflineDataplane::ReportFlows() {
  state_->sweep->AtEnd(clock());
}

const WorkerCounters& OfflineDataplane::counters() const {
  return state_->counters;
}
SessionTable& OfflineDataplane::sessions() {
  return *state_->sessions;
}
FlowAccount* OfflineDataplane::account() {
  return state_->account.get();
}
WorkerContext& OfflineDataplane::worker() {
  return state_->worker;
}
BurstClock OfflineDataplane::clock() const {
  return ClockOf(state_->worker);
}

bool OfflineDataplane::IsLiveSession(PairIdx pair) const {
  const SessionTable& sessions = *state_->sessions;
  if (!sessions.IsLive(pair)) {
    return false;
  }
  const SessionCold cold = sessions.LoadCold(pair);
  const SessionLine& forward = sessions.Line(ForwardLine(pair));
  const Expiry expiry = JudgeExpiry(ViewOf(forward), ViewOf(sessions.Line(ReverseLine(pair))), cold,
                                    KeyOf(forward).protocol(), state_->worker.now_ms);
  return cold.counted() && !expiry.gone;
}

uint64_t OfflineDataplane::LiveSessions() const {
  uint64_t live = 0;
  for (uint32_t i = 0; i < state_->sessions->pair_count(); ++i) {
    live += IsLiveSession(PairIdx(i)) ? 1 : 0;
  }
  return live;
}

}  // namespace sluice
