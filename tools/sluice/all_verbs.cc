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
  };
}

}  // namespace sluice
