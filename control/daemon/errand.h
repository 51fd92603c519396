// A function that runs on a thread of its own whenever it is asked for: what must not hold up the
// control thread's ticks. Asked for while it runs, it runs once more.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sluice {

class Errand {
 public:
  // Must not throw.
  explicit Errand(std::function<void()> run);
  // Waits for a run that has begun; one that has only been asked for is dropped.
  ~Errand();
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // Any thread; returns at once.
  void Ask();

 private:
  void Loop();

  const std::function<void()> run_;
  std::mutex lock_;  // of the next three
  std::condition_variable changed_;
  bool asked_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sluice
