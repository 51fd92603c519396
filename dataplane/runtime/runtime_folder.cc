#include "dataplane/runtime/runtime_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "dataplane/base/remedy.h"

namespace sluice {

absl::StatusOr<RuntimeFolder> RuntimeFolder::Make() {
  RuntimeFolder folder;
  const char* former = getenv("RUNTIME_DIRECTORY");
  folder.had_former_ = former != nullptr;
  folder.former_ = former == nullptr ? "" : former;
  std::string tried;
  for (const char* parent : {former, static_cast<const char*>(getenv("XDG_RUNTIME_DIR")),
                             static_cast<const char*>(getenv("TMPDIR")), "/tmp"}) {
    if (parent == nullptr || *parent == '\0') {
      continue;
    }
    std::string path = std::string(parent) + "/sluiced-XXXXXX";
    if (mkdtemp(path.data()) != nullptr) {
      folder.path_ = path;
      setenv("RUNTIME_DIRECTORY", path.c_str(), 1);
      return folder;
    }
    tried += std::string(tried.empty() ? "" : ", ") + parent + " (" + std::strerror(errno) + ")";
  }
  return absl::PermissionDeniedError("no folder for runtime files can be made in " + tried +
                                     Advice(NoRuntimeFolder()));
}

RuntimeFolder::RuntimeFolder(RuntimeFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      former_(std::move(other.former_)),
      had_former_(other.had_former_) {}

RuntimeFolder::~RuntimeFolder() {
  if (path_.empty()) {
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  if (had_former_) {
    setenv("RUNTIME_DIRECTORY", former_.c_str(), 1);
  } else {
    unsetenv("RUNTIME_DIRECTORY");
  }
}

}  // namespace sluice
