// Words of packets, as the command line and the operator socket give them, and the question they
// ask. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "control/explain/explanation.h"

namespace sluice {

// Decimal digits only, at most `max`.
std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t max);
// "tcp", "udp", "icmp" or 0..255.
std::optional<uint8_t> ParseProtocol(std::string_view text);
// "8/0", or "8" for code 0.
std::optional<std::pair<uint8_t, uint8_t>> ParseIcmpTypeCode(std::string_view text);

// As written; empty: not given.
struct QuestionWords {
  std::string from;   // needed
  std::string to;     // needed
  std::string src;    // the interface's primary address
  std::string proto;  // tcp
  std::string sport;  // 40000
  std::string dport;  // needed for TCP and UDP
  std::string icmp;   // 8/0
};

// InvalidArgument names the word as a flag ("--dport") and says what it can be.
absl::StatusOr<Question> ReadQuestion(const QuestionWords& words);

}  // namespace sluice
