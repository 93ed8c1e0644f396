#!/usr/bin/env python3
"""What a stranger, a tired administrator and a hostile tenant would send: clear errors, nothing lost,
neighbours unaffected."""

import json
import os
import socket
import threading
import time

from support import Folder, check, dev, finish, free_port, run, serve, write

HOSTILE = """
let kept;
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/throw": throw new TypeError("on purpose");
    case "/never": return new Promise(() => {});
    case "/spin": for (;;) {}
    case "/spin-async": await null; for (;;) {}
    case "/regexp": return new Response(String(/^(a+)+$/.test("a".repeat(40) + "b")));
    case "/memory": { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }
    case "/buffers": { const all = []; for (;;) all.push(new ArrayBuffer(1 << 20)); }
    case "/wrong": return "not a Response";
    case "/time": {
      const before = [Date.now(), performance.now(), +new Date()];
      for (let i = 0; i < 3e7; i++);
      const after = [Date.now(), performance.now(), +new Date()];
      return Response.json(before.every((value, i) => value === after[i]));
    }
    case "/keep": kept = request; return new Response("kept");
    case "/use": return new Response(await kept.text().catch((error) => error.message));
    case "/eval": return Response.json([() => eval("1"), () => new Function("1")].map((f) => {
      try { f(); return "ran"; } catch (error) { return error.name; } }));
    case "/random": return new Response(String(Math.random()));
    case "/stream": return new Response(new ReadableStream({
      pull(controller) { controller.enqueue(new Uint8Array(65536)); } }));
    case "/upload": { let n = 0; for await (const chunk of request.body) n += chunk.length; return Response.json(n); }
  }
  return new Response("fine");
} };
"""
NEIGHBOUR = 'export default { fetch() { return new Response("neighbour"); } };\n'


def hostile_workers():
    with Folder() as folder:
        workers = [("hostile", write(folder, "hostile.js", HOSTILE), []),
                   ("neighbour", write(folder, "neighbour.js", NEIGHBOUR), [])]
        with serve(folder, workers, "[limits]\ncpu_ms = 400\nrequest_body_bytes = 1000000") as skep:
            here, there = "hostile.workers.localhost", "neighbour.workers.localhost"
            check("a worker answers", skep.ask("/", host=here)[::2] == (200, b"fine"), skep.log_text())
            status, _, body = skep.ask("/throw", host=here)
            check("an exception: 500 and its number", (status, body) == (500, b"error code: 1101\n"), (status, body))
            check("its message and place are in the log",
                  skep.wait_for_log(r"TypeError: on purpose.*\n?.*hostile\.js:6:\d+"), skep.log_text())
            check("a handler that never settles", skep.ask("/never", host=here)[0] == 500)
            check("the log says that it hung", skep.wait_for_log("had hung"), skep.log_text())
            check("not a Response", skep.ask("/wrong", host=here)[0] == 500)
            check("time stands still", skep.ask("/time", host=here)[2] == b"true")
            check("no code from strings", json.loads(skep.ask("/eval", host=here)[2]) == ["EvalError"] * 2)
            skep.ask("/keep", "POST", b"body", host=here)
            body = skep.ask("/use", host=here)[2]
            check("another request's body cannot be read",
                  body.startswith(b"Cannot perform I/O on behalf of a different request."), body)
            for path in ("/spin", "/spin-async", "/regexp"):
                limits_cpu(skep, path, here, there)
            for path in ("/memory", "/buffers"):
                status, _, body = skep.ask(path, host=here)
                check(f"{path}: ended", status in (500, 503), (status, body))
                check(f"{path}: the worker goes on", skep.ask("/", host=here)[2] == b"fine")
            shards = skep.shards()
            check("a body over the limit: 413", skep.ask("/upload", "POST", b"x" * 1000001, host=here)[0] == 413)
            gone_clients(skep, here)
            check("the shard is the one it was", skep.shards() == shards, (shards, skep.shards(), skep.log_text()))


def limits_cpu(skep, path, here, there):
    answers = []
    spinning = threading.Thread(target=lambda: answers.append(skep.ask(path, host=here)))
    spinning.start()
    time.sleep(0.1)
    neighbours = [skep.ask("/", host=there)[2] for _ in range(5)]
    spinning.join()
    status, _, body = answers[0]
    check(f"{path}: the CPU limit ends it", (status, body) == (503, b"error code: 1102\n"), (status, body))
    check(f"{path}: neighbours answer meanwhile", neighbours == [b"neighbour"] * 5, neighbours)
    check(f"{path}: the worker goes on", skep.ask("/", host=here)[2] == b"fine")


def gone_clients(skep, host):
    for head in (f"GET /stream HTTP/1.1\r\nHost: {host}\r\n\r\n",
                 f"POST /upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500000\r\n\r\nabc",
                 f"GET / HTTP/1.1\r\nHo", "\x16\x03\x01\x00"):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", skep.port)) as client:
                client.sendall(head.encode("latin-1"))
                if "/stream" in head:
                    client.recv(100000)
    check("clients that leave in the middle hurt nobody", skep.ask("/", host=host)[2] == b"fine")


def idle_connections():
    import resource
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 500)), hard))
    with Folder() as folder:
        workers = [("neighbour", write(folder, "neighbour.js", NEIGHBOUR), ["*/*"])]
        with serve(folder, workers) as skep:
            clients = []
            try:
                for _ in range(count):
                    clients.append(socket.create_connection(("127.0.0.1", skep.port)))
                check(f"{count} idle connections, and one that asks", skep.ask("/")[2] == b"neighbour")
                clients[count // 2].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                check("one of them wakes up", clients[count // 2].recv(1000).startswith(b"HTTP/1.1 200"))
            finally:
                for client in clients:
                    client.close()


def broken_projects():
    ok = 'export default { fetch() { return new Response("ok"); } };\n'
    cases = [
        ("a syntax error", {"index.js": "export default {\n  fetch( { return 1; }\n};\n"},
         ["index.js:2:", "error: SyntaxError", "|"]),
        ("a TypeScript syntax error", {"index.ts": "const a: = 1;\nexport default {};\n"},
         ["index.ts:1:10", "SyntaxError", "|"]),
        ("a missing import", {"index.js": 'import "./nowhere.js";\n' + ok},
         ['No such module "nowhere.js".', 'imported from "index.js"']),
        ("half a TOML file", {"index.js": ok, "wrangler.toml": 'name = "x"\nmain = "ind'},
         ["wrangler.toml:2:", "error"]),
        ("half a JSON file", {"index.js": ok, "wrangler.jsonc": '{ "name": "x", "main": '},
         ["wrangler.jsonc:1:", "error"]),
        ("a wrong type", {"index.js": ok, "wrangler.toml": 'name = "x"\nmain = 5\n'}, ["wrangler.toml:2:", "error"]),
        ("a main that is not there", {"wrangler.toml": 'name = "x"\nmain = "gone.js"\n'}, ["gone.js", "error"]),
        ("an unknown flag", {"index.js": ok, "wrangler.toml":
         'name = "x"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n'
         'compatibility_flags = ["nodejs_compatt"]\n'}, ["nodejs_compat", "error"]),
    ]
    for name, files, expected in cases:
        with Folder() as folder:
            for file, text in files.items():
                write(folder, file, text)
            wrangler = any(file.startswith("wrangler") for file in files)
            target = folder if wrangler else os.path.join(folder, next(iter(files)))
            status, output = run("check", target)
            check(f"check: {name}", status == 1 and all(part in output for part in expected), (status, output))
    with Folder() as folder:
        write(folder, "index.js", ok)
        write(folder, "wrangler.toml", 'name = "x"\nmain = "index.js"\nvarz = 1\n[[kv_namespaces]]\nbinding = "KV"\nid = "a"\n')
        status, output = run("check", folder)
        check("check: an unknown key is a warning that suggests",
              status == 0 and "varz" in output and "vars" in output and "kv_namespaces" in output, (status, output))


def broken_service():
    with Folder() as folder:
        for name, text, expected in (
                ("half a file", 'data_dir = "/tmp/x"\n[[listen', ["skep.toml:2"]),
                ("a wrong type", "shards = 'two'\n", ["skep.toml:1", "shards"]),
                ("no such file", None, ["skep.toml"])):
            path = os.path.join(folder, "skep.toml")
            if text is None:
                os.unlink(path)
            else:
                write(folder, "skep.toml", text)
            status, output = run("serve", "--config", path)
            check(f"serve: {name}", status == 1 and all(part in output for part in expected), (status, output))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            write(folder, "skep.toml", f'data_dir = "{folder}/d"\n[[listen]]\naddress = "127.0.0.1:{port}"\n')
            status, output = run("serve", "--config", os.path.join(folder, "skep.toml"))
            check("serve: a taken port is named", status == 1 and f"127.0.0.1:{port}" in output, (status, output))


def global_scope():
    with Folder() as folder:
        path = write(folder, "index.js", 'setTimeout(() => {}, 1);\nexport default { fetch() {} };\n')
        with dev(path) as skep:
            status, _, body = skep.ask("/")
            check("a timer at top level: Workers' wording, and where", status == 500 and
                  b"Disallowed operation called within global scope" in body and b"index.js:1:1" in body,
                  (status, body))
        path = write(folder, "wait.ts", 'enum A { B }\nexport default {\n  fetch(): Response {\n'
                     '    throw new Error(`at ${A.B as number}`);\n  } };\n')
        with dev(path) as skep:
            body = skep.ask("/")[2]
            check("an exception in TypeScript: its line, by the source map",
                  b"at 0" in body and b"wait.ts:4:11" in body, body)
            html = skep.ask("/", headers={"Accept": "text/html"})
            check("a page for browsers", html[1].get("content-type", "").startswith("text/html"), html)


assert free_port()
for test in (hostile_workers, idle_connections, broken_projects, broken_service, global_scope):
    test()
finish()
