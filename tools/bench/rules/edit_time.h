// How long it takes until packets see an edit of one rule. Main thread.
#pragma once

#include <cstdint>
#include <string>

#include "perf/workload/rule_set.h"
#include "tools/bench/samples.h"

namespace sluice {

struct EditTime {
  Spread ns;  // from the edited list in hand to a packet that gets another answer
  uint32_t edits = 0;
  uint32_t unseen = 0;  // edits whose packet got no other answer: a broken claim
  std::string refusal;  // not empty: the list does not compile
};

// Puts a rule for another host and port in front of the list, as the control thread does it:
// compile the list, make the set of classifiers anew, swap the pointer that a worker reads, and ask
// as the worker does for a packet that the new rule decides. The time this thread ran.
EditTime TimeEdits(const RuleSetOptions& set, uint32_t edits);

}  // namespace sluice
