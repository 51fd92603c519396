"""What the hosts of a lab do, each with a time limit. Every client returns (it worked, one line of what was seen)."""
import pathlib
import re
import select
import subprocess
import sys

from lab.namespaces import LabError

TRAFFIC = [sys.executable, str(pathlib.Path(__file__).with_name("traffic.py"))]
TIMEOUT_S = 2


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"


def serve(host, *specs):
    """Starts servers on a host and returns when they listen."""
    process = host.start(TRAFFIC + ["serve"] + list(specs), stdout=subprocess.PIPE, text=True)
    if read_line(process, 10) != "ready":
        raise LabError(f"the servers of {host.name} did not start")
    return process


def read_line(process, timeout_s):
    """A line of a process's output, or None after the time."""
    readable, _, _ = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline().strip() if readable else None


def ping(host, to, size=None, fragment=None, source=None):
    """`fragment` is ping's -M: do (set DF), dont (leave it clear)."""
    options = (["-s", str(size)] if size else []) + (["-M", fragment] if fragment else [])
    options += ["-I", source] if source else []
    code, output = host.run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1"] + options + [to], check=False)
    needed = re.search(r"Frag needed and DF set \(mtu = (\d+)\)", output)
    if needed:
        return False, f"fragmentation needed, mtu {needed.group(1)}"
    received = re.search(r"(\d+) received", output)
    return code == 0, f"{received.group(1) if received else 0} of 2 replies"


def curl(host, to, port=80, source_port=None):
    options = ["--local-port", str(source_port)] if source_port else []
    code, output = host.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(TIMEOUT_S)] + options +
                            [f"http://{to}:{port}/"], check=False)
    if code == 0:
        return True, last_line(output)
    return False, {28: "no answer", 7: "refused"}.get(code, last_line(output))


def ask(host, to, port):
    code, output = host.run(TRAFFIC + ["ask", to, str(port)], check=False)
    return code == 0, last_line(output)


def traceroute(host, to):
    """Seen: the addresses of the hops."""
    _, output = host.run(["traceroute", "-n", "-q", "1", "-w", "1", "-m", "5", to], check=False, timeout_s=30)
    hops = re.findall(r"^ *\d+ +(\S+)", output, re.MULTILINE)
    return bool(hops) and hops[-1] == to, " ".join(hops)


class Transfer:
    """A TCP transfer in the background, checked by hash."""

    def __init__(self, host, to, port, length_bytes, rate=None):
        self.length_bytes = length_bytes
        self.process = host.start(TRAFFIC + ["send", to, str(port), str(length_bytes)] + ([str(rate)] if rate else []),
                                  stdout=subprocess.PIPE, text=True)

    def wait_half(self):
        return read_line(self.process, 60) == "half"

    def running(self):
        return self.process.poll() is None

    def end(self):
        """(every byte arrived, what was seen)."""
        line = last_line(self.process.stdout.read()) if self.process.wait(120) is not None else "no end"
        if line.startswith("whole"):
            return True, f"{self.length_bytes // 1000000} MB, sha256 equal"
        return False, line


class Connection:
    """A TCP connection that stays open; say() sends a line and tells whether it came back."""

    def __init__(self, host, to, port):
        self.process = host.start(TRAFFIC + ["hold", to, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        self.opened = read_line(self.process, 5) == "open"

    def say(self):
        if not self.opened:
            return False, "never opened"
        self.process.stdin.write("say\n")
        self.process.stdin.flush()
        answer = read_line(self.process, 6)
        return answer == "echo", answer or "silent"
