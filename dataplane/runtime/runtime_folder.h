// A folder of our own for DPDK's runtime files, so that a start never meets the leftovers of a
// crash and works where the system's folder is not writable (a user namespace). DPDK reads its
// place from RUNTIME_DIRECTORY. Control thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace sluice {

class RuntimeFolder {
 public:
  // Makes the folder and sets RUNTIME_DIRECTORY for this process. Parents tried in order:
  // RUNTIME_DIRECTORY as the service manager set it, XDG_RUNTIME_DIR, TMPDIR, /tmp.
  static absl::StatusOr<RuntimeFolder> Make();

  // Removes the folder and all in it, and restores the variable.
  ~RuntimeFolder();
  RuntimeFolder(RuntimeFolder&& other) noexcept;
  RuntimeFolder& operator=(RuntimeFolder&&) = delete;

  const std::string& path() const { return path_; }

 private:
  RuntimeFolder() = default;

  std::string path_;
  std::string former_;  // value of RUNTIME_DIRECTORY before
  bool had_former_ = false;
};

}  // namespace sluice
