"""docs/compatibility.md, from what a run of all tests gave."""

import os

import peers

NAMES = {"deno": "Deno", "node": "Node.js", "workerd": "workerd"}

HEAD = """\
# Compatibility

Made by `tools/conformance --docs`; edit what makes it.

How much of the web platform is here is measured by the web platform's own tests: the
[web-platform-tests](https://web-platform-tests.org) of June 2025, each file that can run without a document,
as a Worker under `skep test` (`tools/conformance wpt`). `tests/conformance/wpt/expectations.json` names every
subtest that fails, with the reason, and the run fails when one more fails or one fewer.

The same files, run by the same shell in other runtimes:

"""

NOT_RUN = """
## What is not run

Files and subtests that are not counted, in any of the runtimes, and why:

"""

KNOWN = """
## Known failures

"""

SHELL = """
## What the tests' shell adds

A Worker has no `location`, no base URL, no `importScripts` and no `eval`. The shell
(`tests/conformance/wpt/shell.mjs`) gives the tests a `location`, resolves the URLs that they fetch against it,
and evaluates the few expressions by which the tests of interfaces name their objects. What Workers call a
response of type "default" it shows as "basic", as browsers call it.
"""


def rate(passed, of):
    return f"{100 * passed / of:.1f} %" if of else "not run"


def table(rows):
    others = peers.load()
    names = [f"{NAMES[name]} {known['version']}" for name, known in others.items()]
    yield "| tests | files | subtests | skep | " + " | ".join(names) + " |"
    yield "| --- | --: | --: | --: |" + " --: |" * len(names)
    for folder, (count, passed, of) in rows.items():
        cells = [rate(*known["folders"].get(folder, (0, 0))) for known in others.values()]
        yield f"| {folder} | {count} | {of} | {rate(passed, of)} | " + " | ".join(cells) + " |"


def reasons(entries, count):
    """One line a reason, those of one text together."""
    grouped = {}
    for entry in entries:
        grouped.setdefault(entry["reason"], []).append(entry)
    for reason, group in grouped.items():
        yield f"- {reason}: {count(group)}."


def patterns(group):
    texts = []
    for entry in group:
        files = ", ".join(f"`{one}`" for one in entry["files"])
        some = " (some subtests)" if "subtests" in entry else ""
        texts.append(files + some)
    return ", ".join(texts)


def known_counts(expectations):
    counts = {}
    for test, names in expectations.data["failures"].items():
        for name in names:
            reason = expectations.reason(test, name)
            counts[reason] = counts.get(reason, 0) + 1
    return counts


def write(path, rows, expectations):
    counts = known_counts(expectations)
    lines = [HEAD.rstrip("\n"), "", *table(rows), NOT_RUN.rstrip("\n"), ""]
    lines += reasons(expectations.data["not_run"], patterns)
    lines += [KNOWN.rstrip("\n"), ""]
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        lines.append(f"- {reason}: {count} subtest{'' if count == 1 else 's'}.")
    lines.append(SHELL.rstrip("\n"))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return os.path.relpath(path)
