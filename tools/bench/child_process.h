// Other programs, run to their end: git, a build, sluice-bench itself. Main thread.
#pragma once

#include <string>
#include <vector>

namespace sluice {

struct ChildResult {
  int exit_code = 0;  // 128 + signal when one ended it; 127 when it could not be started
  std::string out;
  std::string err;
};

// `command[0]` is looked up in PATH. Its stdin is empty.
ChildResult RunChild(const std::vector<std::string>& command);

// A path that runs this very program for as long as this process lives, even when a build has put
// another one in its place.
std::string OwnPath();

// At most so many last lines of a text, as they stand.
std::string LastLines(const std::string& text, size_t count);

}  // namespace sluice
