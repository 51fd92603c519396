// The folder of results: everything is written beside its place and moved there at the end, so that
// a run that fails changes nothing that was there before.
//
// One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

class ResultFolder {
 public:
  // Makes `path` when it is missing, and a hidden folder in it for the time of the run.
  static absl::StatusOr<std::unique_ptr<ResultFolder>> Make(const std::string& path);
  // Takes away what was not published, and `path` when it was made here.
  ~ResultFolder();

  // Where `name` is written during the run.
  std::string Draft(const std::string& name) const { return draft_ + "/" + name; }
  // Where it stands afterwards.
  std::string Final(const std::string& name) const { return path_ + "/" + name; }

  // Moves the folder `tree`, if there is one, and the files `names` to their places, in this order;
  // what had these names before is replaced.
  absl::Status Publish(const std::string& tree, const std::vector<std::string>& names);

 private:
  explicit ResultFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string draft_;
  bool made_ = false;
  bool published_ = false;
};

}  // namespace sluice
