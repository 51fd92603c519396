// Compilation as a function: same history, same bytes; what did not change is shared; what does not
// fit is refused and leaves nothing behind.
#include "control/compile/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dataplane/table/address_map.h"
#include "tests/dataplane/table/failing_memory.h"
#include "tests/support/sample_config.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// Keeps account of everything that is held, so that all tables can be seen as bytes.
class WatchedMemory final : public MemorySource {
 public:
  void* Allocate(const char* name, size_t bytes, size_t alignment) override {
    void* memory = HeapMemory().Allocate(name, bytes, alignment);
    held_[static_cast<uint8_t*>(memory)] = {name, bytes, next_number_++};
    return memory;
  }
  void Free(void* memory, size_t bytes) override {
    held_.erase(static_cast<uint8_t*>(memory));
    HeapMemory().Free(memory, bytes);
  }
  // By order of allocation: name and content. A word that points into a held block is shown as that
  // block's place in the order and an offset, since addresses are never the same.
  std::vector<std::string> Image() const {
    std::map<uint64_t, std::string> by_number;
    for (const auto& [memory, block] : held_) {
      std::string content(reinterpret_cast<const char*>(memory), block.bytes);
      for (size_t at = 0; at + 8 <= block.bytes; at += 8) {
        ShowPointer(content, at);
      }
      by_number[block.number] = block.name + ":" + content;
    }
    std::vector<std::string> image;
    for (auto& [number, text] : by_number) {
      image.push_back(std::move(text));
    }
    return image;
  }
  size_t held_count() const { return held_.size(); }

 private:
  struct Block {
    std::string name;
    size_t bytes = 0;
    uint64_t number = 0;
  };

  void ShowPointer(std::string& content, size_t at) const {
    uint64_t word = 0;
    std::memcpy(&word, content.data() + at, 8);
    const auto next = held_.upper_bound(reinterpret_cast<uint8_t*>(word));
    if (next == held_.begin()) {
      return;
    }
    const auto& [memory, block] = *std::prev(next);
    const uint64_t offset = word - reinterpret_cast<uint64_t>(memory);
    if (offset < block.bytes) {
      const uint64_t shown = block.number << 32 | offset;
      std::memcpy(content.data() + at, &shown, 8);
    }
  }

  std::map<uint8_t*, Block> held_;
  uint64_t next_number_ = 0;
};

std::shared_ptr<const ValidatedIntent> Load(const Json& config) {
  ValidationResult loaded = LoadIntentText("test", config.dump(), {});
  for (const IntentIssue& issue : loaded.issues) {
    EXPECT_TRUE(issue.is_warning) << issue.json_path << ": " << issue.what;
  }
  return loaded.intent;
}

Json Sample() {
  return Json::parse(testing::kSampleConfig);
}
// One port of one rule of one group is another.
Json OneRuleEdited() {
  Json config = Sample();
  config["SecurityGroups"][0]["IpPermissions"][0]["ToPort"] = 81;
  return config;
}
Json OneRouteEdited() {
  Json config = Sample();
  config["RouteTables"][0]["Routes"].push_back(
      {{"DestinationCidrBlock", "203.0.113.0/24"}, {"NetworkInterfaceId", "eni-web"}});
  return config;
}

std::shared_ptr<const CompiledConfig> CompileOne(Compiler& compiler, const Json& config,
                                                 uint64_t generation) {
  auto compiled = compiler.Compile(Load(config), generation);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() ? *std::move(compiled) : nullptr;
}

// Every table of the last of several configurations, as bytes.
std::vector<std::string> ImageAfter(const std::vector<Json>& history, uint64_t seed) {
  WatchedMemory memory;
  CompileOptions options;
  options.hash_seed = seed;
  Compiler compiler(memory, options);
  std::shared_ptr<const CompiledConfig> last;
  uint64_t generation = 0;
  for (const Json& config : history) {
    last = CompileOne(compiler, config, ++generation);
  }
  return memory.Image();
}

TEST(CompilerTest, SameHistoryAndSeedGiveTheSameBytes) {
  for (const std::vector<Json>& history : {std::vector<Json>{Sample()},
                                           {Sample(), OneRuleEdited()},
                                           {Sample(), OneRouteEdited(), Sample()}}) {
    const std::vector<std::string> one = ImageAfter(history, 7);
    const std::vector<std::string> two = ImageAfter(history, 7);
    ASSERT_EQ(one.size(), two.size());
    ASSERT_GT(one.size(), 15u);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(one[i] == two[i]) << "table " << i << ", " << one[i].substr(0, one[i].find(':'));
    }
  }
}

// Collection is out of band: workers account for every packet anyway, and nothing that they read
// says whether somebody wants to know.
TEST(CompilerTest, AWS_FL_18_AFlowLogChangesNoByteAWorkerReads) {
  Json silent = Sample();
  silent.erase("FlowLogs");
  Json logged = silent;
  for (const char* vpc : {"vpc-a", "vpc-b"}) {
    logged["FlowLogs"].push_back({{"FlowLogId", std::string("fl-") + vpc},
                                  {"ResourceId", vpc},
                                  {"TrafficType", "ALL"},
                                  {"MaxAggregationInterval", 60},
                                  {"LogDestinationType", "s3"},
                                  {"LogDestination", "arn:aws:s3:::logs"}});
  }
  ASSERT_EQ(Load(logged)->intent().flow_logs.size(), 2u);
  const std::vector<std::string> without = ImageAfter({silent, silent}, 7);
  for (const std::vector<Json>& history :
       {std::vector<Json>{silent, logged}, {logged, logged}, {logged, silent}}) {
    const std::vector<std::string> image = ImageAfter(history, 7);
    ASSERT_EQ(image.size(), without.size());
    for (size_t i = 0; i < image.size(); ++i) {
      EXPECT_TRUE(image[i] == without[i]) << image[i].substr(0, image[i].find(':'));
    }
  }
}

TEST(CompilerTest, TheSeedMovesTheKeyedMapsOnly) {
  const std::vector<std::string> one = ImageAfter({Sample()}, 7);
  const std::vector<std::string> two = ImageAfter({Sample()}, 8);
  ASSERT_EQ(one.size(), two.size());
  size_t different = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    different += one[i] == two[i] ? 0 : 1;
  }
  EXPECT_GT(different, 0u);
  EXPECT_LT(different, one.size() / 2);
}

TEST(CompilerTest, TheOrderOfObjectsInTheTextDoesNotChangeVerdictTables) {
  Json reversed = Sample();
  for (auto& [list, objects] : reversed.items()) {
    std::reverse(objects.begin(), objects.end());
  }
  Compiler one(HeapMemory(), {});
  Compiler two(HeapMemory(), {});
  const auto a = CompileOne(one, Sample(), 1);
  const auto b = CompileOne(two, reversed, 1);
  EXPECT_EQ(a->snapshot->fibs->size(), b->snapshot->fibs->size());
  EXPECT_EQ(a->snapshot->fibs->bytes(), b->snapshot->fibs->bytes());
  EXPECT_EQ(a->snapshot->classifiers->size(), b->snapshot->classifiers->size());
  EXPECT_EQ(a->snapshot->addresses->size(), b->snapshot->addresses->size());
}

// Tables of `after` that `before` does not hold.
size_t NewFibs(const FibSet& before, const FibSet& after) {
  size_t fresh = 0;
  for (uint32_t i = 0; i < after.size(); ++i) {
    bool shared = false;
    for (uint32_t j = 0; j < before.size(); ++j) {
      shared = shared || after.table(FibIdx(i)) == before.table(FibIdx(j));
    }
    fresh += shared ? 0 : 1;
  }
  return fresh;
}

TEST(CompilerTest, UnchangedRouteTablesAreShared) {
  Compiler compiler(HeapMemory(), {});
  const auto first = CompileOne(compiler, Sample(), 1);
  const auto rule = CompileOne(compiler, OneRuleEdited(), 2);
  EXPECT_EQ(NewFibs(*first->snapshot->fibs, *rule->snapshot->fibs), 0u);
  const auto route = CompileOne(compiler, OneRouteEdited(), 3);
  EXPECT_EQ(NewFibs(*first->snapshot->fibs, *route->snapshot->fibs), 1u);
}

TEST(CompilerTest, AnUnusedGenerationGivesItsMemoryBack) {
  WatchedMemory memory;
  Compiler compiler(memory, {});
  auto last = CompileOne(compiler, Sample(), 1);
  const size_t held = memory.held_count();
  for (uint64_t generation = 2; generation < 20; ++generation) {
    last = CompileOne(compiler, generation % 2 == 0 ? OneRuleEdited() : Sample(), generation);
  }
  EXPECT_EQ(memory.held_count(), held);
}

TEST(CompilerTest, IndicesStayWhileTheirOwnersLive) {
  Compiler compiler(HeapMemory(), {});
  const auto first = CompileOne(compiler, Sample(), 1);
  Json without = Sample();
  without["NetworkInterfaces"].erase(1);  // eni-app
  const auto second = CompileOne(compiler, without, 2);
  Json again = without;
  again["NetworkInterfaces"].push_back({{"NetworkInterfaceId", "eni-new"},
                                        {"SubnetId", "subnet-private"},
                                        {"PrivateIpAddress", "10.0.1.77"}});
  const auto third = CompileOne(compiler, again, 3);
  const auto index_of = [](const CompiledConfig& config, const std::string& name) {
    const auto& names = config.interface_names;
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  EXPECT_EQ(index_of(*first, "eni-b"), index_of(*second, "eni-b"));
  EXPECT_EQ(second->interface_names[static_cast<size_t>(index_of(*first, "eni-app"))], "");
  EXPECT_NE(index_of(*first, "eni-app"), index_of(*third, "eni-new"));  // never given twice
}

TEST(CompilerTest, ShortMemoryIsRefusedAndLeavesNothing) {
  const std::shared_ptr<const ValidatedIntent> intent = Load(Sample());
  bool compiled_once = false;
  for (size_t allowed = 0; allowed < (size_t{8} << 20) && !compiled_once;
       allowed += allowed / 4 + 512) {
    FailingMemory memory(allowed);
    {
      Compiler compiler(memory, {});
      const auto compiled = compiler.Compile(intent, 1);
      compiled_once = compiled.ok();
      if (!compiled_once) {
        EXPECT_EQ(compiled.status().code(), absl::StatusCode::kResourceExhausted)
            << compiled.status();
        EXPECT_FALSE(compiled.status().message().empty());
      }
    }
    EXPECT_EQ(memory.held_bytes(), 0u);
  }
  EXPECT_TRUE(compiled_once);
}

TEST(CompilerTest, ARefusedGenerationLeavesTheRunningOneAlone) {
  const std::shared_ptr<const ValidatedIntent> sample = Load(Sample());
  Json many = Sample();
  for (int i = 0; i < 3000; ++i) {
    many["SecurityGroups"][0]["IpPermissions"].push_back(
        {{"IpProtocol", "udp"},
         {"FromPort", i},
         {"ToPort", i},
         {"IpRanges",
          {{{"CidrIp",
             "172.16." + std::to_string(i / 200) + "." + std::to_string(i % 200) + "/32"}}}}});
  }
  FailingMemory memory(size_t{64} << 10);
  Compiler compiler(memory, {});
  const auto running = compiler.Compile(sample, 1);
  ASSERT_TRUE(running.ok()) << running.status();
  const size_t held = memory.held_bytes();
  const auto refused = compiler.Compile(Load(many), 2);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted) << refused.status();
  EXPECT_LE(memory.held_bytes(), held + (size_t{64} << 10));  // the builder's scratch at most
  EXPECT_EQ((*running)->snapshot->generation, 1u);
  const auto next = compiler.Compile(sample, 3);
  EXPECT_TRUE(next.ok()) << next.status();
}

TEST(CompilerTest, FiveHundredTablesOfAHundredRoutesKeepTheirBudget) {
  Json config = Sample();
  for (int t = 0; t < 500; ++t) {
    Json routes = Json::array();
    for (int r = 0; r < 100; ++r) {
      routes.push_back(
          {{"DestinationCidrBlock", std::to_string(20 + r) + "." + std::to_string(t % 256) + "." +
                                        std::to_string(t / 256) + ".0/24"},
           {"NetworkInterfaceId", r % 2 == 0 ? "eni-web" : "eni-app"}});
    }
    config["RouteTables"].push_back(
        {{"RouteTableId", "rtb-" + std::to_string(t)}, {"VpcId", "vpc-a"}, {"Routes", routes}});
  }
  Compiler compiler(HeapMemory(), {});
  const auto compiled = CompileOne(compiler, config, 1);
  EXPECT_GE(compiled->snapshot->fibs->size(), 500u);
  EXPECT_LE(compiled->snapshot->fibs->bytes(), (size_t{32} << 20) / 20);  // T8: 10,000 in 32 MB
}

}  // namespace
}  // namespace sluice
