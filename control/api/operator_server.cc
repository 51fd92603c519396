#include "control/api/operator_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace sluice {
namespace {

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}

absl::Status Failed(const std::string& path, const char* what) {
  return absl::UnavailableError("operator socket " + path + ": " + what + ": " +
                                std::strerror(errno) + "; name another with --socket");
}

// Does somebody accept connections there?
bool Answers(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool answers =
      fd >= 0 && (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
                  errno == EAGAIN);
  close(fd);
  return answers;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperatorServer>> OperatorServer::Start(Options options,
                                                                      Handler handler) {
  std::unique_ptr<OperatorServer> server(
      new OperatorServer(std::move(options), std::move(handler)));
  if (const absl::Status status = server->Listen(); !status.ok()) {
    return status;
  }
  server->thread_ = std::thread([raw = server.get()] { raw->Run(); });
  return server;
}

absl::Status OperatorServer::Listen() {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string& path = options_.path;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        "operator socket: the path has " + std::to_string(path.size()) + " bytes, 1.." +
        std::to_string(sizeof(address.sun_path) - 1) + " are possible: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  made_folder_ = !folder.empty() && std::filesystem::create_directories(folder, ignored);
  if (Answers(address)) {
    return absl::AlreadyExistsError("another sluiced listens at " + path +
                                    ": stop it, or name another socket with --socket");
  }
  struct stat found;
  if (lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
    unlink(path.c_str());
  }
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) {
    return Failed(path, "cannot be made");
  }
  const mode_t former = umask(0117);  // 0660 from the first moment
  const int bound = bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  umask(former);
  if (bound != 0) {
    const absl::Status status = Failed(path, "cannot be made");
    close(listener_);
    listener_ = -1;
    return status;
  }
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listen(listener_, 16) != 0 || wake_ < 0) {
    return Failed(path, "cannot be listened on");
  }
  return absl::OkStatus();
}

OperatorServer::~OperatorServer() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    (void)!write(wake_, &one, sizeof(one));
    thread_.join();
  }
  for (const std::unique_ptr<Client>& client : clients_) {
    close(client->fd);
  }
  if (listener_ >= 0) {
    close(listener_);
    unlink(options_.path.c_str());
  }
  if (wake_ >= 0) {
    close(wake_);
  }
  if (made_folder_) {
    rmdir(std::filesystem::path(options_.path).parent_path().c_str());
  }
}

int OperatorServer::PollTimeoutMs() const {
  int64_t next_ms = INT64_MAX;
  for (const std::unique_ptr<Client>& client : clients_) {
    if (client->out.empty() && HasRequest(*client)) {
      return 0;
    }
    if (client->deadline_ms != 0) {
      next_ms = std::min(next_ms, client->deadline_ms);
    }
  }
  if (next_ms == INT64_MAX) {
    return -1;
  }
  return static_cast<int>(std::clamp<int64_t>(next_ms - NowMs(), 0, 60'000));
}

void OperatorServer::Run() {
  while (true) {
    std::vector<pollfd> waiting = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const std::unique_ptr<Client>& client : clients_) {
      const int16_t events = client->out.empty() ? POLLIN : POLLOUT;
      waiting.push_back({client->fd, events, 0});
    }
    if (poll(waiting.data(), waiting.size(), PollTimeoutMs()) < 0 && errno != EINTR) {
      return;
    }
    if (waiting[0].revents != 0) {
      for (const std::unique_ptr<Client>& client : clients_) {
        Write(*client);  // the answer to "stop"
      }
      return;
    }
    for (size_t i = 0; i + 2 < waiting.size(); ++i) {
      Serve(*clients_[i], waiting[i + 2].revents);
    }
    std::erase_if(clients_, [](const std::unique_ptr<Client>& client) { return client->fd < 0; });
    if (waiting[1].revents != 0) {
      Accept();
    }
  }
}

void OperatorServer::Serve(Client& client, int events) {
  if ((events & POLLOUT) != 0) {
    Write(client);
  } else if (events != 0) {
    Read(client);
  }
  if (client.out.empty() && HasRequest(client)) {
    AnswerOne(client);
  }
  if (client.fd >= 0 && client.deadline_ms != 0 && NowMs() >= client.deadline_ms) {
    if (client.out.empty()) {
      Refuse(client, "the request did not arrive in time");
      Write(client);
    }
    if (client.fd >= 0) {
      close(client.fd);
      client.fd = -1;
    }
  }
}

void OperatorServer::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Out of descriptors: the connection waits; without a pause this thread would spin on it.
    if (errno == EMFILE || errno == ENFILE) {
      usleep(100'000);
    }
    return;
  }
  auto client = std::make_unique<Client>();
  client->fd = fd;
  if (clients_.size() >= options_.max_clients) {
    Refuse(*client, "too many clients");
    Write(*client);
    if (client->fd >= 0) {
      close(client->fd);
    }
    return;
  }
  clients_.push_back(std::move(client));
}

void OperatorServer::Read(Client& client) {
  char bytes[65536];
  const ssize_t count = recv(client.fd, bytes, sizeof(bytes), 0);
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
    close(client.fd);
    client.fd = -1;
    return;
  }
  if (count < 0) {
    return;
  }
  if (client.in.empty()) {
    client.deadline_ms = NowMs() + options_.request_timeout_ms;
  }
  if (client.start != 0) {
    client.in.erase(0, client.start);
    client.scanned -= client.start;
    client.start = 0;
  }
  client.in.append(bytes, static_cast<size_t>(count));
  if (!HasRequest(client)) {
    client.scanned = client.in.size();
  }
  if (client.scanned - client.start >= options_.max_request_bytes) {
    Refuse(client,
           "the request is longer than " + std::to_string(options_.max_request_bytes) + " bytes");
    Write(client);
  }
}

bool OperatorServer::HasRequest(Client& client) const {
  client.scanned = std::min(client.in.find('\n', client.scanned), client.in.size());
  return client.fd >= 0 && !client.closes && client.scanned < client.in.size();
}

// One request a round: a client that sends many at once waits for its turn like the others, and a
// second request for the first one's answer to be taken.
void OperatorServer::AnswerOne(Client& client) {
  const size_t end = client.scanned;
  client.out =
      handler_(std::string_view(client.in).substr(client.start, end - client.start)) + "\n";
  client.start = client.scanned = end + 1;
  if (client.start == client.in.size()) {
    client.in.clear();
    client.start = client.scanned = 0;
  }
  client.deadline_ms = NowMs() + options_.request_timeout_ms;
  Write(client);
}

void OperatorServer::Write(Client& client) {
  while (client.fd >= 0 && !client.out.empty()) {
    const ssize_t count =
        send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return;
    }
    if (count < 0) {
      close(client.fd);
      client.fd = -1;
      return;
    }
    client.out.erase(0, static_cast<size_t>(count));
    client.deadline_ms = NowMs() + options_.request_timeout_ms;
  }
  if (client.fd < 0) {
    return;
  }
  if (client.closes) {
    close(client.fd);
    client.fd = -1;
    return;
  }
  client.deadline_ms = client.in.empty() ? 0 : NowMs() + options_.request_timeout_ms;
}

void OperatorServer::Refuse(Client& client, std::string_view why) {
  client.out = "{\"Ok\":false,\"Error\":\"" + std::string(why) + "\"}\n";
  client.in.clear();
  client.start = client.scanned = 0;
  client.closes = true;
}

}  // namespace sluice
