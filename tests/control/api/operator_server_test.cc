// The operator socket against well-meaning, slow, silent and hostile clients.
#include "control/api/operator_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

namespace sluice {
namespace {

class OperatorServerTest : public ::testing::Test {
 protected:
  OperatorServerTest() {
    char folder[] = "/tmp/operator_server_test-XXXXXX";
    folder_ = mkdtemp(folder);
    options_.path = folder_ + "/s.sock";
    options_.request_timeout_ms = 300;
    options_.max_request_bytes = 100'000;
    options_.max_clients = 8;
  }
  ~OperatorServerTest() override {
    server_.reset();
    EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "something is left behind";
    std::filesystem::remove_all(folder_);
  }
  void Start() {
    auto server = OperatorServer::Start(
        options_, [](std::string_view line) { return "<" + std::string(line) + ">"; });
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
  }
  int Connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, options_.path.c_str());
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }
  // What the server sends until it hangs up or `lines` lines have come.
  static std::string ReadLines(int fd, size_t lines) {
    std::string all;
    while (static_cast<size_t>(std::count(all.begin(), all.end(), '\n')) < lines) {
      pollfd waiting = {fd, POLLIN, 0};
      if (poll(&waiting, 1, 10'000) <= 0) {
        return all + "(nothing more)";
      }
      char bytes[4096];
      const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
      if (count <= 0) {
        return all + "(hung up)";
      }
      all.append(bytes, static_cast<size_t>(count));
    }
    return all;
  }
  std::string Ask(const std::string& request) {
    const auto answer = AskDaemon(options_.path, request, 10'000);
    return answer.ok() ? *answer : std::string(answer.status().message());
  }

  std::string folder_;
  OperatorServer::Options options_;
  std::unique_ptr<OperatorServer> server_;
};

TEST_F(OperatorServerTest, AnswersOneLineForEach) {
  Start();
  EXPECT_EQ(Ask("one"), "<one>");
  const int fd = Connect();
  ASSERT_EQ(send(fd, "a\nb\n\nc", 6, 0), 6);
  EXPECT_EQ(ReadLines(fd, 3), "<a>\n<b>\n<>\n");
  ASSERT_EQ(send(fd, "d\n", 2, 0), 2);
  EXPECT_EQ(ReadLines(fd, 1), "<cd>\n");
  close(fd);
  struct stat found;
  ASSERT_EQ(stat(options_.path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660u);
}

TEST_F(OperatorServerTest, RequestsBeforeAHalfCloseAreAllAnswered) {
  Start();
  std::string requests;
  std::string answers;
  for (int i = 0; i < 20'000; ++i) {
    requests += std::to_string(i) + "\n";
    answers += "<" + std::to_string(i) + ">\n";
  }
  const int fd = Connect();
  std::thread sender([&] {
    EXPECT_EQ(send(fd, requests.data(), requests.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(requests.size()));
    shutdown(fd, SHUT_WR);
  });
  EXPECT_EQ(ReadLines(fd, 20'001), answers + "(hung up)");
  sender.join();
  close(fd);
}

// What waits in the server for a client is one read, however fast it sends.
TEST_F(OperatorServerTest, NothingIsReadAheadOfRequestsThatWait) {
  std::atomic<int> calls{0};
  std::atomic<bool> go_on{false};
  options_.request_timeout_ms = 600'000;
  auto server = OperatorServer::Start(options_, [&](std::string_view) {
    while (++calls >= 200 && !go_on) {
      std::this_thread::yield();
    }
    return std::string();
  });
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const int fd = Connect();
  const std::string lines(1 << 16, '\n');
  size_t sent_bytes = 0;
  for (bool waits = false; !(waits && calls >= 200);) {
    const ssize_t count = send(fd, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    waits = count < 0;
    sent_bytes += count < 0 ? 0 : static_cast<size_t>(count);
  }
  EXPECT_LT(sent_bytes, size_t{2} << 20) << "200 reads of 64 KiB would be 13 MB";
  go_on = true;
  close(fd);
  server_.reset();  // its handler uses this frame
}

// A long request ends only after a later, short one of another client was answered; its own client
// gets its answers in order.
TEST_F(OperatorServerTest, LongRequestsDoNotHoldUpShortOnes) {
  std::atomic<bool> answered{false};
  options_.is_long = [](std::string_view line) { return line.rfind("long", 0) == 0; };
  auto server = OperatorServer::Start(options_, [&](std::string_view line) {
    while (line.rfind("long", 0) == 0 && !answered) {
      std::this_thread::yield();
    }
    return "<" + std::string(line) + ">";
  });
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const int first = Connect();
  const int second = Connect();
  ASSERT_EQ(send(first, "long 1\nshort 1\nlong 2\n", 23, 0), 23);
  ASSERT_EQ(send(second, "long 3\n", 7, 0), 7);
  EXPECT_EQ(Ask("short 2"), "<short 2>");
  answered = true;
  EXPECT_EQ(ReadLines(first, 3), "<long 1>\n<short 1>\n<long 2>\n");
  EXPECT_EQ(ReadLines(second, 1), "<long 3>\n");
  close(first);
  close(second);
  server_.reset();  // its handler uses this frame
}

// At the end a long request that has begun is answered; one that has not is not begun.
TEST_F(OperatorServerTest, TheEndWaitsForALongRequestThatHasBegun) {
  std::atomic<int> begun{0};
  std::atomic<bool> ending{false};
  options_.is_long = [](std::string_view) { return true; };
  auto server = OperatorServer::Start(options_, [&](std::string_view line) {
    ++begun;
    while (!ending) {
      std::this_thread::yield();
    }
    return std::string(line);
  });
  ASSERT_TRUE(server.ok()) << server.status();
  const int first = Connect();
  ASSERT_EQ(send(first, "first\n", 6, 0), 6);
  while (begun == 0) {
    std::this_thread::yield();
  }
  const int second = Connect();
  ASSERT_EQ(send(second, "second\n", 7, 0), 7);
  std::thread end([&] { server->reset(); });
  ending = true;
  end.join();
  EXPECT_EQ(ReadLines(first, 2), "first\n(hung up)");
  close(first);
  close(second);
}

TEST_F(OperatorServerTest, AHalfWrittenRequestTimesOutAndOthersAreServed) {
  Start();
  const int fd = Connect();
  ASSERT_EQ(send(fd, "half", 4, 0), 4);
  EXPECT_EQ(Ask("whole"), "<whole>");
  EXPECT_EQ(ReadLines(fd, 2),
            "{\"Ok\":false,\"Error\":\"the request did not arrive in time\"}\n(hung up)");
  close(fd);
}

TEST_F(OperatorServerTest, ARequestAtTheBoundPassesAndBeyondIsRefused) {
  Start();
  const std::string most(options_.max_request_bytes - 1, 'x');
  EXPECT_EQ(Ask(most), "<" + most + ">");
  EXPECT_NE(Ask(most + "x").find("longer than 100000 bytes"), std::string::npos);
  EXPECT_EQ(Ask("still there"), "<still there>");
}

TEST_F(OperatorServerTest, IdleClientsAreKeptAndTooManyAreTurnedAway) {
  Start();
  std::vector<int> idle;
  for (size_t i = 0; i < options_.max_clients; ++i) {
    idle.push_back(Connect());
    ASSERT_EQ(send(idle.back(), "x\n", 2, 0), 2);
    EXPECT_EQ(ReadLines(idle.back(), 1), "<x>\n");
  }
  EXPECT_NE(Ask("one more").find("too many clients"), std::string::npos);
  close(idle[0]);
  std::string answer;
  for (int attempt = 0; attempt < 1000 && answer != "<again>"; ++attempt) {
    answer = Ask("again");
  }
  EXPECT_EQ(answer, "<again>");
  for (size_t i = 1; i < idle.size(); ++i) {
    ASSERT_EQ(send(idle[i], "y\n", 2, 0), 2);
    EXPECT_EQ(ReadLines(idle[i], 1), "<y>\n");
    close(idle[i]);
  }
}

TEST_F(OperatorServerTest, AClientThatTakesNoAnswersIsDropped) {
  Start();
  const int fd = Connect();
  const std::string line = std::string(50'000, 'z') + "\n";
  for (int i = 0; i < 100; ++i) {
    if (send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      break;
    }
  }
  EXPECT_EQ(Ask("others"), "<others>");
  close(fd);
}

TEST_F(OperatorServerTest, AnAnswerGivenBeforeTheRequestWasTakenIsRead) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, options_.path.c_str());
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  std::thread server([listener] {
    const int fd = accept(listener, nullptr, nullptr);
    EXPECT_EQ(send(fd, "no\n", 3, MSG_NOSIGNAL), 3);
    close(fd);  // the rest of the request never fits into the socket
  });
  EXPECT_EQ(Ask(std::string(10'000'000, 'x')), "no");
  server.join();
  close(listener);
  unlink(options_.path.c_str());
}

TEST_F(OperatorServerTest, GarbageHurtsNobody) {
  Start();
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    const int fd = Connect();
    std::string bytes(random() % 5000, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random() % 40 == 0 ? '\n' : random());
    }
    (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    close(fd);
    ASSERT_EQ(Ask("ok"), "<ok>") << "seed " << seed;
  }
  const int fd = Connect();  // as many requests as bytes
  const std::string lines(50'000, '\n');
  ASSERT_EQ(send(fd, lines.data(), lines.size(), 0), static_cast<ssize_t>(lines.size()));
  EXPECT_EQ(ReadLines(fd, 50'000).size(), 150'000u);
  close(fd);
}

TEST_F(OperatorServerTest, OneDaemonASocketAndLeftoversAreReplaced) {
  Start();
  const auto second = OperatorServer::Start(options_, [](std::string_view) { return ""; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Ask("first"), "<first>");
  server_.reset();
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, options_.path.c_str());
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(fd);  // as after a crash: the name is left
  Start();
  EXPECT_EQ(Ask("new"), "<new>");
}

TEST_F(OperatorServerTest, PathsThatCannotBeAreNamed) {
  options_.path = folder_ + "/" + std::string(120, 'p');
  const auto server = OperatorServer::Start(options_, [](std::string_view) { return ""; });
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(server.status().message().find("1..107 are possible"), std::string::npos);
  EXPECT_NE(Ask("x").find("longer than 107 bytes"), std::string::npos);
  options_.path = folder_ + "/nobody.sock";
  EXPECT_NE(Ask("x").find("no sluiced answers at"), std::string::npos);
}

}  // namespace
}  // namespace sluice
