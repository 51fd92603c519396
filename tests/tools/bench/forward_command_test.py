#!/usr/bin/env python3
"""`sluice-bench forward` as users and scripts call it."""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

import bench_run
from bench_run import bench


def capture(path, frames):
    """A classic pcap of Ethernet frames."""
    records = [struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)]
    records += [struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame for frame in frames]
    path.write_bytes(b"".join(records))


def datagram(l4_port):
    """UDP of the generated network's first sender to a host of the internet, as 60 bytes."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, 0, 0x4000, 64, 17, 0, bytes([10, 0, 16, 4]), bytes([198, 18, 0, 1]))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
    macs = bytes.fromhex("020000000001" "020a00100401")
    return macs + b"\x08\x00" + ip + struct.pack("!HHHH", l4_port, 443, 26, 0) + bytes(18)


class ForwardCommand(unittest.TestCase):
    def test_last_line_is_the_figure(self):
        answer = bench("forward", "--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(
            answer.stdout.splitlines()[-1],
            r"^forward: \d+\.\d Mpps a core, \d+ ns \(\d+ ticks\) a packet of 64 B, all services, 1000 flows, "
            r"hit rate 1\.000, source \d+ ns; dataplane only, no NIC; .*TSC .*commit ")

    def test_stale_sessions_walk_again_in_every_round(self):
        answer = bench("forward", "--quick", "--stale", "-j", "--flows=4000")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        self.assertEqual(report["broken_claims"], [])
        figure = report["figures"][0]
        # 8,192 packets a round over 8,000 directions: two of three are the first of theirs.
        self.assertAlmostEqual(figure["hit_rate"], 0.37, delta=0.05)
        self.assertEqual((figure["dropped"], figure["wrong"]), (0, 0))

    def test_a_share_of_the_sessions_walks_again(self):
        answer = bench("forward", "--quick", "--stale", "--stale_share=0.05", "-j", "--flows=4000")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        self.assertEqual(report["broken_claims"], [])
        # Of two of three packets, which are the first of theirs, one in twenty.
        self.assertAlmostEqual(report["figures"][0]["hit_rate"], 0.968, delta=0.01)
        for words in (["--stale_share=0.05"], ["--stale", "--stale_share=0"], ["--stale", "--stale_share=1.5"]):
            answer = bench("forward", "--quick", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertIn("--stale_share", answer.stderr.splitlines()[0])

    def test_stale_goes_with_current_sessions_of_the_generated_network_only(self):
        for words in (["--session_cache=off"], ["--config=any.json"], ["--stages"], ["--ports=net_null0,net_null1"]):
            answer = bench("forward", "--quick", "--stale", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertIn("--stale", answer.stderr.splitlines()[0])

    def test_json_and_google_benchmark_json(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out.json"
            answer = bench("forward", "--quick", "-j", f"--benchmark_out={out}", "--keys=zipf", "--size=imix",
                           "--traffic=mixed")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            report = json.loads(answer.stdout)
            self.assertEqual(report["settings"]["keys"], "zipf")
            self.assertEqual(report["figures"][0]["hit_rate"], 1)
            self.assertEqual(report["broken_claims"], [])
            self.assertTrue(report["machine"]["cpu"])
            runs = json.loads(out.read_text())["benchmarks"]
            self.assertEqual(runs[0]["aggregate_name"], "median")

    def test_null_ports_give_what_memory_gives(self):
        reports = {}
        for source in ("memory", "net_null"):
            answer = bench("forward", "--quick", "-j", "--stages", f"--source={source}", "--traffic=mixed",
                           "--size=imix", "--flows=300")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            reports[source] = json.loads(answer.stdout)
            self.assertEqual(reports[source]["settings"]["source"], source)
            self.assertEqual(reports[source]["broken_claims"], [])
            self.assertGreater(reports[source]["figures"][0]["source_ns"]["median"], 0)
        for key in ("flows", "sessions", "hit_rate", "packets", "dropped", "sampled", "wrong"):
            self.assertEqual(*(report["figures"][0][key] for report in reports.values()), key)
        self.assertIn("packet buffers", reports["net_null"]["settings"])

    def test_ports_are_forwarded_between_as_packets_come(self):
        with tempfile.TemporaryDirectory() as folder:
            frames = pathlib.Path(folder) / "inside.pcap"
            capture(frames, [datagram(1024 + i) for i in range(100)])
            answer = bench("forward", "--quick", "-j",
                           f"--ports=net_pcap0,rx_pcap={frames},infinite_rx=1,net_pcap1,tx_pcap=/dev/null")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        figure = report["figures"][0]
        self.assertGreater(figure["packets"], 1000)
        self.assertEqual((figure["forwarded"], figure["sent"]), (figure["packets"], figure["packets"]))
        self.assertEqual((figure["sessions"], figure["dropped"]), (100, 0))
        self.assertGreater(figure["hit_rate"], 0.9)
        for ns in (figure["ns"]["median"], figure["source_ns"]["median"], figure["plain_ns"]):
            self.assertGreater(ns, 0)
        self.assertAlmostEqual(figure["ns"]["median"] + figure["source_ns"]["median"], figure["whole_ns"], 3)

    def test_ports_with_nothing_or_rubbish_are_no_figure(self):
        for devices, claim in (("net_null0,net_null1", "packets dropped"), ("net_ring0,net_ring1", "no packet came")):
            answer = bench("forward", "--quick", f"--ports={devices}")
            self.assertEqual(answer.returncode, 1, devices)
            self.assertIn(claim, answer.stderr)
            self.assertNotIn("ticks", answer.stdout)

    def test_a_signal_leaves_nothing_behind(self):
        for words in (["--source=net_null", "--rounds=100000"], ["--ports=net_null0,net_null1", "--seconds=3600"]):
            with tempfile.TemporaryDirectory() as folder:
                env = {name: value for name, value in os.environ.items()
                       if name not in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")}
                run = subprocess.Popen([bench_run.program, "forward", *words], env={**env, "TMPDIR": folder},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while run.poll() is None and not os.listdir(folder):
                    os.sched_yield()
                run.terminate()
                self.assertEqual(run.wait(timeout=60), 128 + signal.SIGTERM)
                self.assertEqual(os.listdir(folder), [])

    def test_a_bad_device_is_told_in_one_line(self):
        for devices, code in (("net_absent0,net_null1", 1), ("0000:ff:1f.7,net_null1", 1), ("net_null0", 2)):
            answer = bench("forward", f"--ports={devices}")
            self.assertEqual(answer.returncode, code, devices)
            told = [line for line in answer.stderr.splitlines() if not line.startswith("Try ")]
            self.assertEqual(len(told), 1, answer.stderr)
            self.assertEqual(answer.stdout, "")

    def test_stages_are_in_the_json_too(self):
        answer = bench("forward", "--quick", "-j", "--stages")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        stages = json.loads(answer.stdout)["stages"]
        self.assertIn(stages[0]["stage"], ("express", "parse"))
        self.assertEqual(set(stages[0]), {"stage", "calls", "packets", "packets_per_call", "ns_per_packet",
                                          "cycles_per_packet"})
        self.assertTrue(all(stage["packets"] > 0 and stage["cycles_per_packet"] > 0 for stage in stages))
        self.assertNotIn("stages", json.loads(bench("forward", "--quick", "-j").stdout))

    def test_flows_has_a_row_for_each_power_of_ten(self):
        answer = bench("flows", "--quick", "-j", "--max-flows=300")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figures = json.loads(answer.stdout)["figures"]
        self.assertEqual([figure["sessions"] for figure in figures], [1, 10, 100, 300])
        self.assertTrue(all(figure["table_bytes"] > 0 for figure in figures))
        self.assertTrue(all("pages" in figure["memory"] for figure in figures))  # each has tables of its own
        self.assertTrue(bench("flows", "--quick", "--max-flows=2").stdout.splitlines()[-1].startswith("flows: "))
        self.assertEqual(bench("flows", "--max-flows=0").returncode, 2)

    def test_the_scalar_variant_can_be_forced(self):
        answer = bench("forward", "--quick", "-j", "--simd=scalar", "--burst-ns=1000", "--session-cache=off")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["settings"]["simd"], "scalar, fold hash")

    def test_too_little_memory_is_refused_before_any_is_taken(self):
        with open("/proc/meminfo") as meminfo:
            available = next(int(line.split()[1]) << 10 for line in meminfo if line.startswith("MemAvailable"))
        if available > 48 << 30:
            self.skipTest("this machine has the memory")
        for command in (["forward", "--flows=64000000"], ["latency", "--flows=64000000"], ["scale", "--flows=64000000"],
                        ["flows", "--max-flows=64000000"]):
            answer = bench(*command, "--schedule=1073741824", timeout=10)
            self.assertEqual(answer.returncode, 1, command)
            self.assertRegex(answer.stderr, rf"^sluice-bench: `{command[0]}` needs \d+ MB of memory and this process "
                                            r"can have \d+ MB; lower --schedule\n$")

    def test_what_is_asked_for_is_the_most_that_is_taken(self):
        words = ["forward", "--quick", "--flows=1000000", "--schedule=8192"]
        need, used = bench_run.need_and_use(*words)
        self.assertLessEqual(used, need)
        self.assertRegex(bench(*words, address_space=256 << 20).stderr, r"; lower --flows \(\d+ fit\) or --schedule\n$")

    def test_an_output_that_cannot_be_written_is_refused_first(self):
        with tempfile.TemporaryDirectory() as folder:
            # Folders that could be written to are not enough: a name that is too long, a file that is being run.
            running = pathlib.Path(folder) / "running"
            shutil.copy("/bin/sleep", running)
            sleeping = subprocess.Popen([running, "100"])
            self.addCleanup(sleeping.wait)
            self.addCleanup(sleeping.kill)
            for path, why in ((f"{folder}/none/x.json", "No such file or directory"), (folder, "is a folder"),
                              (f"{folder}/{'x' * 300}", "File name too long"), (running, "Text file busy")):
                answer = bench("cps", f"--benchmark_out={path}", timeout=1)  # measures for seconds
                self.assertEqual((answer.returncode, answer.stdout), (2, ""))
                self.assertIn(why, answer.stderr)
            self.assertEqual(os.listdir(folder), ["running"])

    def test_an_output_that_is_there_is_kept_until_it_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out.json"
            out.write_text("before")
            self.assertEqual(bench("forward", f"--benchmark_out={out}", "--flows=0").returncode, 2)
            self.assertEqual(out.read_text(), "before")

    def test_mistakes_are_usage(self):
        for words in (["forward", "--nonsense"], ["forward", "--size=12"], ["forward", "--keys=normal"],
                      ["forward", "--flows=0"], ["forward", "--source=tape"], ["latency", "--source=net_null"],
                      ["forward", "--source=net_null", "--ports=net_null0,net_null1"], ["forward", "--seconds=0"],
                      ["forward", "--keys=zipf", "--zipf=nan"], ["forward", "--simd=mmx"], ["forward", "word"], ["backward"], []):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)

    def test_bad_configuration_is_no(self):
        answer = bench("forward", "--config=/nonexistent.json")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("nonexistent", answer.stderr)

    def test_environment_stands_in_for_a_flag(self):
        answer = bench("forward", "--quick", "-j", env={"SLUICE_FLOWS": "77"})
        self.assertEqual(json.loads(answer.stdout)["figures"][0]["flows"], 77)

    def test_help_names_every_flag(self):
        answer = bench("forward", "--help")
        self.assertEqual(answer.returncode, 0)
        self.assertTrue(re.search(r"--benchmark_out=", answer.stdout))


if __name__ == "__main__":
    bench_run.main()
