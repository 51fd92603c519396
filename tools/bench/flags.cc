#include "tools/bench/flags.h"

#include <gflags/gflags.h>

DEFINE_bool(j, false, "JSON with stable keys instead of text.");
DEFINE_string(benchmark_out, "", "Also write Google Benchmark JSON to this file.");
DEFINE_string(config, "",
              "Configuration to run on: a file or a folder of *.json; repeat it, or separate by "
              "commas, to unite several. Empty: a generated VPC with every service on.");
DEFINE_string(source, "memory",
              "Where packets come from. memory: stamped into buffers, the pipeline alone. net_null "
              "(`forward` only): stamped into what null ports of DPDK give, and sent to them.");
DEFINE_uint64(seed, 1, "Of rules, keys, sizes, NAT ports and hashes: same seed, same packets.");
DEFINE_uint32(flows, 1000, "Sessions that are open and used.");
DEFINE_uint32(max_flows, 1000000, "Sessions of the last row; those before it are powers of ten.");
DEFINE_string(keys, "uniform", "Which flow sends next: uniform or zipf.");
DEFINE_double(zipf, 1.0, "Exponent of --keys=zipf.");
DEFINE_string(size, "64",
              "Bytes of a frame on the wire, FCS included: 64..1518, or imix (64, 594 and 1518 as "
              "7 : 4 : 1).");
DEFINE_string(direction, "both", "Who sends: both, out (initiators) or in (responders).");
DEFINE_string(traffic, "nat", "nat: ENIs to the internet; vpc: between ENIs; mixed: both.");
DEFINE_string(protocol, "mixed", "tcp, udp or mixed.");
DEFINE_uint32(senders, 16, "ENIs that open flows, of the generated VPC: 1..1000.");
DEFINE_uint32(rules, 40, "Rules of each list, of the generated VPC: 1..1000.");
DEFINE_uint32(burst, 64, "Packets handled together: 1..192; of `rules` 1..256, of `rivals` 1..64.");
DEFINE_uint32(seconds, 10, "How long packets are offered, or taken from --ports: 1..3600.");
DEFINE_uint32(rounds, 41, "Rounds of the pipeline and of the source alone, in turn.");
DEFINE_uint32(round_packets, 65536, "Packets of a round.");
DEFINE_uint32(schedule, 0,
              "Packets drawn in advance, then repeated. 0: four a flow, at least 262,144, at most "
              "32 million.");
DEFINE_uint32(samples, 2000, "Packets compared byte for byte with the reference world.");
DEFINE_string(simd, "auto",
              "Variant of lookups and hashes: auto (what this CPU and calibration choose), scalar, "
              "avx2 or avx512. scalar also takes the hash without AES.");
DEFINE_uint64(
    burst_ns, 0,
    "By how much the session clock moves from burst to burst. 0: with real time. Any other "
    "value makes every run execute the same instructions.");
DEFINE_bool(session_cache, true, "Off: every packet walks.");
DEFINE_bool(stages, false, "Also say what each stage costs, in a run of its own.");
DEFINE_string(program, "", "The sluice-bench that measures. Empty: this one.");
DEFINE_bool(quick, false, "Few rounds: to see that all is well, not for figures.");
