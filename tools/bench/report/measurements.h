// What a report is drawn from: the answers of subcommands, measured now or kept from last time.
// Main thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/bench/report_reader.h"

namespace sluice {

// A run that the report needs.
struct Needed {
  std::string name;  // of its file: "flows"
  std::vector<std::string> command;
};

// All of them. `quick`: sizes that take seconds.
std::vector<Needed> AllNeeded(bool quick);

class Measurements {
 public:
  // Runs `program` and writes what it printed to `folder`/NAME.json. Says on stderr what runs.
  void Run(const std::string& program, const Needed& needed, bool quick, const std::string& folder);
  // Reads `folder`/NAME.json instead.
  void Load(const Needed& needed, const std::string& folder);

  // nullptr: Why says why.
  const ReadReport* Get(const std::string& name) const;
  std::string Why(const std::string& name) const;
  // Any of them, for the machine; nullptr when nothing was measured.
  const ReadReport* Any() const;
  // "sluice-bench flows --max_flows=…" of a run.
  std::string CommandOf(const std::string& name) const;

 private:
  void Take(const Needed& needed, const std::string& text, const std::string& otherwise);

  std::map<std::string, ReadReport> reports_;
  std::map<std::string, std::string> why_;
  std::map<std::string, std::string> commands_;
};

}  // namespace sluice
