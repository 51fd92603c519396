// Verbs that ask the running daemon: apply, diff, export, rollback, show.
#include <nlohmann/json.hpp>

#include "control/explain/question_words.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/daemon_client.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

int AskWithPaths(const char* verb, const Arguments& arguments) {
  const std::vector<std::string> paths = SplitPaths(arguments.words);
  if (paths.empty()) {
    return UsageError(std::string("`sluice ") + verb +
                      "` needs a PATH: a file or a folder of *.json");
  }
  return AskAboutPaths({{"Verb", verb}}, paths);
}

int TooManyWords(const char* verb, const std::string& word) {
  return UsageError(std::string("`sluice ") + verb + "` does not take the word " + word);
}

}  // namespace

int RunApply(const Arguments& arguments) {
  return AskWithPaths("apply", arguments);
}

int RunDiff(const Arguments& arguments) {
  return AskWithPaths("diff", arguments);
}

int RunExport(const Arguments& arguments) {
  if (!arguments.words.empty()) {
    return TooManyWords("export", arguments.words[0]);
  }
  return AskAndPrint({{"Verb", "export"}}, kConfigTimeoutMs);
}

int RunRollback(const Arguments& arguments) {
  const auto generation = arguments.words.size() == 1 ? ParseNumber(arguments.words[0], INT64_MAX)
                                                      : std::optional<uint64_t>();
  if (!generation || *generation == 0) {
    return UsageError(
        "`sluice rollback` needs the number of a generation; `sluice show generations` lists them");
  }
  return AskAndPrint({{"Verb", "rollback"}, {"Generation", *generation}}, kConfigTimeoutMs);
}

int RunShow(const Arguments& arguments) {
  if (arguments.words.empty()) {
    return UsageError(
        "show what? sessions, routes, interfaces, drops, stages, ports, generations or nat");
  }
  const std::string& what = arguments.words[0];
  const size_t words = what == "routes" ? 2 : 1;  // of routes, a table
  if (arguments.words.size() > words) {
    return TooManyWords("show", arguments.words[words]);
  }
  Json request = {{"Verb", "show"}, {"What", what}};
  const std::pair<const char*, const std::string&> filters[] = {
      {"Eni", FLAGS_eni}, {"Vpc", FLAGS_vpc}, {"Proto", FLAGS_proto},
      {"Src", FLAGS_src}, {"Dst", FLAGS_dst}, {"Port", FLAGS_port}};
  for (const auto& [member, value] : filters) {
    if (!value.empty()) {
      request[member] = value;
    }
  }
  if (arguments.words.size() == 2) {
    request["Table"] = arguments.words[1];
  }
  if (arguments.Has("limit")) {
    request["Limit"] = FLAGS_limit;
  }
  return AskAndPrint(std::move(request), kShowTimeoutMs);
}

}  // namespace sluice
