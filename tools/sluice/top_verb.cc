// `sluice top`: one refreshing screen of rates.
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/sluice/daemon_client.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/top_screen.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

void Wait(double seconds) {
  timespec left;
  left.tv_sec = static_cast<time_t>(seconds);
  left.tv_nsec = static_cast<int64_t>((seconds - std::floor(seconds)) * 1e9);
  nanosleep(&left, nullptr);
}

// The counters now; nothing, after a message, when there are none.
std::optional<Json> Sample() {
  const absl::StatusOr<Json> answer = Ask({{"Verb", "top"}}, kShowTimeoutMs);
  const bool good = answer.ok() && answer->value("Ok", Json()) == true;
  if (!good) {
    const Json error = answer.ok() ? answer->value("Error", Json("no answer")) : Json();
    std::fprintf(stderr, "sluice: %s\n",
                 answer.ok() ? (error.is_string() ? error.get<std::string>().c_str() : "no answer")
                             : std::string(answer.status().message()).c_str());
    return std::nullopt;
  }
  return answer->value("Result", Json());
}

}  // namespace

int RunTop(const Arguments& arguments) {
  if (!arguments.words.empty()) {
    return UsageError("`sluice top` takes no words, not " + arguments.words[0]);
  }
  if (!(FLAGS_period > 0 && FLAGS_period <= 3600)) {
    return UsageError("--period is a number of seconds above 0, at most 3600");
  }
  const bool clears = !FLAGS_j && isatty(STDOUT_FILENO) == 1;
  std::optional<Json> before = Sample();
  for (uint32_t screen = 0; before && (FLAGS_count == 0 || screen < FLAGS_count); ++screen) {
    Wait(FLAGS_period);
    std::optional<Json> after = Sample();
    if (!after) {
      return kExitNo;
    }
    const Json rates = TopRates(*before, *after);
    std::printf("%s%s", clears ? "\033[H\033[2J" : "",
                FLAGS_j
                    ? (rates.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n").c_str()
                    : TopText(rates).c_str());
    std::fflush(stdout);
    before = std::move(after);
  }
  return before ? kExitYes : kExitNo;
}

}  // namespace sluice
