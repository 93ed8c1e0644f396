"""Documents: links that lead nowhere, paths that are named and are not there."""

import os
import re
import urllib.parse

from .source import line_of

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
# In backticks, with a slash, and beginning in a folder of ours.
PATH = re.compile(r"`((?:src|tests|tools|docs|bench|man|packaging|examples|subprojects|\.ci)/[\w./-]*)`")
PATHS_NAMED_IN = ("docs/architecture.md", "CONTRIBUTING.md", "README.md")


def check(tree):
    for path in tree.with_suffix(".md"):
        text = re.sub(r"```.*?```", lambda m: "\n" * m.group(0).count("\n"), tree.text(path), flags=re.S)
        yield from check_links(tree, path, text)
        if path in PATHS_NAMED_IN:
            yield from check_paths(tree, path, text)


def check_links(tree, path, text):
    for match in LINK.finditer(text):
        target = match.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(file))) if file else path
        if not os.path.exists(os.path.join(tree.root, goal)):
            yield path, line_of(text, match.start()), f"link to {target}: there is no {goal}"
        elif anchor and goal.endswith(".md") and anchor not in anchors(tree.text(goal)):
            yield path, line_of(text, match.start()), f"link to {target}: no such heading in {goal}"


def anchors(text):
    for heading in re.findall(r"^#+\s+(.*)$", text, re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def check_paths(tree, path, text):
    for match in PATH.finditer(text):
        if not os.path.exists(os.path.join(tree.root, match.group(1))):
            yield path, line_of(text, match.start()), f"there is no {match.group(1)}"
