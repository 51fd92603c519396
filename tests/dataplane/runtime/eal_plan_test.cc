#include "dataplane/runtime/eal_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/runtime/mbuf_pool.h"

namespace sluice {
namespace {

bool Has(const EalPlan& plan, const std::string& word) {
  return std::find(plan.arguments.begin(), plan.arguments.end(), word) != plan.arguments.end();
}

EalRequest Request() {
  EalRequest request;
  request.devices = {"net_tap0,iface=web", "net_null0"};
  request.mbuf_bytes = uint64_t{100} << 20;
  request.small_page_mbuf_bytes = uint64_t{200} << 20;
  request.file_prefix = std::string("unique");
  return request;
}

TEST(EalPlanTest, WithoutHugepagesUsesNoHugeAndSaysSo) {
  const EalPlan plan = PlanEal(Request(), {.cpus = {0, 1}});
  EXPECT_EQ(plan.memory, MemoryMode::kNoHuge);
  EXPECT_TRUE(Has(plan, "--no-huge"));
  EXPECT_FALSE(Has(plan, "--in-memory"));
  EXPECT_TRUE(Has(plan, "232")) << "small pages hold fewer buffers";
  EXPECT_EQ(plan.notice, "no hugepages: correct, but do not quote numbers from this mode");
}

TEST(EalPlanTest, EnoughHugepagesMeanInMemory) {
  const EalPlan plan = PlanEal(Request(), {.free_2m_bytes = uint64_t{132} << 20, .cpus = {0, 1}});
  EXPECT_EQ(plan.memory, MemoryMode::kHuge2M);
  EXPECT_TRUE(Has(plan, "--in-memory"));
  EXPECT_TRUE(Has(plan, "132"));
  EXPECT_FALSE(Has(plan, "--no-huge"));
  EXPECT_EQ(plan.notice, "");
}

TEST(EalPlanTest, TooFewHugepagesFallBackAndNameTheShortfall) {
  const EalPlan plan = PlanEal(Request(), {.free_2m_bytes = uint64_t{130} << 20, .cpus = {0, 1}});
  EXPECT_TRUE(Has(plan, "--no-huge"));
  EXPECT_FALSE(Has(plan, "--in-memory"));
  EXPECT_NE(plan.notice.find("130 MB free, 132 MB needed"), std::string::npos) << plan.notice;
}

TEST(EalPlanTest, GigabytePagesAreNamed) {
  const EalPlan plan = PlanEal(Request(), {.free_1g_bytes = uint64_t{1} << 30, .cpus = {0, 1}});
  EXPECT_EQ(plan.memory, MemoryMode::kHuge1G);
}

TEST(EalPlanTest, PciIsOffUnlessADeviceIsNamed) {
  EalRequest request = Request();
  EXPECT_TRUE(Has(PlanEal(request, {.cpus = {0, 1}}), "--no-pci"));
  request.devices.push_back("0000:3b:00.0");
  const EalPlan plan = PlanEal(request, {.cpus = {0, 1}});
  EXPECT_FALSE(Has(plan, "--no-pci"));
  EXPECT_TRUE(Has(plan, "0000:3b:00.0"));
}

TEST(EalPlanTest, EveryWorkerHasAnLcoreHoweverFewCpus) {
  EalRequest request = Request();
  request.workers = 1;
  EXPECT_TRUE(Has(PlanEal(request, {.cpus = {2, 5}}), "0@2,1@5"));
  EXPECT_FALSE(PlanEal(request, {.cpus = {2, 5}}).shares_cpus);
  request.workers = 2;
  EXPECT_TRUE(Has(PlanEal(request, {.cpus = {2, 5}}), "0@(2,5),1@2,2@5"));
  EXPECT_TRUE(PlanEal(request, {.cpus = {2, 5}}).shares_cpus);
  request.workers = 3;
  EXPECT_TRUE(Has(PlanEal(request, {.cpus = {7}}), "0@(7),1@7,2@7,3@7"));
}

TEST(EalPlanTest, GivenOptionsReplaceDerivedOnesOfTheirKindOnly) {
  EalRequest request = Request();
  request.given = " -m512  --no-huge --lcores=0@0,1@0 --log-level=lib.eal:debug";
  const EalPlan plan = PlanEal(request, {.free_2m_bytes = uint64_t{1} << 30, .cpus = {0, 1}});
  EXPECT_FALSE(Has(plan, "--in-memory"));
  EXPECT_FALSE(Has(plan, "--lcores"));
  EXPECT_TRUE(Has(plan, "-m512"));
  EXPECT_TRUE(Has(plan, "--no-pci"));
  EXPECT_TRUE(Has(plan, "--file-prefix=unique"));
  EXPECT_EQ(plan.memory, MemoryMode::kAsGiven);
}

// A buffer that fits a page does not cross its end: ten TAP ports did not start without hugepages.
TEST(MbufPoolSizeTest, SmallPagesHoldWholeBuffersOnly) {
  const MbufPoolSize taps = SizeMbufPool(10, 0, 1, 1500);
  EXPECT_EQ(taps.small_page_bytes(), uint64_t{taps.count} * 4096);
  EXPECT_LT(taps.bytes(), taps.small_page_bytes());
  const MbufPoolSize jumbo = SizeMbufPool(2, 0, 1, 9001);
  EXPECT_EQ(jumbo.small_page_bytes(), uint64_t{jumbo.count} * 12288);
  EXPECT_EQ((MbufPoolSize{.count = 5, .room_bytes = 1500}.small_page_bytes()), 3u * 4096);
}

TEST(EalPlanTest, PciAddresses) {
  EXPECT_TRUE(IsPciDevice("0000:3b:00.0"));
  EXPECT_TRUE(IsPciDevice("3b:00.1,arg=1"));
  EXPECT_FALSE(IsPciDevice("net_tap0,iface=a:b.0"));
  EXPECT_FALSE(IsPciDevice("3b:00"));
  EXPECT_FALSE(IsPciDevice(""));
  EXPECT_EQ(DeviceName("net_tap0,iface=web"), "net_tap0");
}

}  // namespace
}  // namespace sluice
