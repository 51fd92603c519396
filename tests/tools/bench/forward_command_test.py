#!/usr/bin/env python3
"""`sluice-bench forward` as users and scripts call it."""
import json
import pathlib
import re
import tempfile
import unittest

import bench_run
from bench_run import bench


class ForwardCommand(unittest.TestCase):
    def test_last_line_is_the_figure(self):
        answer = bench("forward", "--quick")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(
            answer.stdout.splitlines()[-1],
            r"^forward: \d+\.\d Mpps a core, \d+ ns \(\d+ ticks\) a packet of 64 B, all services, 1000 flows, "
            r"hit rate 1\.000, source \d+ ns; dataplane only, no NIC; .*TSC .*commit ")

    def test_json_and_google_benchmark_json(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out.json"
            answer = bench("forward", "--quick", "-j", f"--benchmark_out={out}", "--keys=zipf", "--size=imix",
                           "--traffic=mixed")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            report = json.loads(answer.stdout)
            self.assertEqual(report["settings"]["keys"], "zipf")
            self.assertEqual(report["figures"][0]["hit_rate"], 1)
            self.assertEqual(report["broken_claims"], [])
            self.assertTrue(report["machine"]["cpu"])
            runs = json.loads(out.read_text())["benchmarks"]
            self.assertEqual(runs[0]["aggregate_name"], "median")

    def test_stages_are_in_the_json_too(self):
        answer = bench("forward", "--quick", "-j", "--stages")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        stages = json.loads(answer.stdout)["stages"]
        self.assertIn(stages[0]["stage"], ("express", "parse"))
        self.assertEqual(set(stages[0]), {"stage", "calls", "packets", "packets_per_call", "ns_per_packet",
                                          "cycles_per_packet"})
        self.assertTrue(all(stage["packets"] > 0 and stage["cycles_per_packet"] > 0 for stage in stages))
        self.assertNotIn("stages", json.loads(bench("forward", "--quick", "-j").stdout))

    def test_flows_has_a_row_for_each_power_of_ten(self):
        answer = bench("flows", "--quick", "-j", "--max-flows=300")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        figures = json.loads(answer.stdout)["figures"]
        self.assertEqual([figure["sessions"] for figure in figures], [1, 10, 100, 300])
        self.assertTrue(all(figure["table_bytes"] > 0 for figure in figures))
        self.assertTrue(bench("flows", "--quick", "--max-flows=2").stdout.splitlines()[-1].startswith("flows: "))
        self.assertEqual(bench("flows", "--max-flows=0").returncode, 2)

    def test_the_scalar_variant_can_be_forced(self):
        answer = bench("forward", "--quick", "-j", "--simd=scalar", "--burst-ns=1000", "--session-cache=off")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["settings"]["simd"], "scalar, fold hash")

    def test_mistakes_are_usage(self):
        for words in (["forward", "--nonsense"], ["forward", "--size=12"], ["forward", "--keys=normal"],
                      ["forward", "--flows=0"], ["forward", "--source=tape"], ["forward", "--simd=mmx"], ["forward", "word"], ["backward"], []):
            answer = bench(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertTrue(answer.stderr, words)

    def test_bad_configuration_is_no(self):
        answer = bench("forward", "--config=/nonexistent.json")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("nonexistent", answer.stderr)

    def test_environment_stands_in_for_a_flag(self):
        answer = bench("forward", "--quick", "-j", env={"SLUICE_FLOWS": "77"})
        self.assertEqual(json.loads(answer.stdout)["figures"][0]["flows"], 77)

    def test_help_names_every_flag(self):
        answer = bench("forward", "--help")
        self.assertEqual(answer.returncode, 0)
        self.assertTrue(re.search(r"--benchmark_out=", answer.stdout))


if __name__ == "__main__":
    bench_run.main()
