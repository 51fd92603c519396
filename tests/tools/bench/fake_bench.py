"""Programs that stand in for sluice-bench in tests: they print a report with the numbers they are told."""
import json


def report(name, ns, commit="abc", **numbers):
    """A report as `-j` prints it, with one figure for each of `ns` (a number, or a list of rounds)."""
    rounds = ns if isinstance(ns, list) else [ns]
    middle = sorted(rounds)[len(rounds) // 2]
    figure = {"name": name, "item": "packet", "ns": {"median": middle, "low": min(rounds), "high": max(rounds)},
              "ticks": middle * 2.5, "mpps": 1e3 / middle, "source_ns": {"median": 10, "low": 9, "high": 11},
              "rounds": len(rounds), "round_items": 1000, "rounds_ns": rounds, **numbers}
    return {"machine": {"host": "h", "cpu": "a CPU", "cpus": 2, "tsc_hz": 2.5e9, "memory": "no hugepages", "load": 0,
                        "compiler": "g++", "commit": commit},
            "settings": {"keys": "uniform"}, "figures": [figure], "broken_claims": []}


def program(path, printed, exit_code=0):
    """Makes an executable that prints this JSON whatever it is asked, and appends its arguments to PATH.log."""
    path.write_text(f"#!/bin/sh\necho \"$@\" >> {path}.log\ncat <<'END'\n{json.dumps(printed)}\nEND\n"
                    f"echo 'last words' >&2\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def waiting(path):
    """Makes an executable that writes PATH.here and then does nothing until it is told to end."""
    path.write_text(f"#!/bin/sh\n: > {path}.here\nexec tail -f /dev/null\n")
    path.chmod(0o755)
    return str(path)


def answering(path, answers):
    """Makes an executable that prints answers[subcommand], knows no other, and appends its arguments to PATH.log."""
    cases = "".join(f"{name}) cat <<'END'\n{json.dumps(report)}\nEND\nexit {1 if report['broken_claims'] else 0};;\n"
                    for name, report in answers.items())
    path.write_text(f"#!/bin/sh\necho \"$@\" >> {path}.log\ncase $1 in\n{cases}"
                    "*) echo \"there is no verb $1\" >&2; exit 2;;\nesac\n")
    path.chmod(0o755)
    return str(path)
