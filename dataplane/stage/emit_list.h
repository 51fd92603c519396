// What a burst leaves behind besides the frames themselves: frames the router originates (ARP,
// DHCP, ICMP, RST), pieces of fragmented packets, and held frames that come free. A stage writes
// them here; whoever runs the pipeline (runtime, replay, tests) sends the emitted frames and
// re-enters or drops the released ones after RunBurst.
//
// One list a worker, reused every burst; bounded, and a full list is an ordinary drop for the
// packet that needed it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/packet/batch.h"

namespace sluice {

enum class EmitKind : uint8_t {
  kOriginated,  // made by the router: counted as originated
  kFragment,  // a piece of lane's packet: the first piece counts as the packet, the others as extra
              // fragments
};

struct EmittedFrame {
  uint32_t offset = 0;  // of the first byte of Ethernet in the list's bytes
  uint16_t bytes = 0;
  uint8_t lane = 0;  // whose packet caused it
  EmitKind kind = EmitKind::kOriginated;
  InterfaceIdx out;  // the side it leaves on
};

// A frame that the fragment cache had held and gives back.
struct ReleasedFrame {
  void* handle = nullptr;  // as it stood in Batch::handle when it was held
  uint8_t lane = 0;        // whose packet released it, kNoLane when time did
  bool dropped = false;  // true: it ends as a drop with `reason`; false: it is input again, before
                         // any other packet
  DropReason reason = DropReason::kNone;
};

inline constexpr uint8_t kNoLane = 255;  // runs with time-outs use batches below this lane

class EmitList {
 public:
  // A full batch of 9001-byte packets in pieces for an MTU of 1500 fits, so that results do not
  // depend on the length of a burst.
  static constexpr size_t kMaxFrames = 4096;
  static constexpr size_t kMaxReleased = 512;
  static constexpr size_t kMaxBytes = size_t{8} << 20;
  static constexpr size_t kMaxFrameBytes = 9001 + 18;

  EmitList() : bytes_(std::make_unique_for_overwrite<uint8_t[]>(kMaxBytes)) {}

  void Clear() noexcept { frame_count_ = released_count_ = used_bytes_ = 0; }

  // Room for `count` more frames of together `bytes` bytes.
  bool HasRoom(size_t count, size_t bytes) const noexcept {
    return frame_count_ + count <= kMaxFrames && used_bytes_ + bytes <= kMaxBytes;
  }
  // The bytes of a new frame to be written by the caller, or nullptr when the list is full. 1 <=
  // bytes.
  uint8_t* Emit(EmitKind kind, uint32_t lane, InterfaceIdx out, size_t bytes) noexcept {
    if (!HasRoom(1, bytes) || bytes > kMaxFrameBytes) {
      return nullptr;
    }
    frames_[frame_count_++] = {static_cast<uint32_t>(used_bytes_), static_cast<uint16_t>(bytes),
                               static_cast<uint8_t>(lane), kind, out};
    uint8_t* start = bytes_.get() + used_bytes_;
    used_bytes_ += bytes;
    return start;
  }
  bool HasReleaseRoom() const noexcept { return released_count_ < kMaxReleased; }
  bool Release(const ReleasedFrame& frame) noexcept {
    if (released_count_ == kMaxReleased) {
      return false;
    }
    released_[released_count_++] = frame;
    return true;
  }

  size_t frame_count() const noexcept { return frame_count_; }
  const EmittedFrame& frame(size_t i) const noexcept { return frames_[i]; }
  const uint8_t* frame_bytes(size_t i) const noexcept { return bytes_.get() + frames_[i].offset; }
  size_t released_count() const noexcept { return released_count_; }
  const ReleasedFrame& released(size_t i) const noexcept { return released_[i]; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  std::array<EmittedFrame, kMaxFrames> frames_;
  std::array<ReleasedFrame, kMaxReleased> released_;
  size_t frame_count_ = 0;
  size_t released_count_ = 0;
  size_t used_bytes_ = 0;
};

}  // namespace sluice
