// What is asked of the values of flags; every mistake becomes a usage message. Main thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tools/sluice/command_line.h"

namespace sluice {

// Sets `chosen` to the meaning of the word `value`. False, after a usage message, when it is none
// of the words.
template <typename T>
bool OneOf(const char* flag, const std::string& value,
           std::span<const std::pair<std::string_view, T>> words, T& chosen) {
  std::string allowed;
  for (const auto& [word, meaning] : words) {
    if (word == value) {
      chosen = meaning;
      return true;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(word);
  }
  UsageError("--" + std::string(flag) + "=" + value + " is none of " + allowed);
  return false;
}

template <typename T>
bool OneOf(const char* flag, const std::string& value,
           std::initializer_list<std::pair<std::string_view, T>> words, T& chosen) {
  return OneOf(flag, value, std::span(words.begin(), words.size()), chosen);
}

// False, after a usage message, when the value is not in least..most.
bool InRange(const char* flag, uint64_t value, uint64_t least, uint64_t most);
// False, after a usage message, when two packets of a connection of so many steps would come into
// one burst of `burst`, with `value` connections open at a time: an answer is stamped when the port
// that the NAT gateway chose has been seen.
bool StepsComeApart(const char* flag, uint32_t value, size_t steps, uint32_t burst);
// False, after a usage message, when --benchmark_out is given and cannot be written: before hours
// of measuring, not behind them. Opens it; leaves what was there, and nothing new.
bool OutputIsWritable();
// False, after a usage message, when there are words behind the flags, or --benchmark_out is no
// use.
bool FlagsOnly(const char* command, const Arguments& arguments);

}  // namespace sluice
