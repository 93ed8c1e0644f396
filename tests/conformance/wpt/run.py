#!/usr/bin/env python3
"""Runs web-platform-tests and compares with expectations.json; see `tools/conformance --help`."""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)
import docs  # noqa: E402
import files  # noqa: E402
import peers  # noqa: E402
import runtimes  # noqa: E402
import server  # noqa: E402
from expectations import Expectations  # noqa: E402


def wpt_folder():
    done = subprocess.run([os.path.join(ROOT, "tools", "setup"), "--wpt"], check=True, stdout=subprocess.PIPE,
                          text=True)
    return done.stdout.strip()


def pick_runtime(name):
    if name == "skep":
        return runtimes.Skep(os.environ.get("SKEP", os.path.join(ROOT, "build", "skep")))
    if name == "node":
        return runtimes.Node()
    program = os.environ.get(name.upper())
    if not program:
        sys.exit(f"conformance: the variable {name.upper()} names no program")
    return runtimes.Deno(program) if name == "deno" else runtimes.Workerd(program)


def run_all(runtime, root, tests, jobs, each):
    """{test name: {subtest: (status, message)}}; each(test, that) is called as they end."""
    results = {}
    with server.Servers(root) as servers, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(runtimes.run, runtime, root, servers, test): test for test in tests}
        for future in concurrent.futures.as_completed(futures):
            test = futures[future]
            results[test.name] = future.result()
            each(test, results[test.name])
    return results


def show_failures(test, found):
    bad = {name: what for name, what in found.items() if what[0] != "pass"}
    print(f"{test.name}: {len(found) - len(bad)} of {len(found)}", flush=True)
    for name, (status, message) in bad.items():
        print(f"    {status}: {name or '(the file)'}: {message[:300]}", flush=True)


def count(tests, results):
    """{folder: (files, passed, subtests)}, and "all"."""
    rows = {}
    for test in tests:
        found = results[test.name]
        row = rows.setdefault(test.folder, [set(), 0, 0])
        row[0].add(test.path)
        row[1] += sum(1 for status, _ in found.values() if status == "pass")
        row[2] += len(found)
    rows = {folder: (len(paths), passed, of) for folder, (paths, passed, of) in rows.items()}
    rows["all"] = tuple(sum(row[i] for row in rows.values()) for i in range(3))
    return rows


def table(rows):
    lines = [f"{'folder':<22} {'files':>6} {'passed':>8} {'of':>8}     rate"]
    for folder, (paths, passed, of) in rows.items():
        lines.append(f"{folder:<22} {paths:>6} {passed:>8} {of:>8} {100 * passed / max(of, 1):>7.1f}%")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tools/conformance wpt", description=__doc__)
    parser.add_argument("globs", nargs="*", metavar="GLOB",
                        help="files or folders of the tests (url, fetch/api/*); default: all")
    parser.add_argument("--show", action="store_true", help="print each failure with its message")
    parser.add_argument("--update", action="store_true", help="write what fails into expectations.json")
    parser.add_argument("--unskip", action="store_true", help="also run what expectations.json leaves out")
    parser.add_argument("--runtime", choices=["skep", "node", "deno", "workerd"], default="skep",
                        help="another runtime, without comparing; $DENO, $WORKERD name its program")
    parser.add_argument("--save", action="store_true", help="keep the other runtime's rates for the documents")
    parser.add_argument("--docs", action="store_true", help="write docs/compatibility.md")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    options = parser.parse_args(arguments)

    root = wpt_folder()
    expectations = Expectations(os.path.join(HERE, "expectations.json"))
    tests = files.find(root, options.globs)
    skipped = [] if options.unskip else [test for test in tests if expectations.is_skipped(test)]
    tests = [test for test in tests if test not in skipped]
    runtime = pick_runtime(options.runtime)

    def each(test, found):
        if not options.unskip:
            expectations.drop_subtests(test, found)
        if options.show:
            show_failures(test, found)

    results = run_all(runtime, root, tests, options.jobs, each)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file)
    rows = count(tests, results)
    print(table(rows))
    if options.runtime != "skep":
        if options.save:
            peers.save(runtime, rows)
        return 0
    if options.update:
        expectations.update(results)
    if options.docs:
        docs.write(os.path.join(ROOT, "docs", "compatibility.md"), rows, expectations)
    whole = not options.globs
    problems = expectations.compare(results, skipped, whole)
    for line in problems:
        print(line)
    passed = sum(1 for found in results.values() for status, _ in found.values() if status == "pass")
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems or not results else 0


if __name__ == "__main__":
    sys.exit(main())
