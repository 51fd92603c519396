"""Network namespaces with hosts in them, and every process a lab starts.

A Lab makes namespaces `sluice-<pid>-<host>`, moves the TAP devices of a running sluiced into them and removes, at exit
or on a signal, exactly what it made: processes by their own pid, namespaces by their own name, its runtime folder.
"""
import atexit
import ctypes
import os
import signal
import subprocess
import sys
import time

from lab import privilege

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class LabError(Exception):
    """Something the lab itself needs did not work."""


def run(command, timeout_s=20, check=True, stdin=None):
    """Runs a command to its end, never longer than timeout_s. Returns (exit code or None if too late, output)."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                               preexec_fn=_die_with_parent)
    try:
        output, _ = process.communicate(stdin, timeout=timeout_s)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        code = None
    if check and code != 0:
        raise LabError(f"{' '.join(command)}: {'too late' if code is None else f'exit code {code}'}\n{output.strip()}")
    return code, output


class Host:
    """A machine of the lab: one namespace with one device, `eth0`."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.namespace = f"sluice-{os.getpid()}-{name}"
        run(["ip", "netns", "add", self.namespace])
        lab.namespaces.append(self.namespace)
        self.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"
                  "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"], check=False)
        self.ip("link", "set", "lo", "up")

    def inside(self, command):
        return ["nsenter", f"--net=/run/netns/{self.namespace}"] + command

    def run(self, command, timeout_s=20, check=True, stdin=None):
        return run(self.inside(command), timeout_s, check, stdin)

    def start(self, command, **arguments):
        return self.lab.start(self.inside(command), **arguments)

    def ip(self, *words):
        return self.run(["ip"] + list(words))[1]

    def adopt(self, device, mac, addresses, mtu, routes=()):
        """Takes a TAP device of this machine. `addresses` with prefix length; `routes` are (prefix, gateway)."""
        run(["ip", "link", "set", "dev", device, "netns", self.namespace, "name", "eth0"])
        if mac:
            self.ip("link", "set", "dev", "eth0", "address", mac)
        self.ip("link", "set", "dev", "eth0", "mtu", str(mtu), "up")
        for address in addresses:
            self.ip("addr", "add", address, "dev", "eth0")
        for prefix, gateway in routes:
            self.ip("route", "add", prefix, "via", gateway)


class Lab:
    def __init__(self):
        self.namespaces = []
        self.processes = []
        self.hosts = {}
        self.folder = privilege.runtime_folder()
        self._closed = False
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda received, _: sys.exit(128 + received))

    def host(self, name):
        if name not in self.hosts:
            self.hosts[name] = Host(self, name)
        return self.hosts[name]

    def device(self, name):
        """The name of a TAP device of this run: at most 15 bytes and free of clashes with other runs."""
        return f"sl{os.getpid()}{name}"[:15]

    def start(self, command, log=None, **arguments):
        """Starts a process that the lab will stop; `log` takes its output unless stdout is given."""
        if log is not None:
            arguments.update(stdout=log, stderr=subprocess.STDOUT)
        process = subprocess.Popen(command, preexec_fn=_die_with_parent, start_new_session=True,
                                   **{"stdin": subprocess.DEVNULL, **arguments})
        self.processes.append(process)
        return process

    def stop(self, process, timeout_s=10):
        """Asks a process to end and makes sure it does. Returns its exit code."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def close(self):
        if self._closed:
            return
        self._closed = True
        for process in reversed(self.processes):
            self.stop(process)
        for namespace in reversed(self.namespaces):
            run(["ip", "netns", "del", namespace], check=False)
        privilege.remove_folder(self.folder)


def devices():
    """The network devices of this namespace."""
    with open("/proc/net/dev") as table:
        return {line.split(":")[0].strip() for line in table if ":" in line}


def wait_until(what, condition, timeout_s, interval_s=0.1):
    """Waits for something another process does; returns what the condition returned, once that is true."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(interval_s)
