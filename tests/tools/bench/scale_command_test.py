#!/usr/bin/env python3
"""`sluice-bench scale` as users and scripts call it."""
import json
import unittest

import bench_run


def bench(*words):
    return bench_run.bench("scale", *words)


class ScaleCommand(unittest.TestCase):
    def test_workers_share_no_line(self):
        answer = bench("--quick", "-j", "--workers=3")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        self.assertEqual(report["broken_claims"], [])
        one, several = report["figures"]
        self.assertEqual((one["name"], several["name"]), ("scale/workers:1", "scale/workers:3"))
        self.assertEqual(several["contested_lines"], 0)
        # By tags that are equal by chance.
        self.assertLessEqual(several["foreign_reads"], 0.02 * several["traced_packets"])
        self.assertGreaterEqual(several["traced_packets"], 600)
        self.assertGreater(several["speedup"], 0)

    def test_last_line_is_the_figure(self):
        answer = bench("--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(answer.stdout.splitlines()[-1],
                         r"^scale: \d+\.\d\d times with 2 workers, 1000 flows, 0 lines bounced; dataplane only, no NIC; ")

    def test_mistakes_are_usage(self):
        for words in (["--workers=1"], ["--workers=65"], ["--workers=4", "--flows=3"], ["word"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertNotEqual(answer.stderr, "")


if __name__ == "__main__":
    bench_run.main()
