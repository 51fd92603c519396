#include "tools/bench/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tools/bench/interruption.h"

namespace sluice {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return false;
    }
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  void CloseAll() {
    for (int* end : {&read_end, &write_end}) {
      if (*end >= 0) {
        close(*end);
        *end = -1;
      }
    }
  }
};

// In a child: this signal comes when its parent ends, however that ends.
void EndWith(pid_t parent, int signal) {
  prctl(PR_SET_PDEATHSIG, signal);
  if (getppid() != parent) {
    _exit(127);
  }
}

[[noreturn]] void BecomeChild(const std::vector<std::string>& command, int out, int err) {
  std::vector<char*> words;
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(empty, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execvp(words[0], words.data());
  dprintf(STDERR_FILENO, "%s: %s\n", words[0], std::strerror(errno));
  _exit(127);
}

// Tells a child to end, once, when an Interruption happens after this object was made: a child
// that begins later cleans up. Make it before the child.
class PassOn {
 public:
  void Look(pid_t child) {
    if (waits_ && Interruption::happened()) {
      kill(child, SIGTERM);
      waits_ = false;
    }
  }

 private:
  bool waits_ = !Interruption::happened();
};

// Reads both until they end.
void ReadBoth(const Pipe& out, const Pipe& err, pid_t child, PassOn interruption,
              ChildResult& result) {
  constexpr int kLookMs = 100;  // a signal between the look and the wait is seen so much later
  std::array<pollfd, 2> ends = {pollfd{out.read_end, POLLIN, 0}, pollfd{err.read_end, POLLIN, 0}};
  std::string* const texts[] = {&result.out, &result.err};
  size_t open_count = ends.size();
  char buffer[1 << 16];
  while (open_count != 0 && (poll(ends.data(), ends.size(), kLookMs) >= 0 || errno == EINTR)) {
    interruption.Look(child);
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) {
        continue;
      }
      const ssize_t got = read(ends[i].fd, buffer, sizeof buffer);
      if (got > 0) {
        texts[i]->append(buffer, static_cast<size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        ends[i].fd = -1;
        --open_count;
      }
    }
  }
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildResult RunChild(const std::vector<std::string>& command) {
  ChildResult result;
  Pipe out, err;
  const pid_t parent = getpid();
  const PassOn interruption;
  pid_t child = -1;
  if (out.Open() && err.Open()) {
    child = fork();
  }
  if (child == 0) {
    EndWith(parent, SIGTERM);
    BecomeChild(command, out.write_end, err.write_end);
  }
  if (child < 0) {
    result.exit_code = 127;
    result.err = command[0] + ": " + std::strerror(errno) + "\n";
  } else {
    close(out.write_end);
    close(err.write_end);
    out.write_end = err.write_end = -1;
    ReadBoth(out, err, child, interruption, result);
    result.exit_code = WaitFor(child);
  }
  out.CloseAll();
  err.CloseAll();
  return result;
}

BackgroundChild::BackgroundChild(const std::vector<std::string>& command, const std::string& log) {
  const pid_t parent = getpid();
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = file < 0 ? -1 : fork();
  if (pid_ == 0) {
    EndWith(parent, SIGKILL);
    setpgid(0, 0);  // not meant by ^C at the terminal
    BecomeChild(command, file, file);
  }
  if (file >= 0) {
    close(file);
  }
}

bool BackgroundChild::Running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) != 0) {
    pid_ = -1;
  }
  return pid_ > 0;
}

BackgroundChild::~BackgroundChild() {
  constexpr int kPatienceMs = 5000;
  for (int ms = 0; Running() && ms < kPatienceMs; ms += 10) {
    if (ms == 0) {
      kill(pid_, SIGTERM);
    }
    usleep(10'000);
  }
  if (Running()) {
    kill(pid_, SIGKILL);
    WaitFor(pid_);
  }
}

std::string OwnPath() {
  return "/proc/" + std::to_string(getpid()) + "/exe";
}

std::string LastLines(const std::string& text, size_t count) {
  size_t begin = text.size();
  for (size_t lines = 0; begin > 0 && lines < count; ++lines) {
    const size_t before = begin < 2 ? std::string::npos : text.rfind('\n', begin - 2);
    begin = before == std::string::npos ? 0 : before + 1;
  }
  return text.substr(begin);
}

}  // namespace sluice
