#include "tools/sluice/replay/result_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kDraftNames = 100;  // tried; a killed run leaves its draft

absl::Status CannotWrite(const std::string& path, const std::string& why) {
  return absl::UnavailableError(path + ": cannot be written: " + why +
                                "; name another folder with --out");
}

// A file of this folder, not of one above or below it.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

bool WriteOutputsList(const std::string& path, const std::vector<std::string>& names) {
  std::ofstream list(path);
  for (const std::string& name : names) {
    list << name << "\n";
  }
  list.close();
  return !list.fail();
}

// Whether this process stands in `folder` or below: it would go on in one that is gone.
bool StandsIn(const fs::path& folder) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  const fs::path way = error ? fs::path() : here.lexically_relative(folder);
  return !way.empty() && *way.begin() != "..";
}

// Whether a folder of ours may stand in its stead: it is ours, and nothing is mounted on it.
bool IsReplaceable(const fs::path& folder, const fs::path& parent) {
  struct stat found;
  struct stat above;
  return stat(folder.c_str(), &found) == 0 && stat(parent.c_str(), &above) == 0 &&
         found.st_dev == above.st_dev && found.st_uid == geteuid() && folder != parent &&
         !StandsIn(folder);
}

}  // namespace

std::set<std::string> EarlierOutputs(const std::string& folder) {
  std::set<std::string> names;
  std::ifstream list(folder + "/" + kOutputsList);
  for (std::string name; std::getline(list, name);) {
    if (IsPlainName(name)) {
      names.insert(name);
    }
  }
  return names;
}

absl::StatusOr<std::unique_ptr<ResultFolder>> ResultFolder::Make(const std::string& path) {
  std::unique_ptr<ResultFolder> folder(new ResultFolder(path));
  std::error_code error;
  fs::path target = fs::weakly_canonical(path, error);
  if (!error && !target.has_filename()) {
    target = target.parent_path();
  }
  const fs::path parent = target.parent_path();
  if (!error) {
    fs::create_directories(parent, error);
  }
  const bool exists = !error && fs::exists(target, error);
  if (!error && exists && !fs::is_directory(target)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return CannotWrite(path, error.message());
  }
  folder->target_ = target;
  folder->beside_ = (!exists || IsReplaceable(target, parent)) &&
                    folder->MakeDraft(parent / ("." + target.filename().string() + ".replay-"));
  if (!folder->beside_ && !(exists && folder->MakeDraft(target / ".replay-"))) {
    return CannotWrite(path, std::strerror(errno));
  }
  return folder;
}

// Not mkdtemp: the draft becomes the folder of results, with the rights that one has.
bool ResultFolder::MakeDraft(const std::string& path) {
  for (int attempt = 0; attempt < kDraftNames; ++attempt) {
    const std::string draft = path + std::to_string(getpid()) + "-" + std::to_string(attempt);
    if (mkdir(draft.c_str(), 0777) == 0) {
      draft_ = draft;
      struct stat found;
      if (stat(target_.c_str(), &found) == 0) {
        (void)!chmod(draft.c_str(), found.st_mode & 07777);
      }
      return true;
    }
    if (errno != EEXIST) {
      return false;
    }
  }
  return false;
}

ResultFolder::~ResultFolder() {
  std::error_code ignored;
  if (!draft_.empty()) {
    fs::remove_all(draft_, ignored);
  }
}

absl::Status ResultFolder::Publish(const std::string& tree, const std::vector<std::string>& names) {
  const std::set<std::string> earlier = EarlierOutputs(target_);
  if (!WriteOutputsList(Draft(kOutputsList), names)) {
    return CannotWrite(Final(kOutputsList), std::strerror(errno));
  }
  std::set<std::string> outputs = earlier;
  outputs.insert(names.begin(), names.end());
  outputs.insert(kOutputsList);
  if (beside_ && HoldsOnly(outputs, tree) && ReplaceWhole()) {
    return absl::OkStatus();
  }
  return MoveOneByOne(tree, earlier, names);
}

// Whether nothing in the target is anybody else's.
bool ResultFolder::HoldsOnly(const std::set<std::string>& outputs, const std::string& tree) const {
  std::error_code error;
  if (!fs::exists(target_, error)) {
    return !error;
  }
  const fs::path first = *fs::path(tree).begin();
  for (const fs::directory_entry& entry : fs::directory_iterator(target_, error)) {
    const std::string name = entry.path().filename();
    if (name == first && entry.is_directory(error)) {
      // Only the way down to the tree.
      for (const fs::directory_entry& below : fs::directory_iterator(entry.path(), error)) {
        if (fs::path(name) / below.path().filename() != fs::path(tree)) {
          return false;
        }
      }
    } else if (outputs.count(name) == 0 || !entry.is_regular_file(error)) {
      return false;
    }
  }
  return !error;
}

bool ResultFolder::ReplaceWhole() {
  // An empty folder may be replaced by a plain rename, and a missing one can be nothing else.
  if (rename(draft_.c_str(), target_.c_str()) == 0) {
    draft_.clear();
    return true;
  }
  // What was there stands at the draft's place then, and goes with it.
  return renameat2(AT_FDCWD, draft_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0;
}

absl::Status ResultFolder::MoveOneByOne(const std::string& tree,
                                        const std::set<std::string>& earlier,
                                        std::vector<std::string> names) {
  const auto at_target = [this](const std::string& name) { return target_ + "/" + name; };
  std::error_code error;
  fs::create_directories(target_, error);
  if (!names.empty()) {
    fs::remove(at_target(names.back()), error);
  }
  for (const std::string& name : earlier) {
    fs::remove(at_target(name), error);
  }
  fs::remove_all(at_target(tree), error);
  fs::create_directories(fs::path(at_target(tree)).parent_path(), error);
  if (!error && fs::exists(Draft(tree))) {
    fs::rename(Draft(tree), at_target(tree), error);
  }
  if (error) {
    return CannotWrite(Final(tree), error.message());
  }
  names.insert(names.begin(), kOutputsList);
  for (const std::string& name : names) {
    fs::rename(Draft(name), at_target(name), error);
    if (error) {
      return CannotWrite(Final(name), error.message());
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice
