#include "dataplane/table/link_row.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "dataplane/table/snapshot.h"

namespace sluice {
namespace {

constexpr MacAddress kRouter = {{0x02, 0, 0, 0, 0, 0x01}};
constexpr MacAddress kEni = {{0x02, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e}};

// As express_group.cc stores them.
std::vector<uint8_t> HeaderOf(const LinkRow& row) {
  std::vector<uint8_t> frame(row.bytes);
  std::memcpy(frame.data(), &row.first, sizeof(row.first));
  std::memcpy(frame.data() + 8, &row.middle, sizeof(row.middle));
  std::memcpy(frame.data() + row.bytes - 8, &row.last, sizeof(row.last));
  return frame;
}

TEST(LinkRowTest, WordsMakeTheHeader) {
  AdjacencyRow row{kEni, 0, PortIdx(3), 9001, kNoTable};
  const std::vector<uint8_t> untagged = {0x02, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x02,
                                         0,    0,    0,    0,    0x01, 0x08, 0x00};
  EXPECT_EQ(HeaderOf(MakeLinkRow(row, kRouter, {})), untagged);
  row.vlan = 0x123;
  const std::vector<uint8_t> tagged = {0x02, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x02, 0,    0,
                                       0,    0,    0x01, 0x81, 0x00, 0x01, 0x23, 0x08, 0x00};
  EXPECT_EQ(HeaderOf(MakeLinkRow(row, kRouter, {})), tagged);
}

TEST(LinkRowTest, ANeighborIsLeftOut) {
  const AdjacencyRow row{MacAddress{}, 0, PortIdx(0), 1500, 5};
  const LinkRow link = MakeLinkRow(row, kRouter, {});
  EXPECT_EQ(link.first << 16, 0u) << "its MAC is or-ed in when it is known";
  EXPECT_EQ(link.neighbor, 5u);
  EXPECT_EQ(MakeLinkRow({kEni, 0, PortIdx(0), 1500, kNoTable}, kRouter, {}).neighbor, kNoNeighbor);
}

TEST(LinkRowTest, LimitsAreTheSmallest) {
  const AdjacencyRow row{kEni, 0, PortIdx(0), 9001, kNoTable};
  const LinkRow link = MakeLinkRow(row, kRouter, {1500, 8500});
  EXPECT_EQ(link.mtu_bytes, 8500);
  EXPECT_EQ(link.edge_mtu_bytes, 1500);
  const LinkRow small = MakeLinkRow({kEni, 0, PortIdx(0), 1280, kNoTable}, kRouter, {1500, 8500});
  EXPECT_EQ(small.mtu_bytes, 1280);
  EXPECT_EQ(small.edge_mtu_bytes, 1280);
  const LinkRow nowhere =
      MakeLinkRow({kEni, 0, PortIdx::None(), 9001, kNoTable}, kRouter, {1500, 8500});
  EXPECT_EQ(nowhere.mtu_bytes, 0) << "without a port nothing fits";
  EXPECT_EQ(nowhere.edge_mtu_bytes, 0);
}

}  // namespace
}  // namespace sluice
