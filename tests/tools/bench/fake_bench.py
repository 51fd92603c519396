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


def answering(path, answers):
    """Makes an executable that prints answers[subcommand] and knows no other subcommand."""
    path.write_text(f"""#!/usr/bin/env python3
import json, sys
answers = json.loads({json.dumps(json.dumps(answers))})
with open({str(path) + '.log'!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] not in answers:
    print("there is no verb " + sys.argv[1], file=sys.stderr)
    sys.exit(2)
print(json.dumps(answers[sys.argv[1]]))
sys.exit(1 if answers[sys.argv[1]]["broken_claims"] else 0)
""")
    path.chmod(0o755)
    return str(path)
