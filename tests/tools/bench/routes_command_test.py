#!/usr/bin/env python3
"""`sluice-bench routes` as users and scripts call it."""
import json
import signal
import unittest

import bench_run
from bench_run import bench, ended_by


def small(*words):
    return bench("routes", "--quick", "--max_routes=300", "--max_tables=20", *words)


class RoutesCommand(unittest.TestCase):
    def test_rows_rivals_and_figures(self):
        answer = small("-j", "--max_lpm_routes=200")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        self.assertEqual(report["broken_claims"], [])
        figures = {figure["name"]: figure for figure in report["figures"]}
        for routes in (10, 100, 300):
            ours = figures[f"routes/routes:{routes}"]
            rival = figures[f"routes/routes:{routes}/rte_fib_scalar"]
            self.assertEqual(ours["ratio"], 1)
            self.assertGreater(rival["ratio"], 0)
            self.assertGreater(rival["bytes"], ours["bytes"])
            self.assertGreater(ours["ns"]["median"], 0)
            # What else a small table could be.
            self.assertLess(figures[f"routes/routes:{routes}/binary_search"]["bytes"], 16 * routes + 64)
            self.assertGreater(figures[f"routes/routes:{routes}/dxr"]["bytes"], 512 << 10)
        self.assertIn("routes/routes:100/rte_lpm", figures)
        self.assertNotIn("routes/routes:300/rte_lpm", figures)
        self.assertIn("--max_lpm_routes", report["settings"]["not run: rte_lpm"])
        self.assertEqual([figures[f"routes/tables:{tables}"]["tables"] for tables in (1, 10, 20)], [1, 10, 20])
        # 16 bytes a VPC address, and 32 MB for 10,000 tables of 100 routes: the same share here.
        self.assertLessEqual(figures["routes/addresses:2000"]["bytes_per_address"], 16.1)
        self.assertLessEqual(figures["routes/tables:20"]["bytes"], 20 * 3355)

    def test_plain_forwarding_has_the_source_beside_it(self):
        figures = {figure["name"]: figure for figure in json.loads(small("-j").stdout)["figures"]}
        plain = figures["plain/destinations:65536"]
        self.assertGreater(plain["ns"]["median"], 0)
        self.assertGreater(plain["source_ns"]["median"], 0)
        self.assertEqual(plain["frame_bytes"], 64)

    def test_last_line_is_the_figure(self):
        answer = small()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(answer.stdout.splitlines()[-1],
                         r"^routes: \d+\.\d M lookups/s a core, .* at 300 routes, .* times as fast as rte_fib_scalar.*"
                         r"; dataplane only, no NIC; ")

    def test_a_variant_is_forced(self):
        self.assertIn("scalar", json.loads(small("-j", "--simd=scalar").stdout)["settings"]["simd"])

    def test_a_signal_leaves_nothing_behind(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            left = ended_by(number, ["routes", "--rounds=1000", "--max_routes=1000"], lambda folder: any(folder.iterdir()))
            self.assertEqual(left, (128 + number, [], []))

    def test_mistakes_are_usage(self):
        for words in (["--max_routes=1"], ["--max_tables=0"], ["--burst=0"], ["--simd=mmx"], ["word"]):
            answer = bench("routes", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertEqual(answer.stdout, "")


if __name__ == "__main__":
    bench_run.main()
