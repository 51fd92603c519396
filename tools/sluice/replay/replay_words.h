// The words of `sluice replay`'s repeated flags. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tools/sluice/replay/replay.h"

namespace sluice {

// "PORT=FILE".
absl::StatusOr<ReplayInput> ParseReplayInput(std::string_view text);

// "TIME:apply:PATH", TIME in seconds since the epoch or "+" and seconds after the first packet.
struct ReplayChangeWords {
  bool since_first_packet = false;
  int64_t time_ns = 0;
  std::string paths;  // as given
};
absl::StatusOr<ReplayChangeWords> ParseReplayChange(std::string_view text);

}  // namespace sluice
