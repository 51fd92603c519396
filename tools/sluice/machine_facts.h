// What `sluice doctor` looks at: the machine as sysfs, procfs and /dev show it. Reading is here,
// judging in doctor.h. Roots are arguments, so that a test can lay out any machine. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

struct MachineRoots {
  std::string sys = "/sys";
  std::string proc = "/proc";
  std::string dev = "/dev";
  // Where sluiced would make its folder, in the order it tries them.
  std::vector<std::string> runtime_folders;
};
// The machine this program runs on.
MachineRoots RealMachine();

struct HugePages {
  uint64_t page_kib = 0;
  uint64_t total = 0;
  uint64_t free = 0;  // not in use and not reserved
};

struct NicFacts {
  std::string pci_address;              // "0000:3b:00.0"
  std::string id;                       // "8086:1572"
  std::string driver;                   // empty: none is bound
  std::vector<std::string> interfaces;  // kernel network interfaces on it
  bool carries_default_route = false;
};

enum class Access : uint8_t { kMissing, kForbidden, kGranted };

// Bits of CapEff (linux/capability.h).
inline constexpr uint64_t kCapNetAdmin = uint64_t{1} << 12;
inline constexpr uint64_t kCapNetRaw = uint64_t{1} << 13;
inline constexpr uint64_t kCapIpcLock = uint64_t{1} << 14;

struct LocalMachine {
  std::string cpu_model;
  std::set<std::string, std::less<>> cpu_flags;
  std::vector<int> cpus;           // this process may run on
  std::vector<int> isolated_cpus;  // isolcpus=
  std::string clock_source;
  std::vector<HugePages> huge_pages;
  uint64_t available_kib = 0;  // MemAvailable
  uint64_t usable_kib = 0;     // the same, or less where a control group or a limit says so
  std::optional<uint64_t> memory_lock_bytes;  // none: unlimited
  uint64_t capabilities = 0;                  // effective ones
  Access tun = Access::kMissing;              // /dev/net/tun
  Access vfio = Access::kMissing;             // /dev/vfio/vfio
  std::vector<NicFacts> nics;                 // PCI class 02
  bool has_iommu_groups = false;
  bool unsafe_no_iommu = false;         // vfio may do without
  bool user_namespaces = false;         // may be made without privileges
  std::string user_namespaces_setting;  // the one that forbids them, with the value to set
  std::string runtime_folder;           // the first writable one; empty: none
};

// Files that cannot be read leave their members as they are.
LocalMachine ReadMachine(const MachineRoots& roots);

// "0-2,5" -> 0 1 2 5; wrong parts are skipped, at most 4096 numbers.
std::vector<int> ParseCpuList(std::string_view text);
// 0 1 2 5 -> "0-2,5".
std::string CpuListText(const std::vector<int>& cpus);

}  // namespace sluice
