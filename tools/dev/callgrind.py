"""Counts what one packet costs in instructions: runs a program of the tree under callgrind and reads what it wrote.

A run with N rounds and one with 2N differ by N rounds of the same packets and by nothing else: opening sessions,
warming up and stamping cancel out. Counts do not depend on the machine's load; with fixed seeds, a fixed clock and the
scalar variant they are the same in every run.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import tempfile

SELF_COST = re.compile(r"^(0x[0-9a-f]+) \d+ (\d+)$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(.*)$")
# A read-modify-write that takes the line from other cores: prefixed by `lock`, or xchg with memory, which locks itself.
ATOMIC = re.compile(r"^lock\b|^xchg\w*\s.*\(")


class CannotCount(Exception):
    """Why there is nothing to compare on this machine or in this build."""


def executions(text):
    """{object file: {address: times executed}} from the text of a callgrind file with --dump-instr=yes."""
    counts = collections.defaultdict(collections.Counter)
    current = None
    inclusive = False  # the line behind calls= is the callee's cost
    for line in text.splitlines():
        if line.startswith("ob="):
            current = counts[line[3:]]
        elif line.startswith("calls="):
            inclusive = True
        elif inclusive:
            inclusive = False
        elif current is not None:
            cost = SELF_COST.match(line)
            if cost:
                current[int(cost.group(1), 16)] += int(cost.group(2))
    return counts


def minus(more, less):
    """Executions that `more` has beyond `less`, those of zero left out."""
    return {ob: {address: count - less.get(ob, {}).get(address, 0) for address, count in counts.items()
                 if count != less.get(ob, {}).get(address, 0)} for ob, counts in more.items()}


def atomics_in(disassembly):
    """Addresses of atomic read-modify-writes in what `objdump -d --no-show-raw-insn` prints."""
    found = set()
    for line in disassembly.splitlines():
        instruction = INSTRUCTION.match(line)
        if instruction and ATOMIC.match(instruction.group(2)):
            found.add(int(instruction.group(1), 16))
    return found


def disassemble(path):
    return subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Disassemblies:
    """Atomic instructions of each object file, disassembled once."""

    def __init__(self):
        self.atomics = {}

    def of(self, path):
        if path not in self.atomics:
            self.atomics[path] = atomics_in(disassemble(path))
        return self.atomics[path]

    def executed(self, counts):
        """How many atomic read-modify-writes are among the executions."""
        return sum(count for ob, addresses in counts.items() if addresses and pathlib.Path(ob).is_file()
                   for address, count in addresses.items() if address in self.of(ob))


def run(command, function):
    """The callgrind text of one run; only what runs below `function` (a pattern) is counted."""
    if not shutil.which("valgrind"):
        raise CannotCount("valgrind is not installed (tools/dev/install check)")
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        answer = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={function}",
             "--dump-instr=yes", "--compress-pos=no", "--compress-strings=no", *command],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if answer.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed under valgrind:\n{answer.stderr[-2000:]}")
        return out.read_text()


def per_packet(command, function, packets, disassemblies):
    """(instructions, atomic read-modify-writes) a packet. `command` takes --rounds; a round has so many packets."""
    one, two = (executions(run([*command, f"--rounds={rounds}"], function)) for rounds in (1, 2))
    counts = minus(two, one)
    instructions = sum(sum(addresses.values()) for addresses in counts.values())
    return instructions / packets, disassemblies.executed(counts) / packets
