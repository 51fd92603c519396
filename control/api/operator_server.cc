#include "control/api/operator_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sluice {
namespace {

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

std::string Words(RequestServer::Refusal why, size_t max_request_bytes) {
  std::string error;
  switch (why) {
    case RequestServer::Refusal::kTooManyClients:
      error = "too many clients";
      break;
    case RequestServer::Refusal::kTooLong:
      error = "the request is longer than " + std::to_string(max_request_bytes) + " bytes";
      break;
    case RequestServer::Refusal::kTooLate:
      error = "the request did not arrive in time";
      break;
  }
  return "{\"Ok\":false,\"Error\":\"" + error + "\"}\n";
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperatorServer>> OperatorServer::Start(Options options,
                                                                      Handler handler) {
  std::unique_ptr<OperatorServer> server(new OperatorServer(std::move(options)));
  const absl::StatusOr<int> listener = server->Listen();
  if (!listener.ok()) {
    return listener.status();
  }
  RequestServer::Rules rules;
  rules.request_end = "\n";
  rules.timeout_ms = server->options_.request_timeout_ms;
  rules.max_clients = server->options_.max_clients;
  rules.max_request_bytes = server->options_.max_request_bytes;
  rules.is_long = server->options_.is_long;
  rules.words = [most = rules.max_request_bytes](RequestServer::Refusal why) {
    return Words(why, most);
  };
  absl::StatusOr<std::unique_ptr<RequestServer>> started = RequestServer::Start(
      *listener, std::move(rules),
      [handler = std::move(handler)](std::string_view line) { return handler(line) + "\n"; });
  if (!started.ok()) {
    return started.status();
  }
  server->server_ = *std::move(started);
  return server;
}

absl::StatusOr<int> OperatorServer::Listen() {
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
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) {
    return Failed(path, "cannot be made");
  }
  const mode_t former = umask(0117);  // 0660 from the first moment
  made_socket_ = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  umask(former);
  if (!made_socket_ || listen(listener, 16) != 0) {
    const absl::Status status =
        Failed(path, made_socket_ ? "cannot be listened on" : "cannot be made");
    close(listener);
    return status;
  }
  return listener;
}

OperatorServer::~OperatorServer() {
  server_.reset();
  if (made_socket_) {
    unlink(options_.path.c_str());
  }
  if (made_folder_) {
    rmdir(std::filesystem::path(options_.path).parent_path().c_str());
  }
}

}  // namespace sluice
