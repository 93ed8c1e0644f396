#!/usr/bin/env python3
"""`skep test`, and what a developer sees of `skep dev`: reloads, broken edits, files without config."""

import os
import re
import time

from support import Folder, check, dev, finish, run, write

TESTS = """
import { WorkerEntrypoint } from "cloudflare:workers";
export const passes = { async test(controller, env, ctx) { if (env.NAME !== "value") throw new Error("no env"); } };
export const fails = { test() { throw new TypeError("as it should"); } };
export class Also extends WorkerEntrypoint { test() { if (this.env.NAME !== "value") throw new Error("no env"); } }
export default { test() {} };
export class Plain { constructor(ctx, env) { this.env = env; }
  test(controller, env, ctx) { if (this.env !== env || !ctx.waitUntil) throw new Error("not as an object's"); } };
export const no_test = { fetch() {} };
"""
WRANGLER = 'name = "%s"\nmain = "%s"\ncompatibility_date = "2026-08-04"\n'


def test_command():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER % ("t", "t.js") + '[vars]\nNAME = "value"\n')
        write(folder, "t.js", TESTS)
        status, output = run("test", folder)
        check("test: a line each", all(re.search(f"^{line}$", output, re.M) for line in (
            "PASS passes", "FAIL fails: TypeError: as it should", "PASS Also", "PASS Plain", "PASS default")), output)
        check("test: the stack of what failed", re.search(r"^    at .*t\.js:4:\d+", output, re.M), output)
        check("test: the last line, and the status", output.rstrip().endswith("4 passed, 1 failed") and status == 1,
              (status, output))
        write(folder, "t.js", "export const a = { test() {} };\n")
        check("test: all passed", run("test", folder) == (0, "PASS a\n1 passed, 0 failed\n"), run("test", folder))
        write(folder, "t.js", "export default { fetch() {} };\n")
        status, output = run("test", folder)
        check("test: nothing to run is no success", status == 1 and "0 passed, 0 failed" in output, (status, output))
        write(folder, "t.js", "export const spin = { test() { for (let i = 0; i < 3e8; i++); } };\n")
        check("test: no CPU limit", run("test", folder)[0] == 0)


def eventually(skep, expected):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if expected in skep.ask("/")[2]:
            return True
        time.sleep(0.05)
    return False


def reloads():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER % ("r", "src/r.ts") + '[vars]\nNAME = "one"\n')
        write(folder, "src/part.ts", "export const part: string = 'first';\n")
        source = ("import { part } from './part';\n"
                  "export default { fetch(request: Request, env: { NAME: string }): Response {\n"
                  "  return new Response(`${part} ${env.NAME}`); } };\n")
        write(folder, "src/r.ts", source)
        with dev(folder) as skep:
            check("dev: answers", skep.ask("/")[2] == b"first one", skep.log_text())
            for name, file, text, expected in (
                    ("an imported module", "src/part.ts", "export const part: string = 'second';\n", b"second one"),
                    ("a variable", "wrangler.toml", WRANGLER % ("r", "src/r.ts") + '[vars]\nNAME = "two"\n',
                     b"second two"),
                    ("a secret over it", ".dev.vars", "NAME=three\n", b"second three")):
                write(folder, file, text)
                check(f"dev: reloads {name}", eventually(skep, expected),
                      (skep.ask("/"), skep.log_text()))
            write(folder, "src/r.ts", "export default {\n  fetch( { } };\n")
            check("dev: a broken edit shows file, line and column", eventually(skep, b"r.ts:2:"), skep.ask("/"))
            write(folder, "src/r.ts", source)
            check("dev: and the mended one answers", eventually(skep, b"second three"), skep.ask("/"))


def single_files():
    with Folder() as folder:
        js = write(folder, "one.js", "addEventListener('fetch', (event) =>\n"
                   "  event.respondWith(new Response('classic')));\n")
        with dev(js) as skep:
            check("dev: one file, service-worker syntax", skep.ask("/")[2] == b"classic", skep.log_text())
        ts = write(folder, "two.ts", "enum E { A = 7 }\nexport default { fetch: () => new Response(`${E.A}`) };\n")
        with dev(ts) as skep:
            check("dev: one TypeScript file", skep.ask("/")[2] == b"7", skep.log_text())
        write(folder, "data.txt", "text")
        write(folder, "more.cjs", "exports.answer = 42;\n")
        write(folder, "x.json", '{"a": [1]}')
        many = write(folder, "many.mjs", "import text from './data.txt';\nimport more, { answer } from './more.cjs';\n"
                     "import x from './x.json';\nexport default { fetch: () =>\n"
                     "  Response.json([text, more.answer, answer, x.a[0]]) };\n")
        with dev(many) as skep:
            check("dev: text, CommonJS and JSON modules", skep.ask("/")[2] == b'["text",42,42,1]',
                  (skep.ask("/"), skep.log_text()))
        check("dev: a folder without a project says so", run("dev", os.path.join(folder, "gone"))[0] == 1)


SERVICE_WORKER = """
const early = typeof GREETING + typeof LIST;
addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (path === "/twice") {
    event.respondWith(new Response("first"));
    try { event.respondWith(new Response("second")); } catch (error) { console.log("refused: " + error.name); }
  } else if (path === "/late") {
    Promise.resolve().then(() => { try { event.respondWith(new Response("")); } catch (e) { console.log(e.message); } });
  } else if (path === "/throws") {
    throw new RangeError("in the listener");
  } else {
    event.waitUntil(new Promise((resolve) => setTimeout(() => { console.log("waited"); resolve(); }, 1)));
    event.respondWith(Promise.resolve(new Response(`${early} ${GREETING} ${LIST.length}`)));
  }
});
"""


def service_worker_syntax():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER % ("classic", "c.js") + '[vars]\nGREETING = "hi"\nLIST = [1, 2]\n')
        write(folder, "c.js", SERVICE_WORKER)
        with dev(folder) as skep:
            check("service worker: variables are globals", skep.ask("/")[2] == b"stringobject hi 2", skep.ask("/"))
            check("service worker: waitUntil", skep.wait_for_log("waited"), skep.log_text())
            check("service worker: the first answer holds", skep.ask("/twice")[2] == b"first")
            check("service worker: a second one is refused", skep.wait_for_log("refused: InvalidStateError"),
                  skep.log_text())
            check("service worker: no answer is an error", skep.ask("/late")[0] == 500)
            check("service worker: too late is too late", skep.wait_for_log("Too late to call"), skep.log_text())
            check("service worker: an exception", skep.ask("/throws")[0] == 500)


def said_once():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER % ("w", "w.js") + 'no_such_key = 1\n')
        write(folder, "w.js", "export default { fetch() {} };\n")
        status, output = run("check", folder)
        check("check: a warning once", status == 0 and output.count("unknown key") == 1, output)
        write(folder, "w.js", "throw new Error('at the top');\n")
        status, output = run("test", folder)
        check("test: a failed start once", status == 1 and output.count("at the top") == 1, output)
        write(folder, "w.js", "export const t = { test() { throw new Error('in a test'); } };\n")
        status, output = run("test", folder)
        check("test: an exception once", status == 1 and output.count("in a test") == 1, output)
        jsx = write(folder, "page.jsx", "export default { fetch: () => new Response(<p/>) };\n")
        status, output = run("check", jsx)
        check("check: what to do about JSX", status == 1 and "page.jsx" in output and "esbuild" in output, output)


for test in (test_command, reloads, single_files, service_worker_syntax, said_once):
    test()
finish()
