"""Makes a project of a test and runs it: with `skep test`, or with another runtime beside it."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request

import files

HERE = os.path.dirname(os.path.abspath(__file__))
NORMAL_MS = 20_000
LONG_MS = 45_000
GRACE_S = 10
COMPATIBILITY_DATE = "2026-11-17"
FLAGS = []
# What the tests' server calls otherwise than the files.
ALIASES = {"resources/WebIDLParser.js": "resources/webidl2/lib/webidl2.js"}

# Functions of a script are globals, and some tests look for them there.
FUNCTION = re.compile(r"^(?:async )?function\*? *(\w+)", re.M)

# idlharness.js evaluates the expressions that a test names its objects by, and Workers have no eval.
EXPRESSION = re.compile(r"""'(\(*new [^'\n]+)'|"(\(*new [^"\n]+)"|["']([A-Za-z_]\w*(?:\.\w+)*)["']""")
KEYWORDS = {"default", "delete", "function", "class", "in", "new", "return", "this", "typeof", "var", "void", "with"}

# Of a subtest, and of the harness.
STATUS = ["pass", "fail", "timeout", "not run", "precondition failed"]
OK, ERROR, TIMEOUT, PRECONDITION_FAILED = 0, 1, 2, 3


def script(root, origin, path):
    """A script's text; the server puts ports into those that have .sub in their names."""
    path = ALIASES.get(path, path)
    if ".sub." in path:
        with urllib.request.urlopen(f"{origin}/{path}") as answer:
            return answer.read().decode()
    return files.read(os.path.join(root, path))


def evaluator(text):
    """A function `eval` that knows the expressions in the text."""
    found = {a or b or c for a, b, c in EXPRESSION.findall(text)} - KEYWORDS
    cases = "".join(f"case {json.dumps(one)}: return {one};\n" for one in sorted(found))
    return f"globalThis.eval = (text) => {{ switch (text) {{\n{cases}}}\nthrow new EvalError(text); }};\n"


def write_case(folder, root, servers, test, run_id):
    """case.cjs: all scripts in one sloppy function, as they would share a global scope."""
    # A script has no module and no exports, and may look.
    parts = ["module.exports = ((module, exports, require) => function (__loaded) {\n",
             files.read(os.path.join(root, "resources/testharness.js")), "\n;__loaded();\n"]
    title = test.title or os.path.basename(test.path).split(".")[0]
    parts.append(f"globalThis.META_TITLE = {json.dumps(title)};\n")
    for path in [*test.scripts, test.path]:
        text = script(root, servers.origin, path)
        parts += [f'if (typeof {name} === "function") globalThis.{name} = {name};\n'
                  for name in sorted(set(FUNCTION.findall(text)))]
        parts += [text, "\n;\n"]
    if any(path.endswith("/idlharness.js") for path in test.scripts):
        parts.append(evaluator(text))
    parts.append("})();\n")
    with open(os.path.join(folder, "case.cjs"), "w", encoding="utf-8", newline="") as file:
        file.write("".join(parts))
    shutil.copy(os.path.join(HERE, "shell.mjs"), folder)
    config = {"url": f"{servers.origin}/{test.name}", "report": servers.report_url + run_id,
              "timeout_ms": LONG_MS if test.long else NORMAL_MS}
    return json.dumps(config)


class Skep:
    name = "skep"

    def __init__(self, program):
        self.program = program

    def prepare(self, folder, config):
        with open(os.path.join(folder, "main.mjs"), "w", encoding="utf-8") as file:
            file.write('import { run_case } from "./shell.mjs";\nimport run from "./case.cjs";\n'
                       f"export const wpt = {{ test: () => run_case({config}, run) }};\n")
        with open(os.path.join(folder, "wrangler.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "wpt", "main": "main.mjs", "compatibility_date": COMPATIBILITY_DATE,
                       "compatibility_flags": FLAGS}, file)

    def command(self, folder):
        return [self.program, "test", folder]


class Node:
    name = "node"
    arguments = ["node", "--no-warnings"]

    def prepare(self, folder, config):
        with open(os.path.join(folder, "main.mjs"), "w", encoding="utf-8") as file:
            file.write('import { run_case } from "./shell.mjs";\nimport run from "./case.cjs";\n'
                       f"await run_case({config}, run);\n"
                       "globalThis.Deno ? Deno.exit(0) : process.exit(0);\n")

    def command(self, folder):
        return [*self.arguments, os.path.join(folder, "main.mjs")]


class Deno(Node):
    name = "deno"

    def __init__(self, program):
        self.arguments = [program, "run", "--allow-all", "--no-config", "--quiet"]


class Workerd(Skep):
    name = "workerd"

    def __init__(self, program):
        super().__init__(program)
        self.arguments = [program]

    def prepare(self, folder, config):
        super().prepare(folder, config)
        names = {"main.mjs": "esModule", "shell.mjs": "esModule", "case.cjs": "commonJsModule"}
        modules = ", ".join(f'(name = "{name}", {kind} = embed "{name}")' for name, kind in names.items())
        with open(os.path.join(folder, "main.capnp"), "w", encoding="utf-8") as file:
            file.write('using Workerd = import "/workerd/workerd.capnp";\n'
                       "const all :Workerd.Config = (services = [\n"
                       f'  (name = "wpt", worker = (modules = [{modules}],\n'
                       '    compatibilityDate = "2026-05-03")),\n'
                       '  (name = "internet", network = (allow = ["public", "private"])),\n]);\n')

    def command(self, folder):
        return [self.program, "test", os.path.join(folder, "main.capnp")]


def run(runtime, root, servers, test):
    """{subtest: (status, message)}; the subtest "" is the file itself, where it failed as a whole."""
    run_id = re.sub(r"\W", "_", test.name)
    limit_s = (LONG_MS if test.long else NORMAL_MS) / 1000 + GRACE_S
    with tempfile.TemporaryDirectory(prefix="wpt-") as folder:
        try:
            runtime.prepare(folder, write_case(folder, root, servers, test, run_id))
        except (OSError, UnicodeDecodeError) as error:
            return {"": ("crash", f"one of its scripts cannot be had: {error}")}
        with open(os.path.join(folder, "output"), "w+b") as output:
            process = subprocess.Popen(runtime.command(folder), cwd=folder, stdout=output, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                ended = f"ended with status {process.wait(limit_s)}"
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                ended = f"did not end within {limit_s:.0f} s"
            output.seek(0)
            text = output.read().decode(errors="replace")
    result = servers.take(run_id)
    if result is None:
        return {"": ("crash", f"{ended}: {text[-600:]}")}
    return subtests(result, text)


def subtests(result, text):
    found = {}
    if result["status"] != OK:
        kind = {ERROR: "error", TIMEOUT: "timeout", PRECONDITION_FAILED: "precondition failed"}[result["status"]]
        found[""] = (kind, f"{result['message']} {text[-300:]}")
    for test in result["tests"]:
        name, n = test["name"], 2
        while name in found:
            name = f"{test['name']} #{n}"
            n += 1
        found[name] = (STATUS[test["status"]], test["message"])
    return found
