// The verb table.
#include "tools/sluice/verbs.h"

namespace sluice {

std::vector<Verb> AllVerbs() {
  return {
      {"doctor",
       "[-j]",
       "Look whether this machine is fit for sluiced, and say what to type where it is not.",
       "Needs no daemon. Each line is OK, WARN (works, but slower or less safe) or FIX (sluiced\n"
       "cannot start or carry packets), with the command that mends it. Exit 0 when nothing is "
       "FIX.",
       {"j"},
       RunDoctor},
      {"check",
       "PATH… [-j] [--enforce_quotas]",
       "Check a configuration offline: every error and warning.",
       "PATH is a file or a folder of *.json. Each finding: JSON path, object id, what, AWS error\n"
       "code. Exit 0 when it is valid.",
       {"enforce_quotas", "j"},
       RunCheck},
      {"explain",
       "--config=PATH… --from=ENI|internet|services --to=ADDRESS [--src=ADDRESS]\n"
       "       [--proto=tcp|udp|icmp|N] [--sport=N] [--dport=N] [--icmp=TYPE/CODE] [-j]",
       "Say what happens to a packet and to its reply, hop by hop, and why.",
       "Walks the configuration as written. Exit 0 only if both are forwarded. -j prints the\n"
       "shapes of AWS Reachability Analyzer.",
       {"config", "from", "to", "src", "proto", "sport", "dport", "icmp", "j"},
       RunExplain},
      {"replay",
       "--config=PATH… --in=PORT=FILE… --out=DIR [--at=TIME:apply:PATH]… [--idle-after=SECONDS]\n"
       "       [--seed=N] [--burst=N] [--session-cache=off] [-j]",
       "Run captures through the real pipeline, with their time as the clock.",
       "Single worker, no root. Packets go by time, then by the order of --in, then by their\n"
       "place in the file. The same input gives the same output, bit for bit. Into DIR:\n"
       "  PORT.pcap        what left on that port, with nanoseconds; one file for every port\n"
       "  verdicts.jsonl   one line a packet, in order\n"
       "  flow-logs/       as the daemon would have written them\n"
       "  summary.json     packets by fate, and the sessions left; -j prints it too\n"
       "DIR is made when missing. What has these names there is replaced when the run succeeds;\n"
       "nothing else is touched.\n"
       "Without Host every ENI has a port named by its id, the internet side is \"internet\", the\n"
       "provider side \"services\". Next hops answer with the MAC of their ARP in the capture of\n"
       "their port, else 02:00:00:00:00:fe. MaxSessions is that of --config throughout.",
       {"config", "in", "out", "at", "idle_after", "seed", "burst", "session_cache", "j"},
       RunReplayVerb},
  };
}

}  // namespace sluice
