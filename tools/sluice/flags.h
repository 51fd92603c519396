// The flags of `sluice`, defined once for all verbs; command_line.h fills them, verbs read them.
// Main thread. Repeated ones (--config, --in, --at) are read from Arguments.
#pragma once

#include <gflags/gflags_declare.h>

DECLARE_bool(j);
DECLARE_bool(enforce_quotas);
DECLARE_string(config);
DECLARE_string(socket);

DECLARE_string(from);
DECLARE_string(to);
DECLARE_string(src);
DECLARE_string(dst);
DECLARE_string(proto);
DECLARE_string(sport);
DECLARE_string(dport);
DECLARE_string(icmp);

DECLARE_string(in);
DECLARE_string(out);
DECLARE_string(at);
DECLARE_uint64(seed);
DECLARE_string(idle_after);
DECLARE_uint32(burst);
DECLARE_bool(session_cache);

DECLARE_string(eni);
DECLARE_string(vpc);
DECLARE_string(port);
DECLARE_uint32(limit);
DECLARE_uint32(count);
DECLARE_double(period);
