#include "control/daemon/metrics_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

namespace sluice {
namespace {

std::string Metrics() {
  return "sluice_sent_packets_total 7\n";
}

constexpr char kGet[] = "GET /metrics HTTP/1.1\r\n\r\n";

bool Connect(int fd, uint16_t l4_port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(l4_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

int Connected(uint16_t l4_port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_TRUE(Connect(fd, l4_port));
  return fd;
}

std::string ReadToEnd(int fd) {
  std::string answer;
  char bytes[4096];
  for (ssize_t got; (got = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
    answer.append(bytes, static_cast<size_t>(got));
  }
  return answer;
}

// Sends `request` and reads to the end.
std::string Ask(uint16_t l4_port, const std::string& request) {
  const int fd = Connected(l4_port);
  std::string answer;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    shutdown(fd, SHUT_WR);
    answer = ReadToEnd(fd);
  }
  close(fd);
  return answer;
}

int64_t MillisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

TEST(MetricsServerTest, ServesTheTextAndNothingElse) {
  auto server = MetricsServer::Start("127.0.0.1:0", Metrics);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string answer = Ask((*server)->l4_port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << answer;
  EXPECT_NE(answer.find("version=0.0.4"), std::string::npos);
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), Metrics());
  // A client that says too little or too much gets nothing, and the next one is served.
  EXPECT_EQ(Ask((*server)->l4_port(), "GET /met"), "");
  EXPECT_EQ(Ask((*server)->l4_port(), std::string(2 * kMaxMetricsRequestBytes, 'x')), "");
  EXPECT_NE(Ask((*server)->l4_port(), "GET /metrics HTTP/1.0\r\n\r\n"), "");
}

TEST(MetricsServerTest, OtherRequestsAreRefused) {
  EXPECT_NE(MetricsAnswer("GET / HTTP/1.1", Metrics).find("404"), std::string::npos);
  EXPECT_NE(MetricsAnswer("POST /metrics HTTP/1.1", Metrics).find("405"), std::string::npos);
  EXPECT_NE(MetricsAnswer("GET /metrics?x=1 HTTP/1.1", Metrics).find("200"), std::string::npos);
  EXPECT_NE(MetricsAnswer("", Metrics).find("405"), std::string::npos);
  const std::string head = MetricsAnswer("HEAD /metrics HTTP/1.1", Metrics);
  EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
}

TEST(MetricsServerTest, AnUnusableAddressIsNamed) {
  for (const char* listen : {"9111", "127.0.0.1:", "nowhere:9111", "192.0.2.1:9111"}) {
    const auto server = MetricsServer::Start(listen, Metrics);
    ASSERT_FALSE(server.ok()) << listen;
    EXPECT_NE(server.status().ToString().find(listen), std::string::npos) << server.status();
  }
}

// One deadline for the whole request: a byte now and then does not move it.
TEST(MetricsServerTest, ASteadyDawdlerIsCutOff) {
  auto server = MetricsServer::Start("127.0.0.1:0", Metrics, 300);
  ASSERT_TRUE(server.ok()) << server.status();
  const int dawdler = Connected((*server)->l4_port());
  const auto start = std::chrono::steady_clock::now();
  pollfd answered = {dawdler, POLLIN, 0};
  while (poll(&answered, 1, 20) == 0 && MillisecondsSince(start) < 10'000) {
    ASSERT_EQ(send(dawdler, "x", 1, MSG_NOSIGNAL), 1);
  }
  EXPECT_LT(MillisecondsSince(start), 10'000);
  EXPECT_NE(ReadToEnd(dawdler).find("408 Request Timeout"), std::string::npos);
  close(dawdler);
}

TEST(MetricsServerTest, ClientsThatDawdleDelayNeitherOthersNorTheEnd) {
  constexpr int kLongMs = 600'000;
  auto server = MetricsServer::Start(
      "127.0.0.1:0", [] { return std::string(64 << 20, 'x'); }, kLongMs);
  ASSERT_TRUE(server.ok()) << server.status();
  const int sends_half = Connected((*server)->l4_port());
  ASSERT_EQ(send(sends_half, kGet, 5, MSG_NOSIGNAL), 5);
  const int takes_half = Connected((*server)->l4_port());
  ASSERT_GT(send(takes_half, kGet, sizeof(kGet) - 1, MSG_NOSIGNAL), 0);
  char first = 0;
  ASSERT_EQ(recv(takes_half, &first, 1, MSG_WAITALL), 1);
  const auto start = std::chrono::steady_clock::now();
  server->reset();
  EXPECT_LT(MillisecondsSince(start), kLongMs / 10);
  close(sends_half);
  close(takes_half);
}

TEST(MetricsServerTest, ClientsAreBounded) {
  auto server = MetricsServer::Start("127.0.0.1:0", Metrics, 600'000);
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<int> idle;
  for (size_t i = 0; i < kMaxMetricsClients; ++i) {
    idle.push_back(Connected((*server)->l4_port()));
  }
  const int more = Connected((*server)->l4_port());
  EXPECT_NE(ReadToEnd(more).find("503 Service Unavailable"), std::string::npos);
  close(more);
  ASSERT_GT(send(idle[0], kGet, sizeof(kGet) - 1, MSG_NOSIGNAL), 0);
  EXPECT_NE(ReadToEnd(idle[0]).find("200 OK"), std::string::npos);
  EXPECT_NE(Ask((*server)->l4_port(), kGet).find("200 OK"), std::string::npos);
  for (const int fd : idle) {
    close(fd);
  }
}

// Out of descriptors, the connection waits and the thread does not spin.
TEST(MetricsServerTest, AShortageOfDescriptorsIsCountedAndWaitedOut) {
  auto server = MetricsServer::Start("127.0.0.1:0", Metrics, 600'000);
  ASSERT_TRUE(server.ok()) << server.status();
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int next_free = fcntl(client, F_DUPFD_CLOEXEC, 0);
  close(next_free);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none_left = {static_cast<rlim_t>(next_free), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto start = std::chrono::steady_clock::now();
  const bool connected = Connect(client, (*server)->l4_port());
  while ((*server)->accept_failures() < 4 && MillisecondsSince(start) < 30'000) {
    std::this_thread::yield();
  }
  const int64_t elapsed_ms = MillisecondsSince(start);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(connected);
  EXPECT_GE((*server)->accept_failures(), 4u);
  EXPECT_GE(elapsed_ms, 3 * kAcceptPauseMs - 3) << "it asked again at once";
  ASSERT_GT(send(client, kGet, sizeof(kGet) - 1, MSG_NOSIGNAL), 0);
  EXPECT_NE(ReadToEnd(client).find("200 OK"), std::string::npos);
  close(client);
}

}  // namespace
}  // namespace sluice
