"""The repository's own files, and C++ without its comments and strings."""

import functools
import os
import re
import subprocess

# Third-party code and data that is copied verbatim.
NOT_OURS = ("subprojects/",)
SKIPPED_SUFFIXES = (".png", ".wasm", ".snapshot", ".ico", ".gz", ".br", ".zst", ".jpg", ".sha256")

TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<raw>R"(?P<tag>[^()\\ \n]*)\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9a-zA-Z])'(?:\\.|[^'\\\n])+')""",
    re.S | re.X,
)


def blank(match):
    """What a comment or string becomes: as many lines, no text (a string keeps its quotes)."""
    text = match.group(0)
    lines = "\n" * text.count("\n")
    if match.group("line") or match.group("block"):
        return lines or " "
    return '""' + lines if text[0] != "'" else "' '"


def strip_cpp(text):
    return TOKEN.sub(blank, text)


class Tree:
    """Paths are relative to the repository's root."""

    def __init__(self, root):
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout.split("\0")
        self.every_path = sorted({p for p in listed if p and os.path.isfile(os.path.join(root, p))})
        self.paths = [p for p in self.every_path if not p.startswith(NOT_OURS)]

    def with_suffix(self, *suffixes, under=""):
        return [p for p in self.paths if p.endswith(suffixes) and p.startswith(under)]

    @functools.cache
    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    @functools.cache
    def code(self, path):
        """C++ without comments and strings; line numbers hold."""
        return strip_cpp(self.text(path))

    def text_files(self):
        for path in self.paths:
            if path.endswith(SKIPPED_SUFFIXES) or path.startswith("tests/fuzz/"):
                continue
            if "\0" not in self.text(path)[:4096]:
                yield path


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
