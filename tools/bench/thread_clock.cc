#include "tools/bench/thread_clock.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice {

uint64_t CpuNsOfThread(pid_t process, std::string_view name) {
  std::error_code error;
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, comm);
    if (comm.starts_with(name)) {
      uint64_t cpu_ns = 0;
      std::ifstream(task.path() / "schedstat") >> cpu_ns;
      return cpu_ns;
    }
  }
  return 0;
}

}  // namespace sluice
