"""Remembers which files passed a check, so that it is repeated only when they change."""
import hashlib

import source_tree


def content_of(path, seen):
    """The bytes of a file and, once each, of every file of the tree it includes."""
    seen.add(path)
    parts = [path.read_bytes()]
    for _, target, quoted in source_tree.includes(path):
        below = source_tree.ROOT / target
        if quoted and below.is_file() and below not in seen:
            parts.append(content_of(below, seen))
    return b"\0".join(parts)


class OnceOnly:
    """Marks of one check, in .cache/NAME."""

    def __init__(self, name):
        self.folder = source_tree.ROOT / ".cache" / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def key(self, command, path):
        return hashlib.sha256(" ".join(command).encode() + b"\0" + content_of(path, set())).hexdigest()

    def passed(self, key):
        return (self.folder / key).exists()

    def mark(self, key):
        (self.folder / key).touch()
