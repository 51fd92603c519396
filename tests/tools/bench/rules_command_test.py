#!/usr/bin/env python3
"""`sluice-bench rules` as users and scripts call it."""
import json
import unittest

import bench_run
from bench_run import bench


def report(*words):
    answer = bench("rules", "--quick", "-j", *words)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


class RulesCommand(unittest.TestCase):
    def test_a_row_for_each_size_and_the_rivals_beside(self):
        figures = {figure["name"]: figure for figure in report("--max-rules=300")["figures"]}
        for size in (10, 40, 300):
            ours = figures[f"rules/cloud/rules:{size}"]
            self.assertEqual(ours["ratio"], 1)
            self.assertGreater(ours["build_us"], 0)
            self.assertIn(f"rules/cloud/rules:{size}/linear", figures)
            self.assertTrue([name for name in figures if name.startswith(f"rules/cloud/rules:{size}/rte_acl_")])

    def test_worst_cases_and_groups(self):
        answer = report("--max-rules=40", "--shape=worst", "--list=sg")
        self.assertEqual(answer["broken_claims"], [])
        for shape in ("nested", "overlap", "one_prefix", "hosts"):
            ours = [figure for figure in answer["figures"] if figure["name"] == f"rules/{shape}/rules:40"]
            self.assertEqual(len(ours), 1, shape)
            self.assertGreater(ours[0]["bytes"], 0)
            self.assertGreater(ours[0]["ns"]["median"], 0)

    def test_a_rival_that_is_not_run_is_said_so(self):
        answer = bench("rules", "--quick", "--max-rules=40", "--max-acl-rules=20")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("not run: rte_acl: 40 rules are more than 20", answer.stdout)
        self.assertRegex(answer.stdout.splitlines()[-1],
                         r"^rules: .* ticks\) a packet with 40 rules, .* as fast as linear; classifier alone, "
                         r"dataplane only, no NIC; .*TSC .*commit ")

    def test_an_edit_is_seen(self):
        figures = {figure["name"]: figure for figure in report("--max-rules=300")["figures"]}
        edit = figures["rules/cloud/edit:300"]
        self.assertEqual(edit["item"], "edit")
        self.assertGreater(edit["edit_us"], 0)

    def test_through_the_pipeline(self):
        for words in (["--list=nacl"], ["--list=sg"], ["--shape=classbench"]):
            answer = report("--max-rules=300", "--pipeline", *words)
            self.assertEqual(answer["broken_claims"], [])
            shape = answer["settings"]["shape"]
            figures = {figure["name"]: figure for figure in answer["figures"]}
            self.assertEqual(figures[f"rules/{shape}/pipeline:300/cache:on"]["hit_rate"], 1)
            off = figures[f"rules/{shape}/pipeline:300/cache:off"]
            self.assertEqual((off["hit_rate"], off["dropped"], off["wrong"]), (0, 0, 0))

    def test_every_packet_walks_when_the_session_cache_is_off(self):
        names = [figure["name"] for figure in report("--max-rules=300", "--session_cache=off")["figures"]]
        self.assertIn("rules/cloud/pipeline:300/cache:off", names)
        self.assertFalse([name for name in names if name.endswith("cache:on")])

    def test_the_source_stands_beside_the_pipeline(self):
        answer = bench("rules", "--quick", "--max-rules=10", "--pipeline")
        self.assertRegex(answer.stdout, r"pipeline:10/cache:on .*\n +its source: \d+\.\d+ ns a packet, taken off\n")

    def test_wrong_flags_are_usage(self):
        for words in (["--shape=round"], ["--list=acl"], ["--max-rules=0"], ["--burst=1000"], ["word"]):
            answer = bench("rules", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)


if __name__ == "__main__":
    bench_run.main()
