"""The files of this tree, for the checks in tools/dev."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED_FOLDERS = re.compile(r"^(build.*|\..*|__pycache__|venv)$")
ROOM_FOLDERS = ("dataplane", "control")


def all_files(folder=ROOT):
    """Every file a person wrote, sorted; build folders and hidden folders (but .ci) are left out."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name == ".ci" or not SKIPPED_FOLDERS.match(path.name):
                found += all_files(path)
        elif path.suffix != ".pyc" and not path.is_symlink():
            found.append(path)
    return found


def cpp_files():
    return [path for path in all_files() if path.suffix in (".h", ".cc")]


def is_python(path):
    if path.suffix == ".py":
        return True
    return path.suffix == "" and path.read_bytes()[:64].startswith(b"#!/usr/bin/env python3")


def relative(path):
    return path.relative_to(ROOT).as_posix()


def includes(path):
    """(line number, file, True if written with quotes) of each #include."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'
