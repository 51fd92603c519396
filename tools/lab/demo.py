#!/usr/bin/env python3
"""The demo: see tools/demo --help. As a test it is run with --build=FOLDER --test: exit code 77 where it cannot run."""
import argparse
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lab import clients, daemon, demo_flows, flow_logs, privilege  # noqa: E402
from lab.demo_flows import Flow  # noqa: E402
from lab.namespaces import Lab, LabError, run, wait_until  # noqa: E402

CONFIGURATION = pathlib.Path(__file__).with_name("demo")
TRANSFER_BYTES = 100_000_000
PACED_BYTES_PER_SECOND = 40_000_000
LOG_LINES_SHOWN = 12

# name: (port, MAC, addresses, MTU, gateway, servers)
HOSTS = {
    "internet": ("wan", None, ["198.51.100.1/24"], 1400, None,
                 ["http:80:internet", "udp:53", "http:8080:internet"]),
    "store": ("svc", None, ["192.0.2.1/24"], 1500, "192.0.2.2", ["http:80:store"]),
    "web": ("web", "02:00:0a:00:01:0a", ["10.0.1.10/24"], 1500, "10.0.1.1",
            ["http:80:web", "http:22:web", "echo:7777", "echo:7778", "sink:5001"]),
    "bare": ("bare", "02:00:0a:00:01:28", ["10.0.1.40/24"], 1500, "10.0.1.1", []),
    "app": ("app", "02:00:0a:00:02:14", ["10.0.2.20/24"], 1500, "10.0.2.1",
            ["http:8080:app", "http:9000:app", "http:9001:app", "http:9100:app"]),
    "db": ("db", "02:00:0a:00:02:1e", ["10.0.2.30/24"], 1500, "10.0.2.1", ["http:5432:db"]),
    "api": ("api", "02:00:0a:00:02:32", ["10.0.2.50/24"], 1500, "10.0.2.1", ["http:443:api"]),
    "partner": ("partner", "02:00:0a:01:01:0a", ["10.1.1.10/24"], 1500, "10.1.1.1", ["http:80:partner", "sink:5001"]),
    "twin": ("twin", "02:00:0a:00:ff:0a", ["10.0.1.10/24"], 1500, "10.0.1.1", ["http:80:twin"]),
    "twin2": ("twin2", "02:00:0a:00:ff:0b", ["10.0.1.11/24"], 1500, "10.0.1.1", []),
}


class Demo:
    def __init__(self, arguments):
        self.only = arguments.only
        self.programs = daemon.Programs(pathlib.Path(arguments.build))
        self.lab = Lab()
        self.configuration = daemon.Configuration(self.lab, CONFIGURATION, "config")
        self.first_configuration = daemon.Configuration(self.lab, CONFIGURATION, "first-config")
        self.results = []  # (flow, seen, as expected)

    def bring_up(self):
        self.daemon = daemon.Daemon(self.lab, self.programs, self.configuration)
        for name, (port, mac, addresses, mtu, gateway, servers) in HOSTS.items():
            host = self.lab.host(name)
            routes = [("default", gateway)] if gateway else []
            host.adopt(self.configuration.devices[port], mac, addresses, mtu, routes)
            if servers:
                clients.serve(host, *servers)
        for address in (demo_flows.INTERNET, demo_flows.RESOLVER, demo_flows.STORE):
            self.lab.hosts["internet"].ip("addr", "add", f"{address}/32", "dev", "lo")
        self.lab.hosts["internet"].ip("route", "add", "203.0.113.0/24", "via", "198.51.100.2",
                                      "src", demo_flows.INTERNET)
        self.lab.hosts["store"].ip("addr", "add", f"{demo_flows.STORE}/32", "dev", "lo")
        self.lab.hosts["app"].ip("addr", "add", f"{demo_flows.SPOOFED}/32", "dev", "lo")
        # Next hops are resolved by ARP, which needs hosts that answer.
        for name, to in (("web", demo_flows.INTERNET), ("app", demo_flows.STORE)):
            wait_until(f"{name} to reach {to}", lambda: clients.ping(self.lab.hosts[name], to)[0], 15)

    def observe(self, flow):
        if self.only not in flow.name:
            return
        before = self.daemon.drops() if flow.reason else {}
        try:
            worked, seen = flow.observe(self.lab.hosts)
        except LabError as error:
            worked, seen = None, str(error).splitlines()[0]
        good = worked == flow.allowed and flow.sees in seen
        if flow.reason:
            after = self.daemon.drops()
            if after.get(flow.reason, 0) > before.get(flow.reason, 0):
                seen = f"{flow.reason}; {seen}"
            else:
                good = False
                risen = [reason for reason in after if after[reason] > before.get(reason, 0)]
                seen = f"{seen}; {', '.join(risen) or 'no reason counted'}"
        self.results.append((flow, seen, good))
        print(f"{flow.name:<54} {flow.expected():<46} {seen}{'' if good else '   <-- NOT AS EXPECTED'}", flush=True)

    def observe_transfers(self):
        hosts = self.lab.hosts

        def whole():
            return clients.Transfer(hosts["internet"], demo_flows.WEB_PUBLIC, 5001, TRANSFER_BYTES).end()

        def with_apply():
            transfer = clients.Transfer(hosts["app"], demo_flows.PARTNER, 5001, TRANSFER_BYTES, PACED_BYTES_PER_SECOND)
            if not transfer.wait_half():
                return False, "the transfer did not get half-way"
            demo_flows.add_unused_rule(self.configuration)
            self.daemon.apply(self.configuration)
            if not transfer.running():
                return False, "the transfer ended before the apply"
            return transfer.end()

        self.observe(Flow("internet -> web, TCP transfer", lambda _: whole(), sees="sha256 equal",
                          logged=demo_flows.accepted(None, demo_flows.INTERNET, "eni-web", demo_flows.WEB, "tcp", 5001)))
        self.observe(Flow("app -> partner, TCP transfer, apply half-way", lambda _: with_apply(), sees="sha256 equal",
                          logged=demo_flows.accepted("eni-app", demo_flows.APP, None, demo_flows.PARTNER, "tcp", 5001)))

    def observe_rule_removal(self):
        internet, web = self.lab.hosts["internet"], demo_flows.WEB_PUBLIC
        logged = [demo_flows.accepted(None, demo_flows.INTERNET, "eni-web", demo_flows.WEB, "tcp", port)
                  for port in (7777, 7778)]
        refused = [demo_flows.rejected("eni-web", demo_flows.INTERNET, demo_flows.WEB, "tcp", port)
                   for port in (7777, 7778)]
        untracked = clients.Connection(internet, web, 7777)
        tracked = clients.Connection(internet, web, 7778)
        self.observe(Flow("internet -> web 7777, untracked connection", lambda _: untracked.say(), logged=logged[0]))
        self.observe(Flow("internet -> web 7778, tracked connection", lambda _: tracked.say(), logged=logged[1]))
        demo_flows.remove_rules(self.configuration)
        self.daemon.apply(self.configuration)
        self.observe(Flow("  rule removed under the untracked one", lambda _: untracked.say(), allowed=False,
                          reason="sg_ingress", logged=refused[0]))
        self.observe(Flow("  rule removed under the tracked one", lambda _: tracked.say()))
        self.observe(Flow("  a new connection to 7778", lambda h: clients.curl(h["internet"], web, 7778), allowed=False,
                          reason="sg_ingress", logged=refused[1]))

    def observe_everything(self):
        print(f"\n{'flow':<54} {'expected':<46} observed")
        for flow in (demo_flows.internet_flows() + demo_flows.nat_flows() + demo_flows.inside_flows()
                     + demo_flows.neighbour_flows()):
            self.observe(flow)
        self.observe_rule_removal()
        self.observe_transfers()

    def explain(self):
        question = ["--from=eni-web", f"--to={demo_flows.APP}", "--proto=tcp", "--sport=40000", "--dport=9000"]
        print(f"\n$ sluice explain {' '.join(question)}")
        code, output = self.programs.explain(self.configuration, question)
        print(output.rstrip())
        return code == 1 and "nacl_ingress" in output

    def check_flow_logs(self):
        """After the daemon's end, which completes the files; while it runs one is complete every five minutes."""
        expected = [entry for flow, _, _ in self.results for entry in flow.logged]
        records = flow_logs.read(self.configuration.flow_logs)
        print("\nThe flow log:")
        for record in records[:LOG_LINES_SHOWN]:
            print(" ".join(record.values()))
        print(f"... {len(records)} records in all")
        lost = flow_logs.missing(records, expected)
        for entry in lost:
            print(f"missing: {entry}")
        strange = flow_logs.unexplained_rejects(records, [e for e in expected if e.action == "REJECT"])
        for record in strange:
            print(f"nobody did this: {' '.join(record.values())}")
        carried = flow_logs.sum_bytes(records, demo_flows.accepted(
            None, demo_flows.INTERNET, "eni-web", demo_flows.WEB, "tcp", 5001)[0])
        if carried < TRANSFER_BYTES:
            print(f"the transfer to web shows {carried} bytes of {TRANSFER_BYTES}")
        good = not lost and not strange and carried >= TRANSFER_BYTES
        print(f"flow log: {len(expected)} expected records, {len(lost)} missing, {len(strange)} unexplained rejections")
        return good

    def check_explain(self):
        """What `sluice explain` reads in the configuration is what the real packets met."""
        asked = [flow for flow, _, _ in self.results if flow.asks]
        wrong = 0
        for flow in asked:
            answer = json.loads(self.programs.explain(self.first_configuration, flow.asks.split() + ["-j"])[1])
            allowed = answer["Verdict"] == "forward" and answer["ReplyVerdict"] == "forward"
            reasons = (answer["DropReason"], answer["ReplyDropReason"])
            if allowed != flow.allowed or (flow.reason and flow.reason not in reasons):
                wrong += 1
                print(f"explain disagrees: {flow.name}: {answer['Verdict']} {reasons}")
        print(f"explain agrees about {len(asked) - wrong} of {len(asked)} flows")
        return wrong == 0

    def check_counters(self):
        """Every received packet has exactly one fate, and none was left undecided."""
        total = self.daemon.counters()["total"]
        fates = ("received", "forwarded", "consumed", "dropped", "held")
        print("counters: " + ", ".join(f"{total[fate]} {fate}" for fate in fates))
        return (total["received"] == sum(total[fate] for fate in fates[1:])
                and total["dropped_by"].get("undecided", 0) == 0)

    def benchmark(self):
        """One short line; the figure is of this machine in this minute, without hugepages."""
        if not self.programs.bench.exists():
            print("\nforwarding benchmark: sluice-bench is not built")
            return False
        code, output = run([str(self.programs.bench), "forward"], timeout_s=60, check=False)
        print(f"\nforwarding benchmark: {clients.last_line(output)}")
        return code == 0

    def keep(self):
        before = privilege.how_to_enter(self.daemon.process.pid)
        print("\nEnter a host with:")
        for host in self.lab.hosts.values():
            print(f"  {before}ip netns exec {host.namespace} bash")
        print(f"Ask the daemon with: {before}{self.programs.sluice} show interfaces --socket={self.daemon.socket}")
        print("Ctrl-C ends and removes everything.", flush=True)
        try:
            threading.Event().wait()
        except SystemExit:  # of the lab's signal handler
            print("ending ...")


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--build", default=str(daemon.ROOT / "build"))
    parser.add_argument("--test", action="store_true")
    return parser.parse_args(argv)


def main(argv):
    arguments = parse_arguments(argv)
    if arguments.test and (problem := privilege.why_impossible()):
        print(problem)
        return 77
    privilege.enter()
    started = time.monotonic()
    try:
        demo = Demo(arguments)
        demo.bring_up()
        demo.observe_everything()
        good = all(good for _, _, good in demo.results) and bool(demo.results)
        if not arguments.only:
            good &= demo.explain()
            good &= demo.check_explain()
            good &= arguments.test or demo.benchmark()
            good &= demo.check_counters()
    except LabError as error:
        print(f"The demo could not go on: {error}", file=sys.stderr)
        return 1
    if arguments.keep:
        demo.keep()
    code = demo.daemon.stop()
    if arguments.verbose:
        print(f"\nsluiced said:\n{demo.daemon.log()}")
    if not arguments.only:
        good &= demo.check_flow_logs()
    if code != 0:
        print(f"sluiced ended with exit code {code}:\n{demo.daemon.log()[-3000:]}")
        good = False
    as_expected = sum(good_one for _, _, good_one in demo.results)
    print(f"\n{as_expected} of {len(demo.results)} flows as expected, {time.monotonic() - started:.0f} s: "
          f"{'everything' if good else 'NOT everything'} is as it should be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
