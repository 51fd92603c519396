// What the stand-in pipeline of these tests does with a frame: byte 14 of it.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

enum class FrameMark : uint8_t {
  kForward = 0,
  kDrop = 0xd0,
  kHold,      // kept until a kRelease frame of the same worker, or the end
  kHeldOnce,  // what a kHold frame becomes
  kRelease,   // forwarded; what was held becomes input again
  kAnswer,    // consumed; a 3000-byte answer goes back
  kGrow,      // forwarded four bytes longer
};

}  // namespace sluice
