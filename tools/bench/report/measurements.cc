#include "tools/bench/report/measurements.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tools/bench/child_process.h"

namespace sluice {
namespace {

// RFC 2544 section 9.1, and IMIX.
constexpr const char* kSizes[] = {"64", "128", "256", "512", "1024", "1280", "1518", "imix"};

std::string PathOf(const std::string& folder, const Needed& needed) {
  return folder + "/" + needed.name + ".json";
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Joined(const std::vector<std::string>& words) {
  std::string line = "sluice-bench";
  for (const std::string& word : words) {
    line += " " + word;
  }
  return line;
}

}  // namespace

std::vector<Needed> AllNeeded(bool quick) {
  const auto pick = [quick](const char* whole, const char* short_one) {
    return std::string(quick ? short_one : whole);
  };
  std::vector<Needed> needed = {
      {"rules", {"rules", "--max_rules=" + pick("100000", "1000")}},
      {"flows", {"flows", "--max_flows=" + pick("1000000", "1000")}},
      {"routes",
       {"routes", "--max_routes=" + pick("1000000", "1000"),
        "--max_tables=" + pick("10000", "10")}},
      {"stages-1k", {"forward", "--stages"}},
      {"stages-1M", {"forward", "--stages", "--flows=" + pick("1000000", "10000")}},
      {"stages-walk", {"forward", "--stages", "--session_cache=off"}},
      {"cps", {"cps"}},
      {"rivals", {"rivals", "--ovs"}},
      {"latency", {"latency"}},
      {"hero", {"hero"}},
      {"update", {"update"}},
  };
  for (const char* size : kSizes) {
    needed.push_back({"size-" + std::string(size), {"forward", "--size=" + std::string(size)}});
  }
  return needed;
}

void Measurements::Take(const Needed& needed, const std::string& text,
                        const std::string& otherwise) {
  commands_[needed.name] = Joined(needed.command);
  absl::StatusOr<ReadReport> report = ParseReport(text);
  if (!report.ok()) {
    why_[needed.name] = otherwise;
  } else if (!report->broken_claims.empty()) {
    why_[needed.name] = "not what is named: " + report->broken_claims[0];
  } else if (report->figures.empty()) {
    why_[needed.name] = "it reports no figure";
  } else {
    reports_[needed.name] = *std::move(report);
  }
}

void Measurements::Run(const std::string& program, const Needed& needed, bool quick,
                       const std::string& folder) {
  std::fprintf(stderr, "%s\n", Joined(needed.command).c_str());
  std::vector<std::string> words = {program};
  words.insert(words.end(), needed.command.begin(), needed.command.end());
  if (quick) {
    words.push_back("--quick");
  }
  words.push_back("-j");
  const ChildResult result = RunChild(words);
  unlink(PathOf(folder, needed).c_str());  // what is there is of another time
  if (!result.out.empty()) {
    std::ofstream(PathOf(folder, needed)) << result.out;
  }
  const bool missing = result.exit_code == 2 && result.err.find("no verb") != std::string::npos;
  Take(needed, result.out,
       missing ? "there is no such subcommand yet"
               : "it ended with exit code " + std::to_string(result.exit_code) + ": " +
                     result.err.substr(0, result.err.find('\n')));
}

void Measurements::Load(const Needed& needed, const std::string& folder) {
  Take(needed, ReadAll(PathOf(folder, needed)), "no data in " + PathOf(folder, needed));
}

const ReadReport* Measurements::Get(const std::string& name) const {
  const auto found = reports_.find(name);
  return found == reports_.end() ? nullptr : &found->second;
}

std::string Measurements::Why(const std::string& name) const {
  const auto found = why_.find(name);
  return found == why_.end() ? "it was not run" : found->second;
}

const ReadReport* Measurements::Any() const {
  return reports_.empty() ? nullptr : &reports_.begin()->second;
}

std::string Measurements::CommandOf(const std::string& name) const {
  const auto found = commands_.find(name);
  return found == commands_.end() ? name : found->second;
}

}  // namespace sluice
