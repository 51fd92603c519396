// `sluice explain`: what happens to a packet and to its answer, and why (interface.md §5).
#include <cstdio>
#include <nlohmann/json.hpp>

#include "control/explain/explanation.h"
#include "control/explain/question_words.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/daemon_client.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

// The running configuration, without --config.
int ExplainLive(const QuestionWords& words) {
  return AskAndPrint({{"Verb", "explain"},
                      {"From", words.from},
                      {"To", words.to},
                      {"Src", words.src},
                      {"Proto", words.proto},
                      {"Sport", words.sport},
                      {"Dport", words.dport},
                      {"Icmp", words.icmp}},
                     kShowTimeoutMs);
}

QuestionWords WordsOfFlags() {
  return {FLAGS_from, FLAGS_to, FLAGS_src, FLAGS_proto, FLAGS_sport, FLAGS_dport, FLAGS_icmp};
}

}  // namespace

int RunExplain(const Arguments& arguments) {
  const QuestionWords words = WordsOfFlags();
  const absl::StatusOr<Question> question = ReadQuestion(words);
  if (!question.ok()) {
    return UsageError(std::string(question.status().message()));
  }
  std::vector<std::string> paths = arguments.All("config");
  paths.insert(paths.end(), arguments.words.begin(), arguments.words.end());
  paths = SplitPaths(paths);
  if (paths.empty()) {
    return ExplainLive(words);
  }
  const auto intent = LoadOrReport(paths);
  if (intent == nullptr) {
    return kExitNo;
  }
  const absl::StatusOr<Explanation> explanation = Explain(*intent, *question);
  if (!explanation.ok()) {
    return UsageError(std::string(explanation.status().message()));
  }
  const std::string text =
      FLAGS_j ? RenderExplanationJson(*explanation) : RenderExplanationText(*explanation);
  std::fputs(text.c_str(), stdout);
  return explanation->exit_code();
}

}  // namespace sluice
