// What a worker brings to every stage: its clock, its share of mutable state, its counters. One a
// worker; no other thread touches it, except that counters are read and shared tables synchronise
// by themselves.
#pragma once

#include <cstdint>

#include "dataplane/stage/counters.h"
#include "dataplane/stage/emit_list.h"
#include "dataplane/stage/neighbor_table.h"

namespace sluice {

class ArpLearnedRing;
class FlowAccount;
class FragmentCache;
class IcmpLimiter;
class NatIpIds;
class NatStreams;
class SessionTable;
struct SightingLog;

struct WorkerContext {
  uint32_t worker = 0;  // 0..
  // Read once a burst by the loop.
  int64_t now_ns = 0;         // since the epoch: flow logs, replay
  uint32_t now_ms = 0;        // of the session clock: since start, wraps; differences are signed
  bool time_stages = false;   // read the time-stamp counter around every stage (`show stages`)
  uint32_t stale_met = 0;     // in the last burst: with any, the next is looked at for them first
  bool session_cache = true;  // false: every packet walks; sessions then carry state only

  const NatStreams* nat_streams = nullptr;  // shared: ports of NAT gateways
  NatIpIds* nat_ip_ids = nullptr;           // shared: IPv4 ids of datagrams in pieces
  SessionTable* sessions = nullptr;         // shared by all workers
  FragmentCache* fragments = nullptr;       // this worker's
  FlowAccount* account = nullptr;           // this worker's; nullptr: no flow log anywhere
  SightingLog* sightings = nullptr;         // this worker's scratch, with `account`
  const NeighborTable* neighbors = nullptr;
  IcmpLimiter* icmp_limiter = nullptr;    // this worker's
  ArpLearnedRing* arp_learned = nullptr;  // this worker's, drained by control; may be nullptr
  EmitList* emits = nullptr;              // this worker's, cleared by RunBurst
  WorkerCounters* counters = nullptr;     // this worker's
  uint64_t seed =
      0;  // of NAT ports and IP ids; every stream derives from it and a NAT gateway's or side's id
};

}  // namespace sluice
