#!/usr/bin/env python3
"""`sluice-bench budget` as users and scripts call it."""
import json
import unittest

import bench_run


def bench(*words):
    return bench_run.bench("budget", "--quick", *words)


class BudgetCommand(unittest.TestCase):
    def test_established_packets_keep_the_budget(self):
        answer = bench("-j")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figure = json.loads(answer.stdout)["figures"][0]
        self.assertLess(figure["index_lines"] + figure["session_lines"], 2.05)
        self.assertEqual([figure[key] for key in ("shared_writes", "contested_lines", "peer_lines")], [0, 0, 0])
        self.assertLessEqual(figure["bytes_per_session"], 192)

    def test_a_session_costs_what_it_costs_however_few_are_open(self):
        answer = bench("-j", "--flows=100")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figure = json.loads(answer.stdout)["figures"][0]
        self.assertEqual(figure["flows"], 100)
        self.assertLessEqual(figure["bytes_per_session"], 192)

    def test_too_little_memory_is_refused_before_any_is_taken(self):
        answer = bench_run.bench("budget", "--flows=1000000", address_space=128 << 20)
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertRegex(answer.stderr, r"^sluice-bench: `budget` needs \d+ MB of memory and this process can have \d+ MB; "
                                        r"lower --flows \(\d+ fit\)\n$")

    def test_last_line_is_the_answer(self):
        self.assertRegex(bench().stdout.splitlines()[-1], r"^budget: 2\.\d\d session lines a packet, 0 shared writes")

    def test_mistakes_are_usage(self):
        for words in (["--flows=0"], ["word"], ["--traffic=none"]):
            self.assertEqual(bench(*words).returncode, 2, words)


if __name__ == "__main__":
    bench_run.main()
