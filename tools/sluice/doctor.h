// What `sluice doctor` says about a machine: one finding a thing that sluiced needs or profits
// from, each with the command that mends it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/sluice/machine_facts.h"

namespace sluice {

enum class Health : uint8_t {
  kOk,
  kWarn,  // works, but slower or less safe than it could
  kFix,   // sluiced does not start, or cannot carry packets
};
std::string_view HealthName(Health health);  // "OK", "WARN", "FIX"

struct Finding {
  Health health = Health::kOk;
  std::string check;    // "cpu", "hugepages", …: stable
  std::string what;     // one sentence
  std::string command;  // what to type; empty when there is nothing to do, or no command does it
};

// In a fixed order of checks; "nic" may be there several times or not at all.
std::vector<Finding> Diagnose(const LocalMachine& machine);

// The worst of all.
Health Overall(const std::vector<Finding>& findings);

// "OK    cpu         …", with the command on a line of its own behind "$ ".
std::string DoctorText(const std::vector<Finding>& findings);
// {"Status": "OK|WARN|FIX", "Findings": [{"Status", "Check", "What", "Command"}]}; Command is null
// where there is none.
std::string DoctorJson(const std::vector<Finding>& findings);

}  // namespace sluice
