#!/usr/bin/env python3
"""Builds Sluice and runs every test; the last line is `N passed, N failed, N skipped`.

Stages:
  normal   build/        every program and every test
  asan     build-asan/   every test program again under AddressSanitizer and UndefinedBehaviorSanitizer
  tsan     build-tsan/   the tests of meson suite `tsan` under ThreadSanitizer

Test cases are counted, not programs: a case that runs in two stages counts twice. Every failure and every skip is
printed with its reason. Exit code 0 if nothing failed, 1 if a case failed, a program crashed or a build broke.
Result files (gtest XML, logs) stay in BUILD/results/ until the next run. Hugepage settings are left alone.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "dev"))
import test_cases  # noqa: E402
import test_stage  # noqa: E402


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="tools/test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the normal stage only")
    parser.add_argument("--stage", action="append", choices=["normal", "asan", "tsan"],
                        help="only this stage (may be repeated)")
    parser.add_argument("--filter", default="", metavar="TEXT",
                        help="only tests whose name contains TEXT, and of the other programs only such cases")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="compile jobs and tests at a time (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="print each test program as it ends")
    return parser.parse_args(argv)


def print_cases(title, cases):
    if cases:
        print(f"\n{title}:", flush=True)
    for stage, case in cases:
        print(f"  [{stage}] {case.test} {case.name}".rstrip() + f": {case.reason}")


def commit():
    answer = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return answer.stdout.strip() or "unknown commit"


def main(argv):
    arguments = parse_arguments(argv)
    wanted = arguments.stage or (["normal"] if arguments.quick else ["normal", "asan", "tsan"])
    print(f"Sluice {commit()}: stages {', '.join(wanted)}; {arguments.jobs} jobs", flush=True)
    results = []  # (stage name, case)
    times = []
    for stage in test_stage.stages(ROOT):
        if stage.name not in wanted:
            continue
        started = time.monotonic()
        cases, built_s = test_stage.run(stage, arguments)
        results += [(stage.name, case) for case in cases]
        times.append((stage.name, built_s, time.monotonic() - started - built_s,
                      test_cases.count(cases)))

    by = {outcome: [(s, c) for s, c in results if c.outcome == outcome]
          for outcome in ("passed", "failed", "skipped")}
    print_cases("Skipped", by["skipped"])
    print_cases("Failed", by["failed"])
    print("\nstage     build s   test s   passed  failed  skipped")
    for name, built_s, tested_s, (passed, failed, skipped) in times:
        print(f"{name:<8}{built_s:>9.0f}{tested_s:>9.0f}{passed:>9}{failed:>8}{skipped:>9}")
    print()
    print(f"{len(by['passed'])} passed, {len(by['failed'])} failed, {len(by['skipped'])} skipped")
    return 1 if by["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
