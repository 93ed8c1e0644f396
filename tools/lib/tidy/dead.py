"""Files that nothing uses: sources that no meson.build names, headers that nobody includes."""

import os
import re


def check(tree):
    yield from check_sources(tree)
    yield from check_headers(tree)
    yield from check_scripts(tree)


def build_files(tree, path):
    """The meson.build files in the folder of `path` and above, nearest first, with the path from there."""
    folder = os.path.dirname(path)
    while True:
        candidate = os.path.join(folder, "meson.build")
        if candidate in tree.paths:
            yield tree.text(candidate), os.path.relpath(path, folder or ".")
        if not folder:
            return
        folder = os.path.dirname(folder)


def named(text, relative):
    """'a/b_test.cc' is named as such, or as 'b' or 'b_test' in a loop that adds the rest."""
    stem = os.path.splitext(relative)[0]
    names = {relative, stem, re.sub(r"_(test|fuzz|bench)$", "", stem)}
    return any(f"'{name}'" in text for name in names)


def check_sources(tree):
    for path in tree.with_suffix(".cc", ".c", ".capnp"):
        if not path.startswith(("src/", "tests/", "bench/")) or path.startswith("tests/worker/"):
            continue
        if not any(named(text, relative) for text, relative in build_files(tree, path)):
            yield path, 1, "no meson.build names it: build it or delete it"


def check_headers(tree):
    included = set()
    for path in tree.with_suffix(".cc", ".h", ".c"):
        for header in re.findall(r'#include\s+[<"]([^>"]+)[>"]', tree.text(path)):
            included.add(os.path.join("src", header))
            included.add(os.path.normpath(os.path.join(os.path.dirname(path), header)))
    for path in tree.with_suffix(".h"):
        if path.startswith(("src/", "tests/", "bench/")) and path not in included:
            yield path, 1, "nothing includes it: use it or delete it"


def part_name(path):
    """"sockets/sockets" of "src/api/sockets/sockets.part.js"."""
    return os.path.basename(os.path.dirname(path)) + "/" + os.path.basename(path)[:-len(".part.js")]


def is_node_module(tree, path):
    """Parts of src/api/node are Node.js's modules, whose names module.part.js lists."""
    if os.path.dirname(path) != "src/api/node":
        return False
    name = part_name(path).removeprefix("node/")
    known = tree.text("src/api/node/module.part.js")
    return any(f'"{prefix}{one}"' in known for prefix in ("", "node:") for one in (name, name.replace("_", "/")))


def check_scripts(tree):
    """JavaScript of the runtime is reached from runtime.js by imports, parts also by their names."""
    imported = {"src/api/runtime.js"}
    for path in tree.with_suffix(".js", under="src/api/"):
        for module in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", tree.text(path)):
            imported.add(os.path.normpath(os.path.join(os.path.dirname(path), module)))
    bundler = "".join(tree.text(path) for path in tree.with_suffix(".mjs", under="src/api/"))
    scripts = "".join(tree.text(path) for path in tree.with_suffix(".js", under="src/"))
    # Native code loads a part by its name, too.
    scripts += "".join(tree.text(path) for path in tree.with_suffix(".cc", under="src/api/event/"))
    for path in tree.with_suffix(".js", under="src/api/"):
        if path.endswith("_test.js") or "/testing/" in path or path in imported:
            continue
        if path.endswith(".part.js") and f'"{part_name(path)}"' in scripts:
            continue
        if path.endswith(".part.js") and is_node_module(tree, path):
            continue
        if f'"{path.removeprefix("src/api/")}"' in bundler:
            continue
        yield path, 1, "no module imports it: import it or delete it"
