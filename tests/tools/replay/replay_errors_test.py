#!/usr/bin/env python3
"""`sluice replay`: what it refuses, with which words and exit code, and what it leaves alone. Speaks TAP. Argument:
the sluice program."""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import threading

import replay_run
import wire
from replay_run import command, tree
from vpcs import APP, APP_MAC, TWO, base
from wire import NS, frame, udp

T = 1700000000 * NS
FRAMES = [(T, frame(udp(APP, TWO, 1, 2), APP_MAC)), (T + 1500, frame(udp(APP, TWO, 3, 4), APP_MAC))]


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Folder:
    """A folder with config.json, bad.json and good.pcap; `run` fails unless exit code and words are as expected."""

    def __init__(self, path):
        self.path = path
        broken = base()
        broken["NetworkInterfaces"][1]["SubnetId"] = "subnet-none"
        broken["NetworkInterfaces"][2]["PrivateIpAddress"] = "10.9.9.9"
        (path / "config.json").write_text(json.dumps(base()))
        (path / "bad.json").write_text(json.dumps(broken))
        (path / "good.pcap").write_bytes(wire.pcap(FRAMES))

    def run(self, code, words, *flags, config="config.json", capture="good.pcap", port="eni-app", out="out"):
        done = command(f"--config={self.path}/{config}", f"--in={port}={self.path}/{capture}",
                       f"--out={self.path}/{out}", *flags)
        assert done.returncode == code, (done.returncode, done.stderr)
        for word in [words] if isinstance(words, str) else words:
            assert word in done.stderr, (word, done.stderr)
        if code != 0:
            assert done.stdout == "", done.stdout
            assert not (self.path / "out").exists(), "nothing may be left behind"
        return done


def case(test):
    def wrapped():
        with tempfile.TemporaryDirectory() as name:
            test(Folder(pathlib.Path(name)))
    wrapped.__name__ = test.__name__
    return wrapped


@case
def a_configuration_with_errors_is_exit_1_with_all_of_them(folder):
    folder.run(1, ["subnet-none", "10.9.9.9", "not valid: "], config="bad.json")
    folder.run(1, "none.json", config="none.json")


@case
def all_configurations_are_checked_before_anything_runs(folder):
    done = folder.run(1, ["subnet-none", "10.9.9.9", "none.json"], f"--at=+99:apply:{folder.path}/bad.json",
                      f"--at=+99:apply:{folder.path}/none.json")
    assert done.stderr.count("not valid: ") == 2


@case
def an_unknown_port_is_exit_2_with_those_there_are(folder):
    folder.run(2, ['no port "eth0"', "eni-web, eni-app, eni-two, internet, services"], port="eth0")


@case
def a_missing_flag_is_usage(folder):
    config, capture, out = (f"--config={folder.path}/config.json", f"--in=eni-app={folder.path}/good.pcap",
                            f"--out={folder.path}/out")
    for words in ((), (config,), (config, capture), (config, out), (capture, out), (config, capture, out, "word"),
                  (config, "--in=eni-app", out), (config, capture, out, "--burst=0"),
                  (config, capture, out, "--burst=257"), (config, capture, out, "--idle-after=-1"),
                  (config, capture, out, "--idle-after=x"), (config, capture, out, "--seed=-"),
                  (config, capture, out, "--at=5"), (config, capture, out, "--at=5:drop:x"),
                  (config, capture, out, f"--at=x:apply:{folder.path}/config.json"),
                  (config, capture, out, "--idle-after=9000000000")):
        done = command(*words)
        assert done.returncode == 2 and "Try `sluice --help`" in done.stderr, (words, done.stderr)
    assert not (folder.path / "out").exists()
    assert command("--help").returncode == 0


@case
def captures_that_cannot_be_read_are_exit_2(folder):
    whole = (folder.path / "good.pcap").read_bytes()
    ng = wire.pcapng(FRAMES)
    snapped = wire.pcap([]) + struct.pack("<IIII", 5, 6, 20, 60) + bytes(20)
    for name, data, words in (("empty", b"", "is no capture"), ("text", b"packet one\n" * 9, "is no capture"),
                              ("cut", whole[:-1], "at packet 2: truncated"),
                              ("header", whole[:24 + 16 + len(FRAMES[0][1]) + 5], "at packet 2: truncated"),
                              ("ng", ng[:-3], "at packet 2"), ("snapped", snapped, "holds 20 of 60 bytes"),
                              ("raw", wire.pcap(FRAMES, link=101), "not EN10MB"),
                              ("sll", wire.pcapng(FRAMES, link=113), "not EN10MB"),
                              ("wifi", wire.pcap([], link=105), "not EN10MB")):
        (folder.path / name).write_bytes(data)
        folder.run(2, [name, words], capture=name)
    folder.run(2, "missing.pcap: cannot be read: No such file", capture="missing.pcap")
    (folder.path / "sub").mkdir()
    folder.run(2, "is a folder", capture="sub")


@case
def every_kind_of_capture_tells_the_same(folder):
    results = []
    for name, data in (("ns", wire.pcap(FRAMES)), ("us", wire.pcap(FRAMES, nanoseconds=False)),
                       ("ns_be", wire.pcap(FRAMES, big_endian=True)), ("us_be", wire.pcap(FRAMES, False, True)),
                       ("ng9", wire.pcapng(FRAMES)), ("ng6", wire.pcapng(FRAMES, resolution=6))):
        (folder.path / name).write_bytes(data)
        folder.run(0, [], capture=name, out="out." + name)
        results.append(tree(folder.path / ("out." + name)))
        times = [json.loads(line)["t"] - T for line in results[-1]["verdicts.jsonl"].splitlines()]
        assert times == ([0, 1500] if "9" in name or "ns" in name else [0, 1000]), (name, times)
    assert results[0] == results[2] == results[4] and results[1] == results[3] == results[5]


@case
def a_capture_may_come_through_a_pipe(folder):
    os.mkfifo(folder.path / "fifo")
    writer = threading.Thread(target=lambda: (folder.path / "fifo").write_bytes(wire.pcap(FRAMES)))
    writer.start()
    folder.run(0, [], capture="fifo")
    writer.join()
    folder.run(0, [], out="out2")
    assert tree(folder.path / "out") == tree(folder.path / "out2")


@case
def a_signal_ends_the_run_and_leaves_nothing(folder):
    os.mkfifo(folder.path / "fifo")
    with subprocess.Popen([str(replay_run.SLUICE), "replay", f"--config={folder.path}/config.json",
                           f"--in=eni-app={folder.path}/fifo", f"--out={folder.path}/out"],
                          stderr=subprocess.PIPE) as process:
        with open(folder.path / "fifo", "wb") as fifo:  # returns when the other side reads
            fifo.write(wire.pcap(FRAMES))
            fifo.flush()
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (1, 2) and b"nterrupted" in process.stderr.read()
    assert not (folder.path / "out").exists()


@case
def no_packet_at_all_is_a_result_too(folder):
    (folder.path / "none.pcap").write_bytes(wire.pcap([]))
    folder.run(0, [], "--idle-after=100", capture="none.pcap")
    files = tree(folder.path / "out")
    assert files["verdicts.jsonl"] == b"" and json.loads(files["summary.json"])["received"] == 0
    assert all(len(files[name]) == 24 for name in files if name.endswith(".pcap"))


@case
def results_replace_earlier_ones_and_nothing_else(folder):
    out = folder.path / "out"
    (out / "flow-logs" / "AWSLogs").mkdir(parents=True)
    (out / "flow-logs" / "AWSLogs" / "old.log.gz").write_bytes(b"old")
    (out / "flow-logs" / "mine").write_bytes(b"mine")
    for name in ("notes.txt", "eni-app.in.pcap", "verdicts.jsonl", "eni-web.pcap"):
        (out / name).write_bytes(b"before")
    folder.run(0, [])
    files = tree(out)
    assert files["notes.txt"] == files["eni-app.in.pcap"] == b"before" and files["flow-logs/mine"] == b"mine"
    assert "flow-logs/AWSLogs/old.log.gz" not in files
    assert len(files["eni-web.pcap"]) == 24 and files["verdicts.jsonl"] != b"before"
    assert not [name for name in files if ".replay" in name]
    before = tree(out)
    done = command(f"--config={folder.path}/config.json", f"--in=eni-app={folder.path}/missing", f"--out={out}")
    assert done.returncode == 2 and tree(out) == before, "a run that fails changes nothing"


def nothing_beside(folder):
    """No draft is left beside (or in) the folder of results."""
    return not [name for name in os.listdir(folder.path) + os.listdir(folder.path / "out") if ".replay-" in name]


@case
def a_folder_of_results_is_replaced_in_one_step(folder):
    (folder.path / "vlan.json").write_text(json.dumps(base(Host={
        "Ports": [{"Name": "one", "Device": "net_null0"}, {"Name": "old", "Device": "net_null1"}],
        "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "one"}]})))
    out = folder.path / "out"
    folder.run(0, [], config="vlan.json", port="one")
    assert (out / "old.pcap").exists() and nothing_beside(folder)
    assert out.stat().st_mode & 0o777 == 0o777 & ~current_umask()
    out.chmod(0o750)
    before = out.stat()
    folder.run(0, [])
    after = out.stat()
    assert after.st_ino != before.st_ino, "the new one was made beside it, whole"
    assert after.st_mode == before.st_mode and nothing_beside(folder)
    assert not (out / "old.pcap").exists() and not (out / "one.pcap").exists(), "ports that are gone"
    assert (out / "eni-app.pcap").exists() and (out / "summary.json").exists()


@case
def among_other_files_results_of_gone_ports_go_and_nothing_else(folder):
    (folder.path / "vlan.json").write_text(json.dumps(base(Host={
        "Ports": [{"Name": "one", "Device": "net_null0"}, {"Name": "old", "Device": "net_null1"}],
        "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "one"}]})))
    out = folder.path / "out"
    folder.run(0, [], config="vlan.json", port="one")
    (out / "mine.pcap").write_bytes((out / "old.pcap").read_bytes())
    before = out.stat()
    folder.run(0, [])
    assert out.stat().st_ino == before.st_ino and nothing_beside(folder)
    assert (out / "mine.pcap").exists() and not (out / "old.pcap").exists() and not (out / "one.pcap").exists()


@case
def a_run_in_the_folder_itself_leaves_it_under_its_shell(folder):
    folder.run(0, [])
    out = folder.path / "out"
    before = out.stat()
    done = subprocess.run([replay_run.SLUICE, "replay", f"--config={folder.path}/config.json",
                           f"--in=eni-app={folder.path}/good.pcap", "--out=."], cwd=out, capture_output=True, timeout=60)
    assert done.returncode == 0 and out.stat().st_ino == before.st_ino and nothing_beside(folder), done.stderr


@case
def an_earlier_result_that_is_read_again_is_not_taken_away(folder):
    (folder.path / "vlan.json").write_text(json.dumps(base(Host={
        "Ports": [{"Name": "one", "Device": "net_null0"}],
        "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "one"}]})))
    folder.run(0, [], config="vlan.json", port="one")
    before = tree(folder.path)
    done = command(f"--config={folder.path}/config.json", f"--in=eni-app={folder.path}/out/one.pcap",
                   f"--out={folder.path}/out")
    assert done.returncode == 2 and "would overwrite the capture" in done.stderr, done.stderr
    assert tree(folder.path) == before


@case
def a_capture_is_never_overwritten(folder):
    (folder.path / "eni-two.pcap").write_bytes(wire.pcap(FRAMES))
    before = tree(folder.path)
    folder.run(2, "would overwrite the capture", capture="eni-two.pcap", out=".")
    assert tree(folder.path) == before


@case
def a_folder_that_cannot_be_made_is_exit_1(folder):
    (folder.path / "file").write_bytes(b"x")
    folder.run(1, "cannot be written", out="file")
    folder.run(1, "cannot be written", out="file/below")


@case
def ports_that_cannot_name_a_file_are_refused(folder):
    host = {"Ports": [{"Name": "../up", "Device": "net_null0"}],
            "Attachments": [{"NetworkInterfaceId": "eni-app", "Port": "../up"}]}
    (folder.path / "host.json").write_text(json.dumps(base(Host=host)))
    folder.run(1, "cannot be the name of a capture", config="host.json", port="../up")


@case
def the_answer_is_a_table_or_json(folder):
    done = folder.run(0, [])
    assert done.stdout.splitlines()[0].split() == ["FATE", "REASON", "PACKETS"]
    done = folder.run(0, [], "-j", out="out2")
    assert done.stdout.encode() == (folder.path / "out2" / "summary.json").read_bytes()


TESTS = [a_configuration_with_errors_is_exit_1_with_all_of_them, all_configurations_are_checked_before_anything_runs,
         an_unknown_port_is_exit_2_with_those_there_are, a_missing_flag_is_usage,
         captures_that_cannot_be_read_are_exit_2, every_kind_of_capture_tells_the_same,
         a_capture_may_come_through_a_pipe, a_signal_ends_the_run_and_leaves_nothing,
         no_packet_at_all_is_a_result_too,
         results_replace_earlier_ones_and_nothing_else, a_folder_of_results_is_replaced_in_one_step,
         among_other_files_results_of_gone_ports_go_and_nothing_else,
         a_run_in_the_folder_itself_leaves_it_under_its_shell,
         an_earlier_result_that_is_read_again_is_not_taken_away, a_capture_is_never_overwritten,
         a_folder_that_cannot_be_made_is_exit_1, ports_that_cannot_name_a_file_are_refused,
         the_answer_is_a_table_or_json]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
