#!/usr/bin/env python3
"""Tests of tools/dev and tools/lab; speaks TAP."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "dev"), str(ROOT / "tools"), str(ROOT / "tests" / "support")]
import source_tree  # noqa: E402
import tap  # noqa: E402
import test_cases  # noqa: E402
from lab import flow_logs  # noqa: E402

GTEST_XML = """<?xml version="1.0"?><testsuites><testsuite name="A">
<testcase name="Good" status="run" result="completed"/>
<testcase name="Bad" status="run"><failure message="a.cc:1&#x0A;one is not two"/></testcase>
<testcase name="Left" status="run"><skipped message="a.cc:2&#x0A;no hugepages"/></testcase>
<testcase name="DISABLED_Off" status="notrun"/>
<testcase name="FilteredOut" status="notrun"/>
</testsuite></testsuites>"""


def of_gtest(returncode, xml=GTEST_XML):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.xml"
        path.write_text(xml)
        return test_cases.of_program("t", "exitcode", returncode, "last words", [path], True)


def gtest_results_become_cases():
    cases = of_gtest(1)
    assert [(case.name, case.outcome) for case in cases] == [
        ("A.Good", "passed"), ("A.Bad", "failed"), ("A.Left", "skipped"), ("A.DISABLED_Off", "skipped")], cases
    assert cases[2].reason == "no hugepages"


UNITTEST = """
import unittest
import tap
class A(unittest.TestCase):
    def test_bad(self):
        self.assertEqual(1, 2)
    def test_good(self):
        pass
    def test_left(self):
        self.skipTest("no hugepages")
    def test_parts(self):
        for part in (1, 2):
            with self.subTest(part):
                self.assertEqual(part, 1)
tap.main()
"""


def unittest_results_become_cases():
    answer = subprocess.run([sys.executable, "-c", UNITTEST], cwd=ROOT / "tests" / "support", text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    cases = test_cases.of_program("t", "tap", answer.returncode, answer.stdout, [], False)
    assert answer.returncode == 1 and "# AssertionError: 1 != 2" in answer.stdout, answer
    assert [(case.name, case.outcome) for case in cases] == [
        ("A.test_bad", "failed"), ("A.test_good", "passed"), ("A.test_left", "skipped"), ("A.test_parts", "failed")], cases
    assert cases[2].reason == "no hugepages"


def crash_after_good_cases_is_a_failure():
    xml = GTEST_XML.replace('<failure message="a.cc:1&#x0A;one is not two"/>', "")
    assert test_cases.count(of_gtest(0, xml)) == (2, 0, 2)
    assert test_cases.count(of_gtest(-6, xml)) == (2, 1, 2)


def gtest_without_results_is_a_failure():
    assert test_cases.count(test_cases.of_program("t", "exitcode", 0, "", [], True)) == (0, 1, 0)


def plain_programs_are_one_case():
    for returncode, counts in ((0, (1, 0, 0)), (77, (0, 0, 1)), (1, (0, 1, 0)), (None, (0, 1, 0)), (-11, (0, 1, 0))):
        assert test_cases.count(test_cases.of_program("t", "exitcode", returncode, "why", [], False)) == counts


def tap_lines_become_cases():
    output = "ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no tun\nnoise\n"
    cases = test_cases.of_program("t", "tap", 1, output, [], False)
    assert test_cases.count(cases) == (1, 1, 1) and cases[2].reason == "no tun", cases


def includes_are_found():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.h"
        path.write_text('#include <array>\n  # include "a/b.h"  // why\n// #include "c.h"\n')
        assert list(source_tree.includes(path)) == [(1, "array", False), (2, "a/b.h", True)]


def flow_log_records_match_what_was_done():
    record = dict(zip("interface-id srcaddr dstaddr srcport dstport protocol action log-status".split(),
                      "eni-a 10.0.0.4 10.0.0.5 40000 80 6 ACCEPT OK".split()))
    done = flow_logs.Expected("eni-a", "10.0.0.4", "10.0.0.5", "tcp", 80, "ACCEPT")
    assert flow_logs.matches(record, done)
    assert flow_logs.missing([record], [done, done._replace(action="REJECT")]) == [done._replace(action="REJECT")]
    assert flow_logs.unexplained_rejects([dict(record, action="REJECT")], [done])


TESTS = [gtest_results_become_cases, unittest_results_become_cases, crash_after_good_cases_is_a_failure,
         gtest_without_results_is_a_failure, plain_programs_are_one_case, tap_lines_become_cases, includes_are_found,
         flow_log_records_match_what_was_done]


def main():
    return tap.run(TESTS)


if __name__ == "__main__":
    sys.exit(main())
