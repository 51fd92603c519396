// The batched lookups of this room, one set for each instruction set. Called through the tables'
// LookupBatch; workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/table/classifier.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/simd.h"

namespace sluice {

struct TableKernels {
  void (*fib)(const FibView* views, const uint32_t* fib_idx, const uint32_t* destination,
              uint32_t* next_hop_out, size_t n) noexcept;
  void (*classify)(const ClassifierView* views, const uint32_t* classifier_idx,
                   const uint32_t* address, const uint8_t* protocol, const uint16_t* key,
                   uint32_t* value_out, size_t n) noexcept;
  // One pool, one ref a lane; kNoAddress as ref gives kNoMatch.
  void (*port_maps)(const RangeLine* pool, const uint32_t* ref, const uint8_t* protocol,
                    const uint16_t* key, uint32_t* value_out, size_t n) noexcept;
};

extern const TableKernels kScalarKernels;
extern const TableKernels kAvx2Kernels;
extern const TableKernels kAvx512Kernels;
extern const TableKernels kGatherKernels;  // AVX-512 too; see simd_calibration.h

// Of ActiveSimdLevel().
const TableKernels& ActiveKernels() noexcept;

}  // namespace sluice
