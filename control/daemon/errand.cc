#include "control/daemon/errand.h"

#include <utility>

namespace sluice {

Errand::Errand(std::function<void()> run) : run_(std::move(run)), thread_([this] { Loop(); }) {}

Errand::~Errand() {
  {
    const std::lock_guard<std::mutex> lock(lock_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Errand::Ask() {
  {
    const std::lock_guard<std::mutex> lock(lock_);
    asked_ = true;
  }
  changed_.notify_one();
}

void Errand::Loop() {
  std::unique_lock<std::mutex> lock(lock_);
  while (true) {
    changed_.wait(lock, [this] { return asked_ || ending_; });
    if (ending_) {
      return;
    }
    asked_ = false;
    lock.unlock();
    run_();
    lock.lock();
  }
}

}  // namespace sluice
