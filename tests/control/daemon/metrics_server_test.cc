#include "control/daemon/metrics_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice {
namespace {

std::string Metrics() {
  return "sluice_sent_packets_total 7\n";
}

// Sends `request` and reads to the end.
std::string Ask(uint16_t l4_port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(l4_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    shutdown(fd, SHUT_WR);
    char bytes[4096];
    for (ssize_t got; (got = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
      answer.append(bytes, static_cast<size_t>(got));
    }
  }
  close(fd);
  return answer;
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

}  // namespace
}  // namespace sluice
