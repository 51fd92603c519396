#!/usr/bin/env python3
"""Reads a tree of flow logs as its consumers do and compares it with its own count of the same observations.

flow_log_consumer_test.py WRITER [SEED]. Shares no code with the writer: paths by glob and pattern, fields by the
header line, windows and sums counted here.
"""
import filecmp
import glob
import gzip
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

NS = 10**9
ENIS = ["eni-nat", "eni-a", "eni-other", "eni-b"]
PRIMARY = {"eni-nat": "10.0.2.5", "eni-a": "10.0.1.10", "eni-other": "10.9.0.9", "eni-b": "10.0.2.20"}
# id: (interfaces, actions, interval, account, region, hive)
LOGS = {
    "fl-vpc": (["eni-a", "eni-b", "eni-nat"], {"ACCEPT", "REJECT"}, 60, "111122223333", "eu-west-1", False),
    "fl-subnet": (["eni-a"], {"REJECT"}, 600, "111122223333", "eu-west-1", True),
    "fl-eni": (["eni-a"], {"ACCEPT"}, 60, "111122223333", "eu-west-1", False),
    "fl-other": (["eni-other"], {"ACCEPT", "REJECT"}, 600, "444455556666", "us-west-2", False),
}
PLAIN = re.compile(r"AWSLogs/(?P<a>\d{12})/vpcflowlogs/(?P<r>[a-z0-9-]+)/(?P<Y>\d{4})/(?P<M>\d\d)/(?P<D>\d\d)/"
                   r"(?P<a2>\d{12})_vpcflowlogs_(?P<r2>[a-z0-9-]+)_(?P<id>fl-[a-z0-9]+)_"
                   r"(?P<t>\d{8}T\d{4}Z)_[0-9a-f]{8}\.log\.gz")
HIVE = re.compile(r"AWSLogs/aws-account-id=(?P<a>\d{12})/aws-service=vpcflowlogs/aws-region=(?P<r>[a-z0-9-]+)/"
                  r"year=(?P<Y>\d{4})/month=(?P<M>\d\d)/day=(?P<D>\d\d)/hour=(?P<H>\d\d)/"
                  r"(?P<a2>\d{12})_vpcflowlogs_(?P<r2>[a-z0-9-]+)_(?P<id>fl-[a-z0-9]+)_"
                  r"(?P<t>\d{8}T\d{4}Z)_[0-9a-f]{8}\.log\.gz")


def observations(rng, first, end):
    """Random packets' worth of observations, in time order, each inside one minute."""
    result = []
    for _ in range(3000):
        idx = rng.randrange(4)
        own = PRIMARY[ENIS[idx]]
        if idx == 1 and rng.random() < 0.2:
            own = "10.0.1.11"
        far = rng.choice(["203.0.113.%d" % rng.randrange(1, 9), "10.0.3.%d" % rng.randrange(9, 15)])
        egress = rng.randrange(2)
        near_port, far_port = rng.choice([1025, 40000]), rng.choice([80, 443])
        src, sport, dst, dport = (own, near_port, far, far_port) if egress else (far, far_port, own, near_port)
        begin = rng.randrange(first, end)
        last = min(begin + rng.randrange(0, 30 * NS), (begin // (60 * NS) + 1) * 60 * NS - 1)
        packets = rng.randrange(1, 50)
        proto = rng.choice([1, 6, 17, 50])
        flags = rng.choice([0, 1, 2, 3, 18, 19, 4])
        result.append((begin, last, idx, egress, rng.randrange(2), proto, src, sport, dst, dport, packets,
                       packets * rng.randrange(20, 1500), flags))
    return sorted(result)


def count(obs, first, end):
    """What each log must hold: (log, eni, window) -> records; an empty list is NODATA, None is nothing at all."""
    expected = {}
    for log, (enis, actions, interval, *_rest) in LOGS.items():
        for eni in enis:
            for window in range(first // NS // interval * interval, end // NS + 1, interval):
                sums, traffic = defaultdict(lambda: [0, 0, 1 << 70, 0, 0]), False
                for begin, last, idx, egress, reject, proto, src, sport, dst, dport, packets, size, flags in obs:
                    if ENIS[idx] != eni or not window <= begin // NS < window + interval:
                        continue
                    traffic = True
                    action = "REJECT" if reject else "ACCEPT"
                    if action not in actions:
                        continue
                    if proto not in (6, 17):
                        sport = dport = 0
                    s = sums[(egress, action, proto, src, sport, dst, dport)]
                    s[0] += packets
                    s[1] += size
                    s[2] = min(s[2], begin)
                    s[3] = max(s[3], last)
                    s[4] |= flags if proto == 6 else 0
                expected[log, eni, window] = dict(sums) if traffic else "NODATA"
    return expected


def expected_rows(expected):
    rows = defaultdict(list)
    for (log, eni, window), sums in expected.items():
        if sums == "NODATA":
            rows[log].append((eni, "NODATA", window, window + LOGS[log][2]))
            continue
        for (egress, action, proto, src, sport, dst, dport), (packets, size, begin, last, flags) in sums.items():
            row = (eni, "OK", begin // NS, last // NS, action, str(proto), PRIMARY[eni] if egress else src,
                   str(sport), dst if egress else PRIMARY[eni], str(dport), packets, size)
            if log == "fl-subnet":
                row += (src, dst, "egress" if egress else "ingress", str(flags))
            rows[log].append(row)
    return rows


def read_tree(root):
    rows = defaultdict(list)
    for path in glob.glob(root + "/AWSLogs/**/*.log.gz", recursive=True):
        relative = os.path.relpath(path, root)
        match = PLAIN.fullmatch(relative) or HIVE.fullmatch(relative)
        assert match, relative
        log = match["id"]
        enis, _, interval, account, region, hive = LOGS[log]
        assert (match["a"], match["r"], match["a2"], match["r2"]) == (account, region, account, region), relative
        assert bool(HIVE.fullmatch(relative)) == hive, relative
        assert match["t"][:8] == match["Y"] + match["M"] + match["D"], relative
        with gzip.open(path, "rt", encoding="ascii", newline="") as file:
            header, *lines = file.read().split("\n")
        assert lines.pop() == "", "the last line ends"
        names = header.split(" ")
        assert len(set(names)) == len(names) and lines, relative
        for line in lines:
            values = line.split(" ")
            assert len(values) == len(names), line
            f = dict(zip(names, values))
            assert f["interface-id"] in enis, line
            assert f["version"] == ("5" if log == "fl-subnet" else "2"), line
            start, stop = int(f["start"]), int(f["end"])
            if f["log-status"] == "NODATA":
                assert f["srcaddr"] == f["packets"] == f["action"] == "-", line
                rows[log].append((f["interface-id"], "NODATA", start, stop))
                continue
            assert start // interval == stop // interval, "a record lies in one window: " + line
            row = (f["interface-id"], f["log-status"], start, stop, f["action"], f["protocol"], f["srcaddr"],
                   f["srcport"], f["dstaddr"], f["dstport"], int(f["packets"]), int(f["bytes"]))
            if log == "fl-subnet":
                assert (f["az-id"], f["region"], f["vpc-id"]) == ("euw1-az1", "eu-west-1", "vpc-1"), line
                row += (f["pkt-srcaddr"], f["pkt-dstaddr"], f["flow-direction"], f["tcp-flags"])
            rows[log].append(row)
    return rows


def same_trees(one, two):
    names = [sorted(os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs)
             for root in (one, two)]
    assert names[0] == names[1] and names[0], "the same names"
    _, different, errors = filecmp.cmpfiles(one, two, names[0], shallow=False)
    assert not different and not errors, "the same bytes"
    assert all(name.endswith(".log.gz") and not os.path.basename(name).startswith(".") for name in names[0])


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    first = (1700000400 + rng.randrange(3600)) * NS + rng.randrange(NS)
    end = first + rng.randrange(1200, 3600) * NS
    obs = observations(rng, first, end)
    end += rng.choice([0, 1800 * NS])
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/observations", "w", encoding="ascii") as file:
            for begin, last, idx, egress, reject, proto, src, sport, dst, dport, packets, size, flags in obs:
                print(idx, egress, reject, proto, src, sport, dst, dport, packets, size, begin, last, flags, file=file)
        for out in ("one", "two"):
            subprocess.run([sys.argv[1], folder + "/observations", f"{folder}/{out}", str(first), str(end)],
                           check=True)
        same_trees(folder + "/one", folder + "/two")
        actual = read_tree(folder + "/one")
    expected = expected_rows(count(obs, first, end))
    total = 0
    for log in LOGS:
        want, got = sorted(expected[log], key=str), sorted(actual[log], key=str)
        assert want == got, (log, [r for r in want if r not in got][:3], [r for r in got if r not in want][:3])
        total += len(got)
    print("records", total)


if __name__ == "__main__":
    main()
