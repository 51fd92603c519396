// Other programs: run to their end (git, a build, sluice-bench itself), or beside this one for a
// while. Main thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sluice {

struct ChildResult {
  int exit_code = 0;  // 128 + signal when one ended it; 127 when it could not be started
  std::string out;
  std::string err;
};

// `command[0]` is looked up in PATH. Its stdin is empty. It is told to end (SIGTERM) when this
// process ends, and when an Interruption happens while it runs; one that begins after that is not.
ChildResult RunChild(const std::vector<std::string>& command);

// A program that serves this one until the object goes: SIGTERM, after five seconds SIGKILL. It
// dies with this process however that ends.
class BackgroundChild {
 public:
  // Its stdout and stderr are appended to the file `log`. Look at Running to see that it started.
  BackgroundChild(const std::vector<std::string>& command, const std::string& log);
  ~BackgroundChild();
  BackgroundChild(const BackgroundChild&) = delete;
  BackgroundChild& operator=(const BackgroundChild&) = delete;

  bool Running();
  pid_t pid() const { return pid_; }  // -1: not running

 private:
  pid_t pid_ = -1;
};

// A path that runs this very program for as long as this process lives, even when a build has put
// another one in its place.
std::string OwnPath();

// At most so many last lines of a text, as they stand.
std::string LastLines(const std::string& text, size_t count);

}  // namespace sluice
