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

    def test_more_rules_than_one_network_acl_holds(self):
        answer = report("--max-rules=40000", "--pipeline", "--max-acl-rules=1")
        figures = {figure["name"]: figure for figure in answer["figures"]}
        self.assertEqual(answer["broken_claims"], [])
        for cache in ("on", "off"):
            figure = figures[f"rules/cloud/pipeline:40000/acls:2/cache:{cache}"]
            self.assertEqual((figure["rules"], figure["lists"], figure["wrong"]), (40000, 2, 0))
            self.assertIn(f"rules/cloud/pipeline:10000/cache:{cache}", figures)  # one is enough
        self.assertIn("2 network ACLs, each of a subnet of its own", answer["settings"]["pipeline:40000"])

    def test_a_security_group_holds_as_many_as_asked_for(self):
        answer = report("--max-rules=150000", "--pipeline", "--max-acl-rules=1", "--list=sg")
        figures = {figure["name"]: figure for figure in answer["figures"]}
        off = figures["rules/cloud/pipeline:150000/cache:off"]
        self.assertEqual((off["hit_rate"], off["lists"], off["wrong"]), (0, 1, 0))
        self.assertGreater(off["rules"], 140000)
        self.assertRegex(answer["settings"]["security groups"], "not tracked, so that every packet outwards asks its group")
        # An allow-all rule among them would hide them all, and little be left to ask.
        alone = figures["rules/cloud/rules:150000"]["bytes"]
        self.assertGreater(off["bytes"], alone / 2)
        self.assertRegex(answer["settings"]["pipeline:150000"], r"^14\d{4} rules, a group has none of them twice$")

    def test_packets_go_where_the_rules_are(self):
        for figure in report("--max-rules=1000", "--pipeline", "--flows=500")["figures"]:
            if "/pipeline:" in figure["name"]:
                self.assertEqual(figure["flows"], 500)
                self.assertGreater(figure["destinations"], 100, figure["name"])

    def test_too_little_memory_is_refused_before_any_is_taken(self):
        need, used = bench_run.need_and_use("rules", "--quick", "--max-rules=100000", "--pipeline", "--max-acl-rules=1")
        self.assertLessEqual(used, need)
        answer = bench("rules", "--pipeline", "--max-rules=10", "--flows=4000000", address_space=700 << 20)
        self.assertRegex(answer.stderr, r"; lower --flows \(\d+ fit\) or --schedule\n$")

    def test_every_packet_walks_when_the_session_cache_is_off(self):
        names = [figure["name"] for figure in report("--max-rules=300", "--session_cache=off")["figures"]]
        self.assertIn("rules/cloud/pipeline:300/cache:off", names)
        self.assertFalse([name for name in names if name.endswith("cache:on")])

    def test_the_source_stands_beside_the_pipeline(self):
        answer = bench("rules", "--quick", "--max-rules=10", "--pipeline")
        self.assertRegex(answer.stdout, r"pipeline:10/cache:on .*\n +its source: \d+\.\d+ ns a packet, taken off\n")

    def test_wrong_flags_are_usage(self):
        for words in (["--shape=round"], ["--list=acl"], ["--max-rules=0"], ["--burst=1000"], ["word"],
                      ["--pipeline", "--flows=0"], ["--pipeline", "--max-rules=1000000", "--flows=31"]):
            answer = bench("rules", *words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)


if __name__ == "__main__":
    bench_run.main()
