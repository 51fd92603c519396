// The arguments DPDK's environment starts with, derived from the machine and the ports; pure, so
// that every case has a test. Nothing here calls DPDK. Any thread.
//
// Memory: free hugepages that hold all packet buffers -> `--in-memory` (no files, no hugetlbfs
// mount, works without root); otherwise `--no-huge`, which is correct but slow. EAL refuses both
// together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class MemoryMode : uint8_t { kHuge1G, kHuge2M, kNoHuge, kAsGiven };
std::string_view MemoryModeName(MemoryMode mode);  // "1G", "2M", "no-huge", "as given"

struct MachineFacts {
  uint64_t free_1g_bytes = 0;  // in free, unreserved hugepages of 1 GB
  uint64_t free_2m_bytes = 0;
  std::vector<int> cpus;  // those this process may run on, ascending; at least one
};

// Reads /sys and the process's CPU set.
MachineFacts ReadMachineFacts();

struct EalRequest {
  std::vector<std::string> devices;  // Device of every port, in order
  uint32_t workers = 1;
  uint64_t mbuf_bytes = 0;             // packet buffers of all ports, on hugepages
  uint64_t small_page_mbuf_bytes = 0;  // the same on pages of 4 KB
  std::string file_prefix;             // unique on this machine
  std::string given;                   // --eal: its options replace derived ones of the same kind
};

struct EalPlan {
  std::vector<std::string> arguments;  // argv[1..] of rte_eal_init
  MemoryMode memory = MemoryMode::kNoHuge;
  bool shares_cpus = false;  // fewer CPUs than workers + 1
  std::string notice;        // one line for the user, or empty
};

EalPlan PlanEal(const EalRequest& request, const MachineFacts& machine);

// Is it "0000:3b:00.0" or "3b:00.0", with or without ",arguments"?
bool IsPciDevice(std::string_view device);
// The part before the first comma: "net_tap0" of "net_tap0,iface=web".
std::string_view DeviceName(std::string_view device);
// "web" of "net_tap0,iface=web"; empty where there is none.
std::string_view InterfaceArgument(std::string_view device);

}  // namespace sluice
