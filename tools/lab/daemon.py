"""A sluiced under the control of a lab, and the questions asked of it through the `sluice` client."""
import json
import os
import pathlib
import re
import shutil

from lab.namespaces import LabError, devices, run, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Programs:
    """The programs of one build folder."""

    def __init__(self, build):
        self.sluiced = build / "control" / "daemon" / "sluiced"
        self.sluice = build / "tools" / "sluice" / "sluice"
        self.bench = build / "tools" / "bench" / "sluice-bench"

    def explain(self, configuration, question):
        """The offline answer about a packet: (exit code, output)."""
        return run([str(self.sluice), "explain", f"--config={configuration.folder}"] + question, check=False)


def without_comments(text):
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


class Configuration:
    """A folder of configuration files, copied for one run: TAP devices and the flow-log folder get names of the run."""

    def __init__(self, lab, source, name):
        self.folder = lab.folder / name
        shutil.copytree(source, self.folder)
        self.devices = {}  # port -> device
        path = self.folder / "host.json"
        whole = json.loads(without_comments(path.read_text()))
        for port in whole["Host"]["Ports"]:
            driver, _, wanted = port["Device"].partition(",iface=")
            self.devices[port["Name"]] = lab.device(wanted)
            port["Device"] = f"{driver},iface={self.devices[port['Name']]}"
        self.flow_logs = lab.folder / "flow-logs"
        self.flow_logs.mkdir(exist_ok=True)
        whole["Host"]["FlowLogFolder"] = str(self.flow_logs)
        path.write_text(json.dumps(whole, indent=1))

    def edit(self, file, change):
        """Rewrites one file: change() gets its value."""
        path = self.folder / file
        value = json.loads(without_comments(path.read_text()))
        change(value)
        path.write_text(json.dumps(value, indent=1))


class Daemon:
    def __init__(self, lab, programs, configuration):
        self.lab = lab
        self.programs = programs
        self.socket = lab.folder / "sluiced.sock"
        self.log_path = lab.folder / "sluiced.log"
        environment = dict(os.environ, RUNTIME_DIRECTORY=str(lab.folder))
        with open(self.log_path, "wb") as log:
            self.process = lab.start(
                [str(programs.sluiced), f"--config={configuration.folder}", f"--socket={self.socket}",
                 f"--state={lab.folder / 'state'}"], log=log, env=environment)
        wait_until("sluiced to be ready", lambda: self._ready(configuration), 30)

    def _ready(self, configuration):
        if self.process.poll() is not None:
            raise LabError(f"sluiced ended with exit code {self.process.returncode}:\n{self.log()}")
        return (self.socket.exists() and set(configuration.devices.values()) <= devices()
                and self.ask("show", "generations", check=False)[0] == 0)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def ask(self, *words, check=True, timeout_s=20):
        """Runs the client against this daemon. Returns (exit code, output)."""
        verb = [words[0]] if words[0] != "show" else list(words[:2])
        return run([str(self.programs.sluice)] + verb + [f"--socket={self.socket}"] + list(words[len(verb):]), timeout_s, check)

    def apply(self, configuration):
        return self.ask("apply", str(configuration.folder))[1].strip()

    def counters(self):
        """`show drops`: {"ports": [...], "total": {...}}."""
        return json.loads(self.ask("show", "drops", "-j")[1])

    def drops(self):
        """{reason: count} in total, dropped and consumed alike."""
        total = self.counters()["total"]
        return {**total["dropped_by"], **{reason: count + total["dropped_by"].get(reason, 0)
                                          for reason, count in total["consumed_by"].items()}}

    def stop(self):
        return self.lab.stop(self.process)
