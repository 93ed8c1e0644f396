#!/usr/bin/env python3
"""What rides on a Worker's connections to elsewhere: sockets over TLS, trace contexts, coded bodies that are
cloned, options without effect; and bodies far larger than memory over HTTP/2, both ways."""

import gzip
import json
import os
import re
import subprocess
import threading
import time

from fetch_out import Origin, certificate, hello, ok
from support import Folder, check, dev, finish, free_port, serve, write

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
# What goes through one connection; `LARGE_BYTES=1073741824 tests/e2e/subrequests.py` for the whole of it.
LARGE_BYTES = int(os.environ.get("LARGE_BYTES", 48 << 20))
GROWTH_KB = 24 << 10

ECHO_SOCKETS = """
export default { fetch(request) {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener("message", (event) => server.send("echo " + event.data));
  return new Response(null, { status: 101, webSocket: client });
} };
"""

SOCKET_CLIENT = """
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const to = "wss://" + searchParams.get("to") + "/";
  let socket;
  if (pathname === "/constructor") {
    socket = new WebSocket(to);
    const opened = await new Promise((resolve) => {
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("error", () => resolve(false));
    });
    if (!opened) return new Response("no connection", { status: 502 });
  } else {
    try {
      socket = (await fetch(to.replace("wss", "https"), { headers: { Upgrade: "websocket" } })).webSocket;
    } catch (error) {
      return new Response(error.message, { status: 502 });
    }
    socket.accept();
  }
  const said = new Promise((resolve) => socket.addEventListener("message", resolve));
  socket.send("hello");
  const { data } = await said;
  socket.close(1000);
  return new Response(data);
} };
"""


def sockets_over_tls():
    with Folder() as folder:
        certificate(folder, "good", "IP:127.0.0.1")
        certificate(folder, "stranger", "IP:127.0.0.1")
        for name in ("good", "stranger"):
            os.chmod(f"{folder}/{name}.pem", 0o644)
            os.mkdir(f"{folder}/{name}")
        echo = write(folder, "echo.js", ECHO_SOCKETS)
        ports = {}

        def origin(name):
            ports[name] = free_port()
            return serve(f"{folder}/{name}", [("echo", echo, ["*/*"])],
                         f'[[certificate]]\ncert = "../{name}.pem"\nkey = "../{name}.key"\n'
                         f'[[listen]]\naddress = "127.0.0.1:{ports[name]}"\ntls = true\n')

        client = write(folder, "client.js", SOCKET_CLIENT)
        with (origin("good"), origin("stranger"),
              serve(folder, [("w", client, ["*/*"])], '[outbound]\nallow = ["127.0.0.1"]\ntrust = ["good.pem"]') as skep):
            for way in ("/constructor", "/fetch"):
                status, _, body = skep.ask(f"{way}?to=127.0.0.1:{ports['good']}")
                check(f"wss to a server that is trusted: {way}", (status, body) == (200, b"echo hello"), (status, body))
                status, _, body = skep.ask(f"{way}?to=127.0.0.1:{ports['stranger']}")
                check(f"wss to one that nobody trusts: {way}", status == 502, (status, body))


def head_fields(heads):
    lines = heads[-1].split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def traces():
    heads = []

    def note(connection, head, rest):
        heads.append(head)
        connection.sendall(ok(b"noted"))

    worker = """
export default { async fetch(request) {
  const url = new URL(request.url);
  const headers = url.pathname === "/own" ? { traceparent: url.searchParams.get("own") } : {};
  return fetch("http://127.0.0.1:" + url.searchParams.get("port"), { headers });
} };
"""
    with Folder() as folder, Origin(note) as origin, dev(write(folder, "w.js", worker)) as skep:
        path = f"/?port={origin.port}"
        answer = skep.ask(path, headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"})
        check("an origin is asked", answer[2] == b"noted", (answer, skep.log_text()))
        fields = head_fields(heads)
        found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", fields.get("traceparent", ""))
        check("the trace goes on to the origin", found and found.group(1) == TRACE and found.group(3) == "01", fields)
        check("with a span of its own", found and found.group(2) not in (PARENT, "0" * 16), fields)
        check("and its state", fields.get("tracestate") == "vendor=1", fields)
        own = f"00-{TRACE[::-1]}-{PARENT}-00"
        skep.ask(f"/own{path[1:]}&own={own}", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        check("what the Worker sets itself is left alone", head_fields(heads).get("traceparent") == own, heads[-1])
        skep.ask(path, headers={"traceparent": f"00-{'0' * 32}-{PARENT}-01", "tracestate": "vendor=1"})
        fields = head_fields(heads)
        check("one that is not valid is not passed on", "0" * 32 not in fields.get("traceparent", "") and
              "tracestate" not in fields, fields)


def coded_clones():
    text = b"a coded body, " * 5000

    def coded(connection, head, rest):
        connection.sendall(ok(gzip.compress(text), "Content-Encoding: gzip\r\n"))

    worker = """
export default { async fetch(request) {
  const url = new URL(request.url);
  const response = await fetch("http://127.0.0.1:" + url.searchParams.get("port"));
  const copy = response.clone();
  if (url.pathname === "/both") {
    const [a, b] = await Promise.all([response.text(), copy.text()]);
    return Response.json({ same: a === b, length: a.length, coding: copy.headers.get("content-encoding") });
  }
  const length = (await copy.text()).length;
  return new Response(response.body, { headers: { "x-length": length } });
} };
"""
    with Folder() as folder, Origin(coded) as origin, dev(write(folder, "w.js", worker)) as skep:
        body = skep.ask(f"/both?port={origin.port}")[2]
        check("a coded response and its clone read the same",
              json.loads(body) == {"same": True, "length": len(text), "coding": "gzip"}, body)
        status, headers, body = skep.ask(f"/one?port={origin.port}")
        check("the clone read, the other passed on", status == 200 and body == text and
              headers.get("x-length") == str(len(text)), (status, headers, len(body)))


def options_without_effect():
    worker = """
export default { async fetch(request) {
  const to = "http://127.0.0.1:" + new URL(request.url).searchParams.get("port");
  for (let i = 0; i < 3; i++) await fetch(to, { cf: { noSuchOption: i, polish: "lossy", mirage: true } });
  await fetch(new Request(to, { cf: { another: 1 } }));
  request.cf;
  await fetch(new Request(to, request));
  return new Response("done");
} };
"""
    with Folder() as folder, Origin(hello) as origin, dev(write(folder, "w.js", worker)) as skep:
        skep.ask(f"/?port={origin.port}")
        skep.ask(f"/?port={origin.port}")
        skep.wait_for_log(r"cf\.another has no effect")
        time.sleep(0.5)
        told = re.findall(r"cf\.(\w+) has no effect", skep.log_text())
        check("each option without effect is told once", sorted(told) == ["another", "noSuchOption"], told)


LARGE = """
const piece = new Uint8Array(65536);
export default { async fetch(request) {
  if (request.method === "POST") {
    let bytes = 0;
    for await (const chunk of request.body) bytes += chunk.length;
    return new Response(String(bytes));
  }
  let left = Number(new URL(request.url).searchParams.get("bytes"));
  return new Response(new ReadableStream({ pull(controller) {
    if (left <= 0) return controller.close();
    controller.enqueue(left < piece.length ? piece.subarray(0, left) : piece);
    left -= piece.length;
  } }));
} };
"""


class Peak:
    """The largest resident size of a process while the block runs, KB."""

    def __init__(self, pid):
        self.pid, self.kb, self.over = pid, 0, False

    def look(self):
        while not self.over:
            with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
                now = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
            self.first = getattr(self, "first", now)
            self.kb = max(self.kb, now)
            time.sleep(0.05)

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()


def large_bodies():
    with Folder() as folder:
        port = free_port()
        more = f'[limits]\ncpu_ms = 600000\nrequest_body_bytes = 4294967296\n[[listen]]\naddress = "127.0.0.1:{port}"\nhttp2 = true\n'
        with serve(folder, [("w", write(folder, "w.js", LARGE), ["*/*"])], more) as skep:
            url = f"http://127.0.0.1:{port}/"
            curl = ["curl", "-sS", "--http2-prior-knowledge"]
            skep.ask("/?bytes=1")
            (shard,) = skep.shards().values()
            for bytes_ in (16 << 20, LARGE_BYTES):  # the first for a heap of a usual size
                with Peak(shard) as down:
                    counted = subprocess.run(f"{' '.join(curl)} '{url}?bytes={bytes_}' | wc -c", shell=True, check=True,
                                             capture_output=True, text=True).stdout
                with Peak(shard) as up:
                    answer = subprocess.run(f"head -c {bytes_} /dev/zero | {' '.join(curl)} -T - -X POST {url}",
                                            shell=True, check=True, capture_output=True, text=True).stdout
            check(f"{LARGE_BYTES} bytes out over HTTP/2", counted.strip() == str(LARGE_BYTES), counted)
            check(f"in memory that stays: {down.first} to {down.kb} KB", down.kb - down.first < GROWTH_KB)
            check(f"{LARGE_BYTES} bytes in over HTTP/2", answer == str(LARGE_BYTES), answer)
            check(f"in memory that stays: {up.first} to {up.kb} KB", up.kb - up.first < GROWTH_KB)


def main():
    sockets_over_tls()
    traces()
    coded_clones()
    options_without_effect()
    large_bodies()
    finish()


if __name__ == "__main__":
    main()
