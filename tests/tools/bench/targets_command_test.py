#!/usr/bin/env python3
"""`sluice-bench targets`, mostly with a program that stands in for the one that measures."""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import fake_bench  # noqa: E402
from bench_run import ended_by, tap  # noqa: E402

BENCH = None


def forward(ns_1k, ns_1m, ns_16m):
    """A report of all three sizes; a tick of the stand-in's machine is 0.4 ns."""
    report = fake_bench.report("forward/flows:1000/size:64/keys:uniform", ns_1k)
    for name, ns in (("1000000", ns_1m), ("16000000", ns_16m)):
        report["figures"] += fake_bench.report(f"forward/flows:{name}/size:64/keys:uniform", ns,
                                               bytes_per_session=190)["figures"]
    return report


class TargetsCommand(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.fake = pathlib.Path(temporary.name) / "fake"

    def targets(self, answers, *words):
        program = fake_bench.answering(self.fake, answers)
        return subprocess.run([BENCH, "targets", f"--program={program}", *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=100)

    def rows(self, answers, *words):
        return {row["id"]: row for row in json.loads(self.targets(answers, "-j", *words).stdout)["targets"]}

    def test_met_and_missed(self):
        answer = self.targets({"forward": forward(20, 60, 65)}, "--only=T1,T2,T3")
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stdout, r"T1 .*\n +ticks a packet +<= 60 +50  met +\(20 ns, 50 ticks; source 10 ns")
        self.assertRegex(answer.stdout, r"T2 .*\n +ticks a packet +<= 110 +150  MISSED")
        self.assertRegex(answer.stdout, r"ticks a packet, over T2's +<= 172\.5 +162\.5  met")
        self.assertRegex(answer.stdout.splitlines()[-1], r"^targets: 2 of 3 met, 0 not wholly measured; dataplane only")

    def test_all_met_is_yes(self):
        answer = self.targets({"forward": forward(20, 40, 45)}, "--only=T1,T2,T3")
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def test_a_subcommand_runs_once(self):
        self.targets({"forward": forward(20, 40, 45)}, "--only=T1,T2,T3")
        log = pathlib.Path(str(self.fake) + ".log").read_text().splitlines()
        runs = [f"forward --flows={n} -j" for n in (1000, 1000000)]
        self.assertEqual(log, [runs[0], "rivals --ovs -j", runs[1], "forward --flows=16000000 --burst_ns=6400 -j"])

    def test_a_bound_may_be_a_multiple_of_a_rival_in_the_same_run(self):
        rivals = fake_bench.report("testpmd/mac/net_null", 12)
        row = self.rows({"forward": forward(20, 40, 45), "rivals": rivals}, "--only=T4")["T4"]
        self.assertEqual([(g["wanted"], g["measured"], g["met"]) for g in row["goals"][1:]], [(60, 50, True)])
        self.assertEqual(row["rivals"], [{"name": "testpmd/mac/net_null", "ns": 12, "ticks": 30}])

    def test_a_missing_subcommand_counts_as_missed(self):
        rows = self.rows({"forward": forward(20, 40, 45)})
        self.assertEqual(list(rows), [f"T{i}" for i in range(1, 15)])
        self.assertTrue(rows["T1"]["met"])
        self.assertFalse(rows["T5"]["met"])
        self.assertFalse(rows["T5"]["measured"])
        self.assertEqual(rows["T5"]["goals"][0]["why"], "no such subcommand yet: rules")

    def test_broken_claims_and_missing_figures_are_not_measured(self):
        broken = forward(20, 40, 45)
        broken["broken_claims"] = ["packets dropped: 3, expected 0"]
        self.assertIn("packets dropped", self.rows({"forward": broken}, "--only=T1")["T1"]["goals"][0]["why"])
        other = fake_bench.report("forward/other", 5)
        row = self.rows({"forward": other}, "--only=T1")["T1"]
        self.assertEqual((row["met"], row["measured"]), (False, False))
        self.assertIn("reports no ticks of forward/flows:1000/*", row["goals"][0]["why"])

    def test_the_worst_rival_counts_and_all_stand_beside(self):
        report = fake_bench.report("routes/routes:100", 2)
        for name, ratio in (("rte_fib_scalar", 2.0), ("rte_fib_avx_512", 1.1)):
            report["figures"] += fake_bench.report(f"routes/routes:1000000/{name}", 9, ratio=ratio)["figures"]
        row = self.rows({"routes": report}, "--only=T7")["T7"]
        self.assertEqual((row["goals"][0]["measured"], row["goals"][0]["met"]), (1.1, False))
        self.assertEqual((row["goals"][1]["measured"], row["goals"][1]["met"]), (500, True))
        self.assertEqual(len(row["rivals"]), 2)

    def test_rte_acl_with_a_million_rules_is_asked_for(self):
        report = fake_bench.report("rules/cloud/rules:1000000", 30, build_us=1000)
        report["figures"] += fake_bench.report("rules/cloud/rules:1000000/rte_acl_avx2", 75, ratio=2.5)["figures"]
        what = "times as fast as rte_acl, 1000000 rules"
        for words, measured in ((["--only=T5"], None), (["--only=T5", "--million_acl"], 2.5)):
            goal = next(g for g in self.rows({"rules": report}, *words)["T5"]["goals"] if g["what"] == what)
            self.assertEqual((goal["measured"], goal["met"]), (measured, measured is not None))
            if measured is None:
                self.assertIn("not run: flag --million_acl", goal["why"])
        log = pathlib.Path(str(self.fake) + ".log").read_text().splitlines()
        self.assertEqual(log[-1], "rules --shape=cloud --max_rules=1000000 --max_acl_rules=1000000 -j")

    def test_this_program_measures_when_no_other_is_named(self):
        answer = subprocess.run([BENCH, "targets", "--quick", "--only=T1,T13", "-j"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
        rows = json.loads(answer.stdout)["targets"]
        self.assertTrue(all(row["measured"] for row in rows), answer.stdout)
        self.assertTrue(rows[1]["met"])

    def test_mistakes_are_usage(self):
        for words in (["--only=T99"], ["word"], ["--quick", "--million_acl"]):
            self.assertEqual(self.targets({}, *words).returncode, 2, words)

    def test_what_runs_is_said_once(self):
        answer = self.targets({"forward": forward(20, 40, 45)}, "--only=T2,T3")
        said = answer.stderr.splitlines()
        self.assertEqual(said.count("sluice-bench forward --flows=1000000"), 1)
        self.assertIn("sluice-bench rivals --ovs", said)

    def test_a_signal_ends_what_measures(self):
        left = ended_by(signal.SIGTERM, ["targets", f"--program={fake_bench.waiting(self.fake)}"],
                        lambda _: pathlib.Path(f"{self.fake}.here").exists(), path=BENCH)
        self.assertEqual(left, (128 + signal.SIGTERM, [], []))


if __name__ == "__main__":
    BENCH = sys.argv.pop(1)
    tap.main()
