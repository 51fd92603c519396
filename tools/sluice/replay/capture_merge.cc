#include "tools/sluice/replay/capture_merge.h"

#include <algorithm>

namespace sluice {

// One capture in the order of time.
class CaptureMerge::Source {
 public:
  explicit Source(std::unique_ptr<CaptureReader> reader) : reader_(std::move(reader)) {}

  absl::Status Survey(size_t number,
                      const std::function<void(size_t, const CapturedFrame&)>& look) {
    bool in_order = true;
    int64_t before_ns = INT64_MIN;
    absl::StatusOr<bool> more = true;
    while ((more = reader_->Next(frame_)).ok() && *more) {
      in_order &= frame_.time_ns >= before_ns;
      before_ns = frame_.time_ns;
      look(number, frame_);
    }
    if (!more.ok()) {
      return more.status();
    }
    absl::Status status = reader_->StartOver();
    return status.ok() && !in_order ? Sort() : status;
  }

  absl::StatusOr<bool> Next() {
    if (sorted_.empty()) {
      return reader_->Next(frame_);
    }
    if (next_ == sorted_.size()) {
      return false;
    }
    frame_ = sorted_[next_++];
    return true;
  }
  const CapturedFrame& frame() const { return frame_; }

 private:
  absl::Status Sort() {
    absl::StatusOr<bool> more = true;
    std::vector<size_t> offsets;
    while ((more = reader_->Next(frame_)).ok() && *more) {
      offsets.push_back(bytes_.size());
      bytes_.insert(bytes_.end(), frame_.bytes.begin(), frame_.bytes.end());
      sorted_.push_back({frame_.time_ns, frame_.bytes});
    }
    for (size_t i = 0; i < sorted_.size(); ++i) {
      sorted_[i].bytes = {bytes_.data() + offsets[i], sorted_[i].bytes.size()};
    }
    std::stable_sort(
        sorted_.begin(), sorted_.end(),
        [](const CapturedFrame& a, const CapturedFrame& b) { return a.time_ns < b.time_ns; });
    return more.status();
  }

  std::unique_ptr<CaptureReader> reader_;
  CapturedFrame frame_;
  std::vector<CapturedFrame> sorted_;  // only of a capture whose times run back
  std::vector<uint8_t> bytes_;
  size_t next_ = 0;
};

// Orders a heap: its top is the earliest.
struct CaptureMerge::Later {
  const std::vector<std::unique_ptr<Source>>& sources;
  bool operator()(size_t a, size_t b) const {
    const int64_t a_ns = sources[a]->frame().time_ns;
    const int64_t b_ns = sources[b]->frame().time_ns;
    return a_ns != b_ns ? a_ns > b_ns : a > b;
  }
};

CaptureMerge::CaptureMerge(std::vector<std::unique_ptr<CaptureReader>> readers) {
  for (std::unique_ptr<CaptureReader>& reader : readers) {
    sources_.push_back(std::make_unique<Source>(std::move(reader)));
  }
}

CaptureMerge::~CaptureMerge() = default;

absl::Status CaptureMerge::Survey(
    const std::function<void(size_t source, const CapturedFrame&)>& look) {
  for (size_t i = 0; i < sources_.size() && status_.ok(); ++i) {
    status_ = sources_[i]->Survey(i, look);
  }
  for (size_t i = 0; i < sources_.size() && status_.ok(); ++i) {
    Advance(i);
  }
  if (status_.ok() && !heap_.empty()) {
    first_ns_ = sources_[heap_.front()]->frame().time_ns;
  }
  return status_;
}

void CaptureMerge::Advance(size_t source) {
  const absl::StatusOr<bool> more = sources_[source]->Next();
  if (!more.ok()) {
    status_ = more.status();
  } else if (*more) {
    heap_.push_back(source);
    std::push_heap(heap_.begin(), heap_.end(), Later{sources_});
  }
}

const MergedFrame* CaptureMerge::Next() {
  if (taken_) {
    Advance(*taken_);
    taken_.reset();
  }
  if (heap_.empty() || !status_.ok()) {
    return nullptr;
  }
  std::pop_heap(heap_.begin(), heap_.end(), Later{sources_});
  taken_ = heap_.back();
  heap_.pop_back();
  merged_ = {*taken_, sources_[*taken_]->frame()};
  return &merged_;
}

}  // namespace sluice
