// The pictures of a report, each with what it shows. Main thread.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/report/measurements.h"

namespace sluice {

struct Drawing {
  std::string name;  // of its file: "rules"
  std::string title;
  std::string note;     // what is shown, and what not
  std::string command;  // that measured it
  std::string svg;      // empty: `missing` says why
  std::string missing;
};

// In the order of the page.
std::vector<Drawing> DrawAll(const Measurements& measurements);

}  // namespace sluice
