// Route tables and the classifier beside rte_fib, rte_lpm and rte_acl: the same routes, rules and
// keys in one process. Every rival must give our answers on all keys before anything is timed.
// "dataplane only, no NIC".
//
// EAL runs without hugepages, so the rivals sit on 4 KB pages; ours run on 4 KB pages (the fair
// row) and on transparent huge pages (what a daemon has). Ticks are TSC ticks.
#include <benchmark/benchmark.h>
#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_lpm.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/base/check.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/fib.h"

namespace sluice {
namespace {

constexpr size_t kKeyCount = size_t{1} << 20;
constexpr size_t kBurst = 32;
constexpr size_t kRivalCheckKeys = size_t{1} << 16;

class FourKilobytePages final : public MemorySource {
 public:
  void* Allocate(const char*, size_t bytes, size_t) override {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      return nullptr;
    }
    (void)madvise(memory, bytes, MADV_NOHUGEPAGE);
    return memory;
  }
  void Free(void* memory, size_t bytes) override { munmap(memory, bytes); }
};

MemorySource& Memory(bool huge) {
  static FourKilobytePages small;
  return huge ? HeapMemory() : static_cast<MemorySource&>(small);
}

double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Ticks an item over the whole timed loop: CPU time of the thread in TSC ticks, because the machine
// may be shared.
class TickCounter {
 public:
  explicit TickCounter(benchmark::State& state) : state_(state), start_(ThreadSeconds()) {}
  void Report(size_t items_each_iteration) {
    const double ticks = (ThreadSeconds() - start_) * static_cast<double>(rte_get_tsc_hz());
    const auto items = static_cast<double>(state_.iterations() * items_each_iteration);
    state_.counters["ticks"] = ticks / items;
    state_.counters["M/s"] = benchmark::Counter(items / 1e6, benchmark::Counter::kIsRate);
  }

 private:
  benchmark::State& state_;
  double start_;
};

struct RouteWork {
  std::vector<FibRoute> routes;
  std::vector<uint32_t> keys;
  std::shared_ptr<const Fib> fib;
};

// Lengths around /24 and some longer, as in tables of many tenants; keys uniform over the address
// space.
const RouteWork& Routes(size_t count) {
  static std::map<size_t, RouteWork> cache;
  RouteWork& work = cache[count];
  if (work.routes.empty()) {
    std::mt19937 random(static_cast<uint32_t>(count));
    std::map<Ipv4Prefix, uint32_t> distinct;
    while (distinct.size() < count) {
      const uint32_t roll = random() % 100;
      const auto length = static_cast<uint8_t>(roll < 60   ? 24
                                               : roll < 98 ? 16 + random() % 8
                                                           : 25 + random() % 8);
      distinct[Ipv4Prefix{Ipv4Address(static_cast<uint32_t>(random())), length}.Canonical()] =
          random() % 1000;
    }
    for (const auto& [prefix, next_hop] : distinct) {
      work.routes.push_back({prefix, next_hop});
    }
    for (size_t i = 0; i < kKeyCount; ++i) {
      work.keys.push_back(static_cast<uint32_t>(random()));
    }
    work.fib = *FibBuilder(Memory(false)).Build(work.routes);
  }
  return work;
}

void BM_FibSluice(benchmark::State& state) {
  const RouteWork& work = Routes(static_cast<size_t>(state.range(0)));
  FibBuilder builder(Memory(state.range(1) != 0));
  const auto fib = *builder.Build(work.routes);
  const FibSet set = *FibSet::Make({fib}, HeapMemory());
  const uint32_t idx[kBurst] = {};
  uint32_t out[kBurst];
  TickCounter ticks(state);
  for (auto _ : state) {
    for (size_t i = 0; i < kKeyCount; i += kBurst) {
      set.LookupBatch(idx, &work.keys[i], out, kBurst);
      benchmark::DoNotOptimize(out);
    }
  }
  ticks.Report(kKeyCount);
  state.counters["bytes"] = static_cast<double>(fib->bytes());
}

void BM_FibRte(benchmark::State& state) {
  const RouteWork& work = Routes(static_cast<size_t>(state.range(0)));
  rte_fib_conf conf = {};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = 0x7fff;
  conf.max_routes = static_cast<int>(work.routes.size() * 2 + 100);
  conf.dir24_8.nh_sz = RTE_FIB_DIR24_8_2B;
  conf.dir24_8.num_tbl8 = 32'767;
  rte_fib* fib = rte_fib_create("bench", -1, &conf);
  SLUICE_CHECK(fib != nullptr);
  size_t refused = 0;
  for (const FibRoute& route : work.routes) {
    refused +=
        rte_fib_add(fib, route.prefix.address.value, route.prefix.length, route.next_hop) != 0;
  }
  std::vector<uint32_t> keys = work.keys;
  uint64_t out[kBurst];
  for (size_t i = 0; i < kRivalCheckKeys && refused == 0; i += kBurst) {
    rte_fib_lookup_bulk(fib, &keys[i], out, kBurst);
    for (size_t j = 0; j < kBurst; ++j) {
      const uint32_t ours = work.fib->Lookup(keys[i + j]);
      SLUICE_CHECK(out[j] == (ours == kFibMiss ? 0x7fff : ours));
    }
  }
  TickCounter ticks(state);
  for (auto _ : state) {
    for (size_t i = 0; i < kKeyCount; i += kBurst) {
      rte_fib_lookup_bulk(fib, &keys[i], out, kBurst);
      benchmark::DoNotOptimize(out);
    }
  }
  ticks.Report(kKeyCount);
  state.counters["refused"] = static_cast<double>(refused);
  rte_fib_free(fib);
}

void BM_LpmRte(benchmark::State& state) {
  const RouteWork& work = Routes(static_cast<size_t>(state.range(0)));
  rte_lpm_config conf = {};
  conf.max_rules = static_cast<uint32_t>(work.routes.size() + 100);
  conf.number_tbl8s = 1u << 17;
  rte_lpm* lpm = rte_lpm_create("bench", -1, &conf);
  SLUICE_CHECK(lpm != nullptr);
  size_t refused = 0;
  for (const FibRoute& route : work.routes) {
    refused +=
        rte_lpm_add(lpm, route.prefix.address.value, route.prefix.length, route.next_hop) != 0;
  }
  uint32_t out[kBurst];
  TickCounter ticks(state);
  for (auto _ : state) {
    for (size_t i = 0; i < kKeyCount; i += kBurst) {
      rte_lpm_lookup_bulk(lpm, &work.keys[i], out, kBurst);
      benchmark::DoNotOptimize(out);
    }
  }
  ticks.Report(kKeyCount);
  state.counters["refused"] = static_cast<double>(refused);
  rte_lpm_free(lpm);
}

struct AclKey {
  uint8_t protocol;
  uint8_t pad[3];
  rte_be32_t address;
  rte_be16_t key;
  rte_be16_t zero;
};

struct RuleWork {
  std::vector<Ipv4Prefix> prefixes;
  std::vector<ClassifierRule> rules;
  std::vector<uint32_t> address;
  std::vector<uint8_t> protocol;
  std::vector<uint16_t> key;
};

PortRule RandomPortRule(uint32_t value, std::mt19937& random) {
  PortRule port;
  port.value = value;
  const uint32_t roll = random() % 20;
  port.protocol = roll < 13 ? 6 : roll < 18 ? 17 : roll < 19 ? 1 : kAnyProtocol;
  const uint32_t shape = random() % 4;
  if (port.protocol == kAnyProtocol || shape == 0) {
    return port;
  }
  port.key_low = static_cast<uint16_t>(shape == 1 ? 1024 : random() % 10'000);
  port.key_high = static_cast<uint16_t>(shape == 1   ? 65535
                                        : shape == 2 ? port.key_low
                                                     : port.key_low + random() % 100);
  return port;
}

// Cloud-shaped: nested networks of 10.0.0.0/8 and public ones, /8../32. Packets are uniform over
// the rules' corners.
const RuleWork& Rules(size_t count) {
  static std::map<size_t, RuleWork> cache;
  RuleWork& work = cache[count];
  if (!work.rules.empty()) {
    return work;
  }
  std::mt19937 random(static_cast<uint32_t>(count) + 1);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t roll = random() % 100;
    const auto length = static_cast<uint8_t>(roll < 1    ? 8
                                             : roll < 5  ? 16
                                             : roll < 15 ? 17 + random() % 7
                                             : roll < 60 ? 24
                                                         : 32);
    const uint32_t anywhere = static_cast<uint32_t>(random());
    const uint32_t address = roll % 2 == 0 ? 0x0a000000u | (anywhere & 0xffffffu) : anywhere;
    work.prefixes.push_back(Ipv4Prefix{Ipv4Address(address), length}.Canonical());
  }
  for (size_t i = 0; i < count; ++i) {
    work.rules.push_back(
        {{&work.prefixes[i], 1}, RandomPortRule(static_cast<uint32_t>(i), random)});
  }
  for (size_t i = 0; i < kKeyCount; ++i) {
    const size_t rule = random() % count;
    const Ipv4Prefix& prefix = work.prefixes[rule];
    const PortRule& port = work.rules[random() % 4 == 0 ? random() % count : rule].port;
    work.address.push_back(prefix.address.value |
                           (static_cast<uint32_t>(random()) & ~prefix.Mask()));
    work.protocol.push_back(
        static_cast<uint8_t>(port.protocol == kAnyProtocol ? random() : port.protocol));
    work.key.push_back(static_cast<uint16_t>(
        port.key_low + random() % (uint32_t{port.key_high} - port.key_low + 1u)));
  }
  return work;
}

void BM_ClassifierSluice(benchmark::State& state) {
  const RuleWork& work = Rules(static_cast<size_t>(state.range(0)));
  const auto classifier = *ClassifierBuilder(Memory(state.range(1) != 0)).Build(work.rules);
  const ClassifierSet set = *ClassifierSet::Make({classifier}, HeapMemory());
  const uint32_t idx[kBurst] = {};
  uint32_t out[kBurst];
  TickCounter ticks(state);
  for (auto _ : state) {
    for (size_t i = 0; i < kKeyCount; i += kBurst) {
      set.LookupBatch(idx, &work.address[i], &work.protocol[i], &work.key[i], out, kBurst);
      benchmark::DoNotOptimize(out);
    }
  }
  ticks.Report(kKeyCount);
  state.counters["bytes"] = static_cast<double>(classifier->bytes());
  state.counters["steps"] = classifier->max_steps();
}

void BM_ClassifierSluiceBuild(benchmark::State& state) {
  const RuleWork& work = Rules(static_cast<size_t>(state.range(0)));
  ClassifierBuilder builder(HeapMemory());
  for (auto _ : state) {
    benchmark::DoNotOptimize(*builder.Build(work.rules));
  }
}

constexpr uint32_t kAclFields = 4;
RTE_ACL_RULE_DEF(AclRule, kAclFields);

rte_acl_config AclConfig() {
  rte_acl_config config = {};
  config.num_categories = 1;
  config.num_fields = kAclFields;
  config.max_size = size_t{2} << 30;
  const rte_acl_field_def fields[kAclFields] = {
      {RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(AclKey, protocol)},
      {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(AclKey, address)},
      {RTE_ACL_FIELD_TYPE_RANGE, 2, 2, 2, offsetof(AclKey, key)},
      {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 2, offsetof(AclKey, zero)}};
  std::copy(fields, fields + kAclFields, config.defs);
  return config;
}

rte_acl_ctx* BuildAcl(const RuleWork& work) {
  rte_acl_param param = {};
  param.name = "bench";
  param.socket_id = -1;
  param.rule_size = RTE_ACL_RULE_SZ(kAclFields);
  param.max_rule_num = static_cast<uint32_t>(work.rules.size());
  rte_acl_ctx* acl = rte_acl_create(&param);
  SLUICE_CHECK(acl != nullptr);
  for (size_t i = 0; i < work.rules.size(); ++i) {
    const PortRule& port = work.rules[i].port;
    AclRule rule = {};
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<int32_t>(work.rules.size() - i);
    rule.data.userdata = static_cast<uint32_t>(i + 1);
    rule.field[0].value.u8 = static_cast<uint8_t>(port.protocol);
    rule.field[0].mask_range.u8 = port.protocol == kAnyProtocol ? 0 : 0xff;
    rule.field[1].value.u32 = work.prefixes[i].address.value;
    rule.field[1].mask_range.u32 = work.prefixes[i].length;
    rule.field[2].value.u16 = port.key_low;
    rule.field[2].mask_range.u16 = port.key_high;
    rule.field[3].mask_range.u16 = 0xffff;
    SLUICE_CHECK(rte_acl_add_rules(acl, reinterpret_cast<rte_acl_rule*>(&rule), 1) == 0);
  }
  const rte_acl_config config = AclConfig();
  if (rte_acl_build(acl, &config) != 0) {
    rte_acl_free(acl);
    return nullptr;
  }
  return acl;
}

void BM_ClassifierRteAcl(benchmark::State& state) {
  const RuleWork& work = Rules(static_cast<size_t>(state.range(0)));
  const uint64_t build_start = rte_rdtsc();
  rte_acl_ctx* acl = BuildAcl(work);
  const uint64_t build_ticks = rte_rdtsc() - build_start;
  if (acl == nullptr) {
    state.SkipWithError("rte_acl does not build");
    return;
  }
  std::vector<AclKey> keys(kKeyCount);
  std::vector<const uint8_t*> pointers(kKeyCount);
  for (size_t i = 0; i < kKeyCount; ++i) {
    keys[i] = {
        work.protocol[i], {}, rte_cpu_to_be_32(work.address[i]), rte_cpu_to_be_16(work.key[i]), 0};
    pointers[i] = reinterpret_cast<const uint8_t*>(&keys[i]);
  }
  const auto ours = *ClassifierBuilder(HeapMemory()).Build(work.rules);
  uint32_t out[kBurst];
  for (size_t i = 0; i < kRivalCheckKeys; i += kBurst) {
    rte_acl_classify(acl, &pointers[i], out, kBurst, 1);
    for (size_t j = 0; j < kBurst; ++j) {
      SLUICE_CHECK(out[j] - 1 ==
                   ours->Lookup(work.address[i + j], work.protocol[i + j], work.key[i + j]));
    }
  }
  TickCounter ticks(state);
  for (auto _ : state) {
    for (size_t i = 0; i < kKeyCount; i += kBurst) {
      rte_acl_classify(acl, &pointers[i], out, kBurst, 1);
      benchmark::DoNotOptimize(out);
    }
  }
  ticks.Report(kKeyCount);
  state.counters["build_ms"] =
      static_cast<double>(build_ticks) * 1e3 / static_cast<double>(rte_get_tsc_hz());
  rte_acl_free(acl);
}

BENCHMARK(BM_FibSluice)
    ->ArgsProduct({{100, 1000, 8000, 1'000'000}, {0, 1}})
    ->ArgNames({"routes", "huge"});
BENCHMARK(BM_FibRte)->Arg(100)->Arg(1000)->Arg(8000)->Arg(1'000'000)->ArgName("routes");
// rte_lpm takes minutes to add 1M routes.
BENCHMARK(BM_LpmRte)->Arg(100)->Arg(1000)->Arg(8000)->ArgName("routes");
BENCHMARK(BM_ClassifierSluice)
    ->ArgsProduct({{40, 1000, 10'000, 100'000, 1'000'000}, {0, 1}})
    ->ArgNames({"rules", "huge"});
BENCHMARK(BM_ClassifierRteAcl)->Arg(40)->Arg(1000)->Arg(10'000)->ArgName("rules");
BENCHMARK(BM_ClassifierSluiceBuild)
    ->Arg(40)
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->ArgName("rules")
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  std::string eal[] = {
      argv[0],       "--no-huge",         "-m", "3072", "--no-pci", "--no-telemetry",
      "--no-shconf", "--log-level=error", "-l", "0"};
  std::vector<char*> eal_argv;
  for (std::string& arg : eal) {
    eal_argv.push_back(arg.data());
  }
  if (rte_eal_init(static_cast<int>(eal_argv.size()), eal_argv.data()) < 0) {
    std::fprintf(stderr, "EAL does not start\n");
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
