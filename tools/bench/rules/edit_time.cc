#include "tools/bench/rules/edit_time.h"

#include <atomic>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/snapshot.h"
#include "perf/workload/key_stream.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr uint8_t kProtocol = 6;
// First in precedence: NACL answers rise, those of groups fall (classifier_items.h).
constexpr uint32_t kNaclValue = NaclAnswer(0, true);
constexpr uint32_t kGroupValue = 3;

// What a worker reads: the set of classifiers behind one pointer.
class Published {
 public:
  absl::Status Publish(std::shared_ptr<const Classifier> list) {
    auto set = ClassifierSet::Make({std::move(list)}, HeapMemory());
    if (!set.ok()) {
      return set.status();
    }
    auto next = std::make_unique<const ClassifierSet>(*std::move(set));
    read_.store(next.get(), std::memory_order_release);  // pairs with Ask's load
    owned_ = std::move(next);  // nobody reads the old one: there is one thread
    return absl::OkStatus();
  }
  uint32_t Ask(uint32_t address, uint16_t l4_port) const {
    return read_.load(std::memory_order_acquire)
        ->Lookup(ClassifierIdx(0), address, kProtocol, l4_port);
  }

 private:
  std::atomic<const ClassifierSet*> read_{nullptr};
  std::unique_ptr<const ClassifierSet> owned_;
};

}  // namespace

EditTime TimeEdits(const RuleSetOptions& options, uint32_t edits) {
  EditTime time;
  const RuleSet set(options);
  const uint32_t value = options.list == RuleListKind::kNacl ? kNaclValue : kGroupValue;
  ClassifierBuilder builder(HeapMemory());
  Published published;
  WorkloadRandom random(options.seed ^ 0x65646974);
  std::vector<double> ns;
  for (uint32_t edit = 0; edit <= edits; ++edit) {
    const Ipv4Prefix host{Ipv4Address(static_cast<uint32_t>(random.Next())), 32};
    const auto l4_port = static_cast<uint16_t>(random.Below(65536));
    std::vector<ClassifierRule> list;
    list.reserve(set.rules().size() + 1);
    list.push_back({{&host, 1}, {kProtocol, l4_port, l4_port, value}});
    list.insert(list.end(), set.rules().begin(), set.rules().end());
    const int64_t start = ThreadCpuNs();
    auto built = builder.Build(list);
    const absl::Status status = built.ok() ? published.Publish(*std::move(built)) : built.status();
    const bool seen = status.ok() && published.Ask(host.address.value, l4_port) == value;
    const int64_t taken = ThreadCpuNs() - start;
    if (!status.ok()) {
      time.refusal = std::string(status.message());
      return time;
    }
    if (edit != 0) {  // the first compiles the list for the first time
      ns.push_back(static_cast<double>(taken));
      time.unseen += seen ? 0 : 1;
      ++time.edits;
    }
  }
  time.ns = SpreadOf(ns);
  return time;
}

}  // namespace sluice
