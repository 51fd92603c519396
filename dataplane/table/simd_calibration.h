// Which of two forms of one instruction set this CPU runs faster: measured, because gathers are
// quick on some CPUs and slow on others (AMD's, and Intel's with the mitigation of "Downfall").
// Before workers start.
#pragma once

namespace sluice {

// Can this CPU run kGatherKernels?
bool CpuRunsGatherKernels();
// Does it look up in a direct map faster with them than with kAvx512Kernels? Takes some 100 us.
// False where it cannot run them.
bool GathersAreFaster();

}  // namespace sluice
