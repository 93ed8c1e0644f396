#!/usr/bin/env python3
"""Outbound fetch() against origins that are slow, lie, break off or send too much."""

import gzip
import io
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

from support import SANITIZED, Folder, Listening, check, dev, finish, prefix, serve, write

PROXY = """
export default { async fetch(request) {
  const url = new URL(request.url);
  const to = "http://127.0.0.1:" + url.searchParams.get("port") + url.pathname;
  try {
    switch (url.searchParams.get("how")) {
      case "text": return new Response(await (await fetch(to)).text());
      case "count": {
        let bytes = 0;
        for await (const chunk of (await fetch(to)).body) bytes += chunk.length;
        return new Response(String(bytes));
      }
      case "abort": {
        const response = await fetch(to, { signal: AbortSignal.timeout(300) });
        await response.text();
        return new Response("whole");
      }
      case "many": {
        const all = await Promise.all(Array.from({ length: 1000 }, async (_, i) =>
          (await (await fetch(to + "?" + i)).text())));
        return new Response(all.filter((text) => text === "hello").length);
      }
      case "first": {
        const { value } = await (await fetch(to)).body.getReader().read();
        return new Response(value);
      }
      default: return await fetch(new Request(to, request));
    }
  } catch (error) {
    return new Response(error.name + ": " + error.message, { status: 502 });
  }
} };
"""


def head_of(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


class Origin(Listening):
    """A server whose every connection is given to `serve_one(connection, head, rest)`."""

    def __init__(self, serve_one, tls=None):
        super().__init__()
        self.serve_one = serve_one
        self.tls = tls
        self.closed = threading.Event()  # a client closed before it had all

    def run(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while True:
                    head, rest = head_of(connection)
                    if head is None or self.serve_one(connection, head, rest) is False:
                        return
        except OSError:
            self.closed.set()


def ok(body, more=""):
    return f"HTTP/1.1 200 OK\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def hello(connection, head, rest):
    connection.sendall(ok(b"hello"))


def echo(connection, head, rest):
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    if "content-length" in fields:
        left = int(fields["content-length"]) - len(rest)
        while left > 0:
            piece = connection.recv(left)
            rest += piece
            left -= len(piece)
    elif "transfer-encoding" in fields:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += connection.recv(65536)
    connection.sendall(ok(head.encode() + b"\n\n" + rest))


def resident_kb(skep):
    (shard,) = skep.shards().values()
    with open(f"/proc/{shard}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def ask(skep, origin, path="/", how="", **more):
    return skep.ask(f"{path}?port={origin.port}&how={how}", **more)


def plain(skep):
    with Origin(hello) as origin:
        for how in ("", "text"):
            status, _, body = ask(skep, origin, how=how)
            check(f"hello by {how or 'passing on'}", (status, body) == (200, b"hello"), (status, body))
        for _ in range(20):
            ask(skep, origin)
        check("one connection serves all of them", origin.connections == 1, origin.connections)
    with Origin(echo) as origin:
        status, _, body = ask(skep, origin, method="POST", body=b"x" * 300_000, headers={"X-Mine": "kept"})
        check("a body goes through with its length and headers", status == 200 and body.endswith(b"x" * 300_000) and
              b"Content-Length: 300000" in body and b"X-Mine: kept" in body, body[:300])
        connection = skep.connect()
        connection.request("POST", f"/?port={origin.port}", body=iter([b"one", b"two"]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        body = connection.getresponse().read()
        check("and a chunked one", b"one" in body and b"Transfer-Encoding: chunked" in body, body)


def lies(skep):
    """(name, what the origin sends before it closes, what a reader is told)."""
    lost = b"TypeError: Network connection lost."
    for name, sent, told in (
            ("nothing", b"", lost),
            ("no HTTP", b"220 smtp.example ESMTP\r\n", lost),
            ("less than its Content-Length", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", lost),
            ("both lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"5\r\nhello\r\n0\r\n\r\n", lost),
            ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", lost),
            ("a cut chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello", lost),
            ("an endless head", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000, lost),
            ("more than its Content-Length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", b"hello"),
            ("until the end", b"HTTP/1.0 200 OK\r\n\r\nall of it", b"all of it"),
            ("not gzip", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
             b"TypeError: The body of the response is not coded as its Content-Encoding.")):
        def answer(connection, head, rest, sent=sent):
            connection.sendall(sent)
            return False
        with Origin(answer) as origin:
            body = ask(skep, origin, how="text")[2]
            check(f"an origin that sends {name}", body == told, body[:200])
    with Origin(lambda connection, head, rest: connection.sendall(ok(b"hello", "X: \x01\r\n"))) as origin:
        body = ask(skep, origin)[2]
        check("a header with a control character goes to nobody", body == lost, body)

    def cut(connection, head, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        return False
    with Origin(cut) as origin:
        status, _, body = ask(skep, origin)
        check("a cut body is cut for the client too", status == 0 and b"IncompleteRead" in body, (status, body))

    def reset(connection, head, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    with Origin(reset) as origin:
        body = ask(skep, origin, how="text")[2]
        check("a reset in the middle", body == lost, body)


def stale(skep):
    """An origin that closes each connection after its answer, without a word."""
    def once(connection, head, rest):
        connection.sendall(ok(b"hello"))
        return False
    with Origin(once) as origin:
        bodies = [ask(skep, origin)[2] for _ in range(30)]
        check("connections that the origin closed are not used", set(bodies) == {b"hello"}, set(bodies))


def slow(skep):
    def dribble(connection, head, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for i in range(10):
            connection.sendall(b"%d" % i)
            time.sleep(0.05)
    with Origin(dribble) as origin:
        check("a slow body arrives", ask(skep, origin, how="text")[2] == b"0123456789")
        check("and goes through", ask(skep, origin)[2] == b"0123456789")
        check("the rest of a body that nobody reads", ask(skep, origin, how="first")[2] == b"0")

    def stall(connection, head, rest):
        if "/head" in head:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.recv(1)
        raise OSError
    with Origin(stall) as origin:
        for path in ("/", "/head"):
            origin.closed.clear()
            body = ask(skep, origin, path, how="abort")[2]
            check(f"a stalled origin is given up at {path}", body.startswith(b"TimeoutError: The operation was aborted"),
                  body)
            check("and its connection is closed", origin.closed.wait(10))
        origin.closed.clear()
        # Half-closed would be a client that still reads: this one is gone.
        with socket.create_connection(("127.0.0.1", skep.port)) as client:
            client.sendall(f"GET /head?port={origin.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            client.recv(1000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        check("a client that leaves takes the origin's connection with it", origin.closed.wait(10))


def large(skep):
    size = 1 << 30
    piece = bytes(1 << 20)

    def gigabyte(connection, head, rest):
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            connection.sendall(piece)
    with Origin(gigabyte) as origin:
        before = resident_kb(skep)
        most = before
        connection = skep.connect()
        connection.request("GET", f"/?port={origin.port}")
        response = connection.getresponse()
        got = 0
        while chunk := response.read(1 << 22):
            got += len(chunk)
            if got % (1 << 26) < 1 << 22:
                most = max(most, resident_kb(skep))
        check("a gigabyte goes through", got == size, got)
        check("in constant memory", SANITIZED or most - before < 16 * 1024, f"{before} -> {most} KB")

    def endless(connection, head, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(piece)
    with Origin(endless) as origin:
        before = resident_kb(skep)
        with socket.create_connection(("127.0.0.1", skep.port)) as client:
            client.sendall(f"GET /?port={origin.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            client.recv(1000)
            time.sleep(1.5)  # it reads nothing more
            held = resident_kb(skep) - before
            check("a client that does not read holds an endless origin", held < 16 * 1024, f"{held} KB")
        check("which is let go with it", origin.closed.wait(10))

    body = b"u" * (32 << 20)
    with Origin(echo) as origin:
        status, _, answer = ask(skep, origin, method="PUT", body=body)
        check("32 MB up and down", status == 200 and answer.endswith(body[:1000]) and len(answer) > len(body), status)


def bomb(skep):
    size = 256 << 20
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    with Origin(lambda connection, head, rest: connection.sendall(
            ok(packed.getvalue(), "Content-Encoding: gzip\r\n"))) as origin:
        before = resident_kb(skep)
        status, headers, body = ask(skep, origin, headers={"Accept-Encoding": "gzip"})
        check("a bomb passes as it is to whoever takes gzip", body == packed.getvalue() and
              headers["content-encoding"] == "gzip", (status, headers))
        connection = skep.connect()
        connection.request("GET", f"/?port={origin.port}", headers={"Accept-Encoding": "identity"})
        response = connection.getresponse()
        check("to others it goes decoded", response.getheader("Content-Encoding") is None, response.headers)
        time.sleep(1)
        held = resident_kb(skep) - before
        check("as fast as they read", held < 16 * 1024, f"{held} KB")
        got = 0
        while chunk := response.read(1 << 22):
            got += len(chunk)
        check("and whole", got == size, got)
        check("in JavaScript it streams", ask(skep, origin, how="count", timeout_s=60)[2] == str(size).encode())
        body = ask(skep, origin, how="text", timeout_s=60)[2]
        check("and is refused where it is wanted whole", b"more memory than it may have" in body, body[:200])
        check("the shard lives", ask(skep, origin, headers={"Accept-Encoding": "gzip"})[0] == 200)


def many(skep):
    with Origin(hello) as origin:
        body = ask(skep, origin, how="many", timeout_s=60)[2]
        check("a thousand at once in one event", body == b"1000", body)
        check("over a bounded number of connections", origin.connections <= 256, origin.connections)


def redirects_under_serve():
    """Under serve, loopback is out of reach: directly, by a redirect, by any spelling."""
    worker = """
export default { async fetch(request) {
  try { return await fetch(new URL(request.url).searchParams.get("to")); }
  catch (error) { return new Response(error.message, { status: 502 }); }
} };
"""
    with Folder() as folder, Origin(hello) as origin:
        with serve(folder, [("w", write(folder, "w.js", worker), ["*/*"])]) as skep:
            for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
                status, _, body = skep.ask(f"/?to=http://{host}:{origin.port}/")
                check(f"serve: {host} is out of reach", status == 502 and b"could not be sent" in body, (status, body))
            status, _, body = skep.ask(f"/?to=http://127.0.0.1:{skep.port}/")
            check("serve: so is its own listener", status == 502, (status, body))
        check("the origin heard nothing", origin.connections == 0)


def certificate(folder, name, subject_names):
    """A self-signed certificate and its key, as files."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject_names}",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context


def https():
    """Under serve, with an allowed address and a certificate of our own that skep.toml trusts."""
    worker = """
export default { async fetch(request) {
  try { return await fetch(new URL(request.url).searchParams.get("to")); }
  catch (error) { return new Response(error.message, { status: 502 }); }
} };
"""
    with Folder() as folder:
        good = certificate(folder, "good", "IP:127.0.0.1")
        stranger = certificate(folder, "stranger", "IP:127.0.0.1")
        other = certificate(folder, "other", "DNS:other.test")
        good.set_alpn_protocols(["http/1.1"])
        for name in ("good", "other"):
            os.chmod(f"{folder}/{name}.pem", 0o644)
        more = '[outbound]\nallow = ["127.0.0.1"]\ntrust = ["good.pem", "other.pem"]'
        with (serve(folder, [("w", write(folder, "w.js", worker), ["*/*"])], more) as skep,
              Origin(hello, good) as trusted, Origin(hello, stranger) as untrusted, Origin(hello, other) as misnamed,
              Origin(hello) as plain_origin):
            for _ in range(10):
                status, _, body = skep.ask(f"/?to=https://127.0.0.1:{trusted.port}/")
            check("https to an origin whose certificate is trusted", (status, body) == (200, b"hello"), (status, body))
            check("over one connection", trusted.connections == 1, trusted.connections)
            for name, origin in (("that nobody trusts", untrusted), ("for another name", misnamed),
                                 ("that is none", plain_origin)):
                status, _, body = skep.ask(f"/?to=https://127.0.0.1:{origin.port}/")
                check(f"https to an origin with a certificate {name}", status == 502 and (b"TLS" in body or origin is plain_origin),
                      (status, body))
            status, _, body = skep.ask(f"/?to=http://127.0.0.1:{trusted.port}/")
            check("http to an origin that speaks TLS", status == 502 and b"lost" in body, (status, body))
            status, _, body = skep.ask(f"/?to=http://127.0.0.2:{plain_origin.port}/")
            check("what is not allowed stays out of reach", status == 502 and b"could not be sent" in body, body)


def hono():
    """An application of npm's hono that proxies."""
    package = os.path.join(prefix(), "npm-test/node_modules/hono")
    if not os.path.isdir(package):
        check("hono is installed", False, package)
        return
    with Folder() as folder, Origin(echo) as origin:
        os.makedirs(f"{folder}/node_modules")
        shutil.copytree(package, f"{folder}/node_modules/hono")
        write(folder, "package.json", '{"type": "module"}')
        write(folder, "wrangler.toml", 'name = "proxy"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n')
        write(folder, "index.js", f"""
import {{ Hono }} from "hono";
import {{ proxy }} from "hono/proxy";
const app = new Hono();
app.all("/proxy/:path", (c) => proxy("http://127.0.0.1:{origin.port}/" + c.req.param("path"), c.req.raw));
app.get("/json", async (c) => c.json({{ status: (await fetch("http://127.0.0.1:{origin.port}/")).status }}));
export default app;
""")
        with dev(folder) as skep:
            status, _, body = skep.ask("/proxy/there", method="POST", body=b"sent")
            check("hono's proxy", status == 200 and body.startswith(b"POST /there HTTP/1.1") and body.endswith(b"sent"),
                  (status, body, skep.log_text()[-500:]))
            body = skep.ask("/json")[2]
            check("fetch within hono", json.loads(body or b"{}") == {"status": 200}, body)


def main():
    with Folder() as folder:
        with dev(write(folder, "proxy.js", PROXY)) as skep:
            for test in (plain, lies, stale, slow, large, bomb, many):
                test(skep)
    redirects_under_serve()
    https()
    hono()
    finish()


if __name__ == "__main__":
    main()
