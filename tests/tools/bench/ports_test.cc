// Ports of a bench: how they are named, and what is said of packets that somebody else sends.
#include <gtest/gtest.h>

#include <functional>

#include "tools/bench/ports/open_ports.h"
#include "tools/bench/ports/ports_run.h"

namespace sluice {
namespace {

using Names = std::vector<std::string>;

TEST(PortsTest, ArgumentsBelongToTheDeviceBefore) {
  EXPECT_EQ(SplitDevices("net_tap0,iface=web,mac=fixed,0000:3b:00.0"),
            (Names{"net_tap0,iface=web,mac=fixed", "0000:3b:00.0"}));
  EXPECT_EQ(SplitDevices("net_null0"), Names{"net_null0"});
  EXPECT_EQ(SplitDevices("net_null0,,net_null1"), (Names{"net_null0", "", "net_null1"}));
  EXPECT_EQ(SplitDevices(""), Names{""});
}

TEST(PortsTest, EveryClaimCanBreak) {
  PortsTotals right;
  right.fates.received = 10;
  right.fates.forwarded = 9;
  right.fates.consumed = 1;
  EXPECT_TRUE(BrokenPortsClaims(right).empty());
  const auto breaks = [&](const std::function<void(PortsTotals&)>& spoil, const char* words) {
    PortsTotals totals = right;
    spoil(totals);
    const std::vector<std::string> broken = BrokenPortsClaims(totals);
    ASSERT_EQ(broken.size(), 1u) << words;
    EXPECT_NE(broken[0].find(words), std::string::npos) << broken[0];
  };
  breaks([](PortsTotals& t) { t.fates = {}; }, "no packet came");
  breaks([](PortsTotals& t) { t.fates.forwarded = 8; }, "9 of 10");
  breaks([](PortsTotals& t) { t.tx_full = 1; }, "did not take");
  breaks([](PortsTotals& t) { t.rx_missed = 1; }, "device lost");
  breaks([](PortsTotals& t) { t.missing = 1; }, "did not come back");
  breaks(
      [](PortsTotals& t) {
        t.fates.forwarded = 8;
        t.fates.dropped = 1;
        t.fates.reasons[static_cast<size_t>(DropReason::kSgIngress)] = 1;
      },
      "sg_ingress");
}

}  // namespace
}  // namespace sluice
