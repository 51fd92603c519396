#!/usr/bin/env python3
"""The call list of dataplane/pipeline is the diagram: the stages in the order a packet meets them, read from the source,
must be those of the ```stages block of docs/life-of-a-packet.md. Speaks TAP."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import tap  # noqa: E402
DOCUMENT = ROOT / "docs" / "life-of-a-packet.md"
FUNCTION = re.compile(r"^[\w:<>*&]+(?: [\w:<>*&]+)* (\w+)\([^;{}]*\)(?: noexcept)? \{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"\b(\w+)\(")


def functions(folder):
    """{name: body} of every function at namespace scope."""
    found = {}
    for path in sorted(folder.glob("*.cc")):
        for name, body in FUNCTION.findall(path.read_text()):
            found[name] = "\n".join(line.split("//")[0] for line in body.splitlines())
    return found


def stages_in_order(bodies, start):
    """Stages as first reached from `start`, calls within the pipeline followed where they stand."""
    order = []

    def visit(name, on_the_way):
        for callee in CALL.findall(bodies[name]):
            if callee in bodies and callee not in on_the_way:
                visit(callee, on_the_way | {callee})
            elif callee.endswith("Stage") and callee not in order:
                order.append(callee)

    visit(start, {start})
    return order


def documented(text):
    block = re.search(r"^```stages\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert block, f"{DOCUMENT} has no ```stages block"
    return block.group(1).split()


def the_call_list_is_the_documented_one():
    order = stages_in_order(functions(ROOT / "dataplane" / "pipeline"), "RunBurst")
    expected = documented(DOCUMENT.read_text())
    assert order == expected, f"the pipeline calls\n  {' '.join(order)}\nthe document says\n  {' '.join(expected)}"


def every_stage_is_called():
    """No stage of dataplane/stage is left out of the pipeline."""
    declared = set()
    for path in (ROOT / "dataplane" / "stage").glob("*.h"):
        declared |= set(re.findall(r"^void (\w+Stage)\(", path.read_text(), re.MULTILINE))
    called = set(stages_in_order(functions(ROOT / "dataplane" / "pipeline"), "RunBurst"))
    assert declared == called, f"declared and not called: {declared - called}; called and not declared: {called - declared}"


def calls_are_followed_where_they_stand():
    bodies = {"RunBurst": "AStage(x); Inner(y); DStage(z);", "Inner": "BStage(x); CStage(x); AStage(x);"}
    assert stages_in_order(bodies, "RunBurst") == ["AStage", "BStage", "CStage", "DStage"]


def main():
    cases = [the_call_list_is_the_documented_one, every_stage_is_called, calls_are_followed_where_they_stand]
    return tap.run(cases)


if __name__ == "__main__":
    sys.exit(main())
