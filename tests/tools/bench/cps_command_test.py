#!/usr/bin/env python3
"""`sluice-bench cps` as users and scripts call it."""
import json
import pathlib
import tempfile
import unittest

import bench_run


STEPS = ["syn", "syn_ack", "ack", "fin", "fin_ack", "last_ack"]


def bench(*words):
    return bench_run.bench("cps", *words)


class CpsCommand(unittest.TestCase):
    def test_last_line_is_the_figure(self):
        answer = bench("--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(
            answer.stdout.splitlines()[-1],
            r"^cps: \d+\.\d\d million connections a second and core, \d+ ns \(\d+ ticks\) each, SYN with NAT \d+ ns "
            r"\(\d+ ticks\), close \d+ ns \(\d+ ticks\), source \d+ ns, control thread \d+ ns; dataplane only, no NIC; ")

    def test_every_connection_is_a_session_that_comes_back(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out.json"
            answer = bench("--quick", "-j", "--stages", f"--benchmark_out={out}")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            report = json.loads(answer.stdout)
            figures = {figure["name"]: figure for figure in report["figures"]}
            full = figures["cps/full"]
            self.assertEqual(full["packets"], 6 * full["connections"])
            self.assertEqual(full["sessions_returned"], full["connections"])
            self.assertEqual((full["dropped"], full["wrong"]), (0, 0))
            # SYN and SYN+ACK are the first of their direction; 1000 flows stay open beside the connections.
            for name in ("cps/full", "cps/filling"):
                self.assertAlmostEqual(figures[name]["hit_rate"], 4 / 6, delta=0.02)
                self.assertEqual(figures[name]["flows"], 1000 + 1536)
            for steps in ("cps/step", "cps/filling/step"):
                self.assertEqual([figures[f"{steps}/{step}"]["hit_rate"] for step in STEPS], [0, 0, 1, 1, 1, 1])
                self.assertEqual(figures[f"{steps}/syn"]["flows"], 1000 + 256)
            # While the table is full every new connection takes the place of a finished one.
            self.assertAlmostEqual(full["returned_while_full"] / full["full_connections"], 1, delta=0.5)
            self.assertGreater(full["expired"], 1000)
            self.assertEqual(full["item"], "connection")
            self.assertTrue(all(f"cps/step/{step}" in figures for step in STEPS))
            # Only the SYN is admitted; no packet of a connection goes the long way.
            stages = {stage["stage"]: stage["packets"] for stage in report["stages"]}
            self.assertEqual(6 * stages["admit"], stages["express"])
            self.assertNotIn("parse", stages)
            runs = json.loads(out.read_text())["benchmarks"]
            self.assertEqual(runs[0]["run_name"], "cps/full")

    def test_data_makes_eight_packets(self):
        report = json.loads(bench("--quick", "-j", "--data").stdout)
        self.assertEqual(report["figures"][0]["packets_per_connection"], 8)
        self.assertEqual(report["broken_claims"], [])

    def test_time_may_go_from_burst_to_burst(self):
        def session_returns(ns):
            answer = bench("--quick", "-j", f"--burst_ns={ns}", "--seed=3")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            full = json.loads(answer.stdout)["figures"][0]
            return full["returned_while_full"], full["expired"]

        self.assertEqual(session_returns(8000), session_returns(8000))

    def test_mistakes_are_usage(self):
        for words in (["--max_sessions=5"], ["--max_sessions=20000", "--in_flight=19000"], ["--in_flight=0"], ["--in_flight=319"], ["--in_flight=400", "--data"], ["--in_flight=160", "--burst=33"], ["--burst_ns=-1"], ["word"]):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertEqual(len(answer.stderr.splitlines()[0]) > 0, True)

    def test_rounds_that_a_small_table_cannot_turn_over_are_refused_with_what_fits(self):
        answer = bench("--max_sessions=32768")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("take --round_connections=2048", answer.stderr.splitlines()[0])
        answer = bench("--max_sessions=32768", "--round_connections=2048", "--rounds=3", "-j")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["broken_claims"], [])


if __name__ == "__main__":
    bench_run.main()
