#!/usr/bin/env python3
"""`sluice-bench rivals` as users and scripts call it."""
import json
import os
import shutil
import signal
import sys
import tempfile
import unittest

import bench_run
from bench_run import bench, ended_by, has


class RivalsCommand(unittest.TestCase):
    def test_every_rival_is_there_or_said_to_be_missing(self):
        answer = bench("rivals", "--quick", "-j", "--ovs")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        report = json.loads(answer.stdout)
        names = {figure["name"] for figure in report["figures"]}
        for name in ("routes/routes:100", "routes/routes:100/rte_fib_scalar", "routes/routes:100/rte_lpm",
                     "rules/cloud/rules:40", "rules/cloud/rules:40/linear", "sessions/sessions:1000",
                     "sessions/sessions:1000/rte_hash_lock_free", "sessions/sessions:1000/inline_50_percent_full"):
            self.assertIn(name, names)
        self.assertTrue(any(name.startswith("rules/cloud/rules:40/rte_acl") for name in names))
        for mode in ("io", "mac"):
            self.assertNotEqual(f"testpmd/{mode}/net_null" in names,
                                f"not run: testpmd {mode}" in report["settings"])
        ovs = [figure for figure in report["figures"] if figure["name"] == "services/flows:1000/ovs_dpdk"]
        absent = report["settings"].get("not run: OVS-DPDK at 1000 flows")
        self.assertNotEqual(bool(ovs), bool(absent))
        if absent:
            print(f"OVS-DPDK: {absent}", file=sys.stderr)
        for figure in ovs:
            self.assertGreater(figure["ratio"], 1)
            self.assertEqual((figure["connections"], figure["upcalls"], figure["passes"]), (3000, 0, 4))
        sessions = [figure for figure in report["figures"] if figure["name"] == "sessions/sessions:1000"]
        self.assertGreater(sessions[0]["bytes_per_session"], 0)

    def test_without_open_vswitch_the_remedy_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(shutil.which("sh"), os.path.join(folder, "sh"))
            answer = bench("rivals", "--quick", "-j", "--ovs", env={"PATH": folder})
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("apt-get install openvswitch-switch-dpdk",
                      json.loads(answer.stdout)["settings"]["not run: OVS-DPDK at 1000 flows"])

    def test_a_signal_leaves_nothing_behind(self):
        words = ["rivals", "--quick", "--ovs"]
        for program, there in (("dpdk-testpmd", "sluiced-*/dpdk/testpmd*"), ("ovsdb-server", "sluice-ovs-*/switch.log")):
            with self.subTest(program):
                left = ended_by(signal.SIGTERM, words, lambda folder, there=there: has(folder, there))
                if shutil.which(program) is None or left is None:
                    self.skipTest(f"{program} does not start here")
                self.assertEqual(left, (128 + signal.SIGTERM, [], []))

    def test_without_testpmd_the_remedy_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(shutil.which("sh"), os.path.join(folder, "sh"))
            settings = json.loads(bench("rivals", "--quick", "-j", env={"PATH": folder}).stdout)["settings"]
        self.assertIn("apt-get install dpdk-dev", settings["not run: testpmd io"])

    def test_mistakes_are_usage(self):
        for words in (["--burst=65"], ["--burst=0"], ["word"], ["--rounds=0"]):
            self.assertEqual(bench("rivals", *words).returncode, 2, words)


if __name__ == "__main__":
    bench_run.main()
