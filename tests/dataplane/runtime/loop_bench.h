// A worker's surroundings for tests: counters, emit list, a snapshot whose interface i is port i.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/publish/publisher.h"
#include "dataplane/stage/emit_list.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

inline std::shared_ptr<const Snapshot> PortSnapshot(size_t ports) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = 1;
  snapshot->adjacency = AlignedArray<AdjacencyRow>::Make(HeapMemory(), "adjacency", ports);
  for (size_t p = 0; p < ports; ++p) {
    snapshot->adjacency[p].port = PortIdx(static_cast<uint16_t>(p));
  }
  return snapshot;
}

struct LoopBench {
  LoopBench(size_t ports, uint32_t workers) : qsbr(workers), publisher(qsbr) {
    for (uint32_t w = 0; w < workers; ++w) {
      counters.push_back(std::make_unique<WorkerCounters>(ports));
      emits.push_back(std::make_unique<EmitList>());
      contexts.push_back(std::make_unique<WorkerContext>());
      contexts[w]->worker = w;
      contexts[w]->counters = counters[w].get();
      contexts[w]->emits = emits[w].get();
      pointers.push_back(contexts[w].get());
    }
    SLUICE_CHECK(publisher.Publish(PortSnapshot(ports), 1).ok());
  }

  Qsbr qsbr;
  Publisher<Snapshot> publisher;
  std::vector<std::unique_ptr<WorkerCounters>> counters;
  std::vector<std::unique_ptr<EmitList>> emits;
  std::vector<std::unique_ptr<WorkerContext>> contexts;
  std::vector<WorkerContext*> pointers;
};

}  // namespace sluice
