#!/usr/bin/env python3
"""`sluice replay`: the same input gives the same bytes, whatever the burst length. Speaks TAP. Arguments: the sluice
program, and a seed for the traffic."""
import copy
import pathlib
import random
import sys
import tempfile

import replay_run
import wire
from replay_run import command, read_result, tree, write_inputs
from vpcs import (ALL, APP, APP_MAC, HOST, NAT_PUBLIC, TWO, TWO_MAC, WEB, WEB_MAC, WEB_PUBLIC, acl, allow, base, entry,
                  flow_log)
from wire import ACK, FIN, NEXT_HOP, NS, RST, SYN, arp, echo, frame, fragments, tcp, udp

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 20261124
T = 1700000000 * NS
INSIDE = {"eni-web": (WEB, WEB_MAC), "eni-app": (APP, APP_MAC), "eni-two": (TWO, TWO_MAC)}


def one_packet(rng, src, dst):
    kind = rng.randrange(8)
    sport, dport = rng.choice([5000, 5001, 53, 80]), rng.choice([53, 80, 443, 5000])
    if kind < 3:
        flags = rng.choice([SYN, SYN | ACK, ACK, ACK, FIN | ACK, RST, RST | ACK])
        return [tcp(src, dst, sport, dport, flags, rng.randrange(3), rng.randrange(3))]
    if kind == 3:
        return [echo(src, dst, rng.randrange(3), reply=rng.random() < 0.3)]
    if kind == 4:
        parts = fragments(udp(src, dst, sport, dport, bytes(rng.randrange(60, 200)), ident=rng.randrange(4)), 40)
        rng.shuffle(parts)
        return parts[:rng.randrange(1, len(parts) + 1)]
    size = rng.choice([0, 10, 100, 1600])
    return [udp(src, dst, sport, dport, bytes(size), ident=rng.randrange(9), ttl=rng.choice([1, 2, 64]),
                flags=rng.choice([0, 0, 2]))]


def traffic(rng, count):
    frames, now = [], T + rng.randrange(NS)
    while len(frames) < count:
        now += rng.choice([0, 0, 0, 0, 1, 1000, NS // 100, NS, 40 * NS])
        port = rng.choice([*INSIDE, "internet"])
        if port == "internet":
            packets, mac = one_packet(rng, HOST, rng.choice([WEB_PUBLIC, NAT_PUBLIC])), NEXT_HOP
        else:
            src, mac = INSIDE[port]
            packets = one_packet(rng, src, rng.choice([WEB, APP, TWO, HOST, HOST, WEB_PUBLIC, "10.0.1.99"]))
        frames += [(now, port, frame(packet, mac)) for packet in packets]
        if rng.random() < 0.02 and port in INSIDE:
            frames.append((now, port, arp(1, INSIDE[port][1], INSIDE[port][0], "00:00:00:00:00:00", "10.0.1.1")))
    return frames


def world():
    first = base({"sg-web": ([allow("tcp", 80), allow("udp", 53)], ALL), "sg-app": ([], ALL)},
                 FlowLogs=[flow_log("fl-1", "vpc-a"), flow_log("fl-2", "subnet-app", "REJECT", interval=600)],
                 NetworkAcls=[acl("acl-app", "subnet-app", [entry(10, False, "deny", "17", ports=(443, 443)),
                                                            entry(100, False, "allow"), entry(100, True, "allow")])])
    second = copy.deepcopy(first)
    second["SecurityGroups"][0]["IpPermissions"].pop()
    return first, [("+3", second), ("+300.5", first)]


def results(folder, words, *variants):
    """The tree of each variant's results."""
    trees = []
    for number, flags in enumerate(variants):
        out = folder / f"out{number}"
        done = command(*words, f"--out={out}", "--idle-after=100", *flags)
        assert done.returncode == 0, done.stderr
        read_result(out, done)  # checks the identities
        trees.append(tree(out))
    return trees


def same(a, b, *, but=()):
    for name in sorted(a.keys() | b.keys()):
        assert name in but or a.get(name) == b.get(name), f"{name} differs"


def in_a_world(test):
    def wrapped():
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            config, changes = world()
            frames = traffic(random.Random(SEED), 3000)
            test(folder, write_inputs(folder / "in", config, frames, changes), frames)
    wrapped.__name__ = test.__name__
    return wrapped


@in_a_world
def twice_the_same_bytes_and_another_seed_other_ports(folder, words, frames):
    one, two, other = results(folder, words, ["--seed=7"], ["--seed=7"], ["--seed=8"])
    same(one, two)
    assert one["verdicts.jsonl"] == other["verdicts.jsonl"], "a seed changes no verdict"
    assert one["internet.pcap"] != other["internet.pcap"]
    reasons = {line.split(b'"reason":')[1].split(b",")[0] for line in one["verdicts.jsonl"].splitlines()}
    assert len(reasons) >= 10, reasons  # the traffic is worth it
    assert len(frames) == one["verdicts.jsonl"].count(b"\n")


@in_a_world
def bursts_of_1_7_32_256_give_the_same_bytes(folder, words, _):
    trees = results(folder, words, *([f"--burst={n}"] for n in (1, 7, 32, 256)))
    for other in trees[1:]:
        same(trees[0], other)


def bursts_of_1_2_7_32_256_give_the_same_bytes_when_all_comes_at_once():
    for seed in (1, 4, SEED):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            frames = [(T, port, data) for _, port, data in traffic(random.Random(seed), 3000)]
            words = write_inputs(folder / "in", world()[0], frames, [])
            trees = results(folder, words, *([f"--burst={n}"] for n in (1, 2, 7, 32, 256)))
            for other in trees[1:]:
                same(trees[0], other)


@in_a_world
def without_the_session_cache_the_same_verdicts_frames_and_flow_logs(folder, words, _):
    cached, walked = results(folder, words, [], ["--session-cache=off"])
    same(cached, walked)


@in_a_world
def flow_logs_count_every_packet_once(folder, words, frames):
    """Accepted packets at eni-two, by log and by verdicts: what the router makes itself is in no log."""
    del words
    config, _ = world()
    words = write_inputs(folder / "again", config, frames, [])
    out = folder / "out"
    result = read_result(out, command(*words, f"--out={out}", "--idle-after=100"))
    counted = sum(int(row["packets"]) for row in result.logs
                  if row["interface_id"] == "eni-two" and row["log_status"] == "OK" and "fl-1" in row["file"]
                  and row["action"] == "ACCEPT" and row["dstaddr"] == TWO)
    passed = sum(entry["eni"] == "eni-two" for line in result.verdicts if line["verdict"] == "forward"
                 for entry in line["out"])
    assert counted == passed > 100, (counted, passed)


def D_FRAG_held_fragments_come_before_what_their_burst_brought_later():
    """Of datagrams with one id in one instant: the released ones take their places first, so the rest overlaps."""
    whole = fragments(udp(APP, TWO, 1000, 2000, bytes(181), ident=1), 40)
    longer = fragments(udp(APP, TWO, 1000, 2000, bytes(175), ident=1), 40)
    order = [whole[3], whole[2], whole[4], whole[0], longer[4], longer[0], longer[3], longer[1], whole[1]]
    frames = [(T, "eni-app", frame(part, APP_MAC)) for part in order]
    expected = [None, None, None, None, "fragment_overlap", "fragment_overlap", "fragment_overlap", None,
                "fragment_overlap"]
    for burst in (1, 2, 4, 5, 32, 256):
        result = replay_run.run(base(), frames, f"--burst={burst}")
        assert [line["reason"] for line in result.verdicts] == expected, (burst, replay_run.fates(result))
        assert [wire.see(raw).offset for _, raw in result.sent["eni-two"]] == [0, 120, 80, 160, 40], burst


TESTS = [twice_the_same_bytes_and_another_seed_other_ports, bursts_of_1_7_32_256_give_the_same_bytes,
         bursts_of_1_2_7_32_256_give_the_same_bytes_when_all_comes_at_once,
         without_the_session_cache_the_same_verdicts_frames_and_flow_logs,
         flow_logs_count_every_packet_once, D_FRAG_held_fragments_come_before_what_their_burst_brought_later]

if __name__ == "__main__":
    print(f"# seed {SEED}")
    sys.exit(replay_run.main(TESTS))
