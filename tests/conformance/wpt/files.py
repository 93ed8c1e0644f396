"""The files of the web-platform-tests: which ones are tests, what each includes, its variants."""

import fnmatch
import os
import re

# What is run, in the order of the table. "html/webappapis" also stands for what is below it.
FOLDERS = [
    "url", "urlpattern", "encoding", "streams", "fetch", "FileAPI", "compression", "dom/abort", "dom/events",
    "WebCryptoAPI", "hr-time", "user-timing", "html/webappapis", "wasm/jsapi", "console", "xhr/formdata",
    "webmessaging", "eventsource",
]
KINDS = (".any.js", ".window.js", ".worker.js")
META = re.compile(r"^//\s*META:\s*(\w+)=(.*?)\s*$")
IMPORT = re.compile(r"""importScripts\(\s*((?:["'][^"']+["']\s*,?\s*)+)\)""")


class Test:
    """One run of one file: `name` is its path, with the variant as query where it has variants."""

    def __init__(self, path, variant, scripts, long, title):
        self.path = path
        self.variant = variant
        self.name = path + variant
        self.scripts = scripts
        self.long = long
        self.title = title

    @property
    def folder(self):
        return folder_of(self.path)


def folder_of(path):
    return next(folder for folder in FOLDERS if path.startswith(folder + "/"))


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def metas(text):
    for line in text.splitlines():
        match = META.match(line)
        if match:
            yield match.group(1), match.group(2)
        elif line and not line.startswith("//"):
            return


def resolve(including, name):
    if name.startswith("/"):
        return name[1:]
    return os.path.normpath(os.path.join(os.path.dirname(including), name))


def load(root, path):
    """[Test] of one file: one a variant."""
    text = read(os.path.join(root, path))
    scripts, variants, long, scopes, title = [], [], False, "", ""
    for key, value in metas(text):
        if key == "script":
            scripts.append(resolve(path, value))
        elif key == "variant":
            variants.append(value)
        elif key == "timeout":
            long = value == "long"
        elif key == "global":
            scopes = value
        elif key == "title":
            title = value
    if scopes and not re.search(r"window|worker|jsshell", scopes):
        return []
    if path.endswith(".worker.js"):
        for names in IMPORT.findall(text):
            for name in re.findall(r"""["']([^"']+)["']""", names):
                if not name.endswith("/testharness.js"):
                    scripts.append(resolve(path, name))
    return [Test(path, variant, scripts, long, title) for variant in variants or [""]]


def find(root, globs):
    """All tests whose file matches one of the globs; a folder stands for what is below it."""
    tests = []
    for folder in FOLDERS:
        for here, folders, names in os.walk(os.path.join(root, folder)):
            folders.sort()
            for name in sorted(names):
                path = os.path.relpath(os.path.join(here, name), root)
                if not name.endswith(KINDS) or name.startswith("_"):
                    continue
                if not globs or any(matches(path, one) for one in globs):
                    tests.extend(load(root, path))
    return tests


def matches(path, pattern):
    """A file, a folder of it, or a pattern whose * stays within a folder; "*" alone is everything."""
    pattern = pattern.rstrip("/")
    if pattern == "*" or path == pattern or path.startswith(pattern + "/"):
        return True
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
