#include "dataplane/runtime/eal.h"

#include <rte_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <stdio.h>

#include <cstring>
#include <mutex>
#include <vector>

namespace sluice {
namespace {

constexpr size_t kKeptMessageBytes = 4096;
constexpr size_t kToldMessageBytes = 400;

// Where DPDK's log goes: any thread may log.
struct MessageLog {
  std::mutex mutex;
  std::string kept;
  bool show = false;
  bool started = false;
};

MessageLog& Messages() {
  static MessageLog* const log = new MessageLog;  // DPDK logs until the process ends
  return *log;
}

ssize_t WriteMessage(void*, const char* text, size_t bytes) {
  MessageLog& log = Messages();
  const std::lock_guard<std::mutex> lock(log.mutex);
  log.kept.append(text, bytes);
  if (log.kept.size() > kKeptMessageBytes) {
    log.kept.erase(0, log.kept.size() - kKeptMessageBytes);
  }
  if (log.show) {
    fwrite(text, 1, bytes, stderr);
  }
  return static_cast<ssize_t>(bytes);
}

void CaptureLog() {
  cookie_io_functions_t functions = {};
  functions.write = WriteMessage;
  static FILE* const stream = fopencookie(nullptr, "w", functions);
  if (stream != nullptr) {
    setvbuf(stream, nullptr, _IOLBF, 0);
    rte_openlog_stream(stream);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Eal>> Eal::Start(const EalPlan& plan, bool show_log) {
  {
    MessageLog& log = Messages();
    const std::lock_guard<std::mutex> lock(log.mutex);
    if (log.started) {
      return absl::FailedPreconditionError("DPDK can be started once a process");
    }
    log.started = true;
    log.show = show_log;
  }
  absl::StatusOr<RuntimeFolder> folder = RuntimeFolder::Make();
  if (!folder.ok()) {
    return folder.status();
  }
  CaptureLog();
  // DPDK keeps and permutes the pointers; this runs once, so both live as long as the process.
  static std::vector<std::string> words = {"sluiced"};
  static std::vector<char*> argv;
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  std::string shown;
  for (std::string& word : words) {
    argv.push_back(word.data());
    shown += (shown.empty() ? "" : " ") + word;
  }
  argv.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(words.size()), argv.data()) < 0) {
    const std::string said = LastDpdkMessages();
    return absl::UnavailableError("DPDK did not start (" + shown +
                                  "): " + (said.empty() ? rte_strerror(rte_errno) : said) +
                                  "; `sluice doctor` says what this machine lacks");
  }
  return std::unique_ptr<Eal>(new Eal(*std::move(folder)));
}

Eal::~Eal() {
  rte_eal_cleanup();
}

void ForgetDpdkMessages() {
  const std::lock_guard<std::mutex> lock(Messages().mutex);
  Messages().kept.clear();
}

std::string LastDpdkMessages() {
  const std::lock_guard<std::mutex> lock(Messages().mutex);
  std::string line;
  bool gap = false;
  for (const char c : Messages().kept) {
    if (c == '\n') {
      gap = !line.empty();
      continue;
    }
    if (gap) {
      line += "; ";
      gap = false;
    }
    line += c;
  }
  return line.size() > kToldMessageBytes ? line.substr(line.size() - kToldMessageBytes) : line;
}

}  // namespace sluice
