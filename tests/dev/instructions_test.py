#!/usr/bin/env python3
"""Tests of tools/dev/instructions and what it counts with; speaks TAP."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "dev"), str(ROOT / "tests" / "support")]
sys.dont_write_bytecode = True
import callgrind  # noqa: E402
import tap  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("instructions", str(ROOT / "tools" / "dev" / "instructions"))
gate = importlib.util.module_from_spec(importlib.util.spec_from_loader("instructions", LOADER))
LOADER.exec_module(gate)

CALLGRIND = """positions: instr line
events: Ir
ob=/a/program
fl=a.cc
fn=judge
0x10 5 7
0x14 6 7
cfn=other
calls=7 0x40
0x14 6 700
0x18 6 1
ob=/b/library
fn=other
0x10 1 3
"""
LISTING = """
0000000000001000 <f>:
    1000:\tlock cmpxchg %rdx,(%rcx)
    1008:\txchg   %eax,(%rdi)
    1010:\txchg   %ax,%ax
    1018:\tmov    %rax,(%rdi)
    1020:\tlock xadd %eax,0x8(%rdi)
"""
CASE = {"name": "a", "instructions": 100.0, "no_atomics": True, "reason": "the first"}


def calls_are_not_counted_twice():
    counts = callgrind.executions(CALLGRIND)
    assert counts["/a/program"] == {0x10: 7, 0x14: 7, 0x18: 1}, counts
    assert counts["/b/library"] == {0x10: 3}, counts


def what_two_runs_share_cancels_out():
    more = {"p": {1: 5, 2: 8, 3: 1}, "q": {1: 1}}
    assert callgrind.minus(more, {"p": {1: 5, 2: 3}}) == {"p": {2: 5, 3: 1}, "q": {1: 1}}


def atomic_instructions_are_known_by_their_text():
    assert callgrind.atomics_in(LISTING) == {0x1000, 0x1008, 0x1020}


def real_atomics_are_found_in_a_real_program():
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder) / "a.cc", pathlib.Path(folder) / "a.o"
        source.write_text("#include <atomic>\nstd::atomic<int> a;\nint add() { return a.fetch_add(2); }\n"
                          "int swap() { return a.exchange(2); }\nint load() { return a.load(); }\n")
        subprocess.run(["g++", "-O2", "-c", str(source), "-o", str(program)], check=True)
        assert len(callgrind.atomics_in(callgrind.disassemble(str(program)))) == 2


def one_percent_is_the_gate():
    assert gate.verdict(CASE, 100.9, 0)[1]
    assert not gate.verdict(CASE, 101.1, 0)[1]
    word, good = gate.verdict(CASE, 90, 0)
    assert good and "better" in word


def an_atomic_fails_whatever_the_count():
    word, good = gate.verdict(CASE, 100, 0.5)
    assert not good and "atomics" in word
    assert gate.verdict(dict(CASE, no_atomics=False), 100, 1)[1]


def a_case_without_a_number_fails():
    assert not gate.verdict({"name": "a"}, 100, 0)[1]


def an_update_takes_number_and_reason_together():
    assert gate.updated(CASE, 100.0, "another") is CASE
    assert gate.updated(CASE, 90.004, "another") == dict(CASE, instructions=90.0, reason="another")


def a_number_without_a_new_reason_is_noticed():
    def version(instructions, reason):
        return {"cases": [dict(CASE, instructions=instructions, reason=reason)]}
    assert gate.unreasoned_changes([("1", version(100, "x")), ("2", version(90, "y")), ("3", version(90, "z"))]) == []
    complaints = gate.unreasoned_changes([("1", version(100, "x")), ("2", version(90, "x"))])
    assert len(complaints) == 1 and complaints[0].startswith("2: a went from 100 to 90"), complaints


def tool(*words):
    return subprocess.run([str(ROOT / "tools" / "dev" / "instructions"), *words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def an_update_without_a_reason_is_usage():
    for words in (["--update"], ["--update", "--reason=faster"], ["--only=nonsense"]):
        assert tool(*words).returncode == 2, words


def the_history_of_the_baseline_is_sound():
    answer = tool("--check-reasons")
    assert answer.returncode == 0, answer.stderr


def other_builds_are_skipped_with_a_reason():
    answer = tool("--buildtype=debug")
    assert answer.returncode == 77 and "release builds" in answer.stdout, answer


TESTS = [calls_are_not_counted_twice, what_two_runs_share_cancels_out, atomic_instructions_are_known_by_their_text,
         real_atomics_are_found_in_a_real_program, one_percent_is_the_gate, an_atomic_fails_whatever_the_count,
         a_case_without_a_number_fails, an_update_takes_number_and_reason_together,
         a_number_without_a_new_reason_is_noticed, an_update_without_a_reason_is_usage,
         the_history_of_the_baseline_is_sound, other_builds_are_skipped_with_a_reason]


if __name__ == "__main__":
    sys.exit(tap.run(TESTS))
