#include "control/daemon/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sluice {

absl::StatusOr<std::unique_ptr<SignalQueue>> SignalQueue::Make() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, number);
  }
  const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = error == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
  if (fd < 0) {
    return absl::InternalError(std::string("signals cannot be received: ") +
                               std::strerror(error != 0 ? error : errno));
  }
  signal(SIGPIPE, SIG_IGN);  // a client that went away is an error of a write
  return std::unique_ptr<SignalQueue>(new SignalQueue(fd));
}

SignalQueue::~SignalQueue() {
  close(fd_);
}

DaemonSignal SignalQueue::Wait(int timeout_ms) {
  pollfd waiting = {fd_, POLLIN, 0};
  signalfd_siginfo got;
  if (poll(&waiting, 1, timeout_ms) <= 0 || read(fd_, &got, sizeof(got)) != sizeof(got)) {
    return DaemonSignal::kNone;
  }
  return got.ssi_signo == SIGHUP ? DaemonSignal::kReload : DaemonSignal::kStop;
}

}  // namespace sluice
