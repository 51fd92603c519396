// Why a device may not have opened, in the words of `sluice doctor` (remedy.h). Control thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// What decides it, of the machine or of a test.
struct AttachFacts {
  bool tun_exists = true;
  bool tun_opens = true;
  uint64_t capabilities = ~uint64_t{0};  // effective ones, as bits
  bool device_exists = true;             // the PCI device, or the kernel's interface
};

// Of this machine.
AttachFacts ReadAttachFacts(std::string_view device);

// The end of the error's line, with the command that mends it; empty where none is known.
std::string AttachHint(std::string_view device, const AttachFacts& facts);

}  // namespace sluice
