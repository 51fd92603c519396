#include "dataplane/runtime/eal_plan.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sluice {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kEalSlackBytes = 32 * kMiB;  // rings, device structures, EAL's own

uint64_t ReadNumber(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  file >> value;
  return file ? value : 0;
}

uint64_t FreeHugeBytes(uint64_t page_kib) {
  const std::string folder =
      "/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page_kib) + "kB/";
  const uint64_t free = ReadNumber(folder + "free_hugepages");
  const uint64_t reserved = ReadNumber(folder + "resv_hugepages");
  return free > reserved ? (free - reserved) * page_kib * 1024 : 0;
}

// What an EAL option is about, so that a given one switches off the derived ones of its kind.
enum class OptionKind { kCores, kMemory, kBus, kPrefix, kLog, kTelemetry, kOther };

OptionKind KindOf(std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  const auto any = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool attached = name.size() > 2 && name[0] == '-' && name[1] != '-';  // "-m512"
  const std::string_view short_name = attached ? name.substr(0, 2) : name;
  if (any({"--lcores", "--main-lcore", "--master-lcore", "-s"}) || short_name == "-l" ||
      short_name == "-c") {
    return OptionKind::kCores;
  }
  if (any({"--no-huge", "--in-memory", "--socket-mem", "--socket-limit", "--huge-dir",
           "--huge-unlink", "--legacy-mem", "--single-file-segments", "--no-shconf"}) ||
      short_name == "-m") {
    return OptionKind::kMemory;
  }
  if (any({"--no-pci", "--allow", "--block"}) || short_name == "-a" || short_name == "-b") {
    return OptionKind::kBus;
  }
  if (name == "--file-prefix") {
    return OptionKind::kPrefix;
  }
  if (name == "--log-level") {
    return OptionKind::kLog;
  }
  return any({"--telemetry", "--no-telemetry"}) ? OptionKind::kTelemetry : OptionKind::kOther;
}

std::vector<std::string> SplitWords(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

// lcore 0 is the control thread, 1..workers poll. With a CPU to spare the control thread has its
// own; otherwise it floats over all and workers share.
std::string LcoreMap(uint32_t workers, const std::vector<int>& cpus, bool shares) {
  std::ostringstream map;
  map << "0@";
  if (shares) {
    for (size_t i = 0; i < cpus.size(); ++i) {
      map << (i == 0 ? '(' : ',') << cpus[i];
    }
    map << ')';
  } else {
    map << cpus[0];
  }
  for (uint32_t w = 0; w < workers; ++w) {
    map << ',' << 1 + w << '@' << (shares ? cpus[w % cpus.size()] : cpus[1 + w]);
  }
  return map.str();
}

std::string Megabytes(uint64_t bytes) {
  return std::to_string((bytes + kMiB - 1) / kMiB);
}

void PlanMemory(const EalRequest& request, const MachineFacts& machine, EalPlan& plan) {
  const uint64_t wanted_bytes = request.mbuf_bytes + kEalSlackBytes;
  const std::string wanted_mb = Megabytes(wanted_bytes);
  if (machine.free_1g_bytes + machine.free_2m_bytes >= wanted_bytes) {
    plan.memory = machine.free_1g_bytes >= wanted_bytes ? MemoryMode::kHuge1G : MemoryMode::kHuge2M;
    plan.arguments.insert(plan.arguments.end(), {"--in-memory", "-m", wanted_mb});
    return;
  }
  plan.memory = MemoryMode::kNoHuge;
  plan.arguments.insert(plan.arguments.end(),
                        {"--no-huge", "--no-shconf", "-m",
                         Megabytes(request.small_page_mbuf_bytes + kEalSlackBytes)});
  const uint64_t free_bytes = machine.free_1g_bytes + machine.free_2m_bytes;
  plan.notice = free_bytes == 0
                    ? "no hugepages: correct, but do not quote numbers from this mode"
                    : "hugepages: " + std::to_string(free_bytes / kMiB) + " MB free, " + wanted_mb +
                          " MB needed, so none are used: correct, but do not quote numbers from "
                          "this mode";
}

void PlanBus(const EalRequest& request, EalPlan& plan) {
  bool any = false;
  for (const std::string& device : request.devices) {
    if (IsPciDevice(device)) {
      plan.arguments.insert(plan.arguments.end(), {"-a", device});
      any = true;
    }
  }
  if (!any) {
    plan.arguments.push_back("--no-pci");
  }
}

}  // namespace

std::string_view MemoryModeName(MemoryMode mode) {
  switch (mode) {
    case MemoryMode::kHuge1G:
      return "1G";
    case MemoryMode::kHuge2M:
      return "2M";
    case MemoryMode::kNoHuge:
      return "no-huge";
    case MemoryMode::kAsGiven:
      break;
  }
  return "as given";
}

MachineFacts ReadMachineFacts() {
  MachineFacts facts;
  facts.free_1g_bytes = FreeHugeBytes(1048576);
  facts.free_2m_bytes = FreeHugeBytes(2048);
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) {
        facts.cpus.push_back(cpu);
      }
    }
  }
  if (facts.cpus.empty()) {
    facts.cpus.push_back(0);
  }
  return facts;
}

EalPlan PlanEal(const EalRequest& request, const MachineFacts& machine) {
  EalPlan plan;
  const std::vector<std::string> given = SplitWords(request.given);
  const auto derived = [&given](OptionKind kind) {
    return std::none_of(given.begin(), given.end(),
                        [kind](const std::string& word) { return KindOf(word) == kind; });
  };
  plan.shares_cpus = machine.cpus.size() <= request.workers;
  if (derived(OptionKind::kCores)) {
    plan.arguments = {"--lcores", LcoreMap(request.workers, machine.cpus, plan.shares_cpus)};
  }
  if (derived(OptionKind::kMemory)) {
    PlanMemory(request, machine, plan);
  } else {
    plan.memory = MemoryMode::kAsGiven;
  }
  if (derived(OptionKind::kBus)) {
    PlanBus(request, plan);
  }
  if (derived(OptionKind::kPrefix)) {
    plan.arguments.push_back("--file-prefix=" + request.file_prefix);
  }
  if (derived(OptionKind::kTelemetry)) {
    plan.arguments.push_back("--no-telemetry");
  }
  plan.arguments.insert(plan.arguments.end(), given.begin(), given.end());
  return plan;
}

bool IsPciDevice(std::string_view device) {
  const std::string_view name = DeviceName(device);
  const auto hex = [](std::string_view text, size_t least, size_t most) {
    return text.size() >= least && text.size() <= most &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  };
  const size_t dot = name.rfind('.');
  const size_t colon = name.rfind(':');
  if (dot == std::string_view::npos || colon == std::string_view::npos || colon > dot ||
      !hex(name.substr(dot + 1), 1, 1) || !hex(name.substr(colon + 1, dot - colon - 1), 2, 2)) {
    return false;
  }
  const std::string_view front = name.substr(0, colon);  // [domain:]bus
  const size_t domain_end = front.find(':');
  return domain_end == std::string_view::npos
             ? hex(front, 2, 2)
             : hex(front.substr(0, domain_end), 4, 8) && hex(front.substr(domain_end + 1), 2, 2);
}

std::string_view DeviceName(std::string_view device) {
  return device.substr(0, device.find(','));
}

std::string_view InterfaceArgument(std::string_view device) {
  constexpr std::string_view kArgument = ",iface=";
  const size_t at = device.find(kArgument);
  return at == std::string_view::npos ? "" : DeviceName(device.substr(at + kArgument.size()));
}

}  // namespace sluice
