"""peers.json: what other runtimes make of the same tests, as measured by `tools/conformance wpt --runtime X
--save`."""

import json
import os
import subprocess

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.json")


def load():
    with open(PATH, encoding="utf-8") as file:
        return json.load(file)


def version(runtime):
    done = subprocess.run([runtime.arguments[0], "--version"], check=True, capture_output=True, text=True)
    return done.stdout.split("\n")[0].split("(")[0].removeprefix(runtime.name).strip().removeprefix("v")


def save(runtime, rows):
    """rows: {folder: (files, passed, of)}"""
    known = load() if os.path.exists(PATH) else {}
    known[runtime.name] = {
        "version": version(runtime),
        "folders": {folder: [passed, of] for folder, (_, passed, of) in rows.items()},
    }
    with open(PATH, "w", encoding="utf-8") as file:
        json.dump(dict(sorted(known.items())), file, indent=1)
        file.write("\n")
