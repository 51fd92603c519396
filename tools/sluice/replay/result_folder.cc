#include "tools/sluice/replay/result_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace sluice {
namespace {

absl::Status CannotWrite(const std::string& path, const std::string& why) {
  return absl::UnavailableError(path + ": cannot be written: " + why +
                                "; name another folder with --out");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultFolder>> ResultFolder::Make(const std::string& path) {
  std::unique_ptr<ResultFolder> folder(new ResultFolder(path));
  std::error_code error;
  folder->made_ = std::filesystem::create_directories(path, error);
  if (!error && !std::filesystem::is_directory(path)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return CannotWrite(path, error.message());
  }
  std::string draft = path + "/.replay-XXXXXX";
  if (::mkdtemp(draft.data()) == nullptr) {
    return CannotWrite(path, std::strerror(errno));
  }
  folder->draft_ = draft;
  return folder;
}

ResultFolder::~ResultFolder() {
  std::error_code ignored;
  if (!draft_.empty()) {
    std::filesystem::remove_all(draft_, ignored);
  }
  if (made_ && !published_) {
    std::filesystem::remove(path_, ignored);
  }
}

absl::Status ResultFolder::Publish(const std::string& tree, const std::vector<std::string>& names) {
  std::error_code error;
  published_ = true;
  std::filesystem::remove_all(Final(tree), error);
  std::filesystem::create_directories(std::filesystem::path(Final(tree)).parent_path(), error);
  if (!error && std::filesystem::exists(Draft(tree))) {
    std::filesystem::rename(Draft(tree), Final(tree), error);
  }
  if (error) {
    return CannotWrite(Final(tree), error.message());
  }
  for (const std::string& name : names) {
    std::filesystem::rename(Draft(name), Final(name), error);
    if (error) {
      return CannotWrite(Final(name), error.message());
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice
