#include "dataplane/table/classifier.h"

#include <cstring>
#include <set>

#include "absl/status/status.h"
#include "dataplane/base/check.h"
#include "dataplane/table/kernels.h"

namespace sluice {

ClassifierView Classifier::view() const {
  ClassifierView view{};
  view.nodes = nodes_.view();
  view.maps = maps_.data();
  view.records = records_.data();
  view.values = values_.data();
  view.flip = flip_;
  return view;
}

uint32_t Classifier::Lookup(uint32_t address, uint8_t protocol, uint16_t key) const noexcept {
  const ClassifierView one = view();
  const uint32_t classifier_idx = 0;
  uint32_t value = kNoMatch;
  kScalarKernels.classify(&one, &classifier_idx, &address, &protocol, &key, &value, 1);
  return value;
}

bool Classifier::SameContent(const Classifier& other) const {
  const auto same = [](const auto& a, const auto& b) {
    return a.bytes() == b.bytes() &&
           (a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
  };
  return max_steps_ == other.max_steps_ && flip_ == other.flip_ &&
         nodes_.SameContent(other.nodes_) && same(records_, other.records_) &&
         same(maps_, other.maps_) && same(values_, other.values_);
}

absl::StatusOr<ClassifierSet> ClassifierSet::Make(
    std::vector<std::shared_ptr<const Classifier>> classifiers, MemorySource& memory) {
  ClassifierSet set;
  set.views_ = AlignedArray<ClassifierView>::Make(memory, "classifier_views", classifiers.size());
  if (!set.views_.ok()) {
    return absl::ResourceExhaustedError("no memory for classifier views");
  }
  for (size_t i = 0; i < classifiers.size(); ++i) {
    SLUICE_CHECK(classifiers[i] != nullptr);
    set.views_[i] = classifiers[i]->view();
  }
  set.classifiers_ = std::move(classifiers);
  return set;
}

size_t ClassifierSet::bytes() const {
  std::set<const Classifier*> distinct;
  size_t total = views_.bytes();
  for (const auto& classifier : classifiers_) {
    total += distinct.insert(classifier.get()).second ? classifier->bytes() : 0;
  }
  return total;
}

uint32_t ClassifierSet::Lookup(ClassifierIdx idx, uint32_t address, uint8_t protocol,
                               uint16_t key) const noexcept {
  uint32_t value = kNoMatch;
  ActiveKernels().classify(views_.data(), &idx.value, &address, &protocol, &key, &value, 1);
  return value;
}

void ClassifierSet::LookupBatch(const uint32_t* classifier_idx, const uint32_t* address,
                                const uint8_t* protocol, const uint16_t* key, uint32_t* value_out,
                                size_t n) const noexcept {
  ActiveKernels().classify(views_.data(), classifier_idx, address, protocol, key, value_out, n);
}

}  // namespace sluice
