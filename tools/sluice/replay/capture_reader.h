// Captures of what ports received: classic pcap (microseconds or nanoseconds, either byte order)
// and pcapng, Ethernet only, read with libpcap.
//
// One thread. A reader can start over, also when the capture comes through a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"

struct pcap;

namespace sluice {

struct CapturedFrame {
  int64_t time_ns = 0;             // since the epoch
  std::span<const uint8_t> bytes;  // valid until the next call
};

class CaptureReader {
 public:
  // Each error names the file, says what is wrong and how to mend it.
  static absl::StatusOr<std::unique_ptr<CaptureReader>> Open(const std::string& path);
  ~CaptureReader();

  // False at the end. A frame of which the capture holds only a part is an error, as is a file that
  // ends within one.
  absl::StatusOr<bool> Next(CapturedFrame& frame);
  absl::Status StartOver();

  const std::string& path() const { return path_; }

 private:
  struct ClosePcap {
    void operator()(struct pcap* pcap) const;
  };

  explicit CaptureReader(std::string path) : path_(std::move(path)) {}
  absl::Status Wrong(const std::string& what) const;
  std::string Which() const;  // the frame read last

  std::string path_;
  int fd_ = -1;  // of a file that can be read twice
  std::unique_ptr<struct pcap, ClosePcap> pcap_;
  uint64_t frame_count_ = 0;
};

}  // namespace sluice
