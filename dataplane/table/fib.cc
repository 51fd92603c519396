#include "dataplane/table/fib.h"

#include "dataplane/table/kernels.h"

namespace sluice {

FibView Fib::view() const {
  FibView view{};
  view.lines = lines_.data();
  view.nodes = nodes_.data();
  view.entries = entries_.data();
  view.ref = ref_;
  view.tier = tier_;
  view.entry_bytes = entry_bytes_;
  return view;
}

uint32_t Fib::Lookup(uint32_t destination) const noexcept {
  const FibView table = view();
  const uint32_t table_idx = 0;
  uint32_t next_hop = kFibMiss;
  kScalarKernels.fib(&table, &table_idx, &destination, &next_hop, 1);
  return next_hop;
}

uint32_t FibSet::Lookup(FibIdx idx, uint32_t destination) const noexcept {
  uint32_t next_hop = kFibMiss;
  ActiveKernels().fib(views_.data(), &idx.value, &destination, &next_hop, 1);
  return next_hop;
}

void FibSet::LookupBatch(const uint32_t* fib_idx, const uint32_t* destination,
                         uint32_t* next_hop_out, size_t n) const noexcept {
  ActiveKernels().fib(views_.data(), fib_idx, destination, next_hop_out, n);
}

}  // namespace sluice
