// SIGTERM, SIGINT and SIGHUP as a queue: blocked in every thread, read where the control thread
// waits. Make it before any thread starts, so that all inherit the mask.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

namespace sluice {

enum class DaemonSignal { kNone, kStop, kReload };

class SignalQueue {
 public:
  static absl::StatusOr<std::unique_ptr<SignalQueue>> Make();
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  // The next signal, or kNone after `timeout_ms`.
  DaemonSignal Wait(int timeout_ms);

 private:
  explicit SignalQueue(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sluice
