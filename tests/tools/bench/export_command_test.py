#!/usr/bin/env python3
"""`sluice-bench export` and `sluice-bench trend`: reports for services and for the nights to come."""
import json
import pathlib
import sys
import tempfile
import unittest

import bench_run
from bench_run import bench

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import fake_bench  # noqa: E402


class WithReports(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def report(self, name, ns, file="a.json", **more):
        path = self.folder / file
        path.write_text(json.dumps(fake_bench.report(name, ns, **more)))
        return str(path)


class Export(WithReports):
    def test_github_action_benchmark(self):
        files = [self.report("forward/a", [40, 50, 60]), self.report("forward/b", 100, "b.json")]
        entries = json.loads(bench("export", *files).stdout)
        self.assertEqual([(e["name"], e["unit"], e["value"]) for e in entries],
                         [("forward/a", "ns/packet", 50), ("forward/b", "ns/packet", 100)])
        self.assertEqual(entries[0]["range"], "± 10")
        self.assertIn("no NIC", entries[0]["extra"])
        bigger = json.loads(bench("export", "--format=gab_bigger", files[0]).stdout)
        self.assertEqual((bigger[0]["unit"], bigger[0]["value"]), ("M packets/s", 20))

    def test_bencher(self):
        found = json.loads(bench("export", "--format=bmf", self.report("forward/a", [40, 50, 60])).stdout)
        self.assertEqual(found["forward/a"]["latency"], {"value": 50, "lower_value": 40, "upper_value": 60})
        throughput = found["forward/a"]["throughput"]
        self.assertAlmostEqual(throughput["value"], 2e7)
        self.assertLess(throughput["lower_value"], throughput["upper_value"])

    def test_a_real_report_and_a_google_benchmark_file(self):
        google = self.folder / "google.json"
        (self.folder / "own.json").write_text(
            bench("forward", "--quick", "-j", f"--benchmark_out={google}").stdout)
        for path in (self.folder / "own.json", google):
            entries = json.loads(bench("export", str(path)).stdout)
            self.assertTrue(entries[0]["name"].startswith("forward/flows:1000"))
            self.assertGreater(entries[0]["value"], 0)

    def test_a_report_that_is_not_what_it_names_goes_nowhere(self):
        broken = self.folder / "broken.json"
        broken.write_text(json.dumps(dict(fake_bench.report("forward/a", 50), broken_claims=["packets dropped: 3"])))
        for words in (["export"], ["trend", f"--file={self.folder}/trend.jsonl"],
                      ["compare", self.report("forward/a", 50)]):
            answer = bench(*words, str(broken))
            self.assertEqual((answer.returncode, answer.stdout), (1, ""), words)
            self.assertIn("broken.json: not what is named: packets dropped: 3", answer.stderr)
        self.assertFalse((self.folder / "trend.jsonl").exists())

    def test_counts_alone_are_no_figures(self):
        counts = self.report("budget/a", 50)
        text = json.loads(open(counts).read())
        text["figures"][0]["ns"] = {"median": 0, "low": 0, "high": 0}
        open(counts, "w").write(json.dumps(text))
        answer = bench("export", counts)
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertIn("no figure of these reports has a time", answer.stderr)

    def test_mistakes(self):
        report = self.report("forward/a", 50)
        self.assertEqual(bench("export").returncode, 2)
        self.assertEqual(bench("export", "--format=xml", report).returncode, 2)
        twice = bench("export", report, report)
        self.assertEqual(twice.returncode, 1)
        self.assertIn("forward/a is there twice", twice.stderr)
        (self.folder / "bad.json").write_text("nonsense")
        bad = bench("export", str(self.folder / "bad.json"))
        self.assertEqual((bad.returncode, "bad.json" in bad.stderr), (1, True))


class Trend(WithReports):
    def nights(self, levels):
        file = str(self.folder / "trend.jsonl")
        answer = None
        for number, ns in enumerate(levels):
            report = self.report("forward/a", ns + number % 3 / 10, commit=f"c{number}")
            answer = bench("trend", f"--file={file}", report)
            self.assertIn(answer.returncode, (0, 1), answer.stderr)
        return answer

    def test_a_step_up_is_news_and_fails(self):
        answer = self.nights([50] * 8 + [60] * 3)
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stdout, r"forward/a +11 +50\.\d ns, \+(?:19|20)\.\d % to 60\.\d ns with c8")
        self.assertEqual(len((self.folder / "trend.jsonl").read_text().splitlines()), 11)

    def test_the_same_as_json(self):
        self.nights([50] * 8 + [60] * 3)
        answer = bench("trend", f"--file={self.folder}/trend.jsonl", "-j")
        self.assertEqual(answer.returncode, 1)
        series = json.loads(answer.stdout)["series"][0]
        self.assertEqual((series["figure"], series["measurements"], series["stepped"]), ("forward/a", 11, True))
        self.assertEqual([(level["measurements"], level["commit"]) for level in series["levels"]], [(8, "c0"), (3, "c8")])

    def test_an_old_step_a_step_down_and_none_pass(self):
        self.assertEqual(self.nights([50] * 6 + [60] * 6).returncode, 0)
        (self.folder / "trend.jsonl").unlink()
        self.assertEqual(self.nights([60] * 6 + [50] * 3).returncode, 0)

    def test_the_file_alone_is_shown(self):
        self.nights([50] * 3)
        answer = bench("trend", f"--file={self.folder}/trend.jsonl")
        self.assertEqual(answer.returncode, 0)
        self.assertTrue(answer.stdout.splitlines()[-1].startswith("trend: 0 of 1 series"))

    def test_mistakes(self):
        self.assertEqual(bench("trend").returncode, 2)
        self.assertEqual(bench("trend", f"--file={self.folder}/none").returncode, 1)
        broken = self.folder / "broken"
        broken.write_text("{}\n")
        answer = bench("trend", f"--file={broken}")
        self.assertEqual((answer.returncode, "broken:1" in answer.stderr), (1, True))
        for words in (["trend", f"--file={self.folder}"], ["export", str(self.folder)]):
            answer = bench(*words)
            self.assertEqual((answer.returncode, answer.stderr), (1, f"sluice-bench: {self.folder} cannot be read\n"))
        untouched = bench("trend", f"--file={self.folder}/new", str(broken))
        self.assertEqual((untouched.returncode, (self.folder / "new").exists()), (1, False))


if __name__ == "__main__":
    bench_run.main()
