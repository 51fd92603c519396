#include "control/daemon/metrics_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "control/daemon/options.h"

namespace sluice {
namespace {

absl::Status Failed(const std::string& listen, const char* why) {
  return absl::UnavailableError("--metrics_listen=" + listen + ": " + why);
}

absl::StatusOr<int> Listen(const std::string& listen) {
  const absl::StatusOr<ListenAddress> endpoint = ParseMetricsListen(listen);
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(endpoint->address.empty() ? nullptr : endpoint->address.c_str(),
                                endpoint->l4_port.c_str(), &hints, &found);
  if (error != 0) {
    return Failed(listen, gai_strerror(error));
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  const bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                  bind(fd, found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd, 8) == 0;
  const int failed = errno;
  freeaddrinfo(found);
  if (!ok) {
    close(fd);
    return Failed(listen, std::strerror(failed));
  }
  return fd;
}

uint16_t BoundPort(int fd) {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

bool WaitFor(int fd, int16_t events) {
  pollfd waiting = {fd, events, 0};
  return poll(&waiting, 1, kMetricsTimeoutMs) == 1;
}

std::string Http(std::string_view status, const std::string& body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace

std::string MetricsAnswer(std::string_view request_line, const MetricsServer::Source& source) {
  const size_t end_of_method = request_line.find(' ');
  const std::string_view method = request_line.substr(0, end_of_method);
  std::string_view path = end_of_method == std::string_view::npos
                              ? std::string_view()
                              : request_line.substr(end_of_method + 1);
  path = path.substr(0, path.find_first_of(" ?"));
  if (method != "GET" && method != "HEAD") {
    return Http("405 Method Not Allowed", "GET /metrics\n");
  }
  if (path != "/metrics") {
    return Http("404 Not Found", "GET /metrics\n");
  }
  std::string answer = Http("200 OK", source());
  if (method == "HEAD") {
    answer.resize(answer.find("\r\n\r\n") + 4);
  }
  return answer;
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& listen,
                                                                    Source source) {
  const absl::StatusOr<int> listener = Listen(listen);
  if (!listener.ok()) {
    return listener.status();
  }
  const int wake = eventfd(0, EFD_CLOEXEC);
  if (wake < 0) {
    close(*listener);
    return Failed(listen, std::strerror(errno));
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(source), *listener, wake));
}

MetricsServer::MetricsServer(Source source, int listener, int wake)
    : source_(std::move(source)),
      listener_(listener),
      wake_(wake),
      l4_port_(BoundPort(listener)),
      thread_([this] { Run(); }) {}

MetricsServer::~MetricsServer() {
  eventfd_write(wake_, 1);
  thread_.join();
  close(listener_);
  close(wake_);
}

void MetricsServer::Run() {
  while (true) {
    pollfd waiting[] = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0 && errno != EINTR) {
      return;
    }
    if ((waiting[0].revents & POLLIN) != 0) {
      return;
    }
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
      Serve(client);
      close(client);
    }
  }
}

void MetricsServer::Serve(int client) {
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    char bytes[1024];
    if (request.size() > kMaxMetricsRequestBytes || !WaitFor(client, POLLIN)) {
      return;
    }
    const ssize_t got = recv(client, bytes, sizeof(bytes), 0);
    if (got <= 0) {
      return;
    }
    request.append(bytes, static_cast<size_t>(got));
  }
  const std::string answer = MetricsAnswer(request.substr(0, request.find("\r\n")), source_);
  for (size_t sent = 0; sent < answer.size() && WaitFor(client, POLLOUT);) {
    const ssize_t taken = send(client, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
    if (taken <= 0) {
      return;
    }
    sent += static_cast<size_t>(taken);
  }
}

}  // namespace sluice
