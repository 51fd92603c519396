#!/usr/bin/env python3
"""sluiced as a program: program_test.py SLUICED. Its command line, what it refuses, its signals; speaks TAP.

Ports are net_null devices that receive nothing, so no right and no device of the machine is needed.
"""
import contextlib
import json
import os
import pathlib
import queue
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tap  # noqa: E402

SLUICED = sys.argv[1]
FLAGS = ["config", "workers", "eal", "socket", "state", "session_cache", "enforce_quotas", "metrics_listen", "poll",
         "simd", "stage_times", "dpdk_log", "seed"]
WAIT_S = 30


def configuration(group_ids=(), ports=2, **host):
    """One VPC with two hosts behind net_null devices, and security groups of these ids."""
    return {
        "Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [{"SubnetId": "subnet-a", "VpcId": "vpc-a", "CidrBlock": "10.0.0.0/24"}],
        "SecurityGroups": [{"GroupId": group, "GroupName": group, "VpcId": "vpc-a",
                            "IpPermissions": [], "IpPermissionsEgress": []} for group in group_ids],
        "NetworkInterfaces": [
            {"NetworkInterfaceId": f"eni-{i}", "SubnetId": "subnet-a", "PrivateIpAddress": f"10.0.0.1{i}"}
            for i in range(ports)],
        "Host": {
            "Ports": [{"Name": f"p{i}", "Device": f"net_null{i},no-rx=1"} for i in range(ports)],
            "Attachments": [{"NetworkInterfaceId": f"eni-{i}", "Port": f"p{i}"} for i in range(ports)],
            "MaxSessions": 1024, **host},
    }


class Folder:
    """A folder of this test, with a configuration and the places of a daemon's files in it."""

    def __init__(self, value=None):
        self.temporary = tempfile.TemporaryDirectory(prefix="sluiced-test-")
        self.path = pathlib.Path(self.temporary.name)
        self.config = self.path / "config.json"
        self.write(configuration() if value is None else value)
        self.arguments = [f"--config={self.config}", f"--socket={self.path / 's.sock'}", f"--state={self.path / 'state'}"]

    def write(self, value):
        self.config.write_text(value if isinstance(value, str) else json.dumps(value))

    def state(self):
        return json.loads((self.path / "state" / "running.json").read_text())

    def leftovers(self):
        return sorted(entry.name for entry in self.path.iterdir() if entry.name not in ("config.json", "state"))


def environment(folder=None, **more):
    return dict({key: value for key, value in os.environ.items() if not key.startswith("SLUICE_")},
                **({"RUNTIME_DIRECTORY": str(folder.path)} if folder else {}), **more)


def run(*arguments, **more):
    """(exit code, stdout, stderr) of a sluiced that is to end by itself."""
    folder = more.pop("folder", None)
    ended = subprocess.run([SLUICED, *arguments], env=environment(folder, **more), stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


class Running:
    """A sluiced that has said it is ready; killed by its pid if the test leaves it behind."""

    def __init__(self, folder, *arguments, **more):
        self.said = []
        self.lines = queue.Queue()
        self.process = subprocess.Popen([SLUICED, *folder.arguments, *arguments],
                                        env=environment(folder, **more), stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=lambda: [self.lines.put(line.rstrip()) for line in self.process.stderr])
        self.reader.start()
        self.ready = self.line("ready:")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def line(self, words):
        """Reads on to the next line with these words."""
        while True:
            try:
                self.said.append(self.lines.get(timeout=WAIT_S))
            except queue.Empty:
                raise AssertionError(f"never said {words!r}: {self.said}") from None
            if words in self.said[-1]:
                return self.said[-1]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=WAIT_S)
        self.reader.join()
        while not self.lines.empty():
            self.said.append(self.lines.get())
        return code


@contextlib.contextmanager
def address_space(most_bytes):
    """Programs started inside have no more."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def limited_memory(most_bytes):
    """An address space of most_bytes for programs started inside. AddressSanitizer needs terabytes of it, so there the
    machine itself has to be small enough."""
    if b"__asan_init" not in pathlib.Path(SLUICED).read_bytes():
        return address_space(most_bytes)
    available = re.search(r"MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    if int(available.group(1)) * 1024 > most_bytes:
        raise tap.Skip(f"more than {most_bytes >> 30} GB are free, and AddressSanitizer takes no limit")
    return contextlib.nullcontext()


def help_names_every_flag():
    code, out, _ = run("--help")
    assert code == 0
    for flag in FLAGS:
        assert f"  --{flag}" in out, flag


def version_is_one_line():
    code, out, err = run("--version")
    assert code == 0 and err == "" and out.startswith("sluiced ") and out.count("\n") == 1, (code, out, err)


def flags_are_spelled_with_underscores_or_hyphens():
    for flag in ("session_cache", "session-cache"):
        code, _, err = run("--config=x", f"--{flag}=perhaps")
        assert code == 2 and "perhaps" in err and "no flag" not in err, err


def usage_errors_exit_2():
    for arguments in ([], ["--nonsense"], ["--config"], ["somewhere.json"], ["--config=x", "--workers=many"],
                      ["--config=x", "--workers=65"], ["--config=x", "--session-cache=perhaps"],
                      ["--config=x", "--poll=lazy"], ["--config=x", "--simd=mmx"], ["--config="], ["--config=x", "--metrics_listen=nowhere"],
                      ["--config=x", "--metrics_listen=127.0.0.1:99999"], ["--config=x", "--metrics_listen=host:9100"],
                      ["--config=x", "--socket=/" + "x" * 107]):
        code, _, err = run(*arguments)
        assert code == 2, (arguments, code, err)
        assert "Try `sluiced --help`." in err, err
    code, _, err = run("--config=x", SLUICE_WORKERS="many")
    assert code == 2 and "SLUICE_WORKERS" in err, err


def an_invalid_configuration_is_refused_with_every_error():
    value = configuration()
    value["Subnets"][0]["CidrBlock"] = "10.9.0.0/24"
    value["NetworkInterfaces"][1]["SubnetId"] = "subnet-nowhere"
    folder = Folder(value)
    code, _, err = run(*folder.arguments, folder=folder)
    assert code == 1
    assert "config.json:$.Subnets[0]" in err and "config.json:$.NetworkInterfaces[1]" in err, err
    assert "ready" not in err
    assert folder.leftovers() == [], folder.leftovers()
    assert not (folder.path / "state").exists()


def a_missing_file_is_refused():
    code, _, err = run("--config=/nonexistent/config.json")
    assert code == 1 and "/nonexistent/config.json" in err, err


def a_configuration_without_host_is_refused():
    value = configuration()
    del value["Host"]
    folder = Folder(value)
    code, _, err = run(*folder.arguments, folder=folder)
    assert code == 1 and "has no Host" in err, err


def an_unknown_device_is_named_in_one_line():
    for device in ("net_nonsense0", "0000:ff:1f.7"):
        value = configuration()
        value["Host"]["Ports"][1]["Device"] = device
        folder = Folder(value)
        code, _, err = run(*folder.arguments, folder=folder)
        lines = [line for line in err.splitlines() if line.startswith("sluiced:")]
        assert code == 1 and len(lines) == 1 and device in lines[0], err
        assert folder.leftovers() == [], folder.leftovers()


def more_sessions_than_the_machine_can_hold_are_refused_at_once():
    folder = Folder(configuration(MaxSessions=1 << 29))
    begun = time.monotonic()
    with limited_memory(40 << 30):  # on a machine that could hold them, too
        code, _, err = run(*folder.arguments, folder=folder)
    assert code == 1 and "Host.MaxSessions = 536870912" in err, err
    assert time.monotonic() - begun < WAIT_S, "pages were touched first"


def a_state_folder_that_cannot_be_made_is_refused():
    folder = Folder()
    code, _, err = run(*folder.arguments, "--state=/proc/nowhere", folder=folder)
    assert code == 1 and "--state: /proc/nowhere" in err, err


def sigterm_and_sigint_drain_and_leave_nothing():
    for number in (signal.SIGTERM, signal.SIGINT):
        folder = Folder()
        with Running(folder) as daemon:
            assert "generation 1, 2 ports, 1 worker" in daemon.ready, daemon.ready
            assert (folder.path / "s.sock").stat().st_mode & 0o777 == 0o660
            assert folder.state()["Vpcs"][0]["VpcId"] == "vpc-a"
            assert daemon.end(number) == 0, daemon.said
            assert "packet buffers were given back" in daemon.said[-1], daemon.said
        assert folder.leftovers() == [], folder.leftovers()


def flags_come_from_the_environment_too():
    folder = Folder()
    folder.arguments = []
    with Running(folder, SLUICE_CONFIG=str(folder.config), SLUICE_WORKERS="2") as daemon:
        assert "2 workers" in daemon.ready, daemon.ready
        assert daemon.ready.endswith(str(folder.path / "sluiced.sock")), daemon.ready
        assert daemon.end() == 0


def the_variant_of_lookups_can_be_forced():
    folder = Folder()
    with Running(folder, "--simd=scalar") as daemon:
        assert "lookups scalar," in daemon.ready, daemon.ready
        assert daemon.end() == 0


def config_may_be_given_several_times():
    folder = Folder()
    host = configuration()
    rest = folder.path / "rest.json"
    rest.write_text(json.dumps({key: value for key, value in host.items() if key != "Host"}))
    folder.write({"Host": host["Host"]})
    with Running(folder, f"--config={rest}") as daemon:
        assert "2 ports" in daemon.ready, daemon.ready
        assert daemon.end() == 0


def the_saved_configuration_starts_a_daemon():
    folder = Folder(configuration(["sg-one"]))
    with Running(folder) as daemon:
        assert daemon.end() == 0
    again = Folder(folder.state())
    with Running(again) as daemon:
        assert daemon.end() == 0
    assert again.state() == folder.state()


def sighup_applies_or_refuses():
    folder = Folder()
    with Running(folder, "--workers=2") as daemon:
        folder.write(configuration(["sg-new"]))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.line("generation 2: 1 change: + SecurityGroups sg-new")
        folder.write("{ this is no JSON")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.line("SIGHUP: refused; the running configuration stays")
        folder.write(configuration(ports=1))
        daemon.process.send_signal(signal.SIGHUP)
        assert "Host.Ports" in daemon.line("SIGHUP: refused:")
        folder.write(configuration(["sg-last"]))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.line("generation 3: 2 changes: + SecurityGroups sg-last, - SecurityGroups sg-new")
        assert daemon.end() == 0, daemon.said
    assert [group["GroupId"] for group in folder.state()["SecurityGroups"] if group["GroupName"] != "default"] == \
        ["sg-last"]


def a_second_daemon_at_the_same_socket_is_refused():
    folder = Folder()
    with Running(folder) as daemon:
        before = folder.state()
        folder.write(configuration(["sg-other"]))
        code, _, err = run(*folder.arguments, folder=folder)
        assert code == 1 and str(folder.path / "s.sock") in err, err
        assert folder.state() == before, "the state is that of the daemon that runs"
        assert daemon.end() == 0


CASES = [help_names_every_flag, version_is_one_line, flags_are_spelled_with_underscores_or_hyphens, usage_errors_exit_2,
         an_invalid_configuration_is_refused_with_every_error,
         a_missing_file_is_refused, a_configuration_without_host_is_refused, an_unknown_device_is_named_in_one_line,
         more_sessions_than_the_machine_can_hold_are_refused_at_once,
         a_state_folder_that_cannot_be_made_is_refused, sigterm_and_sigint_drain_and_leave_nothing,
         flags_come_from_the_environment_too, the_variant_of_lookups_can_be_forced, config_may_be_given_several_times,
         the_saved_configuration_starts_a_daemon, sighup_applies_or_refuses,
         a_second_daemon_at_the_same_socket_is_refused]


def main():
    return tap.run(CASES)


if __name__ == "__main__":
    sys.exit(main())
