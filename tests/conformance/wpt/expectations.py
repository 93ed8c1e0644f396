"""expectations.json: which files are not run, which subtests fail, and why.

  not_run   [{reason, files, subtests?}]   files: patterns of paths, with ?variant where one is meant;
                                           subtests: only those, by patterns of names
  reasons   [{reason, files, subtests?}]   subtests: patterns of names; without it, all of those files
  failures  {test: [subtest]}              what fails, exactly; "" is the file as a whole

Whatever fails must be in `failures` and what is there must fail; each must be matched by a reason,
and each pattern must match something."""

import json

import files

SHOWN = 60


def match_name(name, pattern):
    """Only * is special: names are full of brackets."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return name == pattern
    if not name.startswith(parts[0]) or not name.endswith(parts[-1]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return at <= len(name) - len(parts[-1])


def names_test(entry, test):
    return any(files.matches(test.path, pattern) or files.matches(test.name, pattern) for pattern in entry["files"])


class Expectations:
    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.data = json.load(file)
        self.dropped = set()  # entries of not_run with subtests that were met

    def is_skipped(self, test):
        return any("subtests" not in entry and names_test(entry, test) for entry in self.data["not_run"])

    def drop_subtests(self, test, found):
        """Takes away what is not counted."""
        for entry in self.data["not_run"]:
            if "subtests" not in entry or not names_test(entry, test):
                continue
            for name in list(found):
                if any(match_name(name, pattern) for pattern in entry["subtests"]):
                    del found[name]
                    self.dropped.add(id(entry))

    def reason(self, test, subtest):
        path = test.split("?")[0]
        for entry in self.data["reasons"]:
            if not any(files.matches(path, pattern) for pattern in entry["files"]):
                continue
            if "subtests" not in entry or any(match_name(subtest, one) for one in entry["subtests"]):
                return entry["reason"]
        return None

    def update(self, results):
        failures = self.data["failures"]
        for test, found in results.items():
            bad = sorted(name for name, (status, _) in found.items() if status != "pass")
            failures.pop(test, None)
            if bad:
                failures[test] = bad
        self.data["failures"] = dict(sorted(failures.items()))
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1, ensure_ascii=True)
            file.write("\n")

    def compare(self, results, skipped, whole):
        """Lines that say what is not as expected."""
        worse, better, unexplained, unused = [], [], [], []
        for test, found in sorted(results.items()):
            known = set(self.data["failures"].get(test, ()))
            for name, (status, message) in found.items():
                if status == "pass" and name in known:
                    better.append(f"BETTER {test}: {name}")
                elif status != "pass" and name not in known:
                    worse.append(f"WORSE {test}: {name or '(the file)'}: {status}: {message[:200]}")
            for name in sorted(known - set(found)):
                better.append(f"BETTER {test}: {name or '(the file)'} (is not there)")
            for name in sorted(known):
                if self.reason(test, name) is None:
                    unexplained.append(f"NO REASON {test}: {name or '(the file)'}")
        if whole:
            unused = self.unused(results, skipped)
        return worse + better + unexplained[:SHOWN] + unused

    def unused(self, results, skipped):
        lines = []
        for entry in self.data["not_run"]:
            if "subtests" in entry:
                if id(entry) not in self.dropped:
                    lines.append(f"UNUSED not_run: {entry['subtests']}")
                continue
            for pattern in entry["files"]:
                if not any(names_test({"files": [pattern]}, test) for test in skipped):
                    lines.append(f"UNUSED not_run: {pattern}")
        paths = {test.split("?")[0] for test in self.data["failures"]}
        for test in sorted(set(self.data["failures"]) - set(results)):
            lines.append(f"UNUSED failures: {test}")
        for entry in self.data["reasons"]:
            for pattern in entry["files"]:
                if not any(files.matches(path, pattern) for path in paths):
                    lines.append(f"UNUSED reasons: {pattern}")
        return lines
