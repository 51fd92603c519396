// A file that is written from start to end, in large pieces, and open only while a piece is
// written: a replay may have as many outputs as a configuration has interfaces.
//
// One thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace sluice {

class BufferedFile {
 public:
  // Nothing exists at `path`; the first Flush makes it.
  explicit BufferedFile(std::string path) : path_(std::move(path)) {}

  // The text to be written next; append to it, then call Spill.
  std::string& text() { return text_; }
  // Writes when much has come together.
  void Spill() {
    if (text_.size() >= kPieceBytes) {
      Flush();
    }
  }
  void Flush();
  // The first error; what came after it was not written.
  const absl::Status& status() const { return status_; }

 private:
  static constexpr size_t kPieceBytes = 64 * 1024;

  std::string path_;
  std::string text_;
  bool made_ = false;
  absl::Status status_;
};

}  // namespace sluice
