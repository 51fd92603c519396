#include "tools/sluice/doctor.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "dataplane/base/remedy.h"

namespace sluice {
namespace {

constexpr uint64_t kWantedHugeKib = uint64_t{2} << 20;  // 2 GB: buffers and a million sessions
constexpr uint64_t kEnoughHugeKib = uint64_t{512} << 10;
constexpr uint64_t kEnoughLockedBytes = uint64_t{1} << 30;

// The flags of /proc/cpuinfo that x86-64-v3 means (x86-64 psABI 3.1.1); "abm" stands for LZCNT.
constexpr std::array<std::string_view, 15> kV3Flags = {
    "cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3", "avx",  "avx2",
    "bmi1", "bmi2",    "f16c",   "fma",    "abm",    "movbe", "xsave"};
// What the AVX-512 kernels use.
constexpr std::array<std::string_view, 4> kAvx512Flags = {"avx512f", "avx512bw", "avx512dq",
                                                          "avx512vl"};

using Findings = std::vector<Finding>;

Finding From(Health health, const char* check, const Remedy& remedy) {
  return {health, check, remedy.what, remedy.command};
}

std::string Gigabytes(uint64_t kib) {
  return kib >= uint64_t{1} << 20 ? std::to_string(kib >> 20) + " GB"
                                  : std::to_string(kib >> 10) + " MB";
}

template <size_t N>
std::string Missing(const LocalMachine& machine, const std::array<std::string_view, N>& wanted) {
  std::string missing;
  for (const std::string_view flag : wanted) {
    if (machine.cpu_flags.count(flag) == 0) {
      missing += (missing.empty() ? "" : " ") + std::string(flag);
    }
  }
  return missing;
}

// A kernel parameter on Debian; takes effect with the next boot.
std::string KernelParameter(const std::string& parameters) {
  return "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&" + parameters +
         " /' /etc/default/grub && sudo update-grub && sudo reboot";
}

void CheckCpu(const LocalMachine& machine, Findings& findings) {
  const std::string model = machine.cpu_model.empty() ? "the CPU" : machine.cpu_model;
  if (const std::string missing = Missing(machine, kV3Flags); !missing.empty()) {
    findings.push_back({Health::kFix, "cpu",
                        model + " is no x86-64-v3, which sluiced is built for: it lacks " +
                            missing +
                            ". In a virtual machine, pass the host's CPU through "
                            "(QEMU: -cpu host)",
                        ""});
    return;
  }
  if (machine.cpu_flags.count("aes") == 0) {
    findings.push_back({Health::kWarn, "cpu",
                        model +
                            " has no AES instructions: hashing takes the slower keyed "
                            "multiply. In a virtual machine, pass the host's CPU through (QEMU: "
                            "-cpu host)",
                        ""});
    return;
  }
  const bool avx512 = Missing(machine, kAvx512Flags).empty();
  findings.push_back(
      {Health::kOk, "cpu",
       model + ": x86-64-v3, AES, " + (avx512 ? "AVX-512" : "no AVX-512 (AVX2 kernels are used)"),
       ""});
}

void CheckClock(const LocalMachine& machine, Findings& findings) {
  const bool steady =
      machine.cpu_flags.count("constant_tsc") != 0 && machine.cpu_flags.count("nonstop_tsc") != 0;
  if (!steady) {
    findings.push_back({Health::kWarn, "tsc",
                        "the time-stamp counter is not constant (constant_tsc, nonstop_tsc): "
                        "cycles in `show stages` and benchmarks mean little",
                        ""});
  } else if (machine.clock_source != "tsc" && !machine.clock_source.empty()) {
    findings.push_back({Health::kWarn, "tsc",
                        "the kernel's clock is " + machine.clock_source +
                            ", so reading the time is a system call on every burst",
                        "echo tsc | sudo tee "
                        "/sys/devices/system/clocksource/clocksource0/current_clocksource"});
  } else {
    findings.push_back({Health::kOk, "tsc", "constant and the kernel's clock", ""});
  }
}

void CheckCores(const LocalMachine& machine, Findings& findings) {
  const std::vector<int>& cpus = machine.cpus;
  if (cpus.size() < 2) {
    findings.push_back({Health::kWarn, "cores",
                        "one CPU may be used, so a worker and the control thread share it; give "
                        "this process more (the rest of its cpuset, or of the machine)",
                        cpus.empty() ? "" : "sudo taskset -pc 0-$(($(nproc --all)-1)) $$"});
    return;
  }
  const std::string usable =
      std::to_string(cpus.size()) + " CPUs may be used (" + CpuListText(cpus) + ")";
  if (!machine.isolated_cpus.empty()) {
    findings.push_back(
        {Health::kOk, "cores",
         usable + ", isolated from the scheduler: " + CpuListText(machine.isolated_cpus), ""});
    return;
  }
  const std::string workers = CpuListText({cpus.begin() + 1, cpus.end()});
  findings.push_back(
      {Health::kWarn, "cores",
       usable + ", none isolated: the scheduler interrupts workers, which shows "
                "in latency",
       KernelParameter("isolcpus=" + workers + " nohz_full=" + workers + " rcu_nocbs=" + workers)});
}

void CheckHugePages(const LocalMachine& machine, Findings& findings) {
  uint64_t free_kib = 0;
  std::string sizes;
  for (const HugePages& pages : machine.huge_pages) {
    free_kib += pages.free * pages.page_kib;
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(pages.free) + " of " +
             std::to_string(pages.total) + " pages of " + Gigabytes(pages.page_kib) + " free";
  }
  if (free_kib >= kEnoughHugeKib) {
    findings.push_back({Health::kOk, "hugepages", sizes, ""});
    return;
  }
  // Half of what is available at most: the machine needs the rest.
  const uint64_t wanted_kib = std::min(kWantedHugeKib, machine.available_kib / 2);
  const uint64_t pages = std::max<uint64_t>(wanted_kib / 2048, 1);
  findings.push_back({Health::kWarn, "hugepages",
                      (sizes.empty() ? "the kernel has none" : sizes) +
                          ": sluiced runs without them, correct but slow",
                      HugePagesCommand(pages)});
}

void CheckLockedMemory(const LocalMachine& machine, Findings& findings) {
  const bool may_lock = (machine.capabilities & kCapIpcLock) != 0;
  if (!machine.memory_lock_bytes.has_value()) {
    findings.push_back({Health::kOk, "memlock", "unlimited", ""});
    return;
  }
  const std::string limit = Gigabytes(*machine.memory_lock_bytes >> 10);
  if (may_lock || *machine.memory_lock_bytes >= kEnoughLockedBytes) {
    findings.push_back({Health::kOk, "memlock",
                        limit + (may_lock ? ", and CAP_IPC_LOCK, which makes it unlimited" : ""),
                        ""});
    return;
  }
  findings.push_back({Health::kWarn, "memlock",
                      limit + " may be locked: too little for ports on vfio-pci and net_af_xdp "
                              "(systemd: LimitMEMLOCK=infinity)",
                      "sudo prlimit --pid $$ --memlock=unlimited:unlimited"});
}

bool IsDpdkDriver(std::string_view driver) {
  return driver == "vfio-pci" || driver == "igb_uio" || driver == "uio_pci_generic";
}
// DPDK drives these beside the kernel's driver.
bool SharesWithKernel(std::string_view driver) {
  return driver == "mlx5_core" || driver == "mlx4_core" || driver == "mana";
}

bool AnyDpdkNic(const LocalMachine& machine) {
  return std::any_of(machine.nics.begin(), machine.nics.end(), [](const NicFacts& nic) {
    return IsDpdkDriver(nic.driver) || SharesWithKernel(nic.driver);
  });
}

void CheckTun(const LocalMachine& machine, Findings& findings) {
  const Health health = AnyDpdkNic(machine) ? Health::kWarn : Health::kFix;
  if (machine.tun == Access::kGranted) {
    findings.push_back({Health::kOk, "tun", "/dev/net/tun can be opened: net_tap ports work", ""});
  } else if (machine.tun == Access::kMissing) {
    findings.push_back(From(health, "tun", NoTunDevice()));
  } else {
    findings.push_back(From(health, "tun", TunForbidden()));
  }
}

void CheckNic(const NicFacts& nic, Findings& findings) {
  const std::string name = nic.pci_address + " (" + nic.id + ")";
  const std::string device = "\"Device\": \"" + nic.pci_address + "\"";
  if (IsDpdkDriver(nic.driver) || SharesWithKernel(nic.driver)) {
    findings.push_back(
        {Health::kOk, "nic", name + " is on " + nic.driver + ": " + device + " in Host.Ports", ""});
    return;
  }
  if (nic.driver.empty()) {
    findings.push_back({Health::kWarn, "nic", name + " has no driver; to use it as " + device,
                        BindCommand(nic.pci_address)});
    return;
  }
  std::string interfaces;
  for (const std::string& interface : nic.interfaces) {
    interfaces += (interfaces.empty() ? "" : ",") + interface;
  }
  const std::string kernel = name + " belongs to the kernel (" + nic.driver +
                             (interfaces.empty() ? "" : ", " + interfaces) + ")";
  if (nic.carries_default_route) {
    findings.push_back({Health::kOk, "nic",
                        kernel + " and carries this machine's default route: leave it there", ""});
    return;
  }
  findings.push_back(
      {Health::kOk, "nic", kernel + "; to use it as " + device, BindCommand(nic.pci_address)});
}

void CheckNics(const LocalMachine& machine, Findings& findings) {
  for (const NicFacts& nic : machine.nics) {
    CheckNic(nic, findings);
  }
  if (machine.nics.empty()) {
    findings.push_back({Health::kOk, "nic",
                        "no PCI network device: net_tap, net_af_packet, net_af_xdp, net_memif, "
                        "net_vhost and net_virtio_user ports work",
                        ""});
  }
}

void CheckIommu(const LocalMachine& machine, Findings& findings) {
  const bool bound = std::any_of(machine.nics.begin(), machine.nics.end(),
                                 [](const NicFacts& nic) { return nic.driver == "vfio-pci"; });
  if (bound && machine.vfio != Access::kGranted) {
    findings.push_back({Health::kFix, "vfio",
                        machine.vfio == Access::kMissing
                            ? "a device is on vfio-pci but there is no /dev/vfio/vfio"
                            : "/dev/vfio/vfio may not be opened by this user",
                        machine.vfio == Access::kMissing ? "sudo modprobe vfio-pci"
                                                         : "sudo chown -R $USER /dev/vfio"});
  }
  if (machine.has_iommu_groups) {
    findings.push_back({Health::kOk, "iommu", "on", ""});
  } else if (machine.unsafe_no_iommu) {
    findings.push_back({Health::kWarn, "iommu",
                        "off, and vfio may do without: a device can then write anywhere in memory",
                        KernelParameter("intel_iommu=on iommu=pt")});
  } else if (bound) {
    findings.push_back({Health::kFix, "iommu",
                        "off, so vfio-pci cannot serve its devices; where the machine has none "
                        "(many virtual ones), allow vfio to do without",
                        "echo Y | sudo tee /sys/module/vfio/parameters/"
                        "enable_unsafe_noiommu_mode"});
  } else {
    findings.push_back(
        {Health::kOk, "iommu", "off; only ports on vfio-pci need it, and there is none", ""});
  }
}

void CheckPermissions(const LocalMachine& machine, Findings& findings) {
  const bool may_make_ports = (machine.capabilities & kCapNetAdmin) != 0;
  if (may_make_ports) {
    findings.push_back({Health::kOk, "permissions", "CAP_NET_ADMIN: TAP ports can be made", ""});
    findings.push_back({Health::kOk, "namespaces", "not needed with CAP_NET_ADMIN", ""});
    return;
  }
  if (machine.user_namespaces) {
    findings.push_back(From(Health::kWarn, "permissions", NoNetAdmin()));
    findings.push_back({Health::kOk, "namespaces", "user namespaces may be made", ""});
  } else {
    findings.push_back({Health::kFix, "permissions",
                        "no CAP_NET_ADMIN: TAP ports can be made by root, or once allowed inside a "
                        "user namespace",
                        "sudo sluiced --config=PATH"});
    findings.push_back({Health::kFix, "namespaces", "user namespaces may not be made by this user",
                        machine.user_namespaces_setting.empty()
                            ? ""
                            : "sudo sysctl -w " + machine.user_namespaces_setting});
  }
}

void CheckRuntimeFolder(const LocalMachine& machine, Findings& findings) {
  if (machine.runtime_folder.empty()) {
    findings.push_back(From(Health::kFix, "runtime-folder", NoRuntimeFolder()));
  } else {
    findings.push_back(
        {Health::kOk, "runtime-folder", machine.runtime_folder + " is writable", ""});
  }
}

}  // namespace

std::string_view HealthName(Health health) {
  return health == Health::kOk ? "OK" : health == Health::kWarn ? "WARN" : "FIX";
}

std::vector<Finding> Diagnose(const LocalMachine& machine) {
  Findings findings;
  CheckCpu(machine, findings);
  CheckClock(machine, findings);
  CheckCores(machine, findings);
  CheckHugePages(machine, findings);
  CheckLockedMemory(machine, findings);
  CheckTun(machine, findings);
  CheckNics(machine, findings);
  CheckIommu(machine, findings);
  CheckPermissions(machine, findings);
  CheckRuntimeFolder(machine, findings);
  return findings;
}

Health Overall(const std::vector<Finding>& findings) {
  Health worst = Health::kOk;
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.health);
  }
  return worst;
}

std::string DoctorText(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    std::string line(HealthName(finding.health));
    line.resize(6, ' ');
    line += finding.check;
    line.resize(22, ' ');
    text += line + finding.what + "\n";
    if (!finding.command.empty()) {
      text += "      $ " + finding.command + "\n";
    }
  }
  return text;
}

std::string DoctorJson(const std::vector<Finding>& findings) {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"Status", HealthName(finding.health)},
                    {"Check", finding.check},
                    {"What", finding.what},
                    {"Command", finding.command.empty() ? Json() : Json(finding.command)}});
  }
  const Json report = {{"Status", HealthName(Overall(findings))}, {"Findings", std::move(list)}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice
