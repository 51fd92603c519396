#include "tools/bench/interruption.h"

#include <atomic>
#include <cstdlib>

namespace sluice {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> came{0};

}  // namespace

Interruption::Interruption() {
  came.store(0, std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_handler = [](int signal) { came.store(signal, std::memory_order_relaxed); };
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) {  // as under nohup
      sigaction(kSignals[i], &action, nullptr);
    }
  }
}

Interruption::~Interruption() {
  const int signal = came.exchange(0, std::memory_order_relaxed);
  bool ends_process = false;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &before_[i], nullptr);
    ends_process |= kSignals[i] == signal && before_[i].sa_handler == SIG_DFL;
  }
  if (ends_process) {
    std::exit(128 + signal);
  }
  if (signal != 0) {
    raise(signal);
  }
}

bool Interruption::happened() {
  return came.load(std::memory_order_relaxed) != 0;
}

}  // namespace sluice
