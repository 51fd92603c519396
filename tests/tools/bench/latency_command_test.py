#!/usr/bin/env python3
"""`sluice-bench latency` as users and scripts call it."""
import json
import os
import re
import subprocess
import sys
import unittest

import bench_run


QUANTILES = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"]


def bench(*words):
    return bench_run.bench("latency", *words)


class LatencyCommand(unittest.TestCase):
    def test_three_loads_and_one_line(self):
        answer = bench("--quick")
        rows = [line for line in answer.stdout.splitlines() if re.match(r" +\d+% ", line)]
        self.assertEqual([row.split()[0] for row in rows], ["10%", "50%", "90%"])
        carried = [not row.endswith("NOT CARRIED") for row in rows]
        self.assertEqual(answer.returncode, 0 if all(carried) else 1, answer.stderr)
        self.assertEqual(len(re.findall(r"at \d+ % load, not carried: ", answer.stderr)), carried.count(False))
        if all(carried):
            self.assertRegex(answer.stdout.splitlines()[-1],
                             r"^latency: 100% load is \d+\.\d Mpps .*dataplane only, no NIC")

    def test_a_load_that_others_keep_it_from_is_not_carried(self):
        cpu = {min(os.sched_getaffinity(0))}
        pin = lambda: os.sched_setaffinity(0, cpu)  # noqa: E731
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=pin) for _ in range(3)]
        try:
            answer = subprocess.run([bench_run.program, "latency", "--quick", "-j", "--samples=50"], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, preexec_fn=pin)
        finally:
            for other in others:
                other.kill()
                other.wait()
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stderr, r"sluice-bench: not what is named: at \d+ % load, not carried: ")
        refused = [figure for figure in json.loads(answer.stdout)["figures"] if figure["carried"] == 0]
        self.assertTrue(refused)
        for figure in refused:
            self.assertEqual(figure["attempts"], 3)
            self.assertGreater(figure["away_share"], 0.1)
            self.assertLessEqual(figure["lost_in_gaps"], figure["lost"])

    def test_every_packet_that_was_not_lost_is_timed(self):
        report = json.loads(bench("--quick", "-j", "--queue=64").stdout)
        carried = [figure["carried"] for figure in report["figures"]]
        self.assertEqual(len(report["broken_claims"]), carried.count(0), report["broken_claims"])
        self.assertEqual([figure["name"] for figure in report["figures"]],
                         ["latency/load:10", "latency/load:50", "latency/load:90"])
        for figure in report["figures"]:
            values = [figure[quantile] for quantile in QUANTILES]
            self.assertEqual(values, sorted(values))
            self.assertGreater(values[0], 0)
            # A tenth of a second of packets, timed or lost.
            wanted = figure["offered_mpps"] * 1e6 * 0.1
            self.assertAlmostEqual((figure["packets"] + figure["lost"]) / wanted, 1, delta=0.5)
            self.assertLessEqual(figure["mean_burst"], 64)
            self.assertEqual((figure["flows"], figure["hit_rate"]), (1000, 1))
            self.assertGreater(figure["source_ns"]["median"], 0)
            # A load is a share of what this loop can do, its clock and counts included.
            self.assertAlmostEqual(figure["offered_mpps"], figure["load"] * figure["highest_mpps"], delta=1e-6)
            self.assertLessEqual(figure["highest_mpps"], figure["forward_mpps"])
            self.assertGreaterEqual(figure["sampled"], 200)
            self.assertEqual(figure["wrong"], 0)
            self.assertTrue(figure["carried"] or figure["attempts"] == 3)

    def test_mistakes_are_usage(self):
        for words in (["--load_seconds=0"], ["--queue=3"], ["word"], ["--flows=0"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertNotEqual(answer.stderr, "")


if __name__ == "__main__":
    bench_run.main()
