#!/usr/bin/env python3
"""The edge as operators and Workers see it: proxies in front, headers, compression, logs, metrics."""

import gzip
import http.client
import json
import os
import re
import signal
import socket
import stat
import struct
import time

from support import Folder, Skep, check, finish, run, serve, write

TELL = """
const words = "the quick brown fox jumps over the lazy dog. ".repeat(200);
export default { async fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === "/text") return new Response(words, { headers: { etag: '"v1"' } });
  if (url.pathname === "/as-is")
    return new Response(words, { headers: { "cache-control": "no-transform" } });
  if (url.pathname === "/png") return new Response(words, { headers: { "content-type": "image/png" } });
  if (url.pathname === "/automatic")
    return new Response(words, { headers: { "content-type": "image/x", "content-encoding": "gzip" } });
  if (url.pathname === "/manual")
    return new Response(new Uint8Array([1, 2, 3]), { encodeBody: "manual", headers: { "content-encoding": "gzip" } });
  if (url.pathname === "/throw") throw new Error("thrown");
  if (url.pathname === "/events") {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    (async () => {
      await writer.write(new TextEncoder().encode("data: one\\n\\n"));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await writer.write(new TextEncoder().encode("data: two\\n\\n"));
      await writer.close();
    })();
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  }
  return Response.json({ url: request.url, cf: request.cf, headers: Object.fromEntries(request.headers) });
} };
"""
HOST = "tell.workers.localhost"


def tell(skep, headers=None, path="/"):
    status, _, body = skep.ask(path, host=HOST, headers=headers)
    return json.loads(body) if status == 200 else {"status": status, "headers": {}, "cf": {}, "url": ""}


def raw(address, data, timeout_s=10):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as client:
        client.settimeout(timeout_s)
        client.connect(address)
        client.sendall(data)
        answer = b""
        try:
            while chunk := client.recv(65536):
                answer += chunk
        except (ConnectionResetError, socket.timeout):
            pass
        return answer


def without_proxies():
    with Folder() as folder:
        worker = write(folder, "tell.js", TELL)
        with serve(folder, [("tell", worker, [])], 'colo = "TST"') as skep:
            seen = tell(skep, {"CF-Connecting-IP": "6.6.6.6", "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6",
                               "X-Forwarded-Proto": "https", "Forwarded": "for=6.6.6.6", "X-Forwarded-Host": "evil",
                               "CF-Ray": "6", "CF-Visitor": "6", "True-Client-IP": "6.6.6.6", "X-Other": "kept"})
            headers = seen["headers"]
            check("a stranger's word about himself is dropped", "6.6.6.6" not in json.dumps(headers), headers)
            check("the address is the connection's", headers.get("cf-connecting-ip") == "127.0.0.1" ==
                  headers.get("x-real-ip") == headers.get("x-forwarded-for"), headers)
            check("so is the scheme", headers.get("x-forwarded-proto") == "http" and
                  headers.get("cf-visitor") == '{"scheme":"http"}' and seen["url"].startswith("http:"), headers)
            check("a ray with the colo", re.fullmatch(r"[0-9a-f]{16}-TST", headers.get("cf-ray", "")), headers)
            check("other headers stay", headers.get("x-other") == "kept" and "forwarded" not in headers and
                  "x-forwarded-host" not in headers, headers)
            check("request.cf", seen["cf"].get("colo") == "TST" and seen["cf"].get("httpProtocol") == "HTTP/1.1" and
                  "country" not in seen["cf"], seen["cf"])


def behind_proxies():
    with Folder() as folder:
        worker = write(folder, "tell.js", TELL)
        more = ('trusted_proxies = ["127.0.0.0/8", "unix"]\n'
                f'[[listen]]\naddress = "unix:{folder}/http.sock"\n'
                f'[[listen]]\naddress = "unix:{folder}/proxied.sock"\nproxy_protocol = true')
        with serve(folder, [("tell", worker, [])], more) as skep:
            seen = tell(skep, {"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 127.0.0.9", "X-Forwarded-Proto": "https",
                               "CF-Connecting-IP": "6.6.6.6"})
            headers = seen["headers"]
            check("the rightmost stranger is the client", headers.get("cf-connecting-ip") == "192.0.2.7", headers)
            check("the proxy's scheme is the URL's", seen["url"].startswith("https:"), seen["url"])
            check("the chain goes on",
                  headers.get("x-forwarded-for") == "6.6.6.6, 192.0.2.7, 127.0.0.9, 127.0.0.1", headers)
            check("Forwarded is not asked", tell(skep, {"Forwarded": "for=192.0.2.9"})["headers"]["cf-connecting-ip"] ==
                  "127.0.0.1")
            get = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n".encode()
            answer = raw(f"{folder}/http.sock", get + b"X-Forwarded-For: 192.0.2.8\r\n\r\n")
            check("a UNIX socket's client", b'"cf-connecting-ip":"192.0.2.8"' in answer, answer)
            path = f"{folder}/proxied.sock"
            answer = raw(path, b"PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\n" + get + b"\r\n")
            check("PROXY version 1", b'"cf-connecting-ip":"192.0.2.1"' in answer, answer)
            header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H4s4sHH", 12, b"\xc6\x33\x64\x07", b"\x0a\0\0\1", 5, 6)
            answer = raw(path, header + get + b"\r\n")
            check("PROXY version 2", b'"cf-connecting-ip":"198.51.100.7"' in answer, answer)
            check("without a PROXY header: closed", raw(path, get + b"\r\n") == b"")
            check("with a broken one: closed", raw(path, b"PROXY TCP4 1.2.3.4\r\n" + get + b"\r\n") == b"")


def compression():
    with Folder() as folder:
        worker = write(folder, "tell.js", TELL)
        with serve(folder, [("tell", worker, [])]) as skep:
            status, headers, body = skep.ask("/text", host=HOST, headers={"Accept-Encoding": "gzip"})
            check("gzip where it is taken", status == 200 and headers.get("content-encoding") == "gzip" and
                  gzip.decompress(body).startswith(b"the quick"), headers)
            check("smaller, with a length", int(headers.get("content-length", "0")) == len(body) < 1000, headers)
            check("a weak ETag and Vary", headers.get("etag") == 'W/"v1"' and
                  headers.get("vary") == "Accept-Encoding", headers)
            for accept, expected in (("gzip, br, zstd", "br"), ("zstd;q=1, br;q=0.5", "zstd"), ("br;q=0, *", "zstd"),
                                     ("identity", None), ("gzip;q=0", None), ("", None)):
                headers = skep.ask("/text", host=HOST, headers={"Accept-Encoding": accept})[1]
                check(f"Accept-Encoding: {accept or '(none)'}", headers.get("content-encoding") == expected, headers)
                check("Vary all the same", headers.get("vary") == "Accept-Encoding", headers)
            for path in ("/as-is", "/png"):
                headers = skep.ask(path, host=HOST, headers={"Accept-Encoding": "gzip, br"})[1]
                check(f"{path} is left alone", "content-encoding" not in headers, headers)
            _, headers, body = skep.ask("/automatic", host=HOST)
            check("encodeBody automatic", headers.get("content-encoding") == "gzip" and
                  gzip.decompress(body).startswith(b"the quick"), headers)
            _, headers, body = skep.ask("/manual", host=HOST, headers={"Accept-Encoding": "br"})
            check("encodeBody manual", headers.get("content-encoding") == "gzip" and body == b"\1\2\3", (headers, body))
            with socket.create_connection(("127.0.0.1", skep.port), 10) as client:
                client.sendall(f"GET /events HTTP/1.1\r\nHost: {HOST}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
                got, begun = b"", time.monotonic()
                while b"\x1f\x8b" not in got and time.monotonic() - begun < 5:
                    got += client.recv(65536)
                first = got[got.index(b"\x1f\x8b"):] if b"\x1f\x8b" in got else b""
                check("an event leaves before the next is there", first and not got.endswith(b"0\r\n\r\n"), got)
        toml = os.path.join(folder, "skep.toml")
        with open(toml, "a", encoding="utf-8") as file:
            file.write("compress = false\n")
        with Skep("serve", "--config", toml, port=skep.port) as skep:
            headers = skep.ask("/text", host=HOST, headers={"Accept-Encoding": "gzip"})[1]
            check("compress = false", "content-encoding" not in headers and "vary" not in headers, headers)


class AdminConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def admin_get(path, target):
    connection = AdminConnection(path)
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read().decode()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^{}]*)\})? (-?[0-9.]+(?:e[-+]?[0-9]+)?|\+Inf|NaN)')
LABEL = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"')
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}


def openmetrics(text):
    """What is wrong with a text by the OpenMetrics specification; {(name, labels): value}."""
    wrong, samples, families, family, kind = [], {}, set(), None, None
    lines = text.split("\n")
    if lines[-2:] != ["# EOF", ""]:
        wrong.append("no # EOF at the end")
    for line in lines[:-2]:
        if line.startswith("# "):
            word, name, *rest = line[2:].split(" ", 2)
            if word == "TYPE":
                if name in families:
                    wrong.append(f"family twice: {name}")
                families.add(name)
                family, kind = name, rest[0]
            elif word not in ("UNIT", "HELP") or name != family:
                wrong.append(f"out of place: {line}")
            if word == "UNIT" and not name.endswith("_" + rest[0]):
                wrong.append(f"unit is not the name's end: {line}")
            continue
        match = SAMPLE.fullmatch(line)
        if not match:
            wrong.append(f"no sample: {line}")
            continue
        name, labels, value = match.groups()
        if family is None or name not in {family + suffix for suffix in SUFFIXES.get(kind, ())}:
            wrong.append(f"not of its family: {line}")
        if labels is not None and not re.fullmatch(f"{LABEL.pattern}(?:,{LABEL.pattern})*", labels):
            wrong.append(f"labels: {line}")
        if (name, labels) in samples:
            wrong.append(f"twice: {line}")
        samples[name, labels] = float(value.replace("+Inf", "inf"))
    for (name, labels), value in samples.items():
        if name.endswith("_bucket") and 'le="+Inf"' in labels:
            count = samples.get((name[:-7] + "_count", labels.replace(',le="+Inf"', "")))
            if count != value:
                wrong.append(f"+Inf bucket is not the count: {name} {labels}")
    return wrong, samples


def metrics_and_logs():
    with Folder() as folder:
        worker = write(folder, "tell.js", TELL)
        admin, log = f"{folder}/admin.sock", f"{folder}/access.log"
        os.chmod(folder, 0o777)  # who serves need not be who tests
        more = f'admin = "unix:{admin}"\n[access_log]\nformat = "json"\npath = "{log}"'
        with serve(folder, [("tell", worker, [])], more) as skep:
            for _ in range(3):
                skep.ask("/text", host=HOST, headers={"Accept-Encoding": "gzip", "User-Agent": 'a"b\tc\xe9'})
            skep.ask("/throw", host=HOST)
            skep.ask("/", host="nobody.example")
            skep.ask("/?trace", host=HOST,
                     headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
            check("the admin socket is its owner's", stat.S_IMODE(os.stat(admin).st_mode) == 0o600)
            check("health", admin_get(admin, "/health")[0] == 200)
            check("nothing else", admin_get(admin, "/")[0] == 404)
            status, kind, text = admin_get(admin, "/metrics")
            check("OpenMetrics", status == 200 and kind.startswith("application/openmetrics-text; version=1.0.0"), kind)
            wrong, samples = openmetrics(text)
            check("by its specification", not wrong, wrong)
            check("requests by outcome", samples.get(("skep_requests_total", 'worker="tell",outcome="ok"')) == 4 and
                  samples.get(("skep_requests_total", 'worker="tell",outcome="exception"')) == 1, text)
            check("no route", samples.get(("skep_rejected_total", 'reason="no_route"')) == 1, text)
            check("a histogram", samples.get(("skep_request_duration_seconds_count", 'worker="tell"')) == 5, text)
            check("compression", samples.get(("skep_compression_bytes_total", 'side="before"'), 0) >= 3 * 9000, text)
            names = {name for name, _ in samples}
            with open(os.path.join(os.path.dirname(__file__), "../../docs/metrics.md"), encoding="utf-8") as file:
                documented = file.read()
            missing = [name for name in names if not any(f"`{name.removesuffix(s)}" in documented for s in (
                "_total", "_bucket", "_count", "_sum", "_info", ""))]
            check("every name is documented", not missing, missing)
            status, table = run("top", "--admin", admin, "-n", "1")
            check("skep top", status == 0 and "tell" in table, table)

            def lines():
                with open(log, encoding="ascii") as file:
                    return [json.loads(line) for line in file]
            end = time.monotonic() + 10
            while len(lines()) < 6 and time.monotonic() < end:
                time.sleep(0.05)
            logged = lines()
            check("a line a request", len(logged) == 6, logged)
            first = logged[0] if logged else {}
            check("what it says", first.get("status") == 200 and first.get("worker") == "tell" and
                  first.get("url", "").endswith("/text") and first.get("client") == "127.0.0.1", first)
            check("a stranger's control characters are escaped", first.get("user_agent") == 'a"b\tc\xe9', first)
            check("the client's trace", logged[-1].get("trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736", logged[-1:])
            os.rename(log, log + ".1")
            skep.process.send_signal(signal.SIGHUP)
            check("reopened after SIGHUP", skep.wait_for_log("reloading"))
            skep.ask("/text", host=HOST)
            end = time.monotonic() + 10
            while (not os.path.exists(log) or not lines()) and time.monotonic() < end:
                time.sleep(0.05)
            check("goes on in the new file", os.path.exists(log) and len(lines()) == 1)


if __name__ == "__main__":
    without_proxies()
    behind_proxies()
    compression()
    metrics_and_logs()
    finish()
