// The sluice-bench of another commit, built in a folder of its own that goes away afterwards. Main
// thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

class BaseBuild {
 public:
  // `commit` as git understands it, in the tree around the working directory. Minutes, with `jobs`
  // compilers at a time (0: as many as there are CPUs). Errors: not in a git tree, no such commit,
  // or the end of what the build said.
  static absl::StatusOr<std::unique_ptr<BaseBuild>> Make(const std::string& commit, uint32_t jobs);
  ~BaseBuild();
  BaseBuild(const BaseBuild&) = delete;
  BaseBuild& operator=(const BaseBuild&) = delete;

  const std::string& program() const { return program_; }
  const std::string& commit() const { return commit_; }  // abbreviated

 private:
  BaseBuild() = default;
  absl::Status CheckOut(const std::string& commit);
  absl::Status Build(uint32_t jobs);

  std::string tree_;    // the repository's
  std::string folder_;  // holds the worktree; empty: none was made
  std::string commit_;
  std::string program_;
};

}  // namespace sluice
