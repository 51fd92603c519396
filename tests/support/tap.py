"""The end of a test program in Python: runs its cases and tells their outcomes as TAP (meson protocol `tap`)."""
import traceback
import unittest


class Skip(Exception):
    """Raised by a case that this machine or build cannot run; says why."""


def print_commented(text):
    print("\n".join("# " + line for line in text.splitlines()), flush=True)


class UnittestLines(unittest.TestResult):
    """A line for each case of unittest, and what went wrong in it."""

    def startTest(self, test):  # noqa: N802
        super().startTest(test)
        self.went_wrong = len(self.failures) + len(self.errors)
        self.reason = ""

    def addSkip(self, test, reason):  # noqa: N802
        super().addSkip(test, reason)
        self.reason = f" # SKIP {reason}"

    def stopTest(self, test):  # noqa: N802
        super().stopTest(test)
        fails = len(self.failures) + len(self.errors) != self.went_wrong
        print(f"{'not ' if fails else ''}ok {self.testsRun} - {test.id().partition('.')[2]}{'' if fails else self.reason}",
              flush=True)

    def stopTestRun(self):  # noqa: N802
        for _, text in self.failures + self.errors:
            print_commented(text)


class UnittestRunner:
    def run(self, suite):
        print(f"1..{suite.countTestCases()}")
        result = UnittestLines()
        suite.run(result)
        result.stopTestRun()
        return result


def main():
    """unittest.main, its outcomes told as TAP."""
    unittest.main(testRunner=UnittestRunner())


def run(cases, *arguments):
    """One case a function, called with `arguments`; any exception but Skip fails it. Returns the exit code."""
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            case(*arguments)
            print(f"ok {number} - {case.__name__}", flush=True)
        except Skip as skip:
            print(f"ok {number} - {case.__name__} # SKIP {skip}", flush=True)
        except Exception:  # a test program reports whatever went wrong
            failed += 1
            print(f"not ok {number} - {case.__name__}")
            print_commented(traceback.format_exc())
    return 1 if failed else 0
