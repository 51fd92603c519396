#!/usr/bin/env python3
"""Whole daemons under real traffic: live_test.py BUILD. Speaks TAP; skipped, with the reason, where no lab can run."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "support")]
import tap  # noqa: E402
from lab import clients, daemon, privilege  # noqa: E402
from lab.namespaces import Lab, wait_until  # noqa: E402

BUILD = pathlib.Path(sys.argv[1]).resolve()
DEMO = ROOT / "tools" / "lab" / "demo"
NOBODY = 65534
START_S = 30
PINGS = 300

WEB = ("02:00:0a:00:01:0a", ["10.0.1.10/24"], "10.0.1.1")
APP = ("02:00:0a:00:02:14", ["10.0.2.20/24"], "10.0.2.1")


class Site:
    """The demo's VPC with some of its hosts, on a sluiced of its own."""

    def __init__(self, workers):
        self.lab = Lab()
        self.configuration = daemon.Configuration(self.lab, DEMO, "config")
        self.configuration.edit("host.json", lambda whole: whole["Host"].update(Workers=workers))
        self.daemon = daemon.Daemon(self.lab, daemon.Programs(BUILD), self.configuration)
        for name, (mac, addresses, gateway) in {"web": WEB, "app": APP}.items():
            self.lab.host(name).adopt(self.configuration.devices[name], mac, addresses, 1500, [("default", gateway)])
        self.web, self.app = self.lab.hosts["web"], self.lab.hosts["app"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.close()

    def set_rule(self, number):
        """A new rule for a port nobody uses: the configuration differs, no flow is concerned."""
        def change(firewalls):
            group = next(group for group in firewalls["SecurityGroups"] if group["GroupId"] == "sg-partner")
            group["IpPermissions"] = [{"IpProtocol": "tcp", "FromPort": number, "ToPort": number,
                                       "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
        self.configuration.edit("firewalls.json", change)

    def generation(self):
        return max(row["generation"] for row in json.loads(self.daemon.ask("show", "generations", "-j")[1])["generations"])

    def end(self):
        code = self.daemon.stop()
        assert code == 0, self.daemon.log()
        assert "packet buffers were given back" in self.daemon.log(), self.daemon.log()


def applies_under_traffic_lose_no_packet():
    """Two workers, so the two directions of a flow are polled by different ones."""
    with Site(workers=2) as site:
        clients.serve(site.app, "echo:8080")
        connection = clients.Connection(site.web, "10.0.2.20", 8080)
        assert connection.say() == (True, "echo")
        wait_until("app to reach web", lambda: clients.ping(site.app, "10.0.1.10")[0], START_S)
        ping = site.app.start(["ping", "-n", "-q", "-c", str(PINGS), "-i", "0.01", "-W", "2", "10.0.1.10"],
                              stdout=subprocess.PIPE, text=True)
        applied = 0
        while ping.poll() is None:
            applied += 1
            site.set_rule(6000 + applied)
            assert "runs" in site.daemon.apply(site.configuration)
        report = ping.stdout.read()
        received = int(re.search(r"(\d+) received", report).group(1))
        assert received == PINGS, report
        assert applied >= 5 and site.generation() == 1 + applied, applied
        assert connection.say() == (True, "echo")
        total = site.daemon.counters()["total"]
        assert total["balances"], total
        site.end()


def sighup_takes_the_new_configuration_up():
    with Site(workers=1) as site:
        clients.serve(site.app, "http:8080:app")
        wait_until("web to reach app", lambda: clients.curl(site.web, "10.0.2.20", 8080)[0], START_S)

        def without_app(firewalls):
            group = next(group for group in firewalls["SecurityGroups"] if group["GroupId"] == "sg-app")
            group["IpPermissions"] = []
        site.configuration.edit("firewalls.json", without_app)
        site.daemon.process.send_signal(signal.SIGHUP)
        wait_until("generation 2", lambda: site.generation() == 2, START_S)
        assert clients.curl(site.web, "10.0.2.20", 8080) == (False, "no answer")
        site.daemon.ask("rollback", "1")
        assert clients.curl(site.web, "10.0.2.20", 8080)[0]
        site.end()


def a_user_without_rights_runs_it_in_a_user_namespace():
    """TAP devices, no hugepages, no root: as the one who unpacked the tree would start it."""
    with tempfile.TemporaryDirectory(prefix="sluice-userns-") as name:
        folder = pathlib.Path(name)
        shutil.copy2(BUILD / "control" / "daemon" / "sluiced", folder / "sluiced")
        shutil.copytree(DEMO, folder / "config")
        (folder / "run").mkdir()
        host = json.loads(daemon.without_comments((folder / "config" / "host.json").read_text()))
        host["Host"]["FlowLogFolder"] = str(folder / "run" / "flow-logs")
        (folder / "config" / "host.json").write_text(json.dumps(host))
        drop = []
        if os.geteuid() == 0 and not os.environ.get(privilege.INSIDE):
            drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", name], check=True)
        log_path = folder / "run" / "log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                drop + ["unshare", "-Urnm", str(folder / "sluiced"), f"--config={folder / 'config'}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=dict(os.environ, RUNTIME_DIRECTORY=str(folder / "run")))
        try:
            wait_until("sluiced to be ready or to end",
                       lambda: "ready:" in log_path.read_text() or process.poll() is not None, START_S)
            assert process.poll() is None, log_path.read_text()
            assert (folder / "run" / "sluiced.sock").is_socket()
            process.terminate()
            assert process.wait(START_S) == 0, log_path.read_text()
        finally:
            process.kill()
            process.wait()
        left = sorted(entry.name for entry in (folder / "run").iterdir())
        assert left in (["flow-logs", "log"], ["log"]), left


def a_second_daemon_does_not_take_the_first_ones_devices():
    with Site(workers=1) as site:
        clients.serve(site.app, "http:8080:app")
        wait_until("web to reach app", lambda: clients.curl(site.web, "10.0.2.20", 8080)[0], START_S)
        with tempfile.TemporaryDirectory(prefix="sluice-second-") as name:
            second = subprocess.run(
                [str(site.daemon.programs.sluiced), f"--config={site.configuration.folder}", f"--socket={name}/s.sock"],
                env=dict(os.environ, RUNTIME_DIRECTORY=name), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=START_S)
            assert second.returncode == 1, second.stderr
            assert "has an owner already" in second.stderr, second.stderr
            assert os.listdir(name) == [], os.listdir(name)
        assert clients.curl(site.web, "10.0.2.20", 8080)[0]
        site.end()


CASES = [applies_under_traffic_lose_no_packet, sighup_takes_the_new_configuration_up,
         a_user_without_rights_runs_it_in_a_user_namespace, a_second_daemon_does_not_take_the_first_ones_devices]


def main():
    if problem := privilege.why_impossible():
        print(f"1..0 # SKIP {problem}")
        return 0
    privilege.enter()
    return tap.run(CASES)


if __name__ == "__main__":
    sys.exit(main())
