// Files and folders to JSON trees: every path expanded, every document of every file parsed. A file
// may hold several documents one after another, as `cat` of several `aws ec2 describe-*` outputs
// makes. Control thread or an offline tool; never throws.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "control/intent/issue_list.h"
#include "control/intent/json_tree.h"

namespace sluice {

// A file, a pipe or "-" itself, or the *.json of a folder, recursively, in name order. Errors of
// these two are what a finding says, without the path.
absl::StatusOr<std::vector<std::string>> ListConfigFiles(const std::string& path);
// The whole text of one of them; "-" is standard input.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path);

class Documents {
 public:
  Documents(JsonNames* names, IssueList* issues) : names_(names), issues_(issues) {}

  // A file, a pipe, "-" for standard input, or a folder of *.json read recursively in name order.
  // What cannot be read is a finding.
  void AddPath(const std::string& path);
  // `name` stands for the file in paths; the second and later documents are "name#2", "name#3".
  void AddText(std::string_view name, std::string_view text);

  const std::vector<std::unique_ptr<JsonTree>>& trees() const { return trees_; }

 private:
  void AddFile(const std::string& path);

  JsonNames* names_;
  IssueList* issues_;
  uint32_t file_number_ = 0;
  std::vector<std::unique_ptr<JsonTree>> trees_;
};

}  // namespace sluice
