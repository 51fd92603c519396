#include "control/daemon/saved_configuration.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace sluice {
namespace {

absl::Status Failed(const std::string& path, const char* what, int error) {
  return absl::UnavailableError("--state: " + path + " " + what + ": " + std::strerror(error));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
  return true;
}

// So that the names in it survive a power cut.
bool SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int failed = errno;
  if (fd >= 0) {
    close(fd);
  }
  errno = failed;
  return synced;
}

}  // namespace

absl::Status SaveConfiguration(const std::string& folder, const ValidatedIntent& intent) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Failed(folder, "cannot be made", error.value());
  }
  const std::string path = folder + "/running.json";
  const std::string next = path + ".next";
  const int fd = open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) {
    return Failed(next, "cannot be written", errno);
  }
  const bool written = WriteAll(fd, ExportIntentJson(intent)) && fsync(fd) == 0;
  const int failed = errno;
  close(fd);
  if (!written || rename(next.c_str(), path.c_str()) != 0) {
    const int cause = written ? errno : failed;
    unlink(next.c_str());
    return Failed(path, "cannot be written", cause);
  }
  if (!SyncFolder(folder)) {
    return Failed(folder, "cannot be synced", errno);
  }
  return absl::OkStatus();
}

}  // namespace sluice
