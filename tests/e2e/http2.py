#!/usr/bin/env python3
"""HTTP/2 with clients of this world: curl, nghttp, h2load, undici, Chromium; large bodies in constant
memory, slow readers, both versions on one port, an orderly end; and as a client, of a skep's own."""

import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance", "http2"))
from frames import GOAWAY, Client, Closed  # noqa: E402
from support import SANITIZED, Folder, Skep, check, finish, free_port, prefix, serve, write  # noqa: E402

BIG = (1 << 30) if os.environ.get("SKEP_LONG") else (128 << 20)
MEMORY_KB = 120 * 1024  # that a shard may grow by, whatever passes through it

WORKER = """
const chunk = new Uint8Array(64 * 1024);
export default { async fetch(request) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/big": {
      let left = Number(url.search.slice(1));
      return new Response(new ReadableStream({ pull(controller) {
        const bytes = Math.min(left, chunk.length);
        left -= bytes;
        if (bytes > 0) controller.enqueue(chunk.slice(0, bytes));
        if (left === 0) controller.close();
      } }));
    }
    case "/count": {
      let bytes = 0;
      for await (const piece of request.body) bytes += piece.length;
      return new Response(String(bytes));
    }
    case "/echo": return new Response(await request.text());
    case "/pipe": return new Response(request.body);
    case "/slow": await scheduler.wait(1500); return new Response("slow");
    case "/version": return new Response(request.cf?.httpProtocol);
    default: return new Response("hello");
  }
} };
"""
FETCHER = """
export default { async fetch(request) {
  const url = new URL(request.url);
  const to = "https://localhost:" + url.searchParams.get("port") + url.pathname;
  try {
    if (url.searchParams.has("many")) {
      const all = await Promise.all(Array.from({ length: 300 }, async () => (await (await fetch(to)).text())));
      return new Response(String(all.filter((text) => text === all[0] && text !== "").length));
    }
    if (url.searchParams.has("count")) {
      let bytes = 0;
      for await (const piece of (await fetch(to + "?" + url.searchParams.get("count"))).body) bytes += piece.length;
      return new Response(String(bytes));
    }
    return await fetch(to, request.method === "POST" ? { method: "POST", body: request.body, duplex: "half" } : {});
  } catch (error) { return new Response(String(error), { status: 502 }); }
} };
"""
UNDICI = """
import { Agent, request, setGlobalDispatcher } from "undici";
setGlobalDispatcher(new Agent({ allowH2: true, connect: { rejectUnauthorized: false } }));
const origin = process.argv[2];
const all = await Promise.all(Array.from({ length: 100 }, async (_, i) =>
  (await (await request(origin + "/echo", { method: "POST", body: "body " + i })).body.text()) === "body " + i));
console.log(all.filter(Boolean).length, await (await request(origin + "/version")).body.text());
process.exit(0);
"""


def tool(*command, timeout_s=300, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout_s, text=True, errors="replace", check=False, **more)
    return done.returncode, done.stdout


def curl(*arguments):
    return tool("curl", "-sS", "--http2-prior-knowledge", *arguments)[1]


def h2_serve(folder, more_listen="", head=""):
    """`skep serve` with http2 on its plain listener, and what `more_listen` adds."""
    skep = serve(folder, [("h2", write(folder, "h2.js", WORKER), ["*/*"])], head)
    toml = os.path.join(folder, "skep.toml")
    with open(toml, encoding="utf-8") as file:
        text = file.read()
    write(folder, "skep.toml", text.replace("[[worker]]", f"http2 = true\n{more_listen}[[worker]]", 1))
    return Skep("serve", "--config", toml, port=skep.port)


def certificate(folder):
    status, output = tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                          "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem")
    assert status == 0, output
    os.chmod(f"{folder}/key.pem", 0o644)
    return f'[[certificate]]\ncert = "{folder}/cert.pem"\nkey = "{folder}/key.pem"\n'


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])


def clients():
    with Folder() as folder, h2_serve(folder, head="[limits]\nrequest_body_bytes = 4294967296") as skep:
        url = f"http://127.0.0.1:{skep.port}"
        output = curl("-w", " %{http_version} %{http_code}", url + "/")
        check("curl, prior knowledge", output == "hello 2 200", output)
        output = curl("-d", "body", url + "/echo")
        check("curl: a small upload", output == "body", output)
        output = curl("-I", url + "/")
        check("curl: HEAD", output.startswith("HTTP/2 200") and "content-length: 5" in output, output)
        check("request.cf says the version", curl(url + "/version") == "HTTP/2", curl(url + "/version"))
        check("HTTP/1.1 on the same port", skep.ask("/version")[2] == b"HTTP/1.1", skep.ask("/version"))
        status, output = tool("nghttp", "-nv", url + "/", url + "/big?300000")
        check("nghttp", status == 0 and output.count(":status: 200") == 2, output[-500:])
        status, output = tool("h2load", "-n", "20000", "-c", "20", "-m", "10", url + "/")
        check("h2load: 20000 requests", "20000 succeeded, 0 failed" in output, output)
        large_bodies(folder, skep, url)


def large_bodies(folder, skep, url):
    shard = skep.shards()[0]
    before = resident_kb(shard)
    output = curl("-o", "/dev/null", "-w", "%{size_download} %{http_code}", f"{url}/big?{BIG}")
    check("a large download", output == f"{BIG} 200", output)
    path = os.path.join(folder, "big")
    with open(path, "wb") as file:
        file.truncate(BIG)
    output = curl("-T", path, url + "/count")
    check("a large upload", output == str(BIG), output)
    output = curl("-T", path, "-o", "/dev/null", "-w", "%{size_download}", url + "/pipe")
    check("both at once", output == str(BIG), output)
    grown = resident_kb(shard) - before
    check("in constant memory", SANITIZED or grown < MEMORY_KB, f"{grown} KB more")
    # Readers that take nothing: what they asked for waits in the Worker, not in memory.
    before = resident_kb(shard)
    idle = [Client(skep.port) for _ in range(20)]
    for client in idle:
        for _ in range(10):
            client.request(f"/big?{BIG}")
    check("slow readers: others are served", curl(url + "/") == "hello")
    check("slow readers: in bounded memory", resident_kb(shard) - before < 2 * MEMORY_KB,
          f"{resident_kb(shard) - before} KB more")
    for client in idle:
        client.socket.close()
    check("and after they are gone", curl(url + "/") == "hello")


def orderly_end():
    with Folder() as folder, h2_serve(folder) as skep:
        with Client(skep.port) as client, Client(skep.port) as idle:
            client.response(client.request("/"))
            idle.response(idle.request("/"))
            stream = client.request("/slow")
            client.ping()
            stopped = []
            stopping = threading.Thread(target=lambda: stopped.append(skep.stop()))
            stopping.start()
            check("SIGTERM: a request under way is finished", client.response(stream)[2] == b"slow")
            try:
                while True:
                    idle.read()
            except Closed:
                pass
            check("SIGTERM: an idle connection hears GOAWAY(NO_ERROR)",
                  [f.code() for f in idle.seen if f.kind == GOAWAY][:1] == [0], [f.kind for f in idle.seen])
            stopping.join()
            check("SIGTERM: in order", stopped == [0], skep.log_text())


def over_tls():
    with Folder() as folder:
        head = certificate(folder)
        port = free_port()
        listen = f'[[listen]]\naddress = "127.0.0.1:{port}"\ntls = true\nhttp2 = true\n'
        with h2_serve(folder, listen + head) as skep:
            url = f"https://localhost:{port}"
            ca = ("--cacert", f"{folder}/cert.pem")
            status, output = tool("curl", "-sS", "--http2", *ca, "-w", " %{http_version}", url + "/version")
            check("curl over TLS, by ALPN", output == "HTTP/2 2", output)
            status, output = tool("curl", "-sS", "--http1.1", *ca, "-w", " %{http_version}", url + "/version")
            check("curl over TLS, HTTP/1.1", output == "HTTP/1.1 1.1", output)
            undici(folder, url)
            chromium(folder, url)
            client_side(folder, skep, port)


def undici(folder, url):
    modules = os.path.join(prefix(), "npm-test", "node_modules")
    if not os.path.isdir(os.path.join(modules, "undici")):
        return
    os.symlink(modules, os.path.join(folder, "node_modules"))
    status, output = tool("node", write(folder, "undici.mjs", UNDICI), url, cwd=folder)
    check("undici with allowH2", status == 0 and output.split()[-2:] == ["100", "HTTP/2"], output)


def chromium(folder, url):
    if not shutil.which("chromium"):
        return
    status, output = tool("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                          f"--user-data-dir={folder}/chromium", "--ignore-certificate-errors", "--dump-dom",
                          url + "/version")
    check("Chromium speaks HTTP/2", "HTTP/2" in output, output[-500:])


def client_side(folder, origin, port):
    """Outbound fetch to an origin of HTTP/2."""
    with Folder() as other:
        shutil.copy(f"{folder}/cert.pem", f"{other}/ca.pem")
        os.chmod(f"{other}/ca.pem", 0o644)
        head = f'[outbound]\nallow = ["127.0.0.0/8", "::1"]\ntrust = ["{other}/ca.pem"]\n'
        with serve(other, [("f", write(other, "f.js", FETCHER), ["*/*"])], head) as skep:
            got = skep.ask(f"/version?port={port}")
            check("fetch() speaks HTTP/2", got[2] == b"HTTP/2", got + (skep.log_text(),))
            got = skep.ask(f"/echo?port={port}", "POST", b"x" * 300_000)
            check("fetch(): a body both ways", got[2] == b"x" * 300_000, got[:2] + (got[2][:200],))
            got = skep.ask(f"/version?port={port}&many")
            check("fetch(): 300 at once", got[2] == b"300", got)
            got = skep.ask(f"/big?port={port}&count={BIG // 4}", timeout_s=120)
            check("fetch(): a large response", got[2] == str(BIG // 4).encode(), got)


clients()
orderly_end()
over_tls()
finish()
