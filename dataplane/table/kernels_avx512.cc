// AVX-512: one compare a node, the count comes from the mask register. No gathers: they are slow on
// AMD parts; kernels_gather.cc has them.
#include "dataplane/table/avx512_ranks.h"
#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Avx512 : Avx512Ranks<Avx512> {
  static constexpr bool kGathers = false;
};

}  // namespace

const TableKernels kAvx512Kernels = KernelLanes<Avx512>::Table();

}  // namespace sluice
