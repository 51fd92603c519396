// How long a list takes to compile. Main thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dataplane/table/classifier.h"

namespace sluice {

struct BuildTime {
  std::shared_ptr<const Classifier> classifier;  // null: refused
  std::string refusal;
  double ns = 0;  // median, of the time the thread ran
};

// Builds `rules` several times in one builder, as the control thread does, and drops each result
// before the next.
BuildTime TimeBuild(std::span<const ClassifierRule> rules);

}  // namespace sluice
