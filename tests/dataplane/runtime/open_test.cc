// What a start says when it cannot: one line, and what to do. One DPDK environment a process, so
// the cases that need one share it.
#include <gtest/gtest.h>

#include "dataplane/runtime/runtime.h"
#include "tests/dataplane/runtime/loop_bench.h"

namespace sluice {
namespace {

std::string Message(const RuntimeOptions& options) {
  const auto runtime = Runtime::Open(options);
  return runtime.ok() ? "opened" : std::string(runtime.status().message());
}

TEST(OpenTest, WrongOptionsAreToldBeforeDpdkStarts) {
  EXPECT_NE(Message({}).find("Host.Ports is empty"), std::string::npos);
  EXPECT_NE(Message({.ports = {{.name = "web", .device = ""}}}).find("port 'web' has no Device"),
            std::string::npos);
  EXPECT_NE(Message({.ports = {{.name = "a", .device = "net_null0"}}, .workers = 65}).find("1..64"),
            std::string::npos);
  EXPECT_NE(Message({.ports = {{.name = "a", .device = "net_null0"},
                               {.name = "b", .device = "net_null0,size=64"}}})
                .find("ports 'a' and 'b' name the same device net_null0"),
            std::string::npos);
  EXPECT_NE(Message({.ports = {{.name = "a", .device = "net_tap0,iface=web,mac=fixed"},
                               {.name = "b", .device = "net_tap1,iface=web"}}})
                .find("ports 'a' and 'b' name the same device iface=web"),
            std::string::npos);
}

TEST(OpenTest, ThePacketGeneratorForwardsAndReturnsEveryBuffer) {
  auto runtime = Runtime::Open({.ports = {{.name = "a", .device = "net_null0,size=64"},
                                          {.name = "b", .device = "net_null1,size=64"}},
                                .workers = 1,
                                .poll = PollMode::kBusy});
  ASSERT_TRUE(runtime.ok()) << runtime.status().message();
  EXPECT_EQ((*runtime)->mtu_bytes(PortIdx(0)), 9001);
  const auto absent = Device::Attach({.name = "c", .device = "net_absent0"});
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(absent.status().message().find("port 'c' (net_absent0): cannot be attached"),
            std::string::npos)
      << absent.status().message();
  EXPECT_EQ(absent.status().message().find('\n'), std::string::npos);
  const auto pci = Device::Attach({.name = "d", .device = "0000:ff:1f.7"});
  EXPECT_NE(pci.status().message().find("dpdk-devbind.py"), std::string::npos);
  LoopBench bench(2, 1);
  ASSERT_TRUE((*runtime)->StartWorkers(bench.pointers, bench.publisher, bench.qsbr).ok());
  while (bench.counters[0]->ports[0].sent.Read() < 10000) {
  }
  EXPECT_EQ((*runtime)->Statistics().size(), 2u);
  (*runtime)->StopWorkers();
  const PortCounters& a = bench.counters[0]->ports[0];
  const PortCounters& b = bench.counters[0]->ports[1];
  EXPECT_EQ(a.received.Read(), b.sent.Read() + b.tx_full.Read());
  EXPECT_EQ((*runtime)->Close().missing, 0u);
}

TEST(OpenTest, ASecondStartIsRefused) {
  EXPECT_NE(Message({.ports = {{.name = "a", .device = "net_null0"}}}).find("once a process"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice
