#!/usr/bin/env python3
"""Service bindings between workers of `skep serve` and `skep dev`: who reaches whom, and what goes wrong."""

import json
import os
import subprocess

from support import SKEP, Folder, check, dev, finish, serve, write

CALLEE = """
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  who() { return [this.ctx.props, this.env.NAME]; }
  async slow() { await new Promise((done) => setTimeout(done, 60000)); }
  spin() { for (;;); }
  fetch(request) { return new Response(request.body, { headers: { "x-url": request.url } }); }
}
"""
CALLER = """
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  try {
    if (pathname === "/who") return Response.json(await env.CALLEE.who());
    if (pathname === "/spin") return Response.json(await env.CALLEE.spin());
    if (pathname === "/names") return Response.json(Object.keys(env));
    if (pathname === "/many") {
      let sum = 0;
      for (let i = 0; i < 500; i++) sum += (await env.CALLEE.who()).length;
      return Response.json(sum);
    }
    return await env.CALLEE.fetch(request);
  } catch (error) {
    return Response.json({ name: error.name, message: error.message }, { status: 500 });
  }
} };
"""
DATE = 'compatibility_date = "2026-05-03"\n'


def project(folder, name, source, more=""):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    write(folder, f"{name}/index.js", source)
    write(folder, f"{name}/wrangler.toml", f'name = "{name}"\nmain = "index.js"\n{DATE}{more}')
    return os.path.join(folder, name)


def binding(service, more=""):
    return f'[[services]]\nbinding = "CALLEE"\nservice = "{service}"\n{more}'


def of_serve():
    with Folder() as folder:
        callee = project(folder, "callee", CALLEE, '[vars]\nNAME = "callee"\n[limits]\ncpu_ms = 50\n')
        caller = project(folder, "caller", CALLER, binding("callee", 'props = { a = [1, "b"] }\n'))
        stranger = project(folder, "stranger", CALLER)
        workers = [("caller", caller, ["caller.test/*"]), ("callee", callee, []),
                   ("stranger", stranger, ["stranger.test/*"])]
        with serve(folder, workers, shards=2) as skep:
            ask = lambda path, host="caller.test", **more: skep.ask(path, host=host, **more)
            status, _, body = ask("/who")
            check("serve: a call with props", (status, json.loads(body or "0")) ==
                  (200, [{"a": [1, "b"]}, "callee"]), (status, body, skep.log_text()))
            for _ in range(4):
                ask("/who")
            check("serve: many calls", ask("/many")[2] == b"1000")
            large = os.urandom(3 << 20)
            status, headers, body = ask("/up", method="POST", body=large)
            check("serve: a body there and back", (status, body == large) == (200, True), status)
            check("serve: the URL as it was", headers.get("x-url") == "http://caller.test/up", headers)
            status, _, body = ask("/spin")
            check("serve: the callee's CPU limit is the callee's", (status, json.loads(body)["message"]) ==
                  (500, "Worker exceeded CPU time limit."), body)
            check("serve: and its next call is served", ask("/who")[0] == 200)
            check("serve: who binds nothing reaches nobody", ask("/names", "stranger.test")[2] == b"[]")
            status, _, body = ask("/who", "stranger.test")
            check("serve: not by the name either", json.loads(body)["name"] == "TypeError", body)
            check("serve: no route leads to the callee", ask("/", "callee.test")[0] == 404)


def of_dev():
    with Folder() as folder:
        callee = project(folder, "callee", CALLEE)
        caller = project(folder, "caller", CALLER, binding("callee"))
        with dev(caller, "--config", callee) as skep:
            check("dev: a further --config is a worker to call", skep.ask("/who")[2] == b"[{},null]",
                  skep.log_text())
            write(folder, "callee/index.js", CALLEE.replace("this.env.NAME", "'new'"))
            check("dev: a change of it is seen", skep.wait_for_log(r"reloaded callee"), skep.log_text())
            check("dev: and called", skep.ask("/who")[2] == b'[{},"new"]')


def of_unknown():
    with Folder() as folder:
        callee = project(folder, "callee", CALLEE)
        caller = project(folder, "caller", CALLER, binding("callees"))
        with dev(caller, "--config", callee) as skep:
            check("unknown: the page says so", skep.ask("/who")[0] == 500)
            check("unknown: with the nearest name", skep.wait_for_log(
                r'service binding CALLEE of worker caller: there is no worker "callees" here; '
                r'did you mean "callee"\?'), skep.log_text())


def of_config():
    with Folder() as folder:
        for text, message in (
                ('[[services]]\nbinding = "A"\n', '"services[0].service" must be the name of a worker'),
                ('[[services]]\nservice = "a"\n', '"services[0].binding" must be the binding\'s name'),
                ('[[services]]\nbinding = "A"\nservice = "a"\nprops = 1\n', '"services[0].props" must be a table'),
                ('[[services]]\nbinding = "A"\nservice = "a"\nentrypont = "B"\n', 'entrypont')):
            caller = project(folder, "caller", CALLER, text)
            run = subprocess.run([SKEP, "check", caller], capture_output=True, text=True, timeout=60)
            check(f"config: {message}", message in run.stdout + run.stderr, run.stdout + run.stderr)


for test in (of_serve, of_dev, of_unknown, of_config):
    test()
finish()
