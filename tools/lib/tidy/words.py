"""Words that do not belong into the repository: it speaks of itself alone."""

import re

from .source import line_of

HOSTS = (r"registry\.npmjs\.org|\bnpmjs\.com|pypi\.org|pythonhosted\.org|crates\.io|proxy\.golang\.org|"
         r"\bdocker\.io|deb\.debian\.org|snapshot\.debian\.org")
RULES = [
    (HOSTS, "name no registry: package managers know theirs"),
    (r"(?<![\w/.}])/(root|work)/\S", "a path of one machine"),
    (r"/home/(?!skep\b)\w+/", "a path of one machine"),
    (r"\bFINDINGS\b", "a document that is not in the repository: state the fact"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or leave it out and say so in docs/"),
    (r"(?i)\bissue #?\d+\b", "the repository speaks of itself: say why, not where it was asked"),
]
# This file, and the one command that looks for an archive beside the repository.
EXEMPT = ("tools/lib/tidy/words.py", ".ci/run")


def check(tree):
    for path in tree.text_files():
        if path in EXEMPT:
            continue
        text = tree.text(path)
        for pattern, why in RULES:
            for match in re.finditer(pattern, text):
                yield path, line_of(text, match.start()), f"“{match.group(0)}”: {why}"
