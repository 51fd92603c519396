// Configurations that somebody else has read: texts with the names of their files. Control thread
// or an offline tool.
#pragma once

#include <string>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

struct NamedText {
  std::string name;  // stands for the file in messages
  std::string text;
};

// LoadIntentText of several, united.
ValidationResult LoadIntentTexts(const std::vector<NamedText>& texts,
                                 const ValidationOptions& options);

}  // namespace sluice
