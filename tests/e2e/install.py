#!/usr/bin/env python3
"""What `meson install` leaves: a program that runs from there, its man pages, its licence."""

import os
import subprocess

from support import ROOT, SKEP, Folder, check, finish

PAGES = ("man1/skep.1", "man1/skep-bench.1", "man1/skep-check.1", "man1/skep-dev.1", "man1/skep-secret.1",
         "man1/skep-test.1", "man1/skep-top.1",
         "man5/skep.toml.5", "man8/skep-serve.8")


def command(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=300, check=False)
    return done.returncode, done.stdout


with Folder() as folder:
    status, output = command("meson", "install", "-C", os.path.dirname(SKEP), "--no-rebuild", "--strip",
                             "--destdir", folder)
    check("meson install", status == 0, output)
    tree = os.path.join(folder, "usr/local")
    skep = os.path.join(tree, "bin/skep")
    check("the program says its version", command(skep, "--version")[1].startswith("skep "), command(skep, "--version"))
    status, output = command(skep, "test", os.path.join(ROOT, "tests/worker/modules"))
    check("the program runs a worker", status == 0, output)
    for page in PAGES:
        path = os.path.join(tree, "share/man", page)
        status, output = command("mandoc", "-T", "lint", "-W", "error", path)
        check(f"{page} is a man page", status == 0, output)
    listed = [os.path.basename(page) for page in PAGES]
    sources = [name.removesuffix(".scd") for name in os.listdir(os.path.join(ROOT, "man")) if name.endswith(".scd")]
    check("no page was forgotten", sorted(listed) == sorted(sources), sources)
    for name in ("LICENSE", "THIRD_PARTY.md"):
        check(f"{name} is there", os.path.isfile(os.path.join(tree, "share/doc/skep", name)))
finish()
