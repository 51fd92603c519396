#include "dataplane/session/session_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_set>
#include <vector>

#include "dataplane/session/session_hash.h"

namespace sluice {
namespace {

constexpr uint64_t kSeed = 7;

TEST(SessionKeyTest, FieldsAreWhatWasPutIn) {
  const SessionKey key = MakeSessionKey(0xabcdef, 0x01020304, 0x05060708, 1234, 65535, 17);
  EXPECT_EQ(key.scope(), 0xabcdefu);
  EXPECT_EQ(key.src(), 0x01020304u);
  EXPECT_EQ(key.dst(), 0x05060708u);
  EXPECT_EQ(key.src_l4_port(), 1234);
  EXPECT_EQ(key.dst_l4_port(), 65535);
  EXPECT_EQ(key.protocol(), 17);
  EXPECT_EQ(WithSrcPort(key, 9).src_l4_port(), 9);
  EXPECT_EQ(WithDstPort(key, 9).dst_l4_port(), 9);
  EXPECT_EQ(WithDstPort(key, 65535), key);
}

TEST(SessionKeyTest, AnswerOfAnAnswerIsTheKey) {
  for (const uint8_t protocol : {6, 17, 47, 255}) {
    const bool ports = protocol == 6 || protocol == 17;
    const SessionKey key = MakeSessionKey(3, 1, 2, ports ? 10 : 0, ports ? 20 : 0, protocol);
    EXPECT_EQ(AnswerKey(AnswerKey(key, 9), 3), key);
    EXPECT_EQ(AnswerKey(key, 9).scope(), 9u);
    EXPECT_EQ(AnswerKey(key, 9).protocol(), protocol);
  }
}

// D-ICMPFLOW: the reply of a request is its answer; no request has the key of any reply, whatever
// the identifiers.
TEST(SessionKeyTest, AnEchoRequestIsNeverAReply) {
  EXPECT_FALSE(ClassifyIcmp(3, 0).is_query);
  EXPECT_FALSE(ClassifyIcmp(11, 0).is_query);
  EXPECT_FALSE(ClassifyIcmp(8, 1).is_query) << "only code 0";
  const uint8_t requests[] = {8, 13, 15, 17};
  const uint8_t replies[] = {0, 14, 16, 18};
  for (int i = 0; i < 4; ++i) {
    const IcmpQuery request = ClassifyIcmp(requests[i], 0);
    const IcmpQuery reply = ClassifyIcmp(replies[i], 0);
    ASSERT_TRUE(request.is_query && reply.is_query);
    EXPECT_FALSE(request.is_reply);
    EXPECT_TRUE(reply.is_reply);
    EXPECT_EQ(request.kind, reply.kind);
    EXPECT_EQ(AnswerKey(MakeIcmpSessionKey(1, 10, 20, 77, request), 2),
              MakeIcmpSessionKey(2, 20, 10, 77, reply));
    EXPECT_EQ(MakeIcmpSessionKey(1, 10, 20, 77, reply).protocol(), kProtocolIcmp);
    for (int j = 0; j < 4; ++j) {
      for (uint32_t id = 0; id < 64; ++id) {
        for (uint32_t other = 0; other < 64; ++other) {
          ASSERT_FALSE(MakeIcmpSessionKey(1, 10, 20, static_cast<uint16_t>(id), request) ==
                       MakeIcmpSessionKey(1, 10, 20, static_cast<uint16_t>(other),
                                          ClassifyIcmp(replies[j], 0)));
        }
      }
    }
  }
}

std::vector<HashKind> Kinds() {
  return CpuHasAes() ? std::vector<HashKind>{HashKind::kAes, HashKind::kFold}
                     : std::vector<HashKind>{HashKind::kFold};
}

TEST(SessionHashTest, BatchedAndSingleAgreeAndTheKeyMatters) {
  for (const HashKind kind : Kinds()) {
    const SessionHasher hasher(HashSecret::FromSeed(kSeed), kind);
    const SessionHasher other(HashSecret::FromSeed(kSeed + 1), kind);
    std::mt19937_64 random(kSeed);
    std::vector<SessionKey> keys(37);
    for (SessionKey& key : keys) key = {random(), random()};
    std::vector<uint64_t> hashes(keys.size());
    hasher.Hash(keys.data(), hashes.data(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(hashes[i], hasher.HashOne(keys[i]));
      EXPECT_NE(hashes[i], other.HashOne(keys[i]));
    }
  }
}

// Keys a tenant would try: all one- and two-bit differences, sequential addresses and ports.
// Neither the whole hash nor the part that picks a bucket collides more often than chance.
TEST(SessionHashTest, D_TSE_RelatedKeysDoNotCollide) {
  for (const HashKind kind : Kinds()) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      const SessionHasher hasher(HashSecret::FromSeed(seed), kind);
      std::vector<SessionKey> keys;
      const SessionKey base = MakeSessionKey(5, 0x0a000001, 0x0a000002, 4000, 443, 6);
      for (int i = 0; i < 128; ++i) {
        for (int j = i; j < 128; ++j) {
          SessionKey key = base;
          for (const int bit : {i, j}) {
            (bit < 64 ? key.addresses : key.rest) ^= uint64_t{1} << (bit & 63);
          }
          keys.push_back(key);
        }
      }
      for (uint32_t n = 0; n < 60000; ++n) {
        keys.push_back(MakeSessionKey(5, 0x0b000000 + n, 0x0a000002, 4000, 443, 6));
        keys.push_back(MakeSessionKey(5, 0x0c000000, 0x0a000002, static_cast<uint16_t>(n), 443, 6));
      }
      // Some of these are the same key.
      const auto less = [](const SessionKey& a, const SessionKey& b) {
        return a.addresses != b.addresses ? a.addresses < b.addresses : a.rest < b.rest;
      };
      std::sort(keys.begin(), keys.end(), less);
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
      std::vector<uint64_t> hashes(keys.size());
      hasher.Hash(keys.data(), hashes.data(), keys.size());
      std::unordered_set<uint64_t> distinct(hashes.begin(), hashes.end());
      EXPECT_EQ(distinct.size(), keys.size()) << "seed " << seed;
      // 2^16 buckets from the high bits: the fullest of a Poisson(~2) load stays small.
      std::vector<uint32_t> load(1 << 16);
      for (const uint64_t hash : distinct) ++load[hash >> 48];
      EXPECT_LT(*std::max_element(load.begin(), load.end()), 18u) << "seed " << seed;
      // And the tags (low byte) spread.
      std::vector<uint32_t> tags(256);
      for (const uint64_t hash : distinct) ++tags[hash & 0xff];
      EXPECT_LT(*std::max_element(tags.begin(), tags.end()), distinct.size() / 256 * 5 / 4);
    }
  }
}

// What an attacker finds against one secret (here: keys of a single bucket of 2^12) is spread over
// all buckets under another: knowing the algorithm does not help without the secret.
TEST(SessionHashTest, D_TSE_CollisionsUnderOneSecretSpreadUnderAnother) {
  for (const HashKind kind : Kinds()) {
    const SessionHasher attacked(HashSecret::FromSeed(kSeed), kind);
    const SessionHasher running(HashSecret::FromSeed(kSeed + 1), kind);
    std::vector<uint32_t> load(1 << 12);
    int found = 0;
    for (uint32_t n = 0; found < 400; ++n) {
      const SessionKey key =
          MakeSessionKey(5, 0x0a000000 + (n >> 16), 0x0b000001, static_cast<uint16_t>(n), 443, 6);
      if (attacked.HashOne(key) >> 52 == 77) {
        ++found;
        ++load[running.HashOne(key) >> 52];
      }
    }
    EXPECT_LE(*std::max_element(load.begin(), load.end()),
              6u);  // 400 in 4096: more than 6 is luck of 10^-6
  }
}

}  // namespace
}  // namespace sluice
