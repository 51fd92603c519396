// The flags of `sluice-bench`, defined once for all subcommands; command_line.h fills them. Main
// thread.
#pragma once

#include <gflags/gflags_declare.h>

DECLARE_bool(j);
DECLARE_string(benchmark_out);
DECLARE_string(config);
DECLARE_string(source);
DECLARE_uint64(seed);
DECLARE_uint32(flows);
DECLARE_uint32(max_flows);
DECLARE_string(keys);
DECLARE_double(zipf);
DECLARE_string(size);
DECLARE_string(direction);
DECLARE_string(traffic);
DECLARE_string(protocol);
DECLARE_uint32(senders);
DECLARE_uint32(rules);
DECLARE_uint32(burst);
DECLARE_uint32(seconds);
DECLARE_uint32(rounds);
DECLARE_uint32(round_packets);
DECLARE_uint32(schedule);
DECLARE_uint32(samples);
DECLARE_string(simd);
DECLARE_uint64(burst_ns);
DECLARE_bool(session_cache);
DECLARE_bool(stages);
DECLARE_string(program);
DECLARE_bool(quick);
