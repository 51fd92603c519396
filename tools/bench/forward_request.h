// What the flags of `forward` and its kin ask for, in the types a run wants. Main thread.
#pragma once

#include <memory>
#include <string>

#include "perf/workload/sample_network.h"
#include "tools/bench/figure.h"
#include "tools/bench/forward_run.h"
#include "tools/bench/workbench.h"
#include "tools/sluice/command_line.h"

namespace sluice {

enum class PacketSource : uint8_t { kMemory, kNullPorts };

struct ForwardRequest {
  WorkbenchOptions bench;
  ForwardOptions forward;
  PacketSource source = PacketSource::kMemory;
};

// False after a usage message. `any_source`: --source=net_null is one, too.
bool ReadForwardFlags(ForwardRequest& request, bool any_source = false);
// The flags' numbers for a run with so many flows. After ReadForwardFlags.
void SetFlows(uint32_t flows, ForwardRequest& request);
// False, after one line, when this machine has not the memory for these flows, for so many of
// their schedules and for `more_bytes`. After SetFlows, before anything is opened.
bool MemoryForFlows(const char* command, const char* flag, const ForwardRequest& request,
                    uint32_t schedules = 1, uint64_t more_bytes = 0);
// --config, or the generated network with room for so many flows; nullptr after the errors.
std::shared_ptr<const ValidatedIntent> LoadBenchConfig(const Arguments& arguments, uint32_t flows);
// The generated one.
SampleNetwork ForwardNetwork(uint32_t flows);
// The bench of these options; nullptr after the error. The second: on the configuration above, with
// so many flows open.
std::unique_ptr<Workbench> OpenBench(const WorkbenchOptions& options);
std::unique_ptr<Workbench> OpenBench(const Arguments& arguments, uint32_t flows,
                                     WorkbenchOptions options);

// With the flags above as its settings; no figures yet.
Report StartForwardReport();
Figure MakeForwardFigure(const Workbench& bench, const ForwardRequest& request,
                         const ForwardResult& result);

}  // namespace sluice
