#include "tools/sluice/machine_facts.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace sluice {
namespace {

namespace fs = std::filesystem;

// The first line of a file without its end, or nothing.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const std::string line = FirstLine(path);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// Names in a folder, sorted; none when it cannot be read.
std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    names.push_back(i->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string WithoutSpace(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  const size_t last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

// Calls `take` with each "key<separator>value" line of a file.
template <typename Take>
void ForEachPair(const std::string& path, char separator, const Take& take) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (const size_t at = line.find(separator); at != std::string::npos) {
      take(WithoutSpace(std::string_view(line).substr(0, at)),
           WithoutSpace(std::string_view(line).substr(at + 1)));
    }
  }
}

std::string Hex4(const std::string& sysfs_value) {  // "0x8086" -> "8086"
  return sysfs_value.substr(0, 2) == "0x" ? sysfs_value.substr(2) : sysfs_value;
}

Access AccessTo(const std::string& path) {
  if (access(path.c_str(), R_OK | W_OK) == 0) {
    return Access::kGranted;
  }
  return errno == ENOENT || errno == ENOTDIR ? Access::kMissing : Access::kForbidden;
}

void ReadCpus(const MachineRoots& roots, LocalMachine& machine) {
  ForEachPair(roots.proc + "/cpuinfo", ':', [&](const std::string& key, const std::string& value) {
    if (key == "model name" && machine.cpu_model.empty()) {
      machine.cpu_model = value;
    }
    if (key == "flags" && machine.cpu_flags.empty()) {
      std::istringstream words(value);
      for (std::string flag; words >> flag;) {
        machine.cpu_flags.insert(flag);
      }
    }
  });
  machine.isolated_cpus = ParseCpuList(FirstLine(roots.sys + "/devices/system/cpu/isolated"));
  machine.clock_source =
      FirstLine(roots.sys + "/devices/system/clocksource/clocksource0/current_clocksource");
}

// A limit of this process in bytes, as setrlimit(2) has it; nullopt: none.
std::optional<uint64_t> SoftLimit(const MachineRoots& roots, std::string_view name) {
  std::ifstream limits(roots.proc + "/self/limits");
  for (std::string line; std::getline(limits, line);) {
    if (line.compare(0, name.size(), name) == 0) {
      const std::string soft = WithoutSpace(line.substr(name.size()));
      uint64_t bytes = 0;
      const auto [end, error] = std::from_chars(soft.data(), soft.data() + soft.size(), bytes);
      return error == std::errc() ? std::optional(bytes) : std::nullopt;
    }
  }
  return std::nullopt;
}

void ReadProcess(const MachineRoots& roots, LocalMachine& machine) {
  ForEachPair(
      roots.proc + "/self/status", ':', [&](const std::string& key, const std::string& value) {
        if (key == "CapEff") {
          std::from_chars(value.data(), value.data() + value.size(), machine.capabilities, 16);
        }
        if (key == "Cpus_allowed_list") {
          machine.cpus = ParseCpuList(value);
        }
      });
  machine.memory_lock_bytes = SoftLimit(roots, "Max locked memory");
}

// What a control group (v2) still lets its processes take; nullopt: it sets no limit. Its file
// cache gives way.
std::optional<uint64_t> LeftInGroup(const std::string& folder) {
  const std::optional<uint64_t> limit_bytes = ReadNumber(folder + "/memory.max");
  if (!limit_bytes.has_value()) {
    return std::nullopt;
  }
  uint64_t cache_bytes = 0;
  ForEachPair(folder + "/memory.stat", ' ', [&](const std::string& key, const std::string& value) {
    if (key == "inactive_file") {
      std::from_chars(value.data(), value.data() + value.size(), cache_bytes);
    }
  });
  const uint64_t taken_bytes = ReadNumber(folder + "/memory.current").value_or(0);
  return *limit_bytes - std::min(*limit_bytes, taken_bytes - std::min(taken_bytes, cache_bytes));
}

// Our control group and those around it: in a container what is ours is the root.
void LimitByGroups(const MachineRoots& roots, LocalMachine& machine) {
  machine.usable_kib = machine.available_kib;
  std::string path;
  std::ifstream groups(roots.proc + "/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    path = line.compare(0, 3, "0::") == 0 ? line.substr(3) : path;
  }
  for (;; path.erase(path.rfind('/'))) {
    const std::optional<uint64_t> left_bytes = LeftInGroup(roots.sys + "/fs/cgroup" + path);
    machine.usable_kib =
        std::min(machine.usable_kib, left_bytes.value_or(UINT64_MAX) / uint64_t{1024});
    if (path.rfind('/') == std::string::npos) {
      return;
    }
  }
}

// `ulimit -v` and `ulimit -d`, less what this process has of each.
void LimitByProcess(const MachineRoots& roots, LocalMachine& machine) {
  const auto limit = [&](std::string_view name, const std::string& value) {
    uint64_t taken_kib = 0;
    std::from_chars(value.data(), value.data() + value.size(), taken_kib);
    const uint64_t limit_kib = SoftLimit(roots, name).value_or(UINT64_MAX) / 1024;
    machine.usable_kib = std::min(machine.usable_kib, limit_kib - std::min(limit_kib, taken_kib));
  };
  ForEachPair(roots.proc + "/self/status", ':',
              [&](const std::string& key, const std::string& value) {
                if (key == "VmSize") {
                  limit("Max address space", value);
                }
                if (key == "VmData") {
                  limit("Max data size", value);
                }
              });
}

void ReadMemory(const MachineRoots& roots, LocalMachine& machine) {
  const std::string folder = roots.sys + "/kernel/mm/hugepages/";
  constexpr std::string_view kPrefix = "hugepages-";
  for (const std::string& name : NamesIn(folder)) {
    HugePages pages;
    if (name.compare(0, kPrefix.size(), kPrefix) != 0 ||
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pages.page_kib)
                .ec != std::errc()) {
      continue;
    }
    pages.total = ReadNumber(folder + name + "/nr_hugepages").value_or(0);
    const uint64_t free = ReadNumber(folder + name + "/free_hugepages").value_or(0);
    pages.free = free - std::min(free, ReadNumber(folder + name + "/resv_hugepages").value_or(0));
    machine.huge_pages.push_back(pages);
  }
  ForEachPair(roots.proc + "/meminfo", ':', [&](const std::string& key, const std::string& value) {
    if (key == "MemAvailable") {
      std::from_chars(value.data(), value.data() + value.size(), machine.available_kib);
    }
  });
  LimitByGroups(roots, machine);
  LimitByProcess(roots, machine);
}

// Kernel interfaces of a PCI device: directly below it, or below its virtio device.
std::vector<std::string> InterfacesOf(const std::string& device) {
  std::vector<std::string> interfaces = NamesIn(device + "/net");
  for (const std::string& name : NamesIn(device)) {
    if (name.compare(0, 6, "virtio") == 0) {
      const std::vector<std::string> below = NamesIn(device + "/" + name + "/net");
      interfaces.insert(interfaces.end(), below.begin(), below.end());
    }
  }
  return interfaces;
}

// Interfaces of IPv4 default routes: destination and mask are zero (proc/net/route).
std::set<std::string> DefaultRouteInterfaces(const MachineRoots& roots) {
  std::set<std::string> interfaces;
  std::ifstream file(roots.proc + "/net/route");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string destination;
    std::string skipped;
    std::string mask;
    words >> name >> destination;
    for (int column = 2; column < 7; ++column) {
      words >> skipped;
    }
    words >> mask;
    if (destination == "00000000" && mask == "00000000") {
      interfaces.insert(name);
    }
  }
  return interfaces;
}

void ReadNics(const MachineRoots& roots, LocalMachine& machine) {
  const std::set<std::string> routed = DefaultRouteInterfaces(roots);
  const std::string folder = roots.sys + "/bus/pci/devices/";
  for (const std::string& address : NamesIn(folder)) {
    const std::string device = folder + address;
    if (FirstLine(device + "/class").compare(0, 4, "0x02") != 0) {
      continue;
    }
    NicFacts nic;
    nic.pci_address = address;
    nic.id = Hex4(FirstLine(device + "/vendor")) + ":" + Hex4(FirstLine(device + "/device"));
    std::error_code none;
    nic.driver = fs::read_symlink(device + "/driver", none).filename().string();
    nic.interfaces = InterfacesOf(device);
    nic.carries_default_route =
        std::any_of(nic.interfaces.begin(), nic.interfaces.end(),
                    [&](const std::string& name) { return routed.count(name) != 0; });
    machine.nics.push_back(std::move(nic));
  }
  machine.has_iommu_groups = !NamesIn(roots.sys + "/kernel/iommu_groups").empty();
  machine.unsafe_no_iommu =
      FirstLine(roots.sys + "/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
}

void ReadUserNamespaces(const MachineRoots& roots, LocalMachine& machine) {
  const std::string folder = roots.proc + "/sys/";
  struct Setting {
    const char* file;
    uint64_t forbids;
    const char* mends;
  };
  for (const Setting& setting :
       {Setting{"user/max_user_namespaces", 0, "user.max_user_namespaces=65536"},
        Setting{"kernel/unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone=1"},
        Setting{"kernel/apparmor_restrict_unprivileged_userns", 1,
                "kernel.apparmor_restrict_unprivileged_userns=0"}}) {
    if (ReadNumber(folder + setting.file) == setting.forbids) {
      machine.user_namespaces_setting = setting.mends;
      return;
    }
  }
  machine.user_namespaces = fs::exists(roots.proc + "/self/ns/user");
}

}  // namespace

MachineRoots RealMachine() {
  MachineRoots roots;
  for (const char* variable : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "TMPDIR"}) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0') {
      roots.runtime_folders.emplace_back(folder);
    }
  }
  roots.runtime_folders.emplace_back("/tmp");
  return roots;
}

LocalMachine ReadMachine(const MachineRoots& roots) {
  LocalMachine machine;
  ReadCpus(roots, machine);
  ReadProcess(roots, machine);
  ReadMemory(roots, machine);
  ReadNics(roots, machine);
  ReadUserNamespaces(roots, machine);
  machine.tun = AccessTo(roots.dev + "/net/tun");
  machine.vfio = AccessTo(roots.dev + "/vfio/vfio");
  for (const std::string& folder : roots.runtime_folders) {
    if (machine.runtime_folder.empty() && access(folder.c_str(), W_OK | X_OK) == 0) {
      machine.runtime_folder = folder;
    }
  }
  return machine;
}

std::vector<int> ParseCpuList(std::string_view text) {
  constexpr size_t kMost = 4096;
  std::vector<int> cpus;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    int first = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), first);
    if (error != std::errc()) {
      continue;
    }
    int last = first;
    if (end != part.data() + part.size() && *end == '-') {
      std::from_chars(end + 1, part.data() + part.size(), last);
    }
    for (int cpu = first; cpu <= last && cpus.size() < kMost; ++cpu) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

std::string CpuListText(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
    if (last != i) {
      text += "-" + std::to_string(cpus[last]);
    }
    i = last + 1;
  }
  return text;
}

}  // namespace sluice
