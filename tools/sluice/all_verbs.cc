// The verb table.
#include <algorithm>
#include <iterator>
#include <vector>

#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

std::vector<Verb> BeforehandVerbs() {
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
       "PATH is a file, a folder of *.json (read with its subfolders), or - for standard input; "
       "all\n"
       "are united. Each finding is one line: severity, JSON path, object id, what and how to "
       "mend\n"
       "it, AWS error code where one fits. Exit 0 when it is valid, 1 when it is not.\n\n"
       "-j prints one object:\n"
       "  Valid     true or false\n"
       "  Errors    how many\n"
       "  Warnings  how many\n"
       "  Issues    in the order of the files: a list of\n"
       "    Severity  \"error\" or \"warning\"\n"
       "    Path      \"vpc.json:$.Subnets[3].CidrBlock\"; null when there is none\n"
       "    ObjectId  \"subnet-web\"; null when unknown\n"
       "    What      one sentence\n"
       "    Code      \"InvalidSubnet.Range\"; null when AWS has none",
       {"enforce_quotas", "j"},
       RunCheck},
  };
}

std::vector<Verb> ConfigurationVerbs() {
  return {
      {"apply",
       "PATH… [--socket=PATH] [-j]",
       "Give the running daemon a whole new configuration, all or nothing.",
       "PATHs are united into one configuration, which replaces the running one. Prints the new\n"
       "generation and what changed. Refused (exit 1): prints the errors; the old generation goes\n"
       "on. The daemon reads the paths; what it cannot read (another user, other mounts, a\n"
       "pipe, - for standard input) is read here and sent.",
       {"socket", "j"},
       RunApply},
      {"diff",
       "PATH… [--socket=PATH] [-j]",
       "Say what `sluice apply PATH…` would change; change nothing.",
       "Exit 0 when apply would take the configuration, also when it changes nothing; 1 when it\n"
       "would refuse it.",
       {"socket", "j"},
       RunDiff},
      {"export",
       "[--socket=PATH] [-j]",
       "Print the running configuration, in the shapes it is read in.",
       "What it prints can be applied again and changes nothing.",
       {"socket", "j"},
       RunExport},
      {"rollback",
       "GENERATION [--socket=PATH] [-j]",
       "Go back to an earlier generation: it runs again, as a new one.",
       "`sluice show generations` lists those that are kept.",
       {"socket", "j"},
       RunRollback},
  };
}

std::vector<Verb> PacketVerbs() {
  return {
      {"explain",
       "[--config=PATH…] --from=ENI|internet|services --to=ADDRESS [--src=ADDRESS]\n"
       "       [--proto=tcp|udp|icmp|N] [--sport=N] [--dport=N] [--icmp=TYPE/CODE]\n"
       "       [--socket=PATH] [-j]",
       "Say what happens to a packet and to its reply, hop by hop, and why.",
       "Walks the configuration as written: that of --config, else the running daemon's. tcp and\n"
       "udp need --dport. Exit 0 only if packet and reply are forwarded, 1 if not: a packet that "
       "an\n"
       "appliance's interface gets ends there and has no reply.\n\n"
       "-j prints the shapes of AWS Reachability Analyzer:\n"
       "  NetworkPathFound       whether the packet itself is forwarded\n"
       "  Verdict, ReplyVerdict  \"forward\", \"drop\" or \"consume\"; the reply's null without "
       "one\n"
       "  DropReason, ReplyDropReason  \"sg_ingress\"; null when forwarded\n"
       "  ForwardPathComponents, ReturnPathComponents  who was asked, in order: SequenceNumber,\n"
       "    Component.Id, Asked, Matched, AclRule, SecurityGroupRule, RouteTableRoute,\n"
       "    NextBestRoute, InboundHeader, OutboundHeader; the one that dropped is last\n"
       "  Explanations           of each drop: Component.Id, ExplanationCode, Path (\"forward\" "
       "or\n"
       "    \"return\"), Direction, Asked, Matched, and the component under its kind",
       {"config", "from", "to", "src", "proto", "sport", "dport", "icmp", "socket", "j"},
       RunExplain},
      {"replay",
       "--config=PATH… --in=PORT=FILE… --out=DIR [--at=TIME:apply:PATH]… [--idle-after=SECONDS]\n"
       "       [--seed=N] [--burst=N] [--session_cache=off] [-j]",
       "Run captures through the real pipeline, with their time as the clock.",
       "Single worker, no root. Packets go by time, then by the order of --in, then by their\n"
       "place in the file. The same input gives the same output, bit for bit. Into DIR:\n"
       "  PORT.pcap        what left on that port, with nanoseconds; one file for every port\n"
       "  verdicts.jsonl   one line a packet, in order\n"
       "  flow-logs/       as the daemon would have written them\n"
       "  summary.json     packets by fate, and the sessions left; -j prints it too\n"
       "DIR is made when missing. When the run succeeds its results replace those of earlier "
       "runs,\n"
       "all in one step where DIR holds nothing else; no other file is ever touched.\n"
       "Without Host every ENI has a port named by its id, the internet side is \"internet\", the\n"
       "provider side \"services\". Next hops answer with the MAC of their ARP in the capture of\n"
       "their port, else 02:00:00:00:00:fe. MaxSessions is that of --config throughout.",
       {"config", "in", "out", "at", "idle_after", "seed", "burst", "session_cache", "j"},
       RunReplayVerb},
  };
}

std::vector<Verb> ObservationVerbs() {
  return {
      {"show",
       "sessions|routes [TABLE]|interfaces|drops|stages|ports|generations|nat\n"
       "       [--eni=ENI] [--vpc=VPC] [--proto=tcp|udp|icmp|N] [--src=PREFIX] [--dst=PREFIX]\n"
       "       [--port=PORT] [--limit=N] [--socket=PATH] [-j]",
       "Print what the running daemon holds and counts.",
       "sessions     live ones: --eni --vpc --proto --src --dst --port --limit\n"
       "routes       as installed, prefix lists expanded: --vpc --dst (what holds it) --limit\n"
       "interfaces   ENIs, where they hang and their sessions: --eni --vpc --port --limit\n"
       "drops        fates of received packets by port and reason: --port\n"
       "stages       calls, packets and cycles of each stage of the pipeline\n"
       "ports        devices, their state and counters: --port\n"
       "generations  configurations that ran, for `sluice rollback`\n"
       "nat          NAT gateways, their addresses and ports in use: --eni --vpc --limit\n"
       "Rows beyond --limit are counted (\"matched\"), not printed.",
       {"eni", "vpc", "proto", "src", "dst", "port", "limit", "socket", "j"},
       RunShow},
      {"top",
       "[--count=N] [--period=SECONDS] [--socket=PATH] [-j]",
       "One refreshing screen: Mpps, Gbps, drops by reason, sessions, busy %, NAT ports.",
       "Gbps are those of frames, without preamble and FCS. -j prints one object a screen, on a\n"
       "line of its own.",
       {"count", "period", "socket", "j"},
       RunTop},
  };
}

}  // namespace

std::vector<Verb> AllVerbs() {
  std::vector<Verb> all;
  for (std::vector<Verb> verbs :
       {BeforehandVerbs(), ConfigurationVerbs(), PacketVerbs(), ObservationVerbs()}) {
    std::move(verbs.begin(), verbs.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace sluice
