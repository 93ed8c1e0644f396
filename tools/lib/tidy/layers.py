"""Who may include whom: the folders of src/ from the bottom up, as DESIGN of the house has them."""

import re

from .source import line_of

# A folder may include itself and those before it.
ORDER = ["base", "loop", "net", "sandbox", "rpc", "storage", "config", "isolate", "api", "bindings", "wasm",
         "broker", "shard", "cli"]

# Further walls between folders that the order alone would let through, and why.
FORBIDDEN = {
    "broker": (("isolate", "api", "wasm", "shard"),
               "the trusted process runs no tenant's code: put it into shard/"),
    "shard": (("config", "storage", "broker"),
              "the sandboxed process opens nothing: ask the broker over rpc/"),
}
# The zygote and the shards hold V8; whoever is trusted does not.
WITHOUT_V8 = {"base", "loop", "net", "sandbox", "rpc", "storage", "config", "broker"}

# A binding's folder has a half for each side: what lies in a folder "broker" is trusted and without
# V8, all else runs in shards and opens nothing.
BROKER_HALF = re.compile(r"^bindings/(\w+/)?broker/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
V8_HEADER = re.compile(r"^(v8[-.a-z]*\.h|libplatform/|cppgc/)")


def check(tree):
    for path in tree.with_suffix(".cc", ".h", under="src/"):
        parts = path.split("/")
        if len(parts) < 3:
            continue
        folder = parts[1]
        if folder not in ORDER:
            yield path, 1, f"src/{folder} has no place in the order of layers: add it in tools/lib/tidy/layers.py"
            continue
        text = tree.text(path)
        for include in INCLUDE.finditer(text):
            message = judge(folder, include.group(2)) or judge_half(path.removeprefix("src/"), include.group(2))
            if message:
                yield path, line_of(text, include.start(2)), message


def judge_half(path, header):
    """Which half of the bindings a file may see."""
    trusted = path.startswith("broker/") or BROKER_HALF.match(path)
    if path.startswith("bindings/") and trusted:
        if V8_HEADER.match(header) or header.startswith(("api/", "isolate/")):
            return f"the broker's half of a binding must not include {header}: it runs no tenant's code"
    if path.startswith("bindings/") and not trusted and header.startswith(("storage/", "config/")):
        return f"the shard's half of a binding must not include {header}: it opens nothing"
    if trusted and header == "bindings/bindings.h":
        return f"{header} is of the shard's half"
    if not trusted and BROKER_HALF.match(header):
        return f"{header} is of the broker's half of a binding"
    return None


def judge(folder, header):
    if V8_HEADER.match(header) and folder in WITHOUT_V8:
        return f"{folder}/ must not include V8 ({header})"
    other = header.split("/")[0] if "/" in header else folder
    if other not in ORDER or other == folder:
        return None
    if other in FORBIDDEN.get(folder, ((), ""))[0]:
        return f"{folder}/ must not include {header}: {FORBIDDEN[folder][1]}"
    if ORDER.index(other) > ORDER.index(folder):
        return f"{folder}/ must not include {header}: {other}/ is a layer above it"
    return None
