#include "tools/bench/compare/base_build.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/status/status.h"
#include "tools/bench/child_process.h"
#include "tools/bench/interruption.h"

namespace sluice {
namespace {

constexpr const char* kProgram = "tools/bench/sluice-bench";
constexpr size_t kLinesOfFailure = 15;

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

absl::StatusOr<std::string> TemporaryFolder() {
  const char* parent = std::getenv("TMPDIR");
  std::string folder =
      std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/sluice-base-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError("no temporary folder " + folder +
                                  " can be made; set TMPDIR to one with a few hundred MB");
  }
  return folder;
}

absl::Status Run(const std::string& what, const std::vector<std::string>& command) {
  const ChildResult result = RunChild(command);
  if (Interruption::happened()) {
    return absl::CancelledError("interrupted");
  }
  return result.exit_code == 0
             ? absl::OkStatus()
             : absl::FailedPreconditionError(what + " failed:\n" +
                                             LastLines(result.out + result.err, kLinesOfFailure));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BaseBuild>> BaseBuild::Make(const std::string& commit,
                                                           uint32_t jobs) {
  std::unique_ptr<BaseBuild> build(new BaseBuild());
  absl::Status status = build->CheckOut(commit);
  if (status.ok()) {
    status = build->Build(jobs);
  }
  if (!status.ok()) {
    return status;
  }
  return build;
}

absl::Status BaseBuild::CheckOut(const std::string& commit) {
  const ChildResult tree = RunChild({"git", "rev-parse", "--show-toplevel"});
  if (tree.exit_code != 0) {
    return absl::FailedPreconditionError("this is no git tree (" + FirstLine(tree.err) +
                                         "); run it from the sources, or give two programs");
  }
  tree_ = FirstLine(tree.out);
  const ChildResult found = RunChild(
      {"git", "-C", tree_, "rev-parse", "--verify", "--quiet", "--short=12", commit + "^{commit}"});
  if (found.exit_code != 0) {
    return absl::NotFoundError("git knows no commit " + commit +
                               "; `git log` shows them, `git fetch` "
                               "brings more");
  }
  commit_ = FirstLine(found.out);
  absl::StatusOr<std::string> folder = TemporaryFolder();
  if (!folder.ok()) {
    return folder.status();
  }
  folder_ = *std::move(folder);
  return Run("checking out " + commit_, {"git", "-C", tree_, "worktree", "add", "--detach",
                                         "--force", folder_ + "/tree", commit_});
}

absl::Status BaseBuild::Build(uint32_t jobs) {
  const std::string tree = folder_ + "/tree";
  const std::string build = tree + "/build";  // as in the tree at hand, so that ccache knows it
  setenv("CCACHE_BASEDIR", tree.c_str(), 1);
  setenv("CCACHE_NOHASHDIR", "1", 1);
  absl::Status status =
      Run("meson setup of " + commit_, {"meson", "setup", "--buildtype=release", build, tree});
  if (status.ok()) {
    std::vector<std::string> command = {"ninja", "-C", build, kProgram};
    if (jobs != 0) {
      command.push_back("-j" + std::to_string(jobs));
    }
    status = Run("the build of " + commit_, command);
  }
  program_ = build + "/" + kProgram;
  return status;
}

BaseBuild::~BaseBuild() {
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    (void)RunChild({"git", "-C", tree_, "worktree", "prune"});
  }
}

}  // namespace sluice
