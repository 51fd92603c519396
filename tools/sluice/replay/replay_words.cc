#include "tools/sluice/replay/replay_words.h"

#include <optional>

#include "tools/sluice/packet_words.h"

namespace sluice {
namespace {

constexpr std::string_view kApply = "apply:";

absl::Status Wrong(std::string_view flag, std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(std::string(flag) + "=" + std::string(text) + ": " +
                                    std::string(why));
}

}  // namespace

absl::StatusOr<ReplayInput> ParseReplayInput(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size()) {
    return Wrong("--in", text, "say PORT=FILE, as in --in=eni-web=web.pcap");
  }
  return ReplayInput{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

absl::StatusOr<ReplayChangeWords> ParseReplayChange(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view rest =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (rest.substr(0, kApply.size()) != kApply || rest.size() == kApply.size()) {
    return Wrong("--at", text, "say TIME:apply:PATH, as in --at=+10.5:apply:later.json");
  }
  ReplayChangeWords words;
  std::string_view time = text.substr(0, colon);
  words.since_first_packet = time.substr(0, 1) == "+";
  time.remove_prefix(words.since_first_packet ? 1 : 0);
  const std::optional<int64_t> time_ns = ParseSeconds(time);
  if (!time_ns) {
    return Wrong("--at", text,
                 "TIME is seconds since the epoch, or + and seconds after the first packet, with "
                 "at most nine decimals");
  }
  words.time_ns = *time_ns;
  words.paths = std::string(rest.substr(kApply.size()));
  return words;
}

}  // namespace sluice
