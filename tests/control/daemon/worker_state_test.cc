#include "control/daemon/worker_state.h"

#include <gtest/gtest.h>

#include "dataplane/base/memory_source.h"

namespace sluice {
namespace {

// Collection is out of band: what a worker does for a packet never depends on flow logs, because it
// always accounts; that no table says otherwise is CompilerTest's AWS_FL_18.
TEST(WorkerStateTest, AWS_FL_18_EveryWorkerAccountsWhoeverAsks) {
  WorkerStateOptions options;
  options.workers = 2;
  options.port_count = 3;
  options.max_sessions = 64;
  options.max_held_frames = 16;
  const auto states = WorkerStates::Make(HeapMemory(), options, SecretsFromSeed(1));
  ASSERT_TRUE(states.ok()) << states.status();
  ASSERT_EQ((*states)->contexts().size(), 2u);
  for (const WorkerContext* worker : (*states)->contexts()) {
    EXPECT_NE(worker->account, nullptr);
    EXPECT_NE(worker->sightings, nullptr);
    EXPECT_NE(worker->nat_ip_ids, nullptr);
  }
}

}  // namespace
}  // namespace sluice
