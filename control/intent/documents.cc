#include "control/intent/documents.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "control/intent/json_scan.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStandardInput = "-";
constexpr size_t kReadBytes = size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Everything a file or a pipe gives, up to the longest text that is read; false with errno set.
bool ReadAll(const std::string& path, std::string& text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  struct stat status = {};
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    text.reserve(std::min(static_cast<size_t>(status.st_size), JsonTree::kMaxTextBytes) + 1);
  }
  std::vector<char> piece(kReadBytes);
  ssize_t got = 0;
  while (text.size() <= JsonTree::kMaxTextBytes &&
         ((got = read(fd, piece.data(), piece.size())) > 0 || (got < 0 && errno == EINTR))) {
    text.append(piece.data(), static_cast<size_t>(std::max(got, ssize_t{0})));
  }
  const int error = errno;
  close(fd);
  errno = error;
  return got >= 0;
}

}  // namespace

void Documents::AddText(std::string_view name, std::string_view text) {
  ++file_number_;
  size_t at = text.substr(0, kByteOrderMark.size()) == kByteOrderMark ? kByteOrderMark.size() : 0;
  at = SkipBlank(text, at);
  if (at == text.size()) {
    issues_->ErrorAt(std::string(name) + ":$", "empty: a JSON object is expected");
    return;
  }
  TextPlace place = PlaceOf(text, at, {});
  for (int document = 1; at < text.size(); ++document) {
    const size_t end = DocumentEnd(text, at);
    std::string origin(name);
    if (document > 1) {
      origin += "#" + std::to_string(document);
      ++file_number_;
    }
    JsonTree::ParseError error;
    std::unique_ptr<JsonTree> tree = JsonTree::Parse(std::move(origin), file_number_, place,
                                                     text.substr(at, end - at), names_, &error);
    if (tree == nullptr) {
      issues_->ErrorAt(std::move(error.json_path), std::move(error.what));
      return;  // where the next document starts is not known
    }
    trees_.push_back(std::move(tree));
    const size_t next = SkipBlank(text, end);
    place = PlaceOf(text.substr(at), next - at, place);
    at = next;
  }
}

absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  std::string text;
  if (!ReadAll(path == kStandardInput ? "/dev/stdin" : path, text)) {
    return absl::PermissionDeniedError(std::string("cannot be read: ") + std::strerror(errno));
  }
  if (text.size() > JsonTree::kMaxTextBytes) {
    return absl::ResourceExhaustedError("longer than 2 GiB: split it into several files");
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> ListConfigFiles(const std::string& path) {
  if (path == kStandardInput) {
    return std::vector<std::string>{path};
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return absl::NotFoundError(status.type() == fs::file_type::not_found
                                   ? "no such file or folder: check the name and the current folder"
                                   : "cannot be read: " + error.message());
  }
  if (!fs::is_directory(status)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  fs::recursive_directory_iterator walk(path, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    std::error_code entry_error;
    if (walk->path().extension() == ".json" && walk->is_regular_file(entry_error)) {
      files.push_back(walk->path().string());
    }
  }
  if (error) {
    return absl::PermissionDeniedError("cannot be read: " + error.message());
  }
  if (files.empty()) {
    return absl::NotFoundError(
        "a folder without *.json files: put the configuration there, or name it");
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Documents::AddFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadConfigFile(path);
  if (text.ok()) {
    AddText(path, *text);
  } else {
    issues_->ErrorAt(path, std::string(text.status().message()));
  }
}

void Documents::AddPath(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> files = ListConfigFiles(path);
  if (!files.ok()) {
    issues_->ErrorAt(path, std::string(files.status().message()));
    return;
  }
  for (const std::string& file : *files) {
    AddFile(file);
  }
}

}  // namespace sluice
