#!/usr/bin/env python3
"""WebSockets with real clients and between workers: npm's ws, Chromium on the page of
examples/websocket, sockets to origins, passing one on, the end of a version and of the shard."""

import os
import re
import shutil
import struct
import subprocess
import time

from rawsocket import BINARY, CLOSE, PING, TEXT, Closed, Raw, frame
from support import ROOT, Folder, check, dev, finish, free_port, prefix, serve, write

EXAMPLE = os.path.join(ROOT, "examples", "websocket")
DATE = 'compatibility_date = "2026-08-04"\n'

WORKER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const origin = url.searchParams.get("origin");
    if (url.pathname === "/relay") return fetch(origin, request);
    if (url.pathname === "/constructor" || url.pathname === "/fetched") {
      let socket;
      if (url.pathname === "/constructor") {
        socket = new WebSocket(origin.replace("http", "ws"), ["chat"]);
        await new Promise((resolve, reject) => {
          socket.addEventListener("open", resolve);
          socket.addEventListener("error", (event) => reject(new Error(event.message)));
        });
      } else {
        const response = await fetch(origin, { headers: { Upgrade: "websocket" } });
        if (response.status !== 101) return new Response(`status ${response.status}`);
        socket = response.webSocket;
        socket.accept();
      }
      socket.binaryType = "arraybuffer";
      const said = new Promise((resolve) => socket.addEventListener("message", resolve));
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      socket.send("x".repeat(1000));
      const { data } = await said;
      socket.close(4000, "done");
      const { code, reason, wasClean } = await closed;
      return Response.json({ length: data.length, code, reason, wasClean, state: socket.readyState });
    }
    if (request.headers.get("Upgrade") !== "websocket") {
      return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    server.binaryType = "arraybuffer";
    server.addEventListener("close", (event) => console.log(`closed ${event.code} ${event.wasClean}`));
    if (url.pathname === "/late") {
      setTimeout(() => server.accept(), 100);
      server.addEventListener("message", (event) => server.send(event.data));
      return new Response(null, { status: 101, webSocket: client });
    }
    server.accept();
    server.send("before the response");
    let count = 0;
    server.addEventListener("message", async (event) => {
      if (event.data === "throw") throw new Error("thrown on purpose");
      if (event.data === "spin") for (;;);
      if (event.data === "bye") return server.close(4321, "as you like");
      if (event.data === "header") return server.send(request.headers.get("X-Own"));
      if (event.data === "flood") for (let i = 0; i < 200; i++) server.send(new Uint8Array(1 << 20));
      if (event.data === "timer") await new Promise((resolve) => setTimeout(resolve, 20));
      server.send(`${++count}: ${event.data}`);
    });
    return new Response(null, { status: 101, webSocket: client });
  },
};
"""

NODE = """
const WebSocket = require("ws");
const socket = new WebSocket(process.argv[2], { perMessageDeflate: process.argv[3] === "deflate" });
const big = "abc".repeat(100000);
const seen = [];
socket.on("open", () => { socket.ping("p"); socket.send("hello"); socket.send(big); socket.send(Buffer.from([1, 2, 255])); });
socket.on("pong", (data) => seen.push("pong " + data));
socket.on("message", (data, binary) => {
  seen.push(binary ? [...data].join() : data.toString() === big ? "big" : data.toString());
  if (binary) socket.close(4002, "through");
});
socket.on("close", (code, reason) => { console.log(seen.join("|"), code, String(reason), socket.extensions); });
"""


def node(name, script, *arguments):
    path = os.path.join(prefix(), "npm-test")
    done = subprocess.run(["node", "-e", script, "-", *arguments], cwd=path, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.stdout + done.stderr


def real_clients():
    with dev(EXAMPLE) as skep:
        url = f"ws://127.0.0.1:{skep.port}/echo"
        for way in ("plain", "deflate"):
            said = node("ws", NODE, url, way)
            check(f"npm's ws, {way}", "pong p" in said and "hello|big|1,2,255 4002 through" in said
                  and ("permessage-deflate" in said) == (way == "deflate"), said)
        with Raw(skep.port, "/clock") as raw:
            ticks = [raw.message()[1] for _ in range(3)]
            check("the clock ticks", ticks == [b"tick 1", b"tick 2", b"tick 3"], ticks)
        status, _, body = skep.ask("/echo")
        check("a request without an upgrade", status == 426 and b"WebSocket" in body, (status, body))
        chromium = shutil.which("chromium")
        check("Chromium is installed", chromium is not None)
        if chromium:
            page = page_in_chromium(chromium, f"http://127.0.0.1:{skep.port}/")
            check("the page's echo in Chromium", 'id="echo">hello from the page' in page, page)
            check("the page's clock in Chromium", re.search(r'id="clock">tick \d', page), page)


# The document once both of its sockets have spoken. Chromium's virtual time does not wait for sockets, so
# on a busy machine it takes more of it.
def page_in_chromium(chromium, url):
    for budget_ms in (3000, 15000, 45000):
        with Folder() as profile:
            page = subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                 f"--timeout={2 * budget_ms}", f"--virtual-time-budget={budget_ms}", "--dump-dom", url],
                capture_output=True, text=True, timeout=200, check=False).stdout
        if 'id="echo">hello from the page' in page and re.search(r'id="clock">tick \d', page):
            break
    return page


def project(folder, name="w", text=WORKER):
    write(folder, f"{name}/index.js", text)
    write(folder, f"{name}/wrangler.toml", f'name = "{name}"\nmain = "index.js"\n{DATE}')
    return os.path.join(folder, name)


def text_of(raw):
    return raw.message()[1].decode()


def a_socket(skep):
    with Raw(skep.port, headers=["X-Own: mine"]) as raw:
        check("what was sent before the response", text_of(raw) == "before the response")
        raw.send(TEXT, b"a")
        check("a message and its answer", text_of(raw) == "1: a")
        raw.send(TEXT, b"timer")
        check("timers live as long as the socket", text_of(raw) == "2: timer")
        raw.send(TEXT, b"header")
        check("the request can still be read", text_of(raw) == "mine")
        raw.send(TEXT, b"throw")
        raw.send(TEXT, b"b")
        check("an exception in a listener is logged and the socket goes on", text_of(raw) == "3: b"
              and skep.wait_for_log("thrown on purpose", 10))
        raw.send(TEXT, b"bye")
        opcode, data = raw.message()
        check("close() with code and reason", (opcode, data) == (CLOSE, struct.pack(">H", 4321) + b"as you like"))
        raw.send(CLOSE, struct.pack(">H", 4321))
        check("then the connection ends", raw.ended() and skep.wait_for_log("closed 4321 true", 10))
    with Raw(skep.port, "/late") as raw:
        raw.send(TEXT, b"early")
        check("messages wait for accept()", raw.message() == (TEXT, b"early"))
    with Raw(skep.port) as raw:
        text_of(raw)
    check("a client that leaves without a word is a close 1006", skep.wait_for_log("closed 1006 false", 10))
    check("101 to a request without an upgrade is an error",
          skep.ask("/")[0] == 500 and skep.wait_for_log("did not contain the header", 10))


def limits(skep):
    with Raw(skep.port) as raw:
        text_of(raw)
        raw.send(TEXT, b"spin")
        try:
            raw.message()
            ended = False
        except Closed:
            ended = True
        check("a listener that spins meets the CPU limit", ended and skep.wait_for_log("CPU time limit", 10))
    with Raw(skep.port) as raw:
        text_of(raw)
        raw.send(TEXT, b"flood")
        check("who does not read what is sent is cut off", skep.wait_for_log("closed 1006 false.*", 20))
        time.sleep(0.1)
    with Raw(skep.port) as raw:
        check("the worker goes on", text_of(raw) == "before the response")


def origins(skep, other):
    origin = f"http://127.0.0.1:{other.port}/late"
    for way in ("constructor", "fetched"):
        status, _, body = skep.ask(f"/{way}?origin={origin}")
        check(f"a socket to an origin: {way}", status == 200 and b'"length":1000,"code":4000' in body
              and b'"wasClean":true,"state":3' in body, (status, body))
    with Raw(skep.port, f"/relay?origin={origin}") as raw:
        check("a socket passed on: its handshake", raw.status == 101, raw.status)
        raw.send(TEXT, b"through")
        check("a socket passed on: text", raw.message() == (TEXT, b"through"))
        raw.send(BINARY, b"\0\1" * 50000)
        check("a socket passed on: bytes", raw.message() == (BINARY, b"\0\1" * 50000))
        raw.send(CLOSE, struct.pack(">H", 4004) + b"x")
        check("a socket passed on: its end", raw.close_code() == 4004)
    status, _, body = skep.ask(f"/constructor?origin=http://127.0.0.1:{free_port()}/")
    check("an origin that is not there", status == 500, (status, body))


def ends():
    with Folder() as folder:
        path = project(folder)
        with dev(path) as skep:
            with Raw(skep.port) as raw:
                text_of(raw)
                write(folder, "w/index.js", WORKER.replace("before the response", "the new version"))
                check("a new version ends the sockets of the old one with 1012", raw.message()[1][:2]
                      == struct.pack(">H", 1012))
                raw.send(CLOSE, struct.pack(">H", 1012))
            with Raw(skep.port) as raw:
                check("the next socket is the new version's", text_of(raw) == "the new version")
    with Folder() as folder:
        with serve(folder, [("w", project(folder), ["*/*"])]) as skep:
            with Raw(skep.port) as raw:
                text_of(raw)
                skep.process.terminate()
                check("SIGTERM: Close frame 1001", raw.message()[1][:2] == struct.pack(">H", 1001))
                raw.send(CLOSE, struct.pack(">H", 1001))
                check("then the connection ends", raw.ended())
            # Not stop(): a second SIGTERM would end it at once.
            check("and the process, with status 0", skep.process.wait(30) == 0, skep.log_text())


def hostile(skep):
    # A header that promises the most, over and over, with little behind it.
    raws = [Raw(skep.port) for _ in range(200)]
    for raw in raws:
        raw.raw(frame(BINARY, b"x" * 1000)[:500])
        raw.raw(b"")
    for raw in raws:
        raw.socket.close()
    with Raw(skep.port) as raw:
        text_of(raw)
        for _ in range(2000):
            raw.raw(frame(PING, b"p" * 125))
        raw.send(TEXT, b"still here")
        while (got := raw.message())[0] != TEXT:
            pass
        check("a flood of pings", got == (TEXT, b"1: still here"), got)


def main():
    real_clients()
    with Folder() as folder:
        with dev(project(folder)) as skep, dev(project(folder, "other")) as other:
            a_socket(skep)
            origins(skep, other)
            hostile(skep)
    with Folder() as folder:
        with serve(folder, [("w", project(folder), ["*/*"])], more="[limits]\ncpu_ms = 200\n") as skep:
            limits(skep)
    ends()
    finish()


if __name__ == "__main__":
    main()
