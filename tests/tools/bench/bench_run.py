"""Runs the sluice-bench that a test is about; its path is the test's first argument."""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tap  # noqa: E402

program = None


def bench(*words, env=None, timeout=150, address_space=None):
    """`address_space`: so many bytes at most, as `ulimit -v` has it."""
    if address_space and b"__asan_init" in pathlib.Path(program).read_bytes():
        raise unittest.SkipTest("AddressSanitizer needs terabytes of address space and takes no limit")
    limit = address_space and (lambda: resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space)))
    return subprocess.run([program, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          env=env, preexec_fn=limit)


def need_and_use(*words):
    """MB that it says it needs when it is refused, and MB that it takes when it is not."""
    refused = bench(*words, address_space=128 << 20)
    said = re.fullmatch(rf"sluice-bench: `{words[0]}` needs (\d+) MB of memory and this process can have \d+ MB; lower .*\n",
                        refused.stderr)
    assert said and refused.returncode == 1 and not refused.stdout, refused
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL) as run:
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 0, words
    return int(said[1]), used.ru_maxrss >> 10


def has(folder, pattern):
    """Whether such a file is there, in a folder that a program is working in: others may go while it is looked at."""
    try:
        return any(folder.glob(pattern))
    except FileNotFoundError:
        return False


def ended_by(number, words, when, cwd=None, path=None):
    """Runs it with a temporary folder of its own, sends it the signal once `when(folder)`, and waits. Gives the exit
    code, as a shell has it, and what is left: files in the folder, and children that still run. None: it ended first."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TMPDIR": folder}
        for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
            env.pop(name, None)
        # Under nohup the signal would be ignored by heritage.
        run = subprocess.Popen([path or program, *words], env=env, cwd=cwd, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        while run.poll() is None and not when(pathlib.Path(folder)):
            os.sched_yield()
        if run.poll() is not None:
            return None
        children = pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.send_signal(number)
        try:
            code = run.wait(timeout=60)
        finally:
            run.kill()  # one that does not end is not left behind
        return (128 - code if code < 0 else code), os.listdir(folder), [c for c in children if os.path.exists(f"/proc/{c}")]


def main():
    global program
    program = sys.argv.pop(1)
    tap.main()
