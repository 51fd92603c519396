#include "control/api/protocol.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Waits for `events`; false when the time is over.
bool Wait(int fd, int16_t events, int64_t deadline_ms) {
  while (true) {
    const int64_t left_ms = deadline_ms - NowMs();
    if (left_ms <= 0) {
      return false;
    }
    pollfd waiting = {fd, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left_ms));
    if (ready > 0 || (ready < 0 && errno != EINTR)) {
      return ready > 0;
    }
  }
}

absl::Status TimedOut(const std::string& path) {
  return absl::DeadlineExceededError("sluiced at " + path + " does not answer");
}

absl::Status Connect(int fd, const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  static_assert(sizeof(address.sun_path) == kMaxSocketPathBytes + 1);
  if (path.size() > kMaxSocketPathBytes) {
    return absl::InvalidArgumentError("socket path is longer than " +
                                      std::to_string(sizeof(address.sun_path) - 1) +
                                      " bytes: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::UnavailableError("no sluiced answers at " + path + " (" + std::strerror(errno) +
                                  "): start one with `sluiced --config=PATH`, or name its "
                                  "socket with --socket");
  }
  return absl::OkStatus();
}

absl::Status Send(int fd, std::string_view bytes, const std::string& path, int64_t deadline_ms) {
  while (!bytes.empty()) {
    if (!Wait(fd, POLLOUT, deadline_ms)) {
      return TimedOut(path);
    }
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) {
      return absl::OkStatus();  // it hung up, but may have said why before
    }
    bytes.remove_prefix(sent > 0 ? static_cast<size_t>(sent) : 0);
  }
  return absl::OkStatus();
}

}  // namespace

std::string DefaultSocketPath() {
  if (const char* folder = getenv("RUNTIME_DIRECTORY"); folder != nullptr && *folder != '\0') {
    return std::string(folder) + "/sluiced.sock";
  }
  if (const char* folder = getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder != '\0') {
    return std::string(folder) + "/sluice/sluiced.sock";
  }
  if (access("/run", W_OK) == 0) {
    return "/run/sluice/sluiced.sock";
  }
  return "/tmp/sluice-" + std::to_string(geteuid()) + "/sluiced.sock";
}

absl::StatusOr<std::string> AskDaemon(const std::string& socket_path, std::string_view request,
                                      int timeout_ms) {
  const Socket socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket_fd.fd() < 0) {
    return absl::UnavailableError(std::string("no socket: ") + std::strerror(errno));
  }
  const int64_t deadline_ms = NowMs() + timeout_ms;
  absl::Status status = Connect(socket_fd.fd(), socket_path);
  if (status.ok()) {
    status = Send(socket_fd.fd(), std::string(request) + "\n", socket_path, deadline_ms);
  }
  if (!status.ok()) {
    return status;
  }
  std::string answer;
  while (answer.empty() || answer.back() != '\n') {
    if (!Wait(socket_fd.fd(), POLLIN, deadline_ms)) {
      return TimedOut(socket_path);
    }
    char bytes[65536];
    const ssize_t count = recv(socket_fd.fd(), bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
      return absl::UnavailableError("sluiced at " + socket_path + " hung up before it answered");
    }
    answer.append(bytes, count > 0 ? static_cast<size_t>(count) : 0);
  }
  answer.pop_back();
  return answer;
}

}  // namespace sluice
