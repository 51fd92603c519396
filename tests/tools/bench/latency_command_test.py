#!/usr/bin/env python3
"""`sluice-bench latency` as users and scripts call it."""
import json
import unittest

import bench_run


QUANTILES = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"]


def bench(*words):
    return bench_run.bench("latency", *words)


class LatencyCommand(unittest.TestCase):
    def test_three_loads_and_one_line(self):
        answer = bench("--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        rows = [line.split()[0] for line in answer.stdout.splitlines() if line.strip().endswith(tuple("0123456789"))]
        self.assertEqual([row for row in rows if row.endswith("%")], ["10%", "50%", "90%"])
        self.assertRegex(answer.stdout.splitlines()[-1], r"^latency: 100% load is \d+\.\d Mpps .*dataplane only, no NIC")

    def test_every_packet_that_was_not_lost_is_timed(self):
        report = json.loads(bench("--quick", "-j", "--queue=64").stdout)
        self.assertEqual(report["broken_claims"], [])
        self.assertEqual([figure["name"] for figure in report["figures"]],
                         ["latency/load:10", "latency/load:50", "latency/load:90"])
        for figure in report["figures"]:
            values = [figure[quantile] for quantile in QUANTILES]
            self.assertEqual(values, sorted(values))
            self.assertGreater(values[0], 0)
            # A tenth of a second of packets, timed or lost.
            wanted = figure["offered_mpps"] * 1e6 * 0.1
            self.assertAlmostEqual((figure["packets"] + figure["lost"]) / wanted, 1, delta=0.5)
            self.assertLessEqual(figure["mean_burst"], 32)
            self.assertEqual((figure["flows"], figure["hit_rate"]), (1000, 1))
            self.assertGreater(figure["source_ns"]["median"], 0)

    def test_mistakes_are_usage(self):
        for words in (["--load_seconds=0"], ["--queue=3"], ["word"], ["--flows=0"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertNotEqual(answer.stderr, "")


if __name__ == "__main__":
    bench_run.main()
