// Broken invariants end the process: a dataplane that forwards from damaged tables is worse than
// one that restarts. Never for wrong input (absl::Status) nor for wrong packets (DropReason).
#pragma once

namespace sluice {

// Prints the place and the expression to stderr, then aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression) noexcept;

}  // namespace sluice

// A macro because it reports the text and the place of its argument.
#define SLUICE_CHECK(expression)                              \
  do {                                                        \
    if (!(expression)) [[unlikely]] {                         \
      ::sluice::CheckFailed(__FILE__, __LINE__, #expression); \
    }                                                         \
  } while (false)
