#include "tools/bench/rivals/ovs_reading.h"

#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"

namespace sluice {
namespace {

constexpr std::string_view kThread = "pmd thread ";

// The lines of the one forwarding thread; empty when there is none, or another.
std::string_view ThreadPart(std::string_view text) {
  const size_t begin = text.find(kThread);
  if (begin == std::string_view::npos ||
      text.find(kThread, begin + kThread.size()) != std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find("main thread:", begin) - begin);
}

// The number behind `words`; false when they are not there.
bool NumberBehind(std::string_view text, std::string_view words, uint64_t* number) {
  const size_t at = text.find(words);
  if (at == std::string_view::npos) {
    return false;
  }
  *number = std::strtoull(std::string(text.substr(at + words.size(), 48)).c_str(), nullptr, 10);
  return true;
}

// "src=1.2.3.4,dst=…": the value behind `name`.
std::string_view ValueOf(std::string_view text, std::string_view name) {
  const size_t at = text.find(name);
  return at == std::string_view::npos
             ? std::string_view()
             : text.substr(at + name.size(), text.find_first_of(",)", at) - at - name.size());
}

}  // namespace

absl::StatusOr<OvsCounters> ReadOvsCounters(const std::string& text) {
  const std::string_view part = ThreadPart(text);
  OvsCounters counters;
  uint64_t lost = 0;
  if (!NumberBehind(part, "packets received: ", &counters.received) ||
      !NumberBehind(part, "packet recirculations: ", &counters.recirculations) ||
      !NumberBehind(part, "miss with success upcall: ", &counters.upcalls) ||
      !NumberBehind(part, "miss with failed upcall: ", &lost)) {
    return absl::InternalError("pmd-stats-show says not what it is known to say");
  }
  counters.upcalls += lost;
  // Not printed before the thread has run a while.
  NumberBehind(part, "idle cycles: ", &counters.idle_ticks);
  NumberBehind(part, "\n  processing cycles: ", &counters.busy_ticks);
  return counters;
}

absl::StatusOr<OvsTraffic> ReadOvsTraffic(const std::string& text) {
  const std::string_view part = ThreadPart(text);
  OvsTraffic traffic;
  if (!NumberBehind(part, "Rx packets:", &traffic.received) ||
      !NumberBehind(part, "Tx packets:", &traffic.sent)) {
    return absl::InternalError("pmd-perf-show says not what it is known to say");
  }
  return traffic;
}

OvsConnections CountOvsConnections(const std::string& dump, const std::string& nat_address) {
  OvsConnections connections;
  std::string_view rest = dump;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const size_t reply_at = line.find("reply=(");
    if (reply_at == std::string_view::npos) {
      continue;
    }
    const std::string_view orig = line.substr(0, reply_at);
    const std::string_view reply = line.substr(reply_at);
    ++connections.all;
    connections.translated +=
        ValueOf(reply, "dst=") == nat_address && ValueOf(reply, "dport=") == ValueOf(orig, "sport=")
            ? 1
            : 0;
    connections.established +=
        line.starts_with("udp") || line.find("state=ESTABLISHED") != std::string_view::npos ? 1 : 0;
  }
  return connections;
}

}  // namespace sluice
