#include "tools/bench/rules/rule_contest.h"

#include <algorithm>
#include <memory>

#include "perf/rivals/acl.h"
#include "perf/rivals/linear.h"
#include "tools/bench/contest.h"
#include "tools/bench/rules/build_time.h"

namespace sluice {
namespace {

constexpr size_t kMaxBurst = 256;
constexpr uint32_t kComparedPackets = 65'536;
constexpr uint32_t kCalibrationRounds = 5;

uint64_t AclHeapBytes(uint64_t rules) {
  return std::min((uint64_t{64} << 20) + rules * 100'000, uint64_t{2} << 30);
}

// Asks the packets first .. first + count - 1 in bursts and throws the answers away.
template <typename Ask>
Contestant InBursts(std::string name, uint32_t burst, Ask ask) {
  return {std::move(name), [ask, burst](size_t first, size_t count) {
            uint32_t answers[kMaxBurst];
            for (size_t i = first; i < first + count; i += burst) {
              ask(i, std::min<size_t>(burst, first + count - i), answers);
              asm volatile("" : : "r"(answers) : "memory");
            }
          }};
}

// rte_acl reads rows behind pointers, which a worker would have to make of each packet; here they
// are laid out before the clock starts.
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

class RuleContest {
 public:
  explicit RuleContest(const RuleBenchOptions& options)
      : options_(options),
        set_(options.set),
        packets_(DrawRulePackets(set_, options.packets, options.set.seed)),
        zeros_(kMaxBurst, 0),
        name_("rules/" + std::string(RuleShapeName(options.set.shape)) +
              "/rules:" + std::to_string(options.set.rules)) {}

  absl::StatusOr<ContestRow> Run();

 private:
  absl::Status MakeOurs();
  void MakeAcl();
  Contestant Ours() const;
  Contestant Acl(std::string_view variant);
  std::string_view FastestAclVariant();
  template <typename Ask>
  size_t WrongAnswers(uint32_t count, Ask ask) const;
  void Add(const std::string& suffix, const ContestResult& result, double build_ns, size_t bytes,
           size_t wrong);

  const RuleBenchOptions options_;
  const RuleSet set_;
  const RulePackets packets_;
  const std::vector<uint32_t> zeros_;
  const std::string name_;
  std::shared_ptr<const Classifier> ours_;
  ClassifierSet ours_set_;
  double build_ns_ = 0;
  std::unique_ptr<AclRival> acl_;
  std::unique_ptr<AclRows> acl_rows_;
  ContestRow row_;
};

absl::Status RuleContest::MakeOurs() {
  BuildTime build = TimeBuild(set_.rules());
  if (build.classifier == nullptr) {
    return absl::ResourceExhaustedError(name_ + ": " + build.refusal);
  }
  ours_ = std::move(build.classifier);
  build_ns_ = build.ns;
  auto set = ClassifierSet::Make({ours_}, HeapMemory());
  if (!set.ok()) {
    return set.status();
  }
  ours_set_ = *std::move(set);
  return absl::OkStatus();
}

void RuleContest::MakeAcl() {
  const uint64_t expanded = set_.expanded_count();
  if (expanded > options_.max_acl_rules) {
    row_.absent.push_back("rte_acl: " + std::to_string(expanded) + " rules are more than " +
                          std::to_string(options_.max_acl_rules) + " (--max_acl_rules)");
    return;
  }
  auto built = AclRival::Make(set_.rules(), HeapMemory(), AclHeapBytes(expanded));
  if (!built.ok()) {
    row_.absent.push_back("rte_acl: " + std::string(built.status().message()));
    return;
  }
  acl_ = *std::move(built);
  acl_rows_ = std::make_unique<AclRows>(packets_);
}

Contestant RuleContest::Ours() const {
  return InBursts("sluice", options_.burst, [this](size_t first, size_t count, uint32_t* out) {
    ours_set_.LookupBatch(zeros_.data(), &packets_.address[first], &packets_.protocol[first],
                          &packets_.key[first], out, count);
  });
}

Contestant RuleContest::Acl(std::string_view variant) {
  return InBursts(std::string(variant), options_.burst,
                  [this, variant](size_t first, size_t count, uint32_t* out) {
                    acl_->Use(variant);
                    acl_->Classify(&acl_rows_->pointers[first], out, static_cast<uint32_t>(count));
                  });
}

// Of the variants that this machine runs, by a short contest of their own.
std::string_view RuleContest::FastestAclVariant() {
  const std::vector<std::string_view> variants = AclRival::Variants();
  std::vector<Contestant> contestants;
  for (const std::string_view variant : variants) {
    contestants.push_back(Acl(variant));
  }
  const auto results =
      RunContest(contestants, {options_.packets, options_.round_packets, kCalibrationRounds});
  const auto fastest =
      std::min_element(results.begin(), results.end(),
                       [](const auto& a, const auto& b) { return a.ns.median < b.ns.median; });
  return variants[static_cast<size_t>(fastest - results.begin())];
}

// Against our plain lookup, which shares no kernel with what is timed; the linear scan, which is
// compared with it too, shares nothing at all.
template <typename Ask>
size_t RuleContest::WrongAnswers(uint32_t count, Ask ask) const {
  size_t wrong = 0;
  uint32_t answers[kMaxBurst];
  count = std::min(count, options_.packets);
  for (uint32_t first = 0; first < count; first += options_.burst) {
    const uint32_t n = std::min(options_.burst, count - first);
    ask(first, n, answers);
    for (uint32_t i = 0; i < n; ++i) {
      wrong += answers[i] != ours_->Lookup(packets_.address[first + i],
                                           packets_.protocol[first + i], packets_.key[first + i])
                   ? 1
                   : 0;
    }
  }
  return wrong;
}

void RuleContest::Add(const std::string& suffix, const ContestResult& result, double build_ns,
                      size_t bytes, size_t wrong) {
  Figure figure;
  figure.name = name_ + suffix;
  figure.ns = result.ns;
  figure.rounds = options_.rounds;
  figure.round_items = options_.round_packets;
  figure.counters = {{"ratio", result.ratio.median},
                     {"ratio_low", result.ratio.low},
                     {"ratio_high", result.ratio.high},
                     {"rules", static_cast<double>(set_.rules().size())},
                     {"expanded_rules", static_cast<double>(set_.expanded_count())},
                     {"max_steps", ours_->max_steps()},
                     {"build_us", build_ns / 1e3},
                     {"bytes", static_cast<double>(bytes)}};
  row_.figures.push_back(std::move(figure));
  if (wrong != 0) {
    row_.mistaken.push_back(name_ + suffix + ": " + std::to_string(wrong) + " answers differ");
  }
}

absl::StatusOr<ContestRow> RuleContest::Run() {
  if (absl::Status status = MakeOurs(); !status.ok()) {
    return status;
  }
  MakeAcl();
  const LinearScan linear(set_.rules());
  const auto scan = [this, &linear](size_t first, size_t count, uint32_t* out) {
    for (size_t i = 0; i < count; ++i) {
      out[i] = linear.Lookup(packets_.address[first + i], packets_.protocol[first + i],
                             packets_.key[first + i]);
    }
  };
  const auto ask_ours = [this](size_t first, size_t count, uint32_t* out) {
    ours_set_.LookupBatch(zeros_.data(), &packets_.address[first], &packets_.protocol[first],
                          &packets_.key[first], out, count);
  };
  std::vector<Contestant> contestants = {Ours()};
  std::string_view variant;
  if (acl_ != nullptr) {
    variant = FastestAclVariant();
    contestants.push_back(Acl(variant));
  }
  row_.memory_mode = MemoryModeNow();
  const auto results =
      RunContest(contestants, {options_.packets, options_.round_packets, options_.rounds});
  Add("", results[0], build_ns_, ours_->bytes(), WrongAnswers(kComparedPackets, ask_ours));
  if (acl_ != nullptr) {
    acl_->Use(variant);
    const size_t wrong =
        WrongAnswers(kComparedPackets, [this](size_t first, size_t count, uint32_t* out) {
          acl_->Classify(&acl_rows_->pointers[first], out, static_cast<uint32_t>(count));
        });
    Add("/rte_acl_" + std::string(variant), results[1], acl_->build_ns(), acl_->bytes(), wrong);
  }
  // A contest of its own: fewer packets a round where a scan is long.
  const uint64_t packets =
      std::max<uint64_t>((uint64_t{1} << 23) / (set_.expanded_count() + 64), 1);
  const auto round = static_cast<uint32_t>(std::min<uint64_t>(
      (packets + options_.burst - 1) / options_.burst * options_.burst, options_.round_packets));
  const auto against = RunContest({Ours(), InBursts("linear", options_.burst, scan)},
                                  {options_.packets, round, options_.rounds});
  Add("/linear", against[1], 0, linear.bytes(),
      WrongAnswers(std::min(kComparedPackets, 4 * round), scan));
  return std::move(row_);
}

}  // namespace

uint64_t RuleRowBytes(const RuleBenchOptions& options) {
  // Rules, our tables and the builder's scratch; packets and rows; rte_acl's heap, and as much
  // again beside it while it builds.
  const uint64_t rules = options.set.rules;
  const bool acl = rules <= options.max_acl_rules;
  return (uint64_t{200} << 20) + rules * 2000 + uint64_t{options.packets} * 32 +
         (acl ? 2 * AclHeapBytes(rules) : 0);
}

absl::StatusOr<ContestRow> MeasureRules(const RuleBenchOptions& options) {
  return RuleContest(options).Run();
}

}  // namespace sluice
