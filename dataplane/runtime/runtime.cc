#include "dataplane/runtime/runtime.h"

#include <rte_config.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "dataplane/runtime/mbuf_batch.h"
#include "dataplane/runtime/tap_interface.h"

namespace sluice {
namespace {

constexpr uint16_t kTapMtuBytes = 1500;  // all that DPDK's TAP takes

int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

int RunLoop(void* loop) {
  static_cast<WorkerLoop*>(loop)->Run();
  return 0;
}

MbufPoolSize SizeFor(const RuntimeOptions& options) {
  uint32_t pci_ports = 0;
  uint16_t largest_mtu_bytes = 0;
  for (const PortSpec& port : options.ports) {
    pci_ports += IsPciDevice(port.device) ? 1 : 0;
    const uint16_t by_default = port.device.starts_with("net_tap")
                                    ? std::min(kTapMtuBytes, port.default_mtu_bytes)
                                    : port.default_mtu_bytes;
    largest_mtu_bytes = std::max(largest_mtu_bytes, port.mtu_bytes.value_or(by_default));
  }
  return SizeMbufPool(static_cast<uint32_t>(options.ports.size()), pci_ports, options.workers,
                      largest_mtu_bytes);
}

absl::Status CheckOptions(const RuntimeOptions& options) {
  if (options.ports.empty()) {
    return absl::InvalidArgumentError("Host.Ports is empty: there is nothing to forward between");
  }
  if (options.workers == 0 || options.workers > kMaxWorkers) {
    return absl::InvalidArgumentError("workers: " + std::to_string(options.workers) +
                                      " is outside 1.." + std::to_string(kMaxWorkers));
  }
  for (size_t p = 0; p < options.ports.size(); ++p) {
    const PortSpec& port = options.ports[p];
    if (port.device.empty()) {
      return absl::InvalidArgumentError("port '" + port.name +
                                        "' has no Device: name one, e.g. \"net_tap" +
                                        std::to_string(p) + ",iface=" + port.name + "\"");
    }
    for (size_t q = 0; q < p; ++q) {
      const PortSpec& other = options.ports[q];
      const std::string tap = TapInterfaceOf(port.device);
      const bool same_device = DeviceName(port.device) == DeviceName(other.device);
      if (same_device || (!tap.empty() && tap == TapInterfaceOf(other.device))) {
        return absl::InvalidArgumentError(
            "ports '" + other.name + "' and '" + port.name + "' name the same device " +
            (same_device ? std::string(DeviceName(port.device)) : "iface=" + tap));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Runtime>> Runtime::Open(const RuntimeOptions& options) {
  if (const absl::Status status = CheckOptions(options); !status.ok()) {
    return status;
  }
  const MbufPoolSize size = SizeFor(options);
  EalRequest request;
  for (const PortSpec& port : options.ports) {
    request.devices.push_back(port.device);
  }
  request.workers = options.workers;
  request.mbuf_bytes = size.bytes();
  request.small_page_mbuf_bytes = size.small_page_bytes();
  request.file_prefix = "sluiced-" + std::to_string(getpid());
  request.given = options.eal_arguments;
  std::unique_ptr<Runtime> runtime(new Runtime(options, PlanEal(request, ReadMachineFacts())));
  absl::StatusOr<std::unique_ptr<Eal>> eal = Eal::Start(runtime->plan_, options.show_dpdk_log);
  if (!eal.ok()) {
    return eal.status();
  }
  runtime->eal_ = *std::move(eal);
  if (rte_lcore_count() < 1 + options.workers) {
    return absl::InvalidArgumentError("--eal gives " + std::to_string(rte_lcore_count()) +
                                      " lcores: the control thread and " +
                                      std::to_string(options.workers) + " workers need one each");
  }
  if (const absl::Status status = runtime->OpenPorts(size); !status.ok()) {
    return status;
  }
  return runtime;
}

absl::Status Runtime::OpenPorts(const MbufPoolSize& size) {
  absl::StatusOr<MbufPool> pool = MbufPool::Make(size);
  if (!pool.ok()) {
    return pool.status();
  }
  pool_ = std::make_unique<MbufPool>(*std::move(pool));
  for (uint32_t p = 0; p < options_.ports.size(); ++p) {
    absl::StatusOr<std::unique_ptr<Device>> device = Device::Attach(options_.ports[p]);
    if (!device.ok()) {
      return device.status();
    }
    devices_.push_back(*std::move(device));
    if (const absl::Status status = devices_[p]->Configure(p, options_.workers, pool_->get());
        !status.ok()) {
      return status;
    }
  }
  clock_.start_monotonic_ns = MonotonicNs();
  return absl::OkStatus();
}

Runtime::~Runtime() {
  StopWorkers();
  devices_.clear();
  loops_.clear();
  pool_.reset();
  eal_.reset();
}

uint32_t Runtime::max_held_frames() const {
  return pool_->count() / 8 / options_.workers;
}

absl::Status Runtime::StartPorts() {
  for (const std::unique_ptr<Device>& device : devices_) {
    if (const absl::Status status = ports_started_ ? absl::OkStatus() : device->Start();
        !status.ok()) {
      return status;
    }
  }
  ports_started_ = true;
  return absl::OkStatus();
}

absl::Status Runtime::StartWorkers(std::span<WorkerContext* const> contexts,
                                   const Publisher<Snapshot>& publisher, Qsbr& qsbr) {
  if (const absl::Status status = StartPorts(); !status.ok()) {
    return status;
  }
  std::vector<Device*> devices;
  for (const std::unique_ptr<Device>& device : devices_) {
    devices.push_back(device.get());
  }
  unsigned lcore = rte_get_next_lcore(-1, 1, 0);
  for (uint32_t w = 0; w < options_.workers; ++w) {
    loops_.push_back(std::make_unique<WorkerLoop>(WorkerLoopOptions{.worker = w,
                                                                    .poll = options_.poll,
                                                                    .clock = clock_,
                                                                    .pool = pool_->get(),
                                                                    .devices = devices,
                                                                    .context = contexts[w],
                                                                    .publisher = &publisher,
                                                                    .qsbr = &qsbr}));
    if (rte_eal_remote_launch(RunLoop, loops_[w].get(), lcore) != 0) {
      StopWorkers();
      return absl::InternalError("worker " + std::to_string(w) + " cannot be launched");
    }
    lcores_.push_back(lcore);
    lcore = rte_get_next_lcore(lcore, 1, 0);
  }
  return absl::OkStatus();
}

void Runtime::StopWorkers() {
  for (const std::unique_ptr<WorkerLoop>& loop : loops_) {
    loop->Stop();
  }
  for (const unsigned lcore : lcores_) {
    rte_eal_wait_lcore(lcore);
  }
  lcores_.clear();
}

MbufAccount Runtime::Close() {
  // Whatever a worker handed over after its receiver had gone.
  for (const std::unique_ptr<Device>& device : devices_) {
    void* frame = nullptr;
    while (rte_ring_sc_dequeue(device->handoff(), &frame) == 0) {
      rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
    }
    device->DiscardArrived();
  }
  loops_.clear();
  devices_.clear();
  return {pool_->count(), pool_->in_use()};
}

bool Runtime::SendFrame(PortIdx port, std::span<const uint8_t> frame) {
  rte_mbuf* mbuf = CopyToMbuf(frame, pool_->get());
  if (mbuf == nullptr) {
    return false;
  }
  mbuf->port = PortIdx::kNoneValue;  // from the control thread
  if (rte_ring_mp_enqueue(devices_[port.index()]->handoff(), mbuf) != 0) {
    rte_pktmbuf_free(mbuf);
    return false;
  }
  return true;
}

std::vector<PortStatistics> Runtime::Statistics() const {
  std::vector<PortStatistics> all;
  for (const std::unique_ptr<Device>& device : devices_) {
    all.push_back(device->Statistics());
  }
  return all;
}

double Runtime::ticks_per_ns() const {
  return static_cast<double>(rte_get_tsc_hz()) / 1e9;
}

uint32_t Runtime::NowMs() const {
  return static_cast<uint32_t>((MonotonicNs() - clock_.start_monotonic_ns) / 1000000);
}

}  // namespace sluice
