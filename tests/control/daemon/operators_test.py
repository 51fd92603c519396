#!/usr/bin/env python3
"""The client and the daemon as programs: operators_test.py SLUICED SLUICE. Every verb over the socket; speaks TAP.

Ports are net_null devices that receive nothing, so no right and no device of the machine is needed.
"""
import json
import re
import socket
import subprocess
import sys
import urllib.request

import program_test
from program_test import Folder, Running, configuration

SLUICE = sys.argv[2]


def ask(folder, *words, code=0):
    """What the client prints to stdout (to stderr when it is to fail)."""
    ended = subprocess.run([SLUICE, *words, f"--socket={folder.path / 's.sock'}"], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=60)
    assert ended.returncode == code, (words, ended)
    return ended.stderr if code else ended.stdout


def show(folder, *words):
    return json.loads(ask(folder, "show", *words, "-j"))


def everything_can_be_shown():
    folder = Folder()
    with Running(folder, "--workers=2") as daemon:
        drops = show(folder, "drops")
        assert drops["total"]["received"] == 0 and drops["total"]["balances"], drops
        assert [port["port"] for port in drops["ports"]] == ["p0", "p1"]
        ports = show(folder, "ports")["ports"]
        assert ports[0]["device"] == "net_null0,no-rx=1" and ports[0]["driver"] == "net_null", ports
        assert ports[0]["mtu"] > 0
        assert len(show(folder, "stages")["stages"]) == 18
        assert show(folder, "sessions") == {"sessions": [], "matched": 0}
        assert show(folder, "nat")["nat_gateways"] == []
        interfaces = show(folder, "interfaces", "--eni=eni-1")["interfaces"]
        assert interfaces[0]["address"] == "10.0.0.11" and interfaces[0]["port"] == "p1", interfaces
        assert show(folder, "routes")["routes"][0]["destination"] == "10.0.0.0/16"
        assert show(folder, "generations")["generations"][0]["running"]
        top = json.loads(ask(folder, "top", "--count=1", "--period=0.05", "-j"))
        assert len(top["workers"]) == 2 and top["seconds"] > 0, top
        assert "STAGE  CALLS  PKTS  PKTS/CALL  NS/PKT  CYCLES/PKT" in re.sub(" +", "  ", ask(folder, "show", "stages"))
        assert daemon.end() == 0, daemon.said


def configurations_come_and_go():
    folder = Folder()
    with Running(folder) as daemon:
        folder.write(configuration(["sg-new"]))
        assert "+ SecurityGroups sg-new" in ask(folder, "diff", str(folder.config))
        assert ask(folder, "apply", str(folder.config)).startswith("generation 2 runs: 1 change\n+ SecurityGroups sg-new")
        daemon.line("generation 2: 1 change")
        folder.write("{ this is no JSON")
        assert "generation 2 goes on" in ask(folder, "apply", str(folder.config), code=1)
        folder.write(configuration(ports=1))
        assert "Host.Ports" in ask(folder, "apply", str(folder.config), code=1)
        folder.write(ask(folder, "export"))
        assert "runs: 0 changes" in ask(folder, "apply", str(folder.config))
        assert "- SecurityGroups sg-new" in ask(folder, "rollback", "1")
        assert len(show(folder, "generations")["generations"]) == 4
        question = ["explain", "--from=eni-0", "--to=10.0.0.11", "--proto=icmp"]
        assert "forward" in ask(folder, *question)
        assert daemon.end() == 0, daemon.said


def what_is_applied_just_before_the_end_is_kept():
    for _ in range(3):
        folder = Folder()
        with Running(folder) as daemon:
            folder.write(configuration(["sg-late"]))
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(folder.path / "s.sock"))
                client.sendall(json.dumps({"Verb": "apply", "Paths": [str(folder.config)]}).encode() + b"\n")
                assert b'"Ok":true' in client.recv(65536)
                assert daemon.end() == 0, daemon.said
        assert "sg-late" in json.dumps(folder.state()), daemon.said


def every_generation_is_told_however_fast_they_come():
    folder = Folder()
    with Running(folder) as daemon:
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(str(folder.path / "s.sock"))
            answers = operator.makefile("r")
            for number in range(2, 32):
                operator.sendall(b'{"Verb": "rollback", "Generation": %d}\n' % (number - 1))
                answer = json.loads(answers.readline())
                assert answer["Result"]["Generation"] == number, answer
        assert daemon.end() == 0, daemon.said
        told = [int(found.group(1)) for line in daemon.said if (found := re.search(r"generation (\d+): ", line))]
        assert told == list(range(2, 32)), told


def quotas_hold_for_operators_too():
    over = configuration()
    over["RouteTables"] = [{"RouteTableId": "rtb-a", "VpcId": "vpc-a", "Routes": [
        {"DestinationCidrBlock": f"20.{i}.0.0/16", "NetworkInterfaceId": "eni-0"} for i in range(51)]}]
    for arguments, code in ((["--enforce_quotas"], 1), ([], 0)):
        folder = Folder()
        with Running(folder, *arguments) as daemon:
            folder.write(over)
            said = ask(folder, "apply", str(folder.config), code=code)
            assert ("50 routes" in said) == (code == 1), said
            assert daemon.end() == 0, daemon.said


def metrics_are_served():
    folder = Folder()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = "127.0.0.1:%d" % free.getsockname()[1]
    with Running(folder, f"--metrics-listen={place}") as daemon:
        with urllib.request.urlopen(f"http://{place}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        assert 'sluice_dropped_packets_total{port="p0",reason="no_route"} 0' in text, text
        assert "sluice_generation 1\n" in text
        assert daemon.end() == 0, daemon.said


CASES = [everything_can_be_shown, configurations_come_and_go, what_is_applied_just_before_the_end_is_kept,
         every_generation_is_told_however_fast_they_come, quotas_hold_for_operators_too, metrics_are_served]


if __name__ == "__main__":
    program_test.CASES[:] = CASES
    sys.exit(program_test.main())
