#include "dataplane/runtime/checksum_completion.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

// RFC 1071, byte by byte, sharing nothing with the code under test.
uint32_t Sum(const std::vector<uint8_t>& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{bytes[i]} * 256 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

struct Packet {
  std::vector<uint8_t> frame;
  size_t ip;
  size_t l4;
  size_t checksum;
};

Packet Make(bool tcp, bool tagged, size_t payload_bytes, uint32_t seed) {
  std::mt19937 random(seed);
  Packet p;
  p.frame.assign(12, 1);
  if (tagged) {
    p.frame.insert(p.frame.end(), {0x81, 0x00, 0, 5});
  }
  p.frame.insert(p.frame.end(), {0x08, 0x00});
  p.ip = p.frame.size();
  const size_t l4_bytes = (tcp ? 20 : 8) + payload_bytes;
  const size_t total = 20 + l4_bytes;
  p.frame.insert(p.frame.end(),
                 {0x45, 0, static_cast<uint8_t>(total >> 8), static_cast<uint8_t>(total), 0, 1, 0,
                  0, 64, static_cast<uint8_t>(tcp ? 6 : 17), 0, 0});
  for (int i = 0; i < 8; ++i) {
    p.frame.push_back(static_cast<uint8_t>(random()));
  }
  p.l4 = p.frame.size();
  for (size_t i = 0; i < l4_bytes; ++i) {
    p.frame.push_back(static_cast<uint8_t>(random()));
  }
  p.checksum = p.l4 + (tcp ? 16 : 6);
  return p;
}

uint32_t WholeSum(const Packet& p) {
  std::vector<uint8_t> bytes(p.frame.begin() + static_cast<long>(p.ip) + 12,
                             p.frame.begin() + static_cast<long>(p.ip) + 20);
  const size_t l4_bytes = p.frame.size() - p.l4;
  bytes.insert(bytes.end(), {0, p.frame[p.ip + 9], static_cast<uint8_t>(l4_bytes >> 8),
                             static_cast<uint8_t>(l4_bytes)});
  bytes.insert(bytes.end(), p.frame.begin() + static_cast<long>(p.l4), p.frame.end());
  return Sum(bytes);
}

TEST(ChecksumCompletionTest, MakesEveryPacketSumToAllOnes) {
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    Packet p = Make(seed % 2 == 0, seed % 3 == 0, seed % 97, seed);
    ASSERT_TRUE(CompleteL4Checksum(p.frame.data(), p.frame.size(), true)) << "seed " << seed;
    EXPECT_EQ(WholeSum(p), 0xffffu) << "seed " << seed;
  }
}

TEST(ChecksumCompletionTest, RecognisesThePseudoHeaderSumOnly) {
  Packet p = Make(true, false, 31, 7);
  const size_t l4_bytes = p.frame.size() - p.l4;
  std::vector<uint8_t> pseudo(p.frame.begin() + static_cast<long>(p.ip) + 12,
                              p.frame.begin() + static_cast<long>(p.ip) + 20);
  pseudo.insert(pseudo.end(), {0, 6, 0, static_cast<uint8_t>(l4_bytes)});
  const uint32_t sum = Sum(pseudo);
  p.frame[p.checksum] = static_cast<uint8_t>(sum >> 8);
  p.frame[p.checksum + 1] = static_cast<uint8_t>(sum);
  EXPECT_TRUE(CompleteL4Checksum(p.frame.data(), p.frame.size(), false));
  EXPECT_EQ(WholeSum(p), 0xffffu);
  const std::vector<uint8_t> complete = p.frame;
  EXPECT_FALSE(CompleteL4Checksum(p.frame.data(), p.frame.size(), false));
  EXPECT_EQ(p.frame, complete);
}

TEST(ChecksumCompletionTest, LeavesFragmentsAndBrokenFramesAlone) {
  Packet p = Make(false, false, 100, 3);
  p.frame[p.ip + 6] = 0x20;  // more fragments
  EXPECT_FALSE(CompleteL4Checksum(p.frame.data(), p.frame.size(), true));
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes(random() % 80);
    for (uint8_t& b : bytes) {
      b = static_cast<uint8_t>(random());
    }
    CompleteL4Checksum(bytes.data(), bytes.size(), true);  // within bounds, under a sanitizer
  }
  Packet cut = Make(true, false, 10, 5);
  for (size_t bytes = 0; bytes < cut.frame.size(); ++bytes) {
    EXPECT_FALSE(CompleteL4Checksum(cut.frame.data(), bytes, true)) << bytes;
  }
}

}  // namespace
}  // namespace sluice
