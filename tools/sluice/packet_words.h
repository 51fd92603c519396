// Words of packets and times on the command line. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "control/explain/question_words.h"  // ParseNumber, ParseProtocol

namespace sluice {

// Seconds with at most nine decimals ("12", "12.5"), as nanoseconds.
std::optional<int64_t> ParseSeconds(std::string_view text);

}  // namespace sluice
