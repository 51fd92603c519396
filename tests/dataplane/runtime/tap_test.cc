// TAP ports inside a user and network namespace of this process: frames of a real kernel interface
// cross two of them, through the whole runtime, and nothing is left behind.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dataplane/runtime/runtime.h"
#include "dataplane/runtime/tap_interface.h"
#include "tests/dataplane/runtime/loop_bench.h"

namespace sluice {
namespace {

bool WriteFile(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  return static_cast<bool>(file);
}

// Why this machine cannot run the test, or empty. Enters the namespaces.
std::string EnterNamespaces() {
  if (access("/dev/net/tun", R_OK | W_OK) != 0) {
    return "/dev/net/tun is missing";
  }
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return std::string("user namespaces are not permitted here: ") + strerror(errno);
  }
  if (!WriteFile("/proc/self/setgroups", "deny") ||
      !WriteFile("/proc/self/uid_map", "0 " + uid + " 1") ||
      !WriteFile("/proc/self/gid_map", "0 " + gid + " 1")) {
    return "ids cannot be mapped in a user namespace here";
  }
  return "";
}

int PacketSocket(const char* name) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(0x88b5));
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(0x88b5);  // local experimental (IEEE 802)
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
}

size_t CountFolders(const std::string& parent) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) {
    count += entry.path().filename().string().starts_with("sluiced-") ? 1 : 0;
  }
  return count;
}

TEST(TapTest, FramesCrossAndNothingIsLeft) {
  if (const std::string why = EnterNamespaces(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  char folder[] = "/tmp/tap_test-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  setenv("RUNTIME_DIRECTORY", folder, 1);
  {
    auto runtime = Runtime::Open({.ports = {{.name = "a", .device = "net_tap0,iface=tapa"},
                                            {.name = "b", .device = "net_tap1,iface=tapb"}},
                                  .workers = 2});
    ASSERT_TRUE(runtime.ok()) << runtime.status().message();
    EXPECT_EQ(CountFolders(folder), 1u);
    LoopBench bench(2, 2);
    ASSERT_TRUE((*runtime)->StartWorkers(bench.pointers, bench.publisher, bench.qsbr).ok());
    EXPECT_TRUE(TapHasOwner("tapa"));
    EXPECT_TRUE(TapHasOwner("tapb"));
    EXPECT_FALSE(TapHasOwner("lo"));
    EXPECT_FALSE(TapHasOwner("nowhere"));
    const int a = PacketSocket("tapa");
    const int b = PacketSocket("tapb");
    ASSERT_GE(a, 0);
    ASSERT_GE(b, 0);
    for (int i = 0; i < 200; ++i) {
      std::vector<uint8_t> sent(60 + static_cast<size_t>(i) * 7, static_cast<uint8_t>(i));
      sent[12] = 0x88;
      sent[13] = 0xb5;
      sent[14] = 0;
      ASSERT_EQ(send(i % 2 == 0 ? a : b, sent.data(), sent.size(), 0),
                static_cast<ssize_t>(sent.size()))
          << strerror(errno);
      pollfd waiting = {i % 2 == 0 ? b : a, POLLIN, 0};
      int ready = 0;
      do {  // the TAP driver's signals interrupt
        ready = poll(&waiting, 1, 5000);
      } while (ready < 0 && errno == EINTR);
      ASSERT_EQ(ready, 1) << "frame " << i;
      std::vector<uint8_t> got(4096);
      const ssize_t bytes = recv(waiting.fd, got.data(), got.size(), 0);
      got.resize(static_cast<size_t>(std::max<ssize_t>(bytes, 0)));
      EXPECT_EQ(got, sent);
    }
    EXPECT_TRUE((*runtime)->SendFrame(PortIdx(0), std::vector<uint8_t>(60, 0x42)));
    (*runtime)->StopWorkers();
    uint64_t sent = 0;
    for (const auto& counters : bench.counters) {
      sent += counters->ports[0].sent.Read() + counters->ports[1].sent.Read();
    }
    EXPECT_GE(sent, 201u);  // the kernel says hello on its own, too
    const MbufAccount account = (*runtime)->Close();
    EXPECT_EQ(account.missing, 0u) << "of " << account.count;
    close(a);
    close(b);
  }
  EXPECT_EQ(if_nametoindex("tapa"), 0u);
  EXPECT_EQ(CountFolders(folder), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace sluice
