"""Runs `sluice replay` on frames and reads its results, checking what must hold of every run."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tap  # noqa: E402

import wire

SLUICE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "sluice").resolve()
NS = 10**9
KEYS = ["n", "t", "port", "eni", "verdict", "reason", "rule", "out", "generation"]


class Result:
    """verdicts: one dict a packet; sent: port -> [(time, bytes)]; logs: records as dicts; summary; stdout, stderr."""


def command(*words, timeout=60):
    return subprocess.run([str(SLUICE), "replay", *map(str, words)], capture_output=True, text=True, timeout=timeout,
                          check=False)


def write_inputs(folder, config, frames, changes):
    """Writes everything below `folder`; returns the flags. `frames`: (time ns, port, bytes); `changes`: (TIME, config)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    flags = [f"--config={folder}/config.json"]
    for number, (when, other) in enumerate(changes):
        (folder / f"change{number}.json").write_text(json.dumps(other))
        flags.append(f"--at={when}:apply:{folder}/change{number}.json")
    ports = {}
    for time_ns, port, raw in frames:
        ports.setdefault(port, []).append((time_ns, raw))
    for port, its in ports.items():
        (folder / f"{port}.in.pcap").write_bytes(wire.pcap(its))
        flags.append(f"--in={port}={folder}/{port}.in.pcap")
    return flags


def tree(folder):
    """Every file below `folder` as {relative name: bytes}."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def read_logs(out):
    records = []
    for path in sorted((out / "flow-logs").rglob("*.log.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        fields = [name.replace("-", "_") for name in lines[0].split()]
        records += [dict(zip(fields, line.split())) | {"file": path.name} for line in lines[1:]]
    return records


def read_result(out, done):
    result = Result()
    result.stdout, result.stderr, result.files = done.stdout, done.stderr, tree(out)
    lines = (out / "verdicts.jsonl").read_text().splitlines()
    result.verdicts = [json.loads(line) for line in lines]
    result.summary = json.loads((out / "summary.json").read_text())
    result.sent = {path.name[:-5]: wire.read_pcap(path.read_bytes()) for path in out.glob("*.pcap")}
    result.logs = read_logs(out)
    check_identities(result)
    return result


def check_identities(result):
    """What verdicts.jsonl, summary.json and the captures say of each other (P7)."""
    summary, verdicts = result.summary, result.verdicts
    assert [line["n"] for line in verdicts] == list(range(len(verdicts)))
    assert all(list(line) == KEYS for line in verdicts)
    assert all(a["t"] <= b["t"] for a, b in zip(verdicts, verdicts[1:]))
    fates = [line["verdict"] for line in verdicts]
    assert set(fates) <= {"forward", "drop", "consume"}, fates
    assert list(summary) == ["received", "forwarded", "consumed", "dropped", "consumed_by", "sessions"]
    assert summary["received"] == len(verdicts)
    assert summary["received"] == summary["forwarded"] + summary["consumed"] + sum(summary["dropped"].values())
    assert summary["consumed"] == sum(summary["consumed_by"].values()) == fates.count("consume")
    assert summary["forwarded"] == fates.count("forward")
    for fate, counts in (("drop", summary["dropped"]), ("consume", summary["consumed_by"])):
        for reason, count in counts.items():
            assert count == sum(v["verdict"] == fate and v["reason"] == reason for v in verdicts), reason
    assert summary["dropped"]["undecided"] == 0
    for line in verdicts:
        assert (line["verdict"] == "forward") == (line["reason"] is None), line
        assert line["verdict"] != "drop" or line["out"] == [], line
        assert all(list(entry) == ["port", "eni"] for entry in line["out"])
    told = {}
    for line in verdicts:
        for entry in line["out"]:
            told[entry["port"]] = told.get(entry["port"], 0) + 1
    assert told == {port: len(frames) for port, frames in result.sent.items() if frames}, told


def run(config, frames, *flags, changes=(), check=True):
    """Runs once; fails unless it succeeds. Results as Result."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        words = write_inputs(folder / "in", config, frames, changes)
        done = command(*words, f"--out={folder}/out", *flags)
        assert not check or done.returncode == 0, done.stderr
        return read_result(folder / "out", done)


def fates(result):
    """("forward", None) or (verdict, reason), one a packet."""
    return [(line["verdict"], line["reason"]) for line in result.verdicts]


def main(tests):
    """TAP: one case a function."""
    return tap.run(tests)
