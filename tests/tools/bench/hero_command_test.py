#!/usr/bin/env python3
"""`sluice-bench hero` as users and scripts call it. Whether it is met depends on the machine; what became of the
packets does not."""
import json
import unittest

import bench_run


def bench(*words):
    return bench_run.bench("hero", *words)


class HeroCommand(unittest.TestCase):
    def test_everything_offered_is_forwarded(self):
        answer = bench("--quick", "-j", "--samples=100")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figure = json.loads(answer.stdout)["figures"][0]
        self.assertEqual(figure["offered"], figure["sent"])
        self.assertEqual(figure["dropped"], 0)
        self.assertAlmostEqual(figure["connections"], 2000, delta=1)  # however busy the machine is
        self.assertGreaterEqual(figure["live_sessions"], 4000)
        self.assertGreater(figure["changes"], 0)
        self.assertIn(figure["met"], (0, 1))
        self.assertGreaterEqual(figure["sampled"], 150)  # of flows and of connections, about 100 each
        self.assertEqual(figure["wrong"], 0)
        self.assertEqual(figure["flows"], 2000 + 2000)  # open at a time
        self.assertLessEqual(figure["hit_rate"], 1 - figure["connections"] / figure["offered"])

    def test_all_but_the_first_of_a_direction_hit_while_nothing_changes(self):
        figure = json.loads(bench("--quick", "-j", "--churn=0").stdout)["figures"][0]
        firsts = 2 * figure["connections"]  # SYN and SYN+ACK
        self.assertAlmostEqual(figure["hit_rate"], 1 - firsts / figure["offered"], delta=0.001)

    def test_last_line_says_whether_it_is_met(self):
        answer = bench("--quick", "--churn=0", "--ring=1000000")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(answer.stdout.splitlines()[-1],
                         r"^hero: met: \d+ connections a second and \d+ packets a second for \d s, 0 dropped, 0 beyond "
                         r"the ring, worker [\d.]+ % busy; dataplane only, no NIC; ")

    def test_mistakes_are_usage(self):
        for words in (["--seconds=0"], ["--background_period=40"], ["--background_period=nan"], ["--active=1"],
                      ["--active=319"], ["--active=640", "--burst=192"], ["word"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)


if __name__ == "__main__":
    bench_run.main()
