#!/usr/bin/env python3
"""Packages of npm under nodejs_compat: each loads and does one real thing. pg and mysql2 speak to small servers
here; nothing else leaves the machine."""

import hashlib
import json
import os
import shutil
import ssl
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import Folder, Listening, ROOT, check, finish, prefix, serve, write  # noqa: E402

PROJECTS = os.path.join(ROOT, "tests/e2e/npm")
MODULES = os.path.join(prefix(), "npm-test/node_modules")

PACKAGES = {
    "core": [],
    "express": ["express"], "hono": ["hono"], "pg": ["pg"], "mysql2": ["mysql2"], "zod": ["zod"], "jose": ["jose"],
    "drizzle": ["drizzle-orm"], "yoga": ["graphql-yoga", "graphql"], "itty": ["itty-router"], "undici": ["undici"],
    "langchain": ["@langchain/core"], "react_router": ["react-router", "react", "react-dom"], "astro": ["astro"],
}


def closure(names):
    """These packages and what they need, as they lie flat in node_modules."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        file = os.path.join(MODULES, name, "package.json")
        if name in found or not os.path.exists(file):
            continue
        found.add(name)
        with open(file, encoding="utf-8") as text:
            package = json.load(text)
        waiting += list(package.get("dependencies", {})) + list(package.get("peerDependencies", {}))
        waiting += list(package.get("optionalDependencies", {})) if name in ("pg",) else []
    return sorted(found)


def link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def install(project, names):
    for name in closure(names):
        shutil.copytree(os.path.realpath(os.path.join(MODULES, name)), os.path.join(project, "node_modules", name),
                        copy_function=link, dirs_exist_ok=True)


class Connection:
    """Reads exactly, from a socket."""

    def __init__(self, connection):
        self.socket = connection

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def send(self, data):
        self.socket.sendall(data)


class Postgres(Listening):
    """PostgreSQL's protocol, version 3: a password by MD5, plain queries, and prepared ones."""

    SALT = b"\x01\x02\x03\x04"

    def run(self, connection):
        with connection:
            try:
                self.talk(Connection(connection))
            except (EOFError, OSError):
                pass

    @staticmethod
    def message(kind, body=b""):
        return kind + struct.pack("!I", len(body) + 4) + body

    @classmethod
    def rows(cls, columns, values):
        fields = b"".join(name.encode() + b"\0" + struct.pack("!IhIhih", 0, 0, oid, -1, -1, 0) for name, oid in columns)
        row = b"".join(struct.pack("!I", len(value)) + value for value in values)
        return (cls.message(b"T", struct.pack("!H", len(columns)) + fields) +
                cls.message(b"D", struct.pack("!H", len(values)) + row))

    def talk(self, peer):
        size, = struct.unpack("!I", peer.take(4))
        startup = peer.take(size - 4)
        self.startup = startup
        peer.send(self.message(b"R", struct.pack("!I", 5) + self.SALT))
        kind, body = self.read(peer)
        inner = hashlib.md5(b"honeybee").hexdigest().encode()
        if kind != b"p" or body != b"md5" + hashlib.md5(inner + self.SALT).hexdigest().encode() + b"\0":
            peer.send(self.message(b"E", b"SFATAL\0C28P01\0Mwrong password\0\0"))
            return
        ready = self.message(b"Z", b"I")
        peer.send(self.message(b"R", struct.pack("!I", 0)) + self.message(b"S", b"server_version\0" b"16.0\0") + ready)
        text, values = "", []
        while True:
            kind, body = self.read(peer)
            if kind == b"X":
                return
            if kind == b"Q" and b"failure" in body:
                peer.send(self.message(b"E", b"SERROR\0C42P01\0Mno such table\0\0") + ready)
            elif kind == b"Q":
                done = self.message(b"C", b"SELECT 1\0")
                peer.send(self.rows([("one", 23), ("word", 25)], [b"1", "wörd".encode()]) + done + ready)
            elif kind == b"B":
                values = self.bound(body)
            elif kind == b"S":
                answer = self.message(b"1") + self.message(b"2")
                answer += self.rows([("name", 25), ("number", 23)], values) + self.message(b"C", b"SELECT 1\0")
                peer.send(answer + ready)

    @staticmethod
    def bound(body):
        at = body.index(b"\0") + 1
        at = body.index(b"\0", at) + 1
        formats, = struct.unpack_from("!H", body, at)
        at += 2 + 2 * formats
        count, = struct.unpack_from("!H", body, at)
        at += 2
        values = []
        for _ in range(count):
            size, = struct.unpack_from("!I", body, at)
            values.append(body[at + 4:at + 4 + size])
            at += 4 + size
        return values

    @staticmethod
    def read(peer):
        kind = peer.take(1)
        size, = struct.unpack("!I", peer.take(4))
        return kind, peer.take(size - 4)


class Http(Listening):
    """Answers each connection's request with what it asked."""

    def run(self, connection):
        with connection:
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            while len(body) < int(headers.get("content-length", 0)):
                body += connection.recv(65536)
            text = (" ".join(lines[0].split()[:2]) + f" {body.decode()}").encode()
            connection.sendall(b"HTTP/1.1 203 So\r\nConnection: close\r\nX-Asked: " + headers["x-asked"].encode() +
                               b"\r\nContent-Length: " + str(len(text)).encode() + b"\r\n\r\n" + text)


class Echo(Listening):
    """Gives back what came when no more comes."""

    def run(self, connection):
        with connection:
            data = b""
            while piece := connection.recv(65536):
                data += piece
            connection.sendall(data)


class Secure(Listening):
    """TLS at once, or after a word in the clear; gives back one line."""

    def __init__(self, folder, starttls):
        super().__init__()
        self.starttls = starttls
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(f"{folder}/authority.pem", f"{folder}/authority.key")

    def run(self, connection):
        with connection:
            try:
                if self.starttls:
                    connection.recv(64)
                    connection.sendall(b"go")
                with self.tls.wrap_socket(connection, server_side=True) as secure:
                    secure.sendall(b"secure " + secure.recv(64))
                    secure.unwrap()
            except OSError:
                pass


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", f"{folder}/authority.key", "-out", f"{folder}/authority.pem", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    os.chmod(f"{folder}/authority.pem", 0o644)


class Mysql(Listening):
    """MySQL's protocol: mysql_native_password, one text query."""

    SEED = b"12345678abcdefghijkl"

    def run(self, connection):
        with connection:
            try:
                self.talk(Connection(connection))
            except (EOFError, OSError):
                pass

    @staticmethod
    def packet(number, body):
        return struct.pack("<I", len(body))[:3] + bytes([number]) + body

    @staticmethod
    def read(peer):
        head = peer.take(4)
        return peer.take(int.from_bytes(head[:3], "little"))

    def talk(self, peer):
        capabilities = 0x00080000 | 0x8000 | 0x0200 | 0x0008 | 0x0001
        greeting = b"\x0a8.0.0\0" + struct.pack("<I", 7) + self.SEED[:8] + b"\0"
        greeting += struct.pack("<H", capabilities & 0xffff) + b"\x21" + struct.pack("<H", 2)
        greeting += struct.pack("<H", capabilities >> 16) + bytes([21]) + bytes(10) + self.SEED[8:] + b"\0"
        peer.send(self.packet(0, greeting + b"mysql_native_password\0"))
        login = self.read(peer)
        once = hashlib.sha1(b"honey").digest()
        mask = hashlib.sha1(self.SEED + hashlib.sha1(once).digest()).digest()
        token = bytes(a ^ b for a, b in zip(once, mask))
        if b"bee\0" not in login or token not in login:
            peer.send(self.packet(2, b"\xff\x15\x04#28000wrong password"))
            return
        peer.send(self.packet(2, b"\0\0\0\x02\0\0\0"))
        while True:
            query = self.read(peer)
            if query[:1] == b"\x01":
                return
            if query[:1] != b"\x03":
                peer.send(self.packet(1, b"\0\0\0\x02\0\0\0"))
                continue
            name = lambda text: bytes([len(text)]) + text  # noqa: E731
            column = lambda text, kind: (name(b"def") + name(b"") * 3 + name(text) + name(text) +  # noqa: E731
                                         b"\x0c\x21\0" + struct.pack("<IBHB", 255, kind, 0, 0) + b"\0\0")
            peer.send(self.packet(1, b"\x02") + self.packet(2, column(b"number", 3)) + self.packet(3, column(b"word", 253)) +
                      self.packet(4, b"\xfe\0\0\x02\0") + self.packet(5, name(b"42") + name("wörd".encode())) +
                      self.packet(6, b"\xfe\0\0\x02\0"))


def ask(server, name, path="/", **more):
    status, headers, body = server.ask(path, host=f"{name}.test", **more)
    return status, headers, body.decode(errors="replace")


def json_of(server, name, path="/", **more):
    status, _, body = ask(server, name, path, **more)
    try:
        return json.loads(body) if status == 200 else f"{status} {body}"
    except ValueError:
        return f"{status} {body}"


def express(server):
    status, headers, body = ask(server, "express", "/hello/bee?q=1")
    check("express: a route with a parameter", (status, body) == (200, '{"hello":"bee","query":"1","ip":"string"}') and
          headers.get("content-type") == "application/json; charset=utf-8", (status, headers, body))
    etag = headers.get("etag", "")
    status, _, _ = ask(server, "express", "/hello/bee?q=1", headers={"If-None-Match": etag})
    check("express: an entity tag, and 304", status == 304, (etag, status))
    status, _, body = ask(server, "express", "/sum", method="POST", body='{"a":40,"b":2}',
                          headers={"Content-Type": "application/json"})
    check("express: a JSON body", (status, body) == (201, "42"), (status, body))
    status, headers, body = ask(server, "express", "/text")
    check("express: headers of its own", (status, body, headers.get("x-made-by")) == (200, "<b>text</b>", "express"), headers)
    status, headers, _ = ask(server, "express", "/moved")
    check("express: a redirect", (status, headers.get("location")) == (302, "/text"), headers)
    status, _, body = ask(server, "express", "/broken")
    check("express: an error handler", (status, body) == (500, '{"error":"a handler\'s error","next":"function"}'), (status, body))
    check("express: no route", ask(server, "express", "/nowhere")[0] == 404)


def core(server):
    got = json_of(server, "core")
    check("node:http, node:net and node:tls as clients", got == {
        "got": {"status": 203, "asked": "yes", "text": "GET /x?y=1 "},
        "posted": {"status": 203, "asked": "yes", "text": "POST /echo a body"}, "echo": "one two",
        "secure": "secure hello", "upgraded": "secure again", "refused": "ECONNREFUSED", "env": True}, got)


def databases(server):
    got = json_of(server, "pg")
    check("pg: a password, a query, parameters, an error", got == {
        "plain": [{"one": 1, "word": "wörd"}], "bound": [{"name": "hive", "number": 42}], "failed": "42P01"}, got)
    got = json_of(server, "mysql2")
    check("mysql2: a password, a query", got == {"rows": [{"number": 42, "word": "wörd"}]}, got)
    got = json_of(server, "drizzle")
    check("drizzle-orm: queries of a schema", isinstance(got, dict) and got["rows"] == [{"id": 1, "name": "old", "bees": 7}] and
          got["seen"][0]["query"] == 'select "id", "name", "bees" from "hives" where "hives"."bees" > $1 order by lower("hives"."name")',
          got)


def others(server):
    for name in ("a", "b"):
        got = ask(server, "hono", "/id", headers={"x-id": name})
        check(f"hono: AsyncLocalStorage ({name})", got[2] == f"id {name}", got)
    got = json_of(server, "zod", method="POST", body='{"name":"old","bees":3}')
    check("zod: what fits", got == {"ok": {"name": "old", "bees": 3, "tags": []}}, got)
    got = json_of(server, "zod", method="POST", body='{"name":"x","bees":-3}')
    check("zod: what does not", got == {"issues": ["name", "bees"]}, got)
    got = json_of(server, "jose")
    check("jose: a token signed and checked", got == {
        "payload": {"hive": 1, "sub": "bee"}, "refused": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"}, got)
    query = json.dumps({"query": '{ hello(name: "bee") fails }'})
    got = json_of(server, "yoga", "/graphql", method="POST", body=query, headers={"Content-Type": "application/json"})
    check("graphql-yoga: a query", isinstance(got, dict) and got["data"] == {"hello": "hello bee", "fails": None} and
          got["errors"][0]["message"] == "Unexpected error.", got)
    check("itty-router: a route", ask(server, "itty", "/hello/bee")[2] == '"hello bee"', ask(server, "itty", "/hello/bee"))
    got = json_of(server, "langchain")
    check("langchain: a chain", got == {"system": "You count bees.", "answer": "forty-two", "pieces": 9}, got)
    status, _, body = ask(server, "react_router", "/hive/old")
    check("react-router: a page", status == 200 and "hive old" in body.replace("<!-- -->", ""), (status, body[:500]))
    check("react-router: a resource", json_of(server, "react_router", "/data") == {"bees": 42}, ask(server, "react_router", "/data"))
    got = json_of(server, "undici")
    check("undici: a request of its client to a mocked origin", got == {
        "statusCode": 200, "body": {"bees": 42}, "header": "b", "port": "string"}, got)
    got = ask(server, "astro", "/old")
    check("astro: a component", got[2] == "<h1>hive old</h1>", got)


def without_the_flag(folder):
    write(folder, "bare/index.js", 'import "node:fs";\nexport default {};\n')
    write(folder, "bare/wrangler.toml", 'main = "index.js"\ncompatibility_date = "2026-07-01"\n')
    with serve(folder, [("bare", os.path.join(folder, "bare"), ["bare.test/*"])]) as server:
        status, _, body = server.ask("/", host="bare.test")
        server.wait_for_log("No such module")
        text = server.log_text() + body.decode(errors="replace")
        check("without the flag there is no node:fs, and a hint", status >= 500 and 'No such module "node:fs".' in text and
              "nodejs_compat" in text, (status, text))


def main():
    with Folder() as folder:
        certificate(folder)
        with (Postgres() as postgres, Mysql() as mysql, Http() as http, Echo() as echo,
              Secure(folder, False) as secure, Secure(folder, True) as starttls):
            variables = {"pg": {"PORT": postgres.port}, "mysql2": {"PORT": mysql.port}, "undici": {"PORT": 1},
                         "core": {"HTTP": http.port, "ECHO": echo.port, "TLS": secure.port, "STARTTLS": starttls.port}}
            only = sys.argv[1:] or list(PACKAGES)
            workers = []
            for name in only:
                project = os.path.join(folder, name)
                shutil.copytree(os.path.join(PROJECTS, name), project)
                install(project, PACKAGES[name])
                with open(os.path.join(project, "wrangler.toml"), "a", encoding="utf-8") as file:
                    file.write("[vars]\n" + "".join(f'{key} = "{value}"\n' for key, value in variables.get(name, {}).items()))
                workers.append((name, project, [f"{name}.test/*"]))
            allowed = '[outbound]\nallow = ["127.0.0.1"]\ntrust = ["authority.pem"]\n'
            with serve(folder, workers, more=allowed) as server:
                if server.process.poll() is not None:
                    print(server.log_text())
                if not sys.argv[1:]:
                    core(server)
                    express(server)
                    databases(server)
                    others(server)
                else:
                    for name in only:
                        print(name, ask(server, name, "/graphql" if name == "yoga" else "/"))
                    server.wait_for_log("uncaught", timeout_s=1)
                    print(server.log_text())
            without_the_flag(folder)
    finish()


main()
