// A request of the operator protocol as a value: parsed, its members known and of the right type.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "control/explain/question_words.h"
#include "control/intent/named_texts.h"

namespace sluice {

struct OperatorRequest {
  std::string verb;
  bool as_text = false;
  // apply, diff: one of the two is not empty.
  std::vector<std::string> paths;  // absolute
  std::vector<NamedText> texts;
  uint64_t generation = 0;  // rollback
  // show
  std::string what;
  std::string eni;
  std::string vpc;
  std::string table;
  std::string dst;
  std::string port;
  uint32_t limit = 0;
  // explain; `src` and `proto` are filters of show, too.
  QuestionWords words;
};

// InvalidArgument says which member is wrong and what it can be. Never throws.
absl::StatusOr<OperatorRequest> ParseOperatorRequest(std::string_view line);

}  // namespace sluice
