#include "tools/bench/commands.h"

namespace sluice {

std::vector<Verb> AllBenchCommands() {
  return {
      {"forward",
       "[--flows=N] [--keys=uniform|zipf] [--size=64|imix] [--config=PATH…] [-j]",
       "How fast established flows are forwarded, all services on.",
       "Stamps packets of open flows into memory and runs the product's pipeline over them: "
       "route,\n"
       "network ACLs, security groups with connection tracking, NAT. Rounds of the pipeline and "
       "of\n"
       "the source alone take turns; figures are medians over rounds, of the time this thread "
       "ran,\n"
       "so other processes disturb them little. The figure of the pipeline is with the source's\n"
       "cost taken off; that cost is printed beside it. Exit 1 when it was not measured what is\n"
       "named: a packet dropped, missed the session cache, or left with other bytes than the\n"
       "configuration asks for. The last line is the figure in one line.",
       {"flows",    "keys",   "zipf",          "size",     "direction",     "traffic",
        "protocol", "config", "senders",       "rules",    "session_cache", "source",
        "burst",    "rounds", "round_packets", "schedule", "samples",       "stages",
        "quick",    "seed",   "benchmark_out", "j"},
       RunForwardCommand},
      {"flows",
       "[--max_flows=N] [--keys=uniform|zipf] [--size=64|imix] [--config=PATH…] [-j]",
       "How the number of sessions tells on forwarding.",
       "What `forward` does, once for each power of ten up to --max_flows, in a dataplane of its "
       "own\n"
       "each time. Says how each row's memory was backed.",
       {"max_flows", "keys",    "zipf",          "size",
        "direction", "traffic", "protocol",      "config",
        "senders",   "rules",   "session_cache", "source",
        "burst",     "rounds",  "round_packets", "schedule",
        "samples",   "quick",   "seed",          "benchmark_out",
        "j"},
       RunFlowsCommand},
  };
}

}  // namespace sluice
