#!/usr/bin/env python3
"""`sluice-bench compare` as users and scripts call it, mostly with programs that stand in for two builds."""
import json
import os
import pathlib
import re
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


class CompareCommand(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def compare(self, *words, cwd=None):
        environment = dict(os.environ, TMPDIR=str(self.folder), GIT_CONFIG_GLOBAL="/dev/null")
        return subprocess.run([BENCH, "compare", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=100, cwd=cwd or self.folder, env=environment)

    def fake(self, name, ns, **more):
        return fake_bench.program(self.folder / name, fake_bench.report("forward/x", ns), **more)

    def test_a_slower_program_fails_after_a_second_look(self):
        answer = self.compare(self.fake("old", 50), self.fake("new", 60), "--pairs=8", "--", "--flows=7")
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn("measured once more", answer.stdout)
        self.assertRegex(answer.stdout, r"forward/x +50\.0 ± +0% +60\.0 ± +0% +1\.200 \[1\.200\.\.1\.200\] .* TOO SLOW")
        self.assertTrue(answer.stdout.splitlines()[-1].startswith("compare: 1 of 1 figures more than 3 % slower"))
        self.assertEqual((self.folder / "old.log").read_text(), "forward --flows=7 -j\n" * 16)

    def test_faster_same_and_a_wider_gate_pass(self):
        old = self.fake("old", 50)
        for ns, words in ((40, []), (50, []), (51, []), (60, ["--gate=25"])):
            answer = self.compare(old, self.fake("new", ns), "--pairs=8", *words)
            self.assertEqual(answer.returncode, 0, answer.stdout)

    def test_json_has_both_and_the_ratio(self):
        answer = self.compare(self.fake("old", 50), self.fake("new", 40), "--pairs=8", "-j")
        figure = json.loads(answer.stdout)["figures"][0]
        self.assertEqual((figure["ns"]["median"], figure["old_ns"], figure["ratio"]), (40, 50, 0.8))
        self.assertLess(figure["p"], 0.01)
        self.assertEqual(figure["too_slow"], 0)

    def test_two_reports_are_compared_by_rounds(self):
        for name, base in (("old", 50), ("new", 60)):
            rounds = [base + i / 10 for i in range(11)]
            (self.folder / f"{name}.json").write_text(json.dumps(fake_bench.report("forward/x", rounds)))
        answer = self.compare("old.json", "new.json")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("TOO SLOW", answer.stdout)
        self.assertEqual(self.compare("new.json", "old.json").returncode, 0)

    def test_this_program_runs_when_no_new_one_is_named(self):
        answer = self.compare(BENCH, "--quick", "--gate=90", "-j")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertGreater(json.loads(answer.stdout)["figures"][0]["old_ns"], 0)

    def test_a_failing_run_is_told(self):
        answer = self.compare(self.fake("old", 50), self.fake("new", 50, exit_code=1), "--pairs=2")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("exit code 1", answer.stderr)
        self.assertIn("last words", answer.stderr)

    def test_without_a_git_tree_or_a_commit(self):
        answer = self.compare("HEAD")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("no git tree", answer.stderr)
        self.repository("project('x')\n")
        answer = self.compare("nonsense", cwd=self.folder / "tree")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("no commit nonsense", answer.stderr)

    def repository(self, meson):
        tree = self.folder / "tree"
        tree.mkdir()
        (tree / "meson.build").write_text(meson)
        (tree / "tools" / "bench").mkdir(parents=True)
        (tree / "tools" / "bench" / "meson.build").write_text(
            "custom_target('b', input: 'bench.sh', output: 'sluice-bench', command: ['cp', '@INPUT@', '@OUTPUT@'])\n")
        fake_bench.program(tree / "tools" / "bench" / "bench.sh", fake_bench.report("forward/x", 50))
        (tree / "tools" / "bench" / "bench.sh.log").touch()
        for words in (["init", "-q"], ["add", "."],
                      ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first"]):
            subprocess.run(["git", "-C", str(tree), *words], check=True)
        return tree

    def test_a_build_that_fails_is_told_and_leaves_nothing(self):
        tree = self.repository("project('x')\nerror('not today')\n")
        answer = self.compare("HEAD", cwd=tree)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("not today", answer.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tree"])
        self.assertEqual(len(self.worktrees(tree)), 1)

    def test_a_commit_is_built_and_compared(self):
        tree = self.repository("project('x')\nsubdir('tools/bench')\n")
        answer = self.compare("HEAD", self.fake("new", 40), "--pairs=8", cwd=tree)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(answer.stdout, r"forward/x +50\.0 .* 40\.0 .* faster")

    def test_flags_that_nobody_knows_are_refused_before_anything_is_built(self):
        tree = self.repository(f"run_command('touch', '{self.folder}/built', check: true)\nproject('x')\n")
        for words, why in ((["--", "--nonsense"], "--nonsense"), (["--of=cps", "--", "--size=64"], "--size"),
                           (["--", "--flows=0"], "--flows=0")):
            answer = self.compare("HEAD", *words, cwd=tree)
            self.assertEqual(answer.returncode, 2, answer.stderr)
            self.assertIn(why, answer.stderr)
            self.assertIn("nothing was built", answer.stderr)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["tree"])
        self.assertEqual(len(self.worktrees(tree)), 1)

    def test_it_is_built_where_ccache_finds_what_the_tree_has_built(self):
        where = f"run_command('sh', '-c', 'echo $0 > {self.folder}/where', meson.project_build_root(), check: true)\n"
        tree = self.repository(f"project('x')\n{where}subdir('tools/bench')\n")
        answer = self.compare("HEAD", self.fake("new", 40), "--pairs=2", "--gate=100", cwd=tree)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertTrue((self.folder / "where").read_text().endswith("/tree/build\n"))

    def test_a_signal_ends_what_runs(self):
        old = fake_bench.waiting(self.folder / "old")
        left = ended_by(signal.SIGTERM, ["compare", old, self.fake("new", 50)],
                        lambda _: (self.folder / "old.here").exists(), path=BENCH)
        self.assertEqual(left, (128 + signal.SIGTERM, [], []))

    def test_a_signal_while_it_builds_leaves_nothing(self):
        build = fake_bench.waiting(self.folder / "build")
        tree = self.repository(f"project('x')\nsubdir('tools/bench')\n")
        (tree / "tools" / "bench" / "meson.build").write_text(
            f"custom_target('b', output: 'sluice-bench', command: ['{build}'])\n")
        subprocess.run(["git", "-C", str(tree), "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "waits"],
                       check=True)
        left = ended_by(signal.SIGTERM, ["compare", "HEAD"], lambda _: (self.folder / "build.here").exists(), cwd=tree,
                        path=BENCH)
        self.assertEqual(left, (128 + signal.SIGTERM, [], []))
        self.assertEqual(len(self.worktrees(tree)), 1)

    def worktrees(self, tree):
        listed = subprocess.run(["git", "-C", str(tree), "worktree", "list"], text=True, stdout=subprocess.PIPE)
        return listed.stdout.splitlines()

    def test_it_is_of_every_subcommand_but_those_that_measure_no_time(self):
        listed = re.findall(r"^  (\w+) ", subprocess.run([BENCH, "--help"], text=True, stdout=subprocess.PIPE).stdout, re.M)
        self.assertIn("forward", listed)
        refused = self.compare(self.fake("old", 50), "--of=nothing")
        words = re.search(r"--of=nothing is none of (.*)", refused.stderr).group(1).split(", ")
        self.assertEqual(sorted(words + ["budget", "targets", "report", "compare", "export", "trend"]), sorted(listed))

    def test_mistakes_are_usage(self):
        old = self.fake("old", 50)
        report = self.folder / "a.json"
        report.write_text("{}")
        for words in ([], [old, "--of=nothing"], ["HEAD", "--of=report"], [old, "--pairs=0"], [old, "--gate=-1"], [old, "--gate=nan"], [old, old, "third"], [old, "/nonexistent"],
                      [str(report)]):
            self.assertEqual(self.compare(*words).returncode, 2, words)


if __name__ == "__main__":
    BENCH = os.path.abspath(sys.argv.pop(1))
    tap.main()
