#!/usr/bin/env python3
"""`skep serve` as a service: listeners, routes, many workers, an orderly end, shards that die."""

import http.client
import os
import signal
import socket
import threading
import time

from support import Folder, Skep, check, finish, serve, write

NAMED = 'export default { fetch(request) { return new Response("%s " + request.url); } };\n'
SLOW = """
export default { async fetch(request) {
  if (new URL(request.url).pathname === "/warm") return new Response("warm");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return new Response("slow");
} };
"""
SEED = """
const seed = Math.random();
export default { fetch() { return new Response(String(seed)); } };
"""


def routes():
    with Folder() as folder:
        workers = [(name, write(folder, f"{name}.js", NAMED % name), patterns) for name, patterns in (
            ("site", ["example.com/*"]), ("api", ["example.com/api/*"]), ("sub", ["*.example.com/*"]), ("bare", []))]
        more = f'[[listen]]\naddress = "unix:{folder}/http.sock"'
        with serve(folder, workers, more) as skep:
            for host, path, expected in (
                    ("example.com", "/", "site"), ("example.com", "/api/x", "api"), ("EXAMPLE.com", "/api/", "api"),
                    ("example.com:80", "/apis", "site"), ("a.b.example.com", "/", "sub"),
                    ("bare.workers.localhost", "/", "bare")):
                body = skep.ask(path, host=host)[2].decode()
                check(f"{host}{path} is {expected}'s", body.startswith(expected + " http://"), body)
            check("no worker: 404", skep.ask("/", host="other.org")[0] == 404)
            check("a worker with a route has no name of its own",
                  skep.ask("/", host="site.workers.localhost")[0] == 404)
            status, log = skep.stop(), skep.log_text()
            check("serve: ended in order", status == 0, log)
        toml = os.path.join(folder, "skep.toml")
        with open(toml, encoding="utf-8") as file:
            text = file.read()
        write(folder, "skep.toml", text.replace('name = "site"', 'name = "site"\nworkers_dev = true'))
        with Skep("serve", "--config", toml, port=skep.port) as skep:
            check("unless workers_dev says so", skep.ask("/", host="site.workers.localhost")[2].startswith(b"site "),
                  skep.log_text())
            check("beside its routes", skep.ask("/", host="example.com")[2].startswith(b"site "), skep.log_text())
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{folder}/http.sock")
                client.sendall(b"GET /u HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
                answer = b""
                while chunk := client.recv(4096):
                    answer += chunk
            check("a UNIX socket answers", answer.endswith(b"site http://example.com/u"), answer)


def reach():
    with Folder() as folder:
        write(folder, "pnpm-workspace.yaml", "packages: [app]\n")
        write(folder, "shared.js", "export const shared = 'shared';\n")
        main = write(folder, "app/main.js", "import { shared } from '../shared.js';\n"
                     "export default { fetch() { return new Response(shared); } };\n")
        with serve(folder, [("app", main, [])]) as skep:
            host = "app.workers.localhost"
            check("modules beyond the project's folder are refused", skep.ask("/", host=host)[0] == 500, skep.log_text())
            check("the log says which", skep.wait_for_log(r'No such module "\.\./shared\.js"'), skep.log_text())
            lines = [line for line in skep.log_text().splitlines() if "No such module" in line]
            check("in one line", len(lines) == 1, lines)
            skep.stop()
        toml = os.path.join(folder, "skep.toml")
        with open(toml, "a", encoding="utf-8") as file:
            file.write('reach = "workspace"\n')
        with Skep("serve", "--config", toml, port=skep.port) as skep:
            check("unless the workspace is asked for", skep.ask("/", host=host)[2] == b"shared", skep.log_text())


def limits():
    with Folder() as folder:
        spin = write(folder, "spin.js", "export default { fetch() { for (;;); } };\n")
        with serve(folder, [("spin", spin, [])], "[limits]\ncpu_ms = 50") as skep:
            check("over the CPU limit: 503", skep.ask("/", host="spin.workers.localhost")[0] == 503)
            check("the log says which limit", skep.wait_for_log("limit Worker exceeded CPU time limit"), skep.log_text())
            check("in one line", skep.log_text().count("exceeded CPU") == 1, skep.log_text())


def many_workers():
    with Folder() as folder:
        workers = [(f"w{i}", write(folder, f"w{i}.js", NAMED % f"w{i}"), []) for i in range(1000)]
        with serve(folder, workers) as skep:
            bodies = [skep.ask("/", host=f"w{i}.workers.localhost")[2].split()[0].decode() for i in range(0, 1000, 97)]
            check("a thousand workers, those asked answer", bodies == [f"w{i}" for i in range(0, 1000, 97)], bodies)


def orderly_end():
    with Folder() as folder:
        with serve(folder, [("slow", write(folder, "slow.js", SLOW), ["*/*"])]) as skep:
            skep.ask("/warm")
            answers = []
            asking = threading.Thread(target=lambda: answers.append(skep.ask("/")))
            asking.start()
            time.sleep(0.5)
            skep.process.send_signal(signal.SIGTERM)
            asking.join()
            check("SIGTERM: a request under way is finished", answers[0][::2] == (200, b"slow"), answers)
            check("SIGTERM: then it ends with 0", skep.process.wait(15) == 0, skep.log_text())


def seed_of(connection):
    """What the isolate at the other end drew when it started; None when the connection is lost."""
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None


def shards_that_die():
    """Two shards, one is killed: the requests of the other's connections all succeed."""
    with Folder() as folder:
        path = write(folder, "w.js", SEED)
        with serve(folder, [("w", path, ["*/*"])], shards=2) as skep:
            seeds = {}  # keep-alive connections by the shard that answers them
            while len(seeds) < 2 or sum(map(len, seeds.values())) < 12:
                connection = skep.connect()
                # Closed by the shard means lost, not to be opened again.
                connection.auto_open = 0
                connection.connect()
                seeds.setdefault(seed_of(connection), []).append(connection)
            check("Math.random() differs between shards", len(seeds) == 2 and None not in seeds, seeds.keys())
            before = skep.shards()
            os.kill(before[0], signal.SIGKILL)
            lost = [seed for seed, connections in seeds.items()
                    for connection in connections if seed_of(connection) is None]
            check("the connections of one shard are lost, no other's", len(set(lost)) == 1 and
                  len(lost) == len(seeds[lost[0]]), (lost, seeds))
            (alive,) = (seed for seed in seeds if seed not in lost)
            answers = [seed_of(connection) for connection in seeds[alive] for _ in range(50)]
            check("the other shard's requests all succeed", set(answers) == {alive}, set(answers))
            end = time.monotonic() + 20
            while time.monotonic() < end and set(skep.shards()) != {0, 1}:
                time.sleep(0.05)
            after = skep.shards()
            check("the dead shard is replaced, the other stays",
                  after.get(1) == before[1] and after.get(0) not in (None, before[0]), (before, after))
            fresh = {skep.ask("/")[2] for _ in range(30)}
            check("new connections are answered, the new shard's by a seed of its own",
                  b"" not in fresh and len(fresh | seeds.keys()) == 3, (fresh, seeds.keys()))


for test in (routes, reach, limits, many_workers, orderly_end, shards_that_die):
    test()
finish()
