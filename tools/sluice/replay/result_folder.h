// The folder of results: everything is written beside it and put in its place at the end, so that a
// run that fails changes nothing that was there before.
//
// Where the folder is missing, empty, or holds the results of earlier runs and nothing else, it is
// replaced in one step: whoever looks sees the old results or the new ones, whole. Otherwise (it
// holds somebody's files, is a mount point, is where this process stands, or its parent cannot be
// written) the results are moved into it one by one; the last, without which they are not whole,
// is taken away first and comes last.
//
// What belongs to an earlier run is known from kOutputsList, a hidden file in the folder that names
// its files: a result of a port that is gone goes with the next run, and a file of anybody else
// never does.
//
// One thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

inline constexpr char kOutputsList[] = ".sluice-replay";

// The files of `folder` that an earlier run put there.
std::set<std::string> EarlierOutputs(const std::string& folder);

class ResultFolder {
 public:
  // Makes the folders above `path` where they are missing, and a hidden one beside `path` (or in
  // it) for the time of the run.
  static absl::StatusOr<std::unique_ptr<ResultFolder>> Make(const std::string& path);
  // Takes away what was not published, and what it replaced.
  ~ResultFolder();

  // Where `name` is written during the run.
  std::string Draft(const std::string& name) const { return draft_ + "/" + name; }
  // Where it stands afterwards.
  std::string Final(const std::string& name) const { return path_ + "/" + name; }

  // Puts the folder `tree`, if there is one, and the files `names` in their places; what had these
  // names before is replaced, and what earlier runs named and this one does not is taken away.
  absl::Status Publish(const std::string& tree, const std::vector<std::string>& names);

 private:
  explicit ResultFolder(std::string path) : path_(std::move(path)) {}
  bool MakeDraft(const std::string& path);
  bool ReplaceWhole();
  bool HoldsOnly(const std::set<std::string>& outputs, const std::string& tree) const;
  absl::Status MoveOneByOne(const std::string& tree, const std::set<std::string>& earlier,
                            std::vector<std::string> names);

  const std::string path_;  // as given
  std::string target_;      // absolute, without symbolic links
  std::string draft_;
  bool beside_ = false;  // the draft is not in the target
};

}  // namespace sluice
