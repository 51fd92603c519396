"""Runs the sluice-bench that a test is about; its path is the test's first argument."""
import subprocess
import sys
import unittest

program = None


def bench(*words, env=None, timeout=150):
    return subprocess.run([program, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          env=env)


def main():
    global program
    program = sys.argv.pop(1)
    unittest.main()
