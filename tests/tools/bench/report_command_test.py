#!/usr/bin/env python3
"""`sluice-bench report`, mostly with a program that stands in for the one that measures."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import fake_bench  # noqa: E402
from bench_run import ended_by, tap  # noqa: E402

BENCH = None


def united(*reports):
    return dict(reports[0], figures=[figure for report in reports for figure in report["figures"]])


ANSWERS = {
    "rules": united(*(fake_bench.report(f"rules/cloud/rules:{n}{rival}", 10 + n / 100)
                      for n in (10, 1000) for rival in ("", "/rte_acl_avx512x16", "/linear"))),
    "routes": united(*(fake_bench.report(f"routes/routes:{n}", 5) for n in (10, 100))),
    "flows": united(*(fake_bench.report(f"forward/flows:{n}", 50 + n / 100, flows=n) for n in (1, 10, 100))),
    "forward": dict(fake_bench.report("forward/flows:1000", [40, 50, 60], frame_bytes=64, flows=1000, hit_rate=1),
                    stages=[{"stage": "express", "ns_per_packet": 40, "cycles_per_packet": 100}]),
    "rivals": dict(united(fake_bench.report("rules/cloud/rules:40", 5), fake_bench.report("rules/cloud/rules:40/linear", 90),
                          fake_bench.report("testpmd/mac/net_null", 15)),
                   settings={"not run: OVS-DPDK at 1000 flows": "OVS-DPDK at 1000 flows: ovsdb-server is not installed"}),
    "update": united(fake_bench.report("update/effect", 900, p50_ns=1e3, p99_ns=5e3, p999_ns=9e4, dip=0.01,
                                       dip_low=-0.002, dip_high=0.02),
                     fake_bench.report("update/compile/rules:40", 3e5)),
    "latency": united(*(fake_bench.report(f"latency/load:{load}", 400, load=load / 100, packets=900, lost=100,
                                          p50_ns=400, p90_ns=500, p99_ns=6e4, p999_ns=7e4, p9999_ns=8e4)
                        for load in (10, 90))),
    "hero": fake_bench.report("hero", 100, burst_p50_ns=2e3, burst_p99_ns=9e3, late_p50_ns=500),
}


class ReportCommand(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.out = self.folder / "report"

    def report(self, *words, answers=ANSWERS, path=None):
        program = fake_bench.answering(self.folder / "fake", answers)
        return subprocess.run([BENCH, "report", f"--out={self.out}", f"--program={program}", *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100,
                              env=dict(os.environ, PATH=path or os.environ["PATH"]))

    def test_pictures_are_in_the_page_and_beside_it(self):
        answer = self.report()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        page = (self.out / "index.html").read_text()
        for name in ("flows", "rules", "routes", "sizes", "stages", "repetitions", "rivals", "latency", "update", "update-dip", "hero"):
            svg = (self.out / f"{name}.svg").read_text()
            xml.etree.ElementTree.fromstring(svg)  # well formed
            self.assertIn(svg, page)
        self.assertIn("Dataplane only, no NIC", page)
        self.assertIn("a CPU", page)
        self.assertIn("line rate, 100 Gbit/s", page)
        self.assertIn("to effect, 99.9 %: 90k", page)
        self.assertNotIn("http-equiv", page)
        self.assertEqual(page.count("src="), 0)  # nothing from elsewhere
        self.assertTrue((self.out / "data" / "flows.json").exists())

    def test_latency_is_drawn_by_percentile_with_what_was_lost(self):
        self.report()
        svg = (self.out / "latency.svg").read_text()
        for row in ("10 % load, half of them: 400", "10 % load, 99 %: 60k", "90 % load, 99.9 %: 70k", "90 % load, 99.99 %: 80k"):
            self.assertIn(row, svg)
        self.assertIn("At 90 % load, 10 % met a full queue", (self.out / "index.html").read_text())

    def test_rivals_that_did_not_run_are_named_and_all_are_asked_for(self):
        self.report()
        self.assertIn("Not run: OVS-DPDK at 1000 flows: ovsdb-server is not installed.", (self.out / "index.html").read_text())
        self.assertIn("rivals --ovs -j\n", (self.folder / "fake.log").read_text())

    def test_what_is_missing_says_why(self):
        broken = dict(ANSWERS, flows=dict(ANSWERS["flows"], broken_claims=["packets dropped: 3"]))
        answer = self.report(answers=broken)
        page = (self.out / "index.html").read_text()
        self.assertIn("Not measured: there is no such subcommand yet.", page)
        self.assertIn("Not measured: not what is named: packets dropped: 3.", page)
        self.assertIn("not drawn: New connections", answer.stdout)
        self.assertFalse((self.out / "flows.svg").exists())

    def test_drawn_again_from_the_data(self):
        self.report()
        first = (self.out / "index.html").read_text()
        log = self.folder / "fake.log"
        runs = len(log.read_text().splitlines())
        self.report("--redraw")
        self.assertEqual(len(log.read_text().splitlines()), runs)
        self.assertEqual((self.out / "rules.svg").read_text() in first, True)

    def test_png_where_a_converter_is(self):
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "rsvg-convert").write_text("#!/bin/sh\necho png > \"$4\"\n")
        (tools / "rsvg-convert").chmod(0o755)
        answer = self.report(path=f"{tools}:{os.environ['PATH']}")
        self.assertIn("SVG and PNG", answer.stdout)
        self.assertTrue((self.out / "flows.png").exists())

    def test_without_a_converter_it_says_so(self):
        (self.folder / "cat").symlink_to(shutil.which("cat"))
        answer = self.report(path=str(self.folder))
        self.assertIn("no PNG", answer.stdout)
        self.assertFalse((self.out / "flows.png").exists())

    def test_nothing_measured_is_no(self):
        answer = self.report(answers={})
        self.assertEqual(answer.returncode, 1)
        self.assertIn("Nothing was measured", (self.out / "index.html").read_text())

    def test_quick_is_passed_on_and_said(self):
        self.report("--quick")
        self.assertIn("--quick", (self.folder / "fake.log").read_text().splitlines()[0])
        self.assertIn("not for figures", (self.out / "index.html").read_text())

    def test_mistakes(self):
        answer = subprocess.run([BENCH, "report"], stderr=subprocess.PIPE)
        self.assertEqual(answer.returncode, 2)
        (self.folder / "report").write_text("a file")
        self.assertEqual(self.report().returncode, 1)

    def test_nothing_is_redrawn_from_nothing(self):
        answer = self.report("--redraw")
        self.assertEqual((answer.returncode, answer.stdout), (2, ""))
        self.assertIn("without --redraw", answer.stderr)
        self.assertFalse(self.out.exists())

    def test_a_signal_ends_what_measures(self):
        left = ended_by(signal.SIGTERM, ["report", f"--program={fake_bench.waiting(self.folder / 'fake')}", f"--out={self.out}"],
                        lambda _: (self.folder / "fake.here").exists(), path=BENCH)
        self.assertEqual(left, (128 + signal.SIGTERM, [], []))


if __name__ == "__main__":
    BENCH = os.path.abspath(sys.argv.pop(1))
    tap.main()
