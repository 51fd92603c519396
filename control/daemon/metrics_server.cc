#include "control/daemon/metrics_server.h"

#include <netdb.h>
#include <netinet/in.h>
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
                  bind(fd, found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd, SOMAXCONN) == 0;
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

std::string Http(std::string_view status, const std::string& body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

std::string Words(RequestServer::Refusal why) {
  switch (why) {
    case RequestServer::Refusal::kTooManyClients:
      return Http("503 Service Unavailable", "too many clients\n");
    case RequestServer::Refusal::kTooLate:
      return Http("408 Request Timeout", "the request did not arrive in time\n");
    case RequestServer::Refusal::kTooLong:
      break;  // it is still being sent: an answer would be lost
  }
  return "";
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
                                                                    Source source, int timeout_ms) {
  const absl::StatusOr<int> listener = Listen(listen);
  if (!listener.ok()) {
    return listener.status();
  }
  const uint16_t l4_port = BoundPort(*listener);
  RequestServer::Rules rules;
  rules.request_end = "\r\n\r\n";
  rules.one_request = true;
  rules.timeout_ms = timeout_ms;
  rules.max_clients = kMaxMetricsClients;
  rules.max_request_bytes = kMaxMetricsRequestBytes;
  rules.words = Words;
  absl::StatusOr<std::unique_ptr<RequestServer>> server = RequestServer::Start(
      *listener, std::move(rules), [source = std::move(source)](std::string_view request) {
        return MetricsAnswer(request.substr(0, request.find("\r\n")), source);
      });
  if (!server.ok()) {
    return Failed(listen, std::string(server.status().message()).c_str());
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(l4_port, *std::move(server)));
}

}  // namespace sluice
