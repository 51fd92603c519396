#include "tools/sluice/replay/buffered_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(put < 0 ? 0 : static_cast<size_t>(put));
  }
  return true;
}

}  // namespace

void BufferedFile::Flush() {
  if (status_.ok() && (!made_ || !text_.empty())) {
    const int fd = ::open(path_.c_str(),
                          O_WRONLY | O_CLOEXEC | O_APPEND | (made_ ? 0 : O_CREAT | O_EXCL), 0666);
    const bool done = fd >= 0 && WriteAll(fd, text_) && ::close(fd) == 0;
    if (!done) {
      status_ = absl::UnavailableError(path_ + ": cannot be written: " + std::strerror(errno));
    }
    made_ = true;
  }
  text_.clear();
}

}  // namespace sluice
