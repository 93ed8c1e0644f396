#!/usr/bin/env python3
"""Outbound connections: what workers may reach and in how many spellings they may not, names that
lie, and cloudflare:sockets against a database's protocol and lines over TLS."""

import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse

from support import Folder, Listening, check, dev, finish, free_port, serve, write

REACH = """
import { connect } from "cloudflare:sockets";
export default { async fetch(request) {
  const query = new URL(request.url).searchParams;
  const host = query.get("host"), port = query.get("port");
  try {
    if (query.get("by") === "fetch") {
      return new Response("reached " + await (await fetch(`http://${host}:${port}/`)).text());
    }
    const socket = connect({ hostname: host, port: +port });
    const { remoteAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode("GET / HTTP/1.1\\r\\n\\r\\n"));
    return new Response("reached " + remoteAddress + " " + await new Response(socket.readable).text());
  } catch (error) {
    return new Response(`${error.name}: ${error.message} (${error.cause})`, { status: 502 });
  }
} };
"""


class Target(Listening):
    """A server that counts who comes and says hello to each."""

    def run(self, connection):
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            except OSError:
                pass


class Names:
    """A name server on UDP: zone(name, count) gives IPv4 addresses for the count-th question."""

    def __init__(self, zone):
        self.zone = zone
        self.asked = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        while True:
            try:
                query, sender = self.socket.recvfrom(2048)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += query[at] + 1
            name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0]
            addresses = []
            if kind == 1:
                self.asked[name] = self.asked.get(name, 0) + 1
                addresses = self.zone(name, self.asked[name])
            if addresses is None:
                continue
            answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
                               for address in addresses)
            reply = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0) + query[12:at + 5] + answers
            self.socket.sendto(reply, sender)


def reach(skep, host, port, by="connect"):
    status, _, body = skep.ask("/?" + urllib.parse.urlencode({"host": host, "port": port, "by": by}))
    return status, body.decode(errors="replace")


LOOPBACK = ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "127.1", "127.0.1", "0177.1",
            "017700000001", "127.0.0.1.", "0.0.0.0", "0", "127.9.9.9", "localhost", "LOCALHOST", "a.localhost",
            "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]"]


def spellings():
    """Nothing of ours is reached under `serve`, however it is spelled, whichever API asks."""
    with Folder() as folder, Target() as four, Target("::1") as six:
        with serve(folder, [("w", write(folder, "w.js", REACH), ["*/*"])]) as skep:
            for host in LOOPBACK:
                for by in ("connect", "fetch"):
                    for target in (four, six):
                        status, body = reach(skep, host, target.port, by)
                        check(f"{by} to {host} is refused", status == 502 and "reached" not in body, body)
            for host in ("10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "[fe80::1]", "[fd00::1]",
                         "224.0.0.1", "255.255.255.255", "[ff02::1]"):
                status, body = reach(skep, host, 80)
                check(f"{host} is refused", status == 502 and "not allowed" in body, body)
            for host in ("1.2.3.256", "a..b", "b\u00fccher.example", "\uff11.1.1.1", "a b", "x" * 400, "\0"):
                status, body = reach(skep, host, 80)
                check(f"{host[:20]!r} is no host", status == 502 and "TypeError" in body or "no address" in body, body)
            status, body = reach(skep, "1.1.1.1", 25)
            check("port 25 is refused", status == 502 and "not allowed" in body, body)
        check("nobody came", four.connections + six.connections == 0, (four.connections, six.connections))


def rules():
    """[outbound] of skep.toml."""
    with Folder() as folder, Target() as target, Target() as denied, Target() as named:
        zone = {"db.internal": ["127.0.0.1"], "other.internal": ["127.0.0.1"],
                "mixed.internal": ["10.255.255.1", "127.0.0.1"]}
        with Names(lambda name, _: zone.get(name, [])) as names:
            more = (f'[outbound]\nallow = ["127.0.0.1:{target.port}", "127.0.0.1:{denied.port}", '
                    f'"db.internal:{named.port}"]\ndeny = ["127.0.0.1:{denied.port}"]\n'
                    f'resolver = ["{names.address}"]')
            with serve(folder, [("w", write(folder, "w.js", REACH), ["*/*"])], more) as skep:
                for by in ("connect", "fetch"):
                    status, body = reach(skep, "127.0.0.1", target.port, by)
                    check(f"{by} to an address that is allowed", status == 200 and body.endswith("hello"), body)
                check("its address is told", reach(skep, "localhost", target.port)[1].startswith(
                    f"reached 127.0.0.1:{target.port} "))
                check("deny comes before allow", "not allowed" in reach(skep, "127.0.0.1", denied.port)[1])
                check("a name that is allowed", reach(skep, "DB.internal", named.port)[0] == 200)
                check("that name on another port", "not allowed" in reach(skep, "db.internal", denied.port)[1])
                check("another name of that address", "not allowed" in reach(skep, "other.internal", named.port)[1])
                check("of two addresses only the one that is allowed",
                      reach(skep, "mixed.internal", target.port)[1].startswith("reached 127.0.0.1"))
                body = reach(skep, "nowhere.internal", 80)[1]
                check("no such name", "there is no host nowhere.internal" in body, body)
                body = reach(skep, "other.internal", 81)[1]
                check("a refusal does not say what the name stands for", "127.0.0.1" not in body, body)
            check("denied means unseen", denied.connections == 0, denied.connections)


def rebinding():
    """A name that is public when it is looked at and ours when it is connected to."""
    with Folder() as folder, Target() as target:
        with Names(lambda _, count: ["192.0.2.1" if count % 2 else "127.0.0.1"]) as names:
            # The documentation network stands for a public address: nothing of it answers.
            more = f'[outbound]\nallow = ["192.0.2.0/24"]\nresolver = ["{names.address}"]'
            with serve(folder, [("w", write(folder, "w.js", REACH), ["*/*"])], more) as skep:
                bodies = [reach(skep, f"r{i // 4}.example", target.port, ("connect", "fetch")[i % 2])[1]
                          for i in range(2)]
                threads = [threading.Thread(target=lambda i=i: bodies.append(
                    reach(skep, f"n{i}.example", target.port)[1])) for i in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                check("a name that changes its mind reaches nothing of ours",
                      target.connections == 0 and not any("reached" in body for body in bodies), bodies)


def own_listeners():
    """Not even under dev, where everything local is allowed."""
    with Folder() as folder, Target() as target:
        with dev(write(folder, "w.js", REACH)) as skep:
            check("dev allows loopback", reach(skep, "localhost", target.port)[0] == 200)
            addresses = {"127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.5"}
            for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET):
                addresses.add(info[4][0])
            for address in sorted(addresses):
                for by in ("connect", "fetch"):
                    status, body = reach(skep, address, skep.port, by)
                    check(f"{by} to our own listener at {address}", status == 502 and "reached" not in body, body)


COUNT = """
import { connect } from "cloudflare:sockets";
export default { async fetch(request) {
  const query = new URL(request.url).searchParams;
  let made = 0;
  try {
    for (; made < 20; made++) {
      if (made % 2) await connect(`127.0.0.1:${query.get("port")}`).close().catch(() => {});
      else await (await fetch(`http://127.0.0.1:${query.get("port")}/`)).text();
    }
  } catch (error) { return new Response(`${made} ${error.message}`); }
  return new Response(String(made));
} };
"""


def limits():
    """[limits] subrequests, and a Worker's own that is lower."""
    with Folder() as folder, Target() as target:
        write(folder, "own/w.js", COUNT)
        write(folder, "own/wrangler.toml", 'name = "own"\nmain = "w.js"\n[limits]\nsubrequests = 3\n')
        write(folder, "more/w.js", COUNT)
        write(folder, "more/wrangler.toml", 'name = "more"\nmain = "w.js"\n[limits]\nsubrequests = 500\n')
        workers = [("w", write(folder, "w.js", COUNT), ["w.test/*"]), ("own", f"{folder}/own", ["own.test/*"]),
                   ("more", f"{folder}/more", ["more.test/*"])]
        with serve(folder, workers, '[outbound]\nallow = ["127.0.0.1"]\n[limits]\nsubrequests = 5') as skep:
            for host, most in (("w.test", 5), ("own.test", 3), ("more.test", 5)):
                for _ in range(2):
                    body = skep.ask(f"/?port={target.port}", host=host)[2].decode()
                    check(f"{most} subrequests of {host}", body == f"{most} Too many subrequests.", body)


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
    os.chmod(f"{folder}/{name}.pem", 0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context


class Database(Target):
    """The start of PostgreSQL's protocol (version 3): SSLRequest, start-up, simple queries."""

    def __init__(self, tls, inject=False):
        super().__init__()
        self.tls = tls
        self.inject = inject
        self.secure = False

    @staticmethod
    def exactly(connection, count):
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise OSError("closed")
            data += piece
        return data

    @staticmethod
    def message(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body

    def run(self, connection):
        try:
            length, code = struct.unpack("!II", self.exactly(connection, 8))
            if code == 80877103:  # SSLRequest
                connection.sendall(b"S")
                if self.inject:
                    time.sleep(0.2)  # the worker has read the one byte by then, and takes a rest
                    connection.sendall(self.message(b"E", b"injected"))
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.secure = True
                length, code = struct.unpack("!II", self.exactly(connection, 8))
            self.exactly(connection, length - 8)
            connection.sendall(self.message(b"R", struct.pack("!I", 0)) + self.message(b"Z", b"I"))
            while True:
                kind = self.exactly(connection, 1)
                body = self.exactly(connection, struct.unpack("!I", self.exactly(connection, 4))[0] - 4)
                if kind != b"Q":
                    return
                row = body[:-1].upper()
                connection.sendall(
                    self.message(b"D", struct.pack("!HI", 1, len(row)) + row) +
                    self.message(b"C", b"SELECT 1\0") + self.message(b"Z", b"I"))
        except OSError:
            pass
        finally:
            connection.close()


POSTGRES = """
import { connect } from "cloudflare:sockets";

class Connection {
  constructor(socket) { this.use(socket); this.have = new Uint8Array(); }
  use(socket) {
    this.socket = socket;
    this.reader = socket.readable.getReader();
    this.writer = socket.writable.getWriter();
  }
  async exactly(n) {
    while (this.have.length < n) {
      const { value, done } = await this.reader.read();
      if (done) throw new Error("closed early");
      const more = new Uint8Array(this.have.length + value.length);
      more.set(this.have); more.set(value, this.have.length); this.have = more;
    }
    const part = this.have.slice(0, n); this.have = this.have.slice(n);
    return part;
  }
  secure() {
    this.reader.releaseLock(); this.writer.releaseLock();
    this.use(this.socket.startTls());
  }
  async message() {
    const kind = String.fromCharCode((await this.exactly(1))[0]);
    const length = new DataView((await this.exactly(4)).buffer).getUint32(0);
    return { kind, body: await this.exactly(length - 4) };
  }
}
function packet(kind, body) {
  const out = new Uint8Array(kind.length + 4 + body.length);
  out.set(new TextEncoder().encode(kind));
  new DataView(out.buffer).setUint32(kind.length, body.length + 4);
  out.set(body, kind.length + 4);
  return out;
}
const u32 = (...n) => new Uint8Array(n.flatMap((x) => [x >>> 24, x >> 16 & 255, x >> 8 & 255, x & 255]));

export default { async fetch(request) {
  const query = new URL(request.url).searchParams;
  try {
    const c = new Connection(connect({ hostname: query.get("host"), port: +query.get("port") },
                                     { secureTransport: "starttls" }));
    if (query.get("tls")) {
      await c.writer.write(packet("", u32(80877103)));
      if (String.fromCharCode((await c.exactly(1))[0]) !== "S") throw new Error("no TLS");
      if (query.get("slow")) await new Promise((go) => setTimeout(go, 600));
      c.secure();
    }
    const startup = new TextEncoder().encode("\\0\\x03\\0\\0user\\0skep\\0\\0");
    await c.writer.write(packet("", startup));
    while ((await c.message()).kind !== "Z");
    const rows = [];
    for (const sql of ["select one", "select two"]) {
      await c.writer.write(packet("Q", new TextEncoder().encode(sql + "\\0")));
      for (;;) {
        const { kind, body } = await c.message();
        if (kind === "D") rows.push(new TextDecoder().decode(body.slice(6)));
        if (kind === "Z") break;
      }
    }
    await c.writer.write(packet("X", new Uint8Array()));
    await c.socket.close();
    return Response.json({ rows, upgraded: c.socket.secureTransport });
  } catch (error) { return new Response(`${error.name}: ${error.message} (${error.cause})`, { status: 502 }); }
} };
"""

LINES = """
import { connect } from "cloudflare:sockets";
export default { async fetch(request) {
  const query = new URL(request.url).searchParams;
  try {
    const socket = connect(`${query.get("host")}:${query.get("port")}`, { secureTransport: "on" });
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode("EHLO worker\\n"));
    await writer.write(new TextEncoder().encode("QUIT\\n"));
    const text = await new Response(socket.readable).text();
    await socket.closed;
    return new Response(text);
  } catch (error) { return new Response(`${error.name}: ${error.message} (${error.cause})`, { status: 502 }); }
} };
"""


class Lines(Target):
    """A line protocol over TLS from the first byte."""

    def __init__(self, tls):
        super().__init__()
        self.tls = tls

    def run(self, connection):
        try:
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                for line in secure.makefile("rb"):
                    secure.sendall(b"250 " + line)
                    if line.startswith(b"QUIT"):
                        secure.unwrap()
                        return
        except OSError:
            pass


def sockets():
    with Folder() as folder:
        tls, stranger = certificate(folder, "db.internal"), certificate(folder, "stranger")
        zone = lambda name, _: ["127.0.0.1"] if name.endswith(".internal") else []
        with (Names(zone) as names, Database(tls) as database, Database(stranger) as false,
              Database(tls, inject=True) as injecting, Lines(tls) as lines):
            more = (f'[outbound]\nallow = ["*.internal"]\nresolver = ["{names.address}"]\n'
                    'trust = ["db.internal.pem"]')
            workers = [("pg", write(folder, "pg.js", POSTGRES), ["pg.test/*"]),
                       ("lines", write(folder, "lines.js", LINES), ["lines.test/*"])]
            with serve(folder, workers, more) as skep:
                def pg(port, more="", host="db.internal"):
                    status, _, body = skep.ask(f"/?host={host}&port={port}{more}", host="pg.test")
                    return status, body.decode()
                rows = ["SELECT ONE", "SELECT TWO"]
                status, body = pg(database.port)
                check("PostgreSQL's protocol in the clear", status == 200 and json.loads(body)["rows"] == rows, body)
                status, body = pg(database.port, "&tls=1")
                check("PostgreSQL's protocol with STARTTLS", status == 200 and database.secure and
                      json.loads(body) == {"rows": rows, "upgraded": "on"}, body)
                status, body = pg(false.port, "&tls=1")
                check("a database whose certificate nobody trusts", status == 502 and "TLS" in body, body)
                status, body = pg(database.port, "&tls=1", "other.internal")
                check("a database with another's certificate", status == 502 and "TLS" in body, body)
                status, body = pg(injecting.port, "&tls=1&slow=1")
                check("bytes put before TLS are not believed", status == 502 and "bytes before TLS" in body, body)
                _, _, body = skep.ask(f"/?host=db.internal&port={lines.port}", host="lines.test")
                check("lines over TLS", body == b"250 EHLO worker\n250 QUIT\n", body)
                closed = free_port()
                _, _, body = skep.ask(f"/?host=db.internal&port={closed}", host="lines.test")
                check("nobody listens", b"proxy request failed, cannot connect to the specified address" in body, body)


def main():
    spellings()
    rules()
    rebinding()
    own_listeners()
    limits()
    sockets()
    finish()


main()
