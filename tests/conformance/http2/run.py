#!/usr/bin/env python3
"""RFC 9113, RFC 7541 and RFC 8441 against a real `skep serve`, case by case; README.md lists the
sections. usage: run.py [TEXT…]: only the cases whose names contain one of the texts.
The last line is "N passed, N failed"."""

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "e2e"))
sys.path.insert(0, HERE)
import floods  # noqa: E402
import framing  # noqa: E402
import headers  # noqa: E402
import streams  # noqa: E402
from frames import Closed, Failed  # noqa: E402
from support import Folder, check, finish, serve, write  # noqa: E402

WORKER = """
export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/echo") return new Response(await request.text());
    if (url.pathname === "/headers") return Response.json([...request.headers]);
    if (url.pathname === "/url") return new Response(`${request.method} ${request.url}`);
    if (url.pathname === "/unread") { await scheduler.wait(600); return new Response("unread"); }
    if (url.pathname === "/204") return new Response(null, { status: 204 });
    if (url.pathname === "/304") return new Response(null, { status: 304 });
    if (url.pathname === "/hop") return new Response("x", { headers: {
      connection: "close", "keep-alive": "1", "transfer-encoding": "chunked", upgrade: "a", "X-Upper": "kept" } });
    if (url.pathname === "/slow") { await scheduler.wait(20000); return new Response("late"); }
    if (url.pathname === "/big") return new Response("x".repeat(Number(url.search.slice(1))));
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      server.addEventListener("message", (event) => server.send(event.data));
      return new Response(null, { status: 101, webSocket: client });
    }
    return new Response("hello");
  },
};
"""


def main():
    wanted = sys.argv[1:]
    with Folder() as folder:
        with serve(folder, [("h2", write(folder, "h2.js", WORKER), ["*/*"])]) as skep:
            skep.stop()
        toml = os.path.join(folder, "skep.toml")
        with open(toml, encoding="utf-8") as file:
            text = file.read()
        write(folder, "skep.toml", text.replace("[[worker]]", "http2 = true\n[[worker]]", 1))
        skep.arguments = ("serve", "--config", toml)
        with skep:
            shards = skep.shards()
            for group in (framing, streams, headers, floods):
                for name, case in group.CASES:
                    if wanted and not any(one in name for one in wanted):
                        continue
                    run(name, case, skep.port)
            check("the server is still there", skep.ask("/")[2] == b"hello", skep.log_text())
            check("by the same shard", skep.shards() == shards, skep.log_text())
    finish()


def run(name, case, port):
    try:
        case(port)
        check(name, True)
    except (Failed, AssertionError) as failure:
        check(name, False, failure)
    except Closed:
        check(name, False, "the server closed the connection")
    except Exception:  # pylint: disable=broad-except
        check(name, False, traceback.format_exc())


main()
