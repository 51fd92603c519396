"""One stage of tools/test: a build folder with its options, and the programs run from it."""
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import test_cases

# Sanitizers slow programs down by a factor of 2 to 20.
SANITIZER_TIMEOUT_FACTOR = 5


@dataclasses.dataclass
class Stage:
    name: str
    folder: pathlib.Path
    options: list  # for meson setup
    suite: str = ""  # only tests of this suite
    without_suites: tuple = ()
    environment: dict = dataclasses.field(default_factory=dict)
    timeout_factor: int = 1

    @property
    def sanitized(self):
        return self.timeout_factor != 1


def stages(root):
    suppressions = root / "tools" / "dev" / "lsan.supp"
    # Warnings are errors in the normal build; instrumentation makes g++ 12 warn about code it has itself inserted.
    # Line tables are all that reports need and cost a third less compile time than whole debug information; -Og
    # compiles in two thirds of the time of -O1, and what it makes runs as fast under the sanitizers.
    sanitizer = ["--buildtype=plain", "-Doptimization=g", "-Ddebug=false", "-Dcpp_args=-g1", "-Dwerror=false"]
    return [
        Stage("normal", root / "build", []),
        Stage("asan", root / "build-asan", sanitizer + ["-Db_sanitize=address,undefined"],
              without_suites=("dev",), timeout_factor=SANITIZER_TIMEOUT_FACTOR,
              environment={
                  "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
                  "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                  "LSAN_OPTIONS": f"suppressions={suppressions}:print_suppressions=0",
                  "SLUICE_TEST_PACKETS": "100000",  # of the million that the normal stage judges
                  "SLUICE_TEST_RULES": "100000",  # of the million that it reads
              }),
        Stage("tsan", root / "build-tsan", sanitizer + ["-Db_sanitize=thread"], suite="tsan",
              timeout_factor=SANITIZER_TIMEOUT_FACTOR,
              environment={"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}),
    ]


def run_logged(command, log_path, environment):
    """Runs a build command; its output goes to the terminal if there is one, to the log otherwise."""
    with open(log_path, "ab") as log:
        if sys.stdout.isatty():
            return subprocess.run(command, env=environment).returncode
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment,
                              stdin=subprocess.DEVNULL).returncode
    if code != 0:
        print("".join(log_path.read_text(errors="replace").splitlines(keepends=True)[-120:]))
    return code


def introspect(stage, what):
    answer = subprocess.run(["meson", "introspect", what, str(stage.folder)], check=True,
                            stdout=subprocess.PIPE)
    return json.loads(answer.stdout)


def selected_tests(stage):
    """Every test of the stage; meson writes a suite as `project:suite`."""
    def suites(test):
        return {suite.rpartition(":")[2] for suite in test["suite"]}
    return [test for test in introspect(stage, "--tests")
            if (not stage.suite or stage.suite in suites(test))
            and not suites(test) & set(stage.without_suites)]


def build_targets(stage, tests):
    """What ninja must build: everything in the normal stage, else only what the tests run."""
    if not stage.sanitized:
        return []
    files = {target["id"]: target["filename"] for target in introspect(stage, "--targets")}
    paths = {argument for test in tests for argument in test["cmd"]}
    paths |= {path for test in tests for id in test["depends"] for path in files.get(id, [])}
    prefix = str(stage.folder) + os.sep
    built = {path for names in files.values() for path in names}
    return sorted(path[len(prefix):] for path in paths if path in built)


def build(stage, arguments):
    """Returns (tests, failed case or None)."""
    root = stage.folder.parent
    environment = dict(os.environ, CCACHE_BASEDIR=str(root), CCACHE_NOHASHDIR="1", NINJA_STATUS="[%f/%t] ")
    if not os.access(os.path.expanduser("~"), os.W_OK):  # users made up by containers
        environment.setdefault("CCACHE_DIR", str(root / ".cache" / "ccache"))
    stage.folder.mkdir(exist_ok=True)
    log = stage.folder / "build.log"
    log.write_bytes(b"")

    def failed(what):
        return [], test_cases.Case("build", "", "failed", f"{what} failed; log in {log.relative_to(root)}")

    if not (stage.folder / "build.ninja").exists():
        if run_logged(["meson", "setup", str(stage.folder), str(root)] + stage.options, log, environment):
            return failed("meson setup")
    ninja = ["ninja", "-C", str(stage.folder), f"-j{arguments.jobs}", "-k0"]
    # Regenerates if a meson.build changed, so that the list of tests is the present one.
    if run_logged(ninja + ["build.ninja"], log, environment):
        return failed("meson")
    tests = selected_tests(stage)
    targets = build_targets(stage, tests)
    if stage.sanitized and not targets:
        return tests, None
    if run_logged(ninja + targets, log, environment):
        return failed("the build")
    return tests, None


def is_gtest(test):
    program = pathlib.Path(test["cmd"][0])
    return (test["protocol"] == "gtest" or
            program.is_file() and b"gtest_filter" in program.read_bytes())


def no_randomisation():
    """Sanitizers of g++ 12 need fewer random address bits than new kernels use."""
    prefix = ["setarch", "-R"]
    if shutil.which("setarch") and subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode == 0:
        return prefix
    return []


def call(command, environment, folder, timeout_s, log_path):
    """Runs a program in its own process group; nothing of it survives. Returns its exit code, None if too late."""
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def leftovers(folder):
    """What of ours a test has left in its own temporary folder (runtime folders, results). Takes it away."""
    left = sorted(entry.name for entry in pathlib.Path(folder).iterdir() if entry.name.startswith("sluice"))
    shutil.rmtree(folder, ignore_errors=True)
    return left


def run_test(stage, arguments, test, index, prefix):
    gtest = is_gtest(test)
    name = test["name"]
    environment = dict(os.environ, **stage.environment)
    environment.update(test["env"] or {})
    if arguments.filter and arguments.filter not in name:
        if not gtest:
            return []
        environment["GTEST_FILTER"] = f"*{arguments.filter}*"
    # A short path: sockets are made below it. A runtime folder is made there when nobody names another place.
    temporary = tempfile.mkdtemp(prefix="sl-")
    os.chmod(temporary, 0o1777)  # as /tmp: some tests act as another user
    environment["TMPDIR"] = temporary
    for name_of_folder in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        environment.pop(name_of_folder, None)
    results = stage.folder / "results" / f"{index:03}-{name.replace('/', '_').replace(' ', '_')}"
    results.mkdir(parents=True)
    environment["GTEST_OUTPUT"] = f"xml:{results}/"
    timeout_s = (test["timeout"] or 0) * stage.timeout_factor or None
    log = results / "log"
    started = time.monotonic()
    code = call(prefix + test["cmd"], environment, test["workdir"] or str(stage.folder), timeout_s, log)
    cases = test_cases.of_program(name, test["protocol"], code, log.read_text(errors="replace"),
                                  sorted(results.glob("*.xml")), gtest)
    left = leftovers(temporary)
    if left:
        cases.append(test_cases.Case(name, "nothing is left behind", "failed",
                                     f"{len(left)} in its temporary folder: {', '.join(left[:5])}"))
    if arguments.verbose or any(case.outcome == "failed" for case in cases):
        passed, failed, skipped = test_cases.count(cases)
        print(f"[{stage.name}] {name}: {passed} passed, {failed} failed, {skipped} skipped, "
              f"{time.monotonic() - started:.1f} s; {log.relative_to(stage.folder.parent)}", flush=True)
    return cases


def run(stage, arguments):
    """Builds and runs the stage. Returns (cases, seconds of building)."""
    print(f"[{stage.name}] building in {stage.folder.name}/", flush=True)
    started = time.monotonic()
    tests, failure = build(stage, arguments)
    built_s = time.monotonic() - started
    if failure:
        return [failure], built_s
    print(f"[{stage.name}] running {len(tests)} test programs", flush=True)
    shutil.rmtree(stage.folder / "results", ignore_errors=True)
    prefix = no_randomisation() if stage.sanitized else []
    tests.sort(key=lambda test: -test["priority"])
    cases = []
    lock = threading.Lock()

    def one(indexed):
        index, test = indexed
        found = run_test(stage, arguments, test, index, prefix)
        with lock:
            cases.extend(found)

    indexed = list(enumerate(tests))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(one, [entry for entry in indexed if entry[1]["is_parallel"]]))
    for entry in indexed:
        if not entry[1]["is_parallel"]:
            one(entry)
    return cases, built_s
