"""What one test program said, as a list of cases.

Understands gtest's XML, TAP (meson protocol `tap`) and plain exit codes (0 passed, 77 skipped, else failed). A gtest
program that ends without a result file, or badly although all its cases passed, counts as one failed case.
"""
import dataclasses
import re
import signal
import xml.etree.ElementTree as ElementTree

SKIP_EXIT_CODE = 77


@dataclasses.dataclass
class Case:
    test: str  # name in meson
    name: str  # Suite.Case, or empty where the program is one case
    outcome: str  # passed, failed, skipped
    reason: str = ""


def count(cases):
    return tuple(sum(case.outcome == outcome for case in cases)
                 for outcome in ("passed", "failed", "skipped"))


def one_line(text, limit=300):
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit] + " ..."


def exit_reason(returncode, output):
    if returncode is None:
        return "timed out"
    if returncode < 0:
        what = f"killed by {signal.Signals(-returncode).name}"
    else:
        what = f"exit code {returncode}"
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines
               if re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|CHECK|SUMMARY", line)]
    return one_line(f"{what}: " + (telling or lines or ["no output"])[0 if telling else -1])


def from_gtest_xml(test, path):
    cases = []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for element in suite.iter("testcase"):
            name = f"{suite.get('name')}.{element.get('name')}"
            failures = element.findall("failure")
            skipped = element.find("skipped")
            if failures:
                cases.append(Case(test, name, "failed", one_line(failures[0].get("message", ""))))
            elif skipped is not None:
                message = skipped.get("message") or "no reason given"
                # gtest writes "file:line\nreason"
                reason = message.split("\n", 1)[-1] if "\n" in message else message
                cases.append(Case(test, name, "skipped", one_line(reason)))
            elif element.get("status") == "notrun":
                if "DISABLED_" in name:
                    cases.append(Case(test, name, "skipped", "disabled in the source"))
            else:
                cases.append(Case(test, name, "passed"))
    return cases


def from_tap(test, output):
    cases = []
    for line in output.splitlines():
        match = re.match(r"(not )?ok\b\s*\d*\s*-?\s*(.*)", line)
        if not match:
            continue
        name, _, directive = match.group(2).partition("#")
        skip = re.match(r"\s*skip\S*\s*(.*)", directive, re.IGNORECASE)
        if skip:
            cases.append(Case(test, name.strip(), "skipped", skip.group(1) or "no reason given"))
        elif match.group(1):
            cases.append(Case(test, name.strip(), "failed", "not ok"))
        else:
            cases.append(Case(test, name.strip(), "passed"))
    return cases


def of_program(test, protocol, returncode, output, xml_paths, is_gtest):
    """The cases of one finished program; `returncode` None means it ran out of time."""
    cases = []
    for path in xml_paths:
        try:
            cases += from_gtest_xml(test, path)
        except ElementTree.ParseError:
            cases.append(Case(test, "", "failed", f"{path.name} is not whole"))
    if protocol == "tap":
        cases += from_tap(test, output)
    failed = any(case.outcome == "failed" for case in cases)
    if cases or (is_gtest and returncode == 0 and xml_paths):
        if returncode != 0 and not failed:
            cases.append(Case(test, "", "failed", exit_reason(returncode, output)))
    elif returncode == 0 and not is_gtest:
        cases.append(Case(test, "", "passed"))
    elif returncode == SKIP_EXIT_CODE:
        lines = [line for line in output.splitlines() if line.strip()]
        cases.append(Case(test, "", "skipped", one_line(lines[-1] if lines else "no reason given")))
    else:
        reason = exit_reason(returncode, output) if returncode != 0 else "wrote no gtest results"
        cases.append(Case(test, "", "failed", reason))
    return cases
