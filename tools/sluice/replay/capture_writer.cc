#include "tools/sluice/replay/capture_writer.h"

namespace sluice {
namespace {

constexpr uint32_t kNanosecondMagic = 0xa1b23c4d;
constexpr uint16_t kVersionMajor = 2;
constexpr uint16_t kVersionMinor = 4;
constexpr uint32_t kMaxFrameBytes = 262144;
constexpr uint32_t kLinkEthernet = 1;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

void PutLe(std::string& text, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    text += static_cast<char>(value >> (8 * i));
  }
}

}  // namespace

CaptureWriter::CaptureWriter(std::string path) : file_(std::move(path)) {
  std::string& text = file_.text();
  PutLe(text, kNanosecondMagic, 4);
  PutLe(text, kVersionMajor, 2);
  PutLe(text, kVersionMinor, 2);
  PutLe(text, 0, 8);  // UTC, no accuracy
  PutLe(text, kMaxFrameBytes, 4);
  PutLe(text, kLinkEthernet, 4);
}

void CaptureWriter::Add(int64_t time_ns, std::span<const uint8_t> frame) {
  std::string& text = file_.text();
  PutLe(text, static_cast<uint64_t>(time_ns / kNanosPerSecond), 4);
  PutLe(text, static_cast<uint64_t>(time_ns % kNanosPerSecond), 4);
  PutLe(text, frame.size(), 4);
  PutLe(text, frame.size(), 4);
  text.append(reinterpret_cast<const char*>(frame.data()), frame.size());
  file_.Spill();
}

const absl::Status& CaptureWriter::Finish() {
  file_.Flush();
  return file_.status();
}

}  // namespace sluice
