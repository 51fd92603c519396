#include "control/intent/documents.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Index after a comment that starts at `at`, or `at` when none does. An open comment ends with the
// text.
size_t SkipComment(std::string_view text, size_t at) {
  if (at + 1 >= text.size() || text[at] != '/') {
    return at;
  }
  if (text[at + 1] == '/') {
    return std::min(text.find('\n', at), text.size());
  }
  if (text[at + 1] == '*') {
    const size_t end = text.find("*/", at + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return at;
}

size_t SkipBlank(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (std::strchr(" \t\r\n", text[at]) != nullptr && text[at] != '\0') {
      ++at;
      continue;
    }
    const size_t next = SkipComment(text, at);
    if (next == at) {
      return at;
    }
    at = next;
  }
  return at;
}

size_t SkipString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') {
      ++at;
    }
  }
  return std::min(at + 1, text.size());
}

// Index after the object or list that starts at `at`; the end of the text when it never closes.
// Anything else that starts there runs to the end: the parser will say what is wrong with it.
size_t DocumentEnd(std::string_view text, size_t at) {
  if (text[at] != '{' && text[at] != '[') {
    return text.size();
  }
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      continue;
    }
    if (c == '/') {
      const size_t next = SkipComment(text, at);
      at = next == at ? at + 1 : next;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) {
        return at;
      }
    }
  }
  return text.size();
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
  uint32_t line = 1 + static_cast<uint32_t>(std::count(text.begin(), text.begin() + at, '\n'));
  for (int document = 1; at < text.size(); ++document) {
    const size_t end = DocumentEnd(text, at);
    std::string origin(name);
    if (document > 1) {
      origin += "#" + std::to_string(document);
      ++file_number_;
    }
    JsonTree::ParseError error;
    std::unique_ptr<JsonTree> tree = JsonTree::Parse(std::move(origin), file_number_, line,
                                                     text.substr(at, end - at), names_, &error);
    if (tree == nullptr) {
      issues_->ErrorAt(std::move(error.json_path), std::move(error.what));
      return;  // where the next document starts is not known
    }
    trees_.push_back(std::move(tree));
    const size_t next = SkipBlank(text, end);
    line += static_cast<uint32_t>(std::count(text.begin() + at, text.begin() + next, '\n'));
    at = next;
  }
}

void Documents::AddFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0 || static_cast<size_t>(size) > JsonTree::kMaxTextBytes) {
    issues_->ErrorAt(path, size < 0 ? std::string("cannot be read: ") + std::strerror(errno)
                                    : "longer than 2 GiB: split it into several files");
    return;
  }
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  file.read(text.data(), size);
  if (!file) {
    issues_->ErrorAt(path, std::string("cannot be read: ") + std::strerror(errno));
    return;
  }
  AddText(path, text);
}

void Documents::AddPath(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    issues_->ErrorAt(path, "no such file or folder");
    return;
  }
  if (!fs::is_directory(status)) {
    AddFile(path);
    return;
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
    issues_->ErrorAt(path, "cannot be read: " + error.message());
    return;
  }
  if (files.empty()) {
    issues_->ErrorAt(path, "a folder without *.json files");
    return;
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    AddFile(file);
  }
}

}  // namespace sluice
