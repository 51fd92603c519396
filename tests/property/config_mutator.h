// Damaged configurations: bytes and values of a sound one changed at random, so that most still
// reach deep into loading and validation. Deterministic in the random numbers.
#pragma once

#include <string>

#include "tests/property/random_config.h"

namespace sluice::testing {

// One to four changes of bytes: flipped, cut, repeated, or a troublesome piece put in.
std::string MutateBytes(std::string text, Random& random);
// One to three changes of values in a JSON text: a member removed, renamed, given twice, replaced
// by a troublesome value or by one from elsewhere in the text. Still JSON.
std::string MutateValues(const std::string& json_text, Random& random);

}  // namespace sluice::testing
