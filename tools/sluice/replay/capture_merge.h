// Several captures as one stream of frames: by time, then by the order of the captures, then by the
// place in the file. A capture whose times run back is put in order first, in memory.
//
// One thread. Two passes: Survey looks at everything once, so that nothing that could be known
// before the first packet comes as a surprise; Next gives frame after frame.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/sluice/replay/capture_reader.h"

namespace sluice {

struct MergedFrame {
  size_t source = 0;  // index of the capture
  CapturedFrame frame;
};

class CaptureMerge {
 public:
  explicit CaptureMerge(std::vector<std::unique_ptr<CaptureReader>> readers);
  ~CaptureMerge();

  // Reads every capture to its end, calling `look` for each frame, file by file; then stands before
  // the first frame.
  absl::Status Survey(const std::function<void(size_t source, const CapturedFrame&)>& look);
  std::optional<int64_t> first_ns() const { return first_ns_; }  // none: no frame anywhere

  // nullptr at the end, or after an error (status()). Valid until the next call.
  const MergedFrame* Next();
  const absl::Status& status() const { return status_; }

 private:
  class Source;
  struct Later;

  void Advance(size_t source);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<size_t> heap_;  // sources that stand before a frame, the earliest on top
  std::optional<size_t> taken_;
  std::optional<int64_t> first_ns_;
  MergedFrame merged_;
  absl::Status status_;
};

}  // namespace sluice
