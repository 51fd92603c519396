#include "tools/bench/rules/contest.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "perf/rivals/acl.h"
#include "perf/rivals/linear.h"
#include "tools/bench/rules/build_time.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

// Answers `count` packets from `first` on into `out`.
using Ask = std::function<void(uint32_t first, uint32_t count, uint32_t* out)>;

// One that runs, and where it stands in the stream of packets.
struct Runner {
  Contestant* contestant;
  Ask ask;
  uint32_t round_packets;
  uint32_t next = 0;
  std::vector<double> ns;
};

uint64_t AclHeapBytes(uint64_t expanded_rules) {
  return std::min((uint64_t{64} << 20) + expanded_rules * 100'000, uint64_t{2} << 30);
}

// rte_acl reads rows behind pointers, which a worker would have made of the packet; they are laid
// out before the clock starts.
struct AclRows {
  std::vector<AclKey> keys;
  std::vector<const uint8_t*> pointers;

  explicit AclRows(const RulePackets& packets) {
    for (size_t i = 0; i < packets.size(); ++i) {
      keys.push_back(MakeAclKey(packets.address[i], packets.protocol[i], packets.key[i]));
    }
    for (const AclKey& key : keys) {
      pointers.push_back(reinterpret_cast<const uint8_t*>(&key));
    }
  }
};

class Contest {
 public:
  explicit Contest(const ContestOptions& options)
      : options_(options),
        set_(options.set),
        packets_(DrawRulePackets(set_, options.packets, options.set.seed)),
        out_(options.burst) {}

  ContestResult Run();

 private:
  void AddOurs();
  void AddLinear();
  void AddAcl();
  void Add(Contestant contestant, Ask ask, uint32_t round_packets);
  void Compare(Runner& runner);
  double Round(Runner& runner, uint32_t count);
  std::string FastestAclVariant(AclRival& acl, AclRows& rows);

  const ContestOptions options_;
  const RuleSet set_;
  const RulePackets packets_;
  std::vector<uint32_t> out_;
  std::shared_ptr<const Classifier> ours_;
  ClassifierSet ours_set_;
  std::vector<uint32_t> zeros_;
  std::unique_ptr<LinearScan> linear_;
  std::unique_ptr<AclRival> acl_;
  std::unique_ptr<AclRows> acl_rows_;
  std::vector<std::unique_ptr<Contestant>> contestants_;
  std::vector<Runner> runners_;
};

void Contest::Add(Contestant contestant, Ask ask, uint32_t round_packets) {
  contestants_.push_back(std::make_unique<Contestant>(std::move(contestant)));
  if (ask != nullptr) {
    runners_.push_back({contestants_.back().get(), std::move(ask), round_packets, 0, {}});
    Compare(runners_.back());
  }
}

void Contest::AddOurs() {
  BuildTime build = TimeBuild(set_.rules());
  ours_ = std::move(build.classifier);
  Contestant ours;
  ours.name = "sluice";
  if (ours_ == nullptr) {
    ours.skipped = build.refusal;
    Add(std::move(ours), nullptr, 0);
    return;
  }
  ours_set_ = *ClassifierSet::Make({ours_}, HeapMemory());
  zeros_.assign(options_.burst, 0);
  ours.build_ns = build.ns;
  ours.bytes = ours_->bytes();
  Add(
      std::move(ours),
      [this](uint32_t first, uint32_t count, uint32_t* out) {
        ours_set_.LookupBatch(zeros_.data(), &packets_.address[first], &packets_.protocol[first],
                              &packets_.key[first], out, count);
      },
      options_.round_packets);
}

void Contest::AddAcl() {
  Contestant acl;
  acl.name = "rte_acl";
  const uint64_t expanded = set_.expanded_count();
  if (expanded > options_.max_acl_rules) {
    acl.skipped = "not built above " + std::to_string(options_.max_acl_rules) +
                  " rules; --max_acl_rules raises that";
    Add(std::move(acl), nullptr, 0);
    return;
  }
  auto built = AclRival::Make(set_.rules(), HeapMemory(), AclHeapBytes(expanded));
  if (!built.ok()) {
    acl.skipped = std::string(built.status().message());
    Add(std::move(acl), nullptr, 0);
    return;
  }
  acl_ = *std::move(built);
  acl_rows_ = std::make_unique<AclRows>(packets_);
  acl.build_ns = acl_->build_ns();
  acl.bytes = acl_->bytes();
  acl.name += "/" + FastestAclVariant(*acl_, *acl_rows_);
  Add(
      std::move(acl),
      [this](uint32_t first, uint32_t count, uint32_t* out) {
        acl_->Classify(&acl_rows_->pointers[first], out, count);
      },
      options_.round_packets);
}

std::string Contest::FastestAclVariant(AclRival& acl, AclRows& rows) {
  std::string_view fastest;
  int64_t least = 0;
  for (const std::string_view variant : AclRival::Variants()) {
    acl.Use(variant);
    std::vector<int64_t> times;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const int64_t start = ThreadCpuNs();
      for (uint32_t at = 0; at + options_.burst <= options_.round_packets; at += options_.burst) {
        acl.Classify(&rows.pointers[at], out_.data(), options_.burst);
      }
      times.push_back(ThreadCpuNs() - start);
    }
    const int64_t best = *std::min_element(times.begin(), times.end());
    if (fastest.empty() || best < least) {
      fastest = variant;
      least = best;
    }
  }
  acl.Use(fastest);
  return std::string(fastest);
}

void Contest::AddLinear() {
  linear_ = std::make_unique<LinearScan>(set_.rules());
  Contestant linear;
  linear.name = "linear";
  linear.bytes = linear_->bytes();
  const uint64_t packets =
      std::max<uint64_t>(options_.burst, (uint64_t{1} << 24) / (set_.expanded_count() + 64));
  Add(
      std::move(linear),
      [this](uint32_t first, uint32_t count, uint32_t* out) {
        for (uint32_t i = first; i < first + count; ++i) {
          out[i - first] =
              linear_->Lookup(packets_.address[i], packets_.protocol[i], packets_.key[i]);
        }
      },
      static_cast<uint32_t>(std::min<uint64_t>(packets, options_.round_packets)) / options_.burst *
          options_.burst);
}

// Against our plain lookup, which shares no kernel with what is timed; ours, where rules are few
// enough, is compared with the linear scan through it.
void Contest::Compare(Runner& runner) {
  const uint32_t most =
      runner.contestant->name == "linear" ? runner.round_packets : options_.sampled_packets;
  for (uint32_t at = 0; at + options_.burst <= std::min(most, options_.packets);
       at += options_.burst) {
    runner.ask(at, options_.burst, out_.data());
    for (uint32_t i = 0; i < options_.burst; ++i) {
      const uint32_t expected =
          ours_->Lookup(packets_.address[at + i], packets_.protocol[at + i], packets_.key[at + i]);
      ++runner.contestant->asked;
      runner.contestant->wrong += out_[i] != expected ? 1 : 0;
    }
  }
}

double Contest::Round(Runner& runner, uint32_t count) {
  const int64_t start = ThreadCpuNs();
  uint32_t sum = 0;
  for (uint32_t done = 0; done + options_.burst <= count; done += options_.burst) {
    if (runner.next + options_.burst > options_.packets) {
      runner.next = 0;
    }
    runner.ask(runner.next, options_.burst, out_.data());
    sum += out_[0];
    runner.next += options_.burst;
  }
  asm volatile("" : : "r"(sum));
  return static_cast<double>(ThreadCpuNs() - start) / count;
}

ContestResult Contest::Run() {
  ContestResult result;
  result.rules = set_.rules().size();
  result.expanded_rules = set_.expanded_count();
  AddOurs();
  if (ours_ != nullptr) {
    result.max_steps = ours_->max_steps();
    AddAcl();
    AddLinear();
  }
  for (uint32_t round = 0; round <= options_.rounds; ++round) {
    for (Runner& runner : runners_) {
      const double ns = Round(runner, runner.round_packets);
      if (round != 0) {  // the first warms the caches
        runner.ns.push_back(ns);
      }
    }
  }
  for (Runner& runner : runners_) {
    std::vector<double> ratio;
    for (size_t i = 0; i < runner.ns.size(); ++i) {
      ratio.push_back(runner.ns[i] / runners_[0].ns[i]);
    }
    runner.contestant->ns = SpreadOf(runner.ns);
    runner.contestant->ratio = SpreadOf(ratio);
  }
  for (const auto& contestant : contestants_) {
    result.contestants.push_back(*contestant);
  }
  return result;
}

}  // namespace

uint64_t ContestBytes(const ContestOptions& options) {
  // Rules, packets and rows; our tables and the builder's scratch; rte_acl's heap and what it takes
  // beside while it builds.
  const uint64_t rules = options.set.rules;
  const bool acl = rules <= options.max_acl_rules;
  return (uint64_t{200} << 20) + rules * 2000 + uint64_t{options.packets} * 32 +
         (acl ? 2 * AclHeapBytes(rules) : 0);
}

ContestResult RunContest(const ContestOptions& options) {
  return Contest(options).Run();
}

std::vector<std::string> BrokenClaims(const ContestResult& result) {
  std::vector<std::string> broken;
  for (const Contestant& contestant : result.contestants) {
    if (contestant.wrong != 0) {
      broken.push_back(contestant.name + " gave another answer on " +
                       std::to_string(contestant.wrong) + " of " +
                       std::to_string(contestant.asked) + " packets");
    }
  }
  if (result.contestants.empty() || result.contestants[0].asked == 0) {
    broken.push_back("the classifier did not run" +
                     (result.contestants.empty() ? "" : ": " + result.contestants[0].skipped));
  }
  return broken;
}

}  // namespace sluice
