#!/usr/bin/env python3
"""`sluice-bench update` as users and scripts call it. What it says of time depends on the machine; what it says of
packets does not."""
import json
import os
import subprocess
import unittest

import bench_run


def bench(*words):
    return bench_run.bench("update", *words)


class UpdateCommand(unittest.TestCase):
    def test_last_line_is_the_figure(self):
        answer = bench("--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(
            answer.stdout.splitlines()[-1],
            r"^update: in force after [\d.]+ us \(p99.9 [\d.]+\), dip -?[\d.]+ %, 0 lost; stale sessions \d+ % of the "
            r"rate; flow logs [\d.]+ %; 4096 flows; dataplane only, no NIC; ")

    def test_what_is_asked_for_is_the_most_that_is_taken(self):
        need, used = bench_run.need_and_use("update", "--sessions=250000", "--windows=1", "--window_ms=10")
        self.assertLessEqual(used, need)

    def test_one_cpu_is_said(self):
        usable = os.sched_getaffinity(0)
        for cpus in ({min(usable)}, usable):
            run = subprocess.run([bench_run.program, "update", "--quick"], text=True, stdout=subprocess.PIPE, timeout=60,
                                 preexec_fn=lambda: os.sched_setaffinity(0, cpus))
            self.assertEqual(run.returncode, 0)
            self.assertEqual("one: worker and changes take turns" in run.stdout, len(cpus) == 1)

    def test_nothing_is_lost_and_everything_is_seen(self):
        answer = bench("--quick", "-j", "--sessions=2000", "--samples=100")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figures = {figure["name"]: figure for figure in json.loads(answer.stdout)["figures"]}
        effect = figures["update/effect"]
        self.assertEqual(effect["lost"], 0)
        self.assertGreater(effect["changes"], 0)
        self.assertGreater(effect["packets"], 0)
        self.assertLessEqual(effect["p50_ns"], effect["p999_ns"])
        for figure, least in ((effect, 2 * 100), (figures["update/stale/flows:2000"], 5 * (100 + 40))):
            self.assertGreaterEqual(figure["sampled"], least)  # before and after, or stale and after
            self.assertEqual(figure["wrong"], 0)
        self.assertEqual((effect["flows"], effect["hit_rate"]), (2000, 1))
        stale = figures["update/stale/flows:2000"]
        # Each line walks once, then hits.
        self.assertEqual(stale["flows"], 2000)
        self.assertAlmostEqual(stale["hit_rate"], 1 - stale["walked"] / stale["round_items"], delta=0.02)
        self.assertGreater(stale["walked"], 0.95 * 2 * 2000)
        # The middle one of five changes.
        self.assertEqual(stale["rounds"], 5)
        self.assertLessEqual(stale["rate_share_low"], stale["rate_share"])
        self.assertLessEqual(stale["rate_share"], stale["rate_share_high"])
        self.assertLess(stale["rate_share_low"], stale["rate_share_high"])
        self.assertGreater(stale["first_ns"], 0)
        logs = figures["update/flow_logs/flows:2000"]
        self.assertEqual(logs["records"], logs["round_items"])
        self.assertEqual((logs["flows"], logs["hit_rate"]), (2000, 1))
        for what in ("rules:40", "senders:16", "routes:1000"):
            self.assertGreater(figures[f"update/compile/{what}"]["change_ns"], 0)

    def test_mistakes_are_usage(self):
        for words in (["--sessions=5"], ["--windows=0"], ["--window_ms=1"], ["word"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)


if __name__ == "__main__":
    bench_run.main()
