// PORT.pcap: what left on a port, as a classic pcap with nanoseconds, little-endian. The same
// frames give the same bytes.
//
// One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tools/sluice/replay/buffered_file.h"

namespace sluice {

class CaptureWriter {
 public:
  explicit CaptureWriter(std::string path);

  // `time_ns` since the epoch, before 2106.
  void Add(int64_t time_ns, std::span<const uint8_t> frame);
  // The rest, or an empty capture.
  const absl::Status& Finish();

 private:
  BufferedFile file_;
};

}  // namespace sluice
