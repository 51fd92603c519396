"""The end of a test program in Python: runs its cases and tells their outcomes as TAP (meson protocol `tap`)."""
import traceback


class Skip(Exception):
    """Raised by a case that this machine or build cannot run; says why."""


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
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    return 1 if failed else 0
