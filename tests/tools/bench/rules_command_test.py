#!/usr/bin/env python3
"""`sluice-bench rules` as users and scripts call it."""
import json
import subprocess
import sys
import unittest

BENCH = None


def bench(*words):
    return subprocess.run([BENCH, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)


def report(*words):
    answer = bench("rules", "--quick", "-j", *words)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


class RulesCommand(unittest.TestCase):
    def test_a_row_for_each_size_and_classifier(self):
        names = [figure["name"] for figure in report("--max-rules=300")["figures"]]
        for size in (10, 40, 300):
            for classifier in ("sluice", "rte_acl", "linear"):
                self.assertIn(f"rules/{classifier}/cloud/rules:{size}", names)

    def test_every_figure_was_compared_and_timed(self):
        for figure in report("--max-rules=40", "--shape=worst", "--list=sg")["figures"]:
            self.assertGreater(figure["sampled"], 0, figure)
            self.assertEqual(figure["wrong"], 0, figure)
            self.assertGreater(figure["ns"]["median"], 0, figure)
            self.assertGreater(figure["bytes"], 0, figure)

    def test_a_rival_that_is_not_run_is_said_so(self):
        answer = bench("rules", "--quick", "--max-rules=40", "--max-acl-rules=20")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("not built above 20 rules", answer.stdout)
        self.assertRegex(answer.stdout.splitlines()[-1], r"^rules: .*dataplane only, no NIC; .*TSC .*commit ")

    def test_wrong_flags_are_usage(self):
        for words in (["--shape=round"], ["--list=acl"], ["--max-rules=0"], ["--burst=1000"], ["word"]):
            answer = bench("rules", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)


if __name__ == "__main__":
    BENCH = sys.argv.pop(1)
    unittest.main()
