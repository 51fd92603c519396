#include "tools/bench/targets/target_table.h"

namespace sluice {
namespace {

using Command = std::vector<std::string>;

Goal AtMost(std::string what, Command command, std::string figure, std::string key, double bound) {
  return {std::move(what),
          {std::move(command), std::move(figure), std::move(key)},
          Relation::kAtMost,
          bound,
          {},
          ""};
}

Goal AtLeast(std::string what, Command command, std::string figure, std::string key, double bound) {
  Goal goal = AtMost(std::move(what), std::move(command), std::move(figure), std::move(key), bound);
  goal.relation = Relation::kAtLeast;
  return goal;
}

// The goal is not measured, because of `why`.
Goal Without(Goal goal, std::string why) {
  goal.reading.command.clear();
  goal.why = std::move(why);
  return goal;
}

Command Forward(const std::string& flows) {
  return {"forward", "--flows=" + flows};
}

Command AskRoutes(bool quick) {
  return quick ? Command{"routes", "--max_routes=10000", "--max_tables=100"} : Command{"routes"};
}

std::vector<Target> Established(bool quick) {
  const Command rivals = {"rivals", "--ovs"};
  Goal over_testpmd =
      AtMost("T1's ticks, over testpmd mac's", Forward("1000"), "forward/flows:1000/*", "ticks", 2);
  over_testpmd.times = {rivals, "testpmd/mac/*", "ticks"};
  // A flow of so many rests for seconds between its packets, and what rests longest has to be
  // looked at anew: the sessions' clock has to go by packets, 10 million a second, not by what
  // neighbours on the machine take.
  const Command sixteen_million = {"forward", "--flows=16000000", "--burst_ns=6400"};
  Goal t3 = AtMost("ticks a packet, over T2's", sixteen_million, "forward/flows:16000000/*",
                   "ticks", 1.15);
  Goal t3_bytes = AtMost("bytes a session, everything included", sixteen_million,
                         "forward/flows:16000000/*", "bytes_per_session", 192);
  t3.times = {Forward("1000000"), "forward/flows:1000000/*", "ticks"};
  for (Goal* goal : {&t3, &t3_bytes}) {
    if (quick) {
      *goal = Without(*goal, "16 million flows take minutes; not with --quick");
    }
  }
  return {
      {"T1",
       "established, all services, 1,000 flows",
       {AtMost("ticks a packet", Forward("1000"), "forward/flows:1000/*", "ticks", 60)},
       {{rivals, "services/flows:1000/*", ""}},
       "VPP stateful ACL in and out + nat44-ed 296, VPP SFDP + NAT 184, OVS-DPDK 3,329, Linux "
       "conntrack + SNAT ~3,500 ticks"},
      {"T2",
       "established, all services, 1M flows",
       {AtMost("ticks a packet", Forward("1000000"), "forward/flows:1000000/*", "ticks", 110)},
       {{rivals, "sessions/*", ""}, {rivals, "services/flows:1000000/*", ""}},
       "VPP chain 1,453, VPP SFDP + NAT 651, OVS-DPDK 10,650, Linux ~5,300, rte_hash lookup and "
       "one "
       "line 147 ticks"},
      {"T3", "established, all services, 16M flows", {t3, t3_bytes}, {}, ""},
      {"T4",
       "plain forwarding: route and rewrite, 1M destinations",
       {AtMost("ticks a packet", AskRoutes(quick), "plain/*", "ticks", 45), over_testpmd},
       {{rivals, "testpmd/*", ""}},
       "VPP ip4 46, testpmd mac on net_null 30, OVS-DPDK with one route 284 ticks"},
  };
}

std::vector<Target> Classifier(const TargetEffort& effort) {
  Command rules = {"rules", "--shape=cloud",
                   std::string("--max_rules=") + (effort.quick ? "10000" : "1000000")};
  if (effort.million_acl) {
    rules.push_back("--max_acl_rules=1000000");
  }
  const std::string row = "rules/cloud/rules:";
  const auto ticks = [&](const char* count, double bound) {
    return AtMost(std::string("ticks a packet, ") + count + " rules", rules, row + count, "ticks",
                  bound);
  };
  const auto ratio = [&](const char* count) {
    return AtLeast(std::string("times as fast as rte_acl, ") + count + " rules", rules,
                   row + count + "/rte_acl*", "ratio", 2);
  };
  Goal ratio_of_million = ratio("1000000");
  if (!effort.million_acl) {
    ratio_of_million = Without(std::move(ratio_of_million),
                               "not run: flag --million_acl; rte_acl builds 1M rules for minutes");
  }
  const auto build = [&](const char* count, double bound_us) {
    return AtMost(std::string("us to build, ") + count + " rules", rules, row + count, "build_us",
                  bound_us);
  };
  return {
      {"T5",
       "classifier alone, every packet, cloud-shaped rules",
       {ticks("40", 22), ticks("1000", 35), ticks("10000", 50), ticks("100000", 90),
        ticks("1000000", 180), ratio("40"), ratio("1000"), ratio("10000"), ratio("100000"),
        ratio_of_million},
       {{rules, row + "40/rte_acl*", ""},
        {rules, row + "1000/rte_acl*", ""},
        {rules, row + "10000/rte_acl*", ""},
        {rules, row + "100000/rte_acl*", ""},
        {rules, row + "1000000/rte_acl*", ""}},
       "VPP stateless ACL 187..470 ticks at 50 rules, 442..1,510 at 1,000, 876..3,040 at 10,000"},
      {"T6",
       "classifier build",
       {build("40", 10), build("10000", 50'000), build("1000000", 1'000'000),
        AtMost("us until packets see a one-rule edit of 10,000", rules, "rules/cloud/edit:10000",
               "edit_us", 1000)},
       {},
       ""},
  };
}

std::vector<Target> Routes(bool quick) {
  const Command routes = AskRoutes(quick);
  return {
      {"T7",
       "route lookup, random keys",
       {AtLeast("times as fast as rte_fib, 1M routes", routes, "routes/routes:1000000/rte_fib*",
                "ratio", 1.2),
        AtLeast("million lookups/s, 100 routes", routes, "routes/routes:100", "mpps", 300)},
       {{routes, "routes/routes:1000000/*", ""}},
       "rte_fib 27..33, rte_lpm 24..32 ticks at 10,000 to 1M routes"},
      {"T8",
       "10,000 route tables of 100 routes",
       {AtMost("bytes", routes, "routes/tables:10000", "bytes", 32e6),
        AtMost("bytes a VPC address", routes, "routes/addresses:1000000", "bytes_per_address", 16)},
       {},
       "6.7 GB as VPP mtries, 640 GB as one tbl24 each (arithmetic)"},
  };
}

std::vector<Target> Changes() {
  const Command cps = {"cps"};
  const Command update = {"update"};
  return {
      {"T9",
       "new connections: SYN, rules, NAT, session, full open and close",
       {AtLeast("connections/s a core", cps, "cps/full", "connections_per_second", 1.5e6),
        AtMost("ticks of the miss path with NAT", cps, "cps/step/syn", "ticks", 600)},
       {},
       "DPVS 200k a worker, OVS-DPDK 75k..125k a second"},
      {"T10",
       "policy change effective on every packet",
       {AtMost("us p99.9 from publish", update, "update/effect", "p999_us", 100),
        AtMost("packets lost", update, "update/effect", "lost", 0),
        AtMost("per cent of dip", update, "update/effect", "dip_percent", 2)},
       {},
       ""},
      {"T11",
       "after a change that makes all 1M sessions stale",
       {AtLeast("per cent of the rate until they are walked again", update, "update/stale/*",
                "rate_percent", 50)},
       {},
       ""},
      {"T12",
       "flow logs, ALL every 60 s, 1M flows",
       {AtMost("per cent of a core", update, "update/flow_logs/*", "core_percent", 3)},
       {},
       ""},
  };
}

std::vector<Target> Memory() {
  const Command budget = {"budget"};
  const Command scale = {"scale"};
  return {
      {"T13",
       "memory touched by an established packet",
       {// Tags of two keys are equal by chance now and then; the exact claims are the command's.
        AtMost("cold session lines", budget, "budget/*", "cold_lines", 2.05),
        AtMost("of the other direction", budget, "budget/*", "peer_lines", 0),
        AtMost("writes to shared memory", budget, "budget/*", "shared_writes", 0)},
       {},
       "atomic read-modify-writes: 0, by tools/dev/instructions"},
      {"T14",
       "two workers, the directions of a flow on different ones",
       {AtLeast("times one worker's rate, 1,000 flows", scale, "scale/workers:2", "speedup", 1.9),
        AtMost("lines written by both workers", scale, "scale/workers:2", "contested_lines", 0),
        AtMost("lines written by both directions", budget, "budget/*", "contested_lines", 0)},
       {},
       ""},
  };
}

}  // namespace

std::vector<Target> AllTargets(const TargetEffort& effort) {
  std::vector<Target> all;
  for (std::vector<Target> part :
       {Established(effort.quick), Classifier(effort), Routes(effort.quick), Changes(), Memory()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace sluice
