#!/usr/bin/env python3
"""KV over several processes: shards that see each other's writes, kills in the middle of puts, a store that
cannot be opened, and the example of short links."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from support import ROOT, SKEP, Folder, Skep, check, dev, finish, serve, write

WORKER = """
export default { async fetch(request, env) {
  const url = new URL(request.url);
  const key = url.searchParams.get("key");
  try {
    switch (url.pathname) {
      case "/put":
        await env.KV.put(key, request.method === "POST" ? request.body : url.searchParams.get("value"));
        return new Response("kept");
      case "/get": return new Response(await env.KV.get(key) ?? "none");
      case "/size": return new Response(String((await env.KV.get(key, "arrayBuffer"))?.byteLength ?? "none"));
      case "/stream": return new Response(await env.KV.get(key, "stream"));
      case "/delete": await env.KV.delete(key); return new Response("gone");
      case "/fill": {
        const [from, count] = [+url.searchParams.get("from"), +url.searchParams.get("count")];
        await Promise.all(Array.from({ length: count },
          (_, i) => env.KV.put(`fill/${String(from + i).padStart(8, "0")}`, "v")));
        return new Response("filled");
      }
      case "/list": {
        const page = await env.KV.list({ prefix: "fill/", cursor: url.searchParams.get("cursor") });
        return Response.json({ count: page.keys.length, first: page.keys[0]?.name, last: page.keys.at(-1)?.name,
          cursor: page.cursor });
      }
    }
  } catch (error) {
    return new Response(`${error.name}: ${error.message}`, { status: 500 });
  }
  return new Response("here");
} };
"""
CONFIG = '{"name": "kv", "main": "kv.js", "compatibility_date": "2026-05-03", "kv_namespaces": [{"binding": "KV"%s}]}'
HOST = "kv.workers.localhost"
PLAIN = 'export default { fetch() { return new Response("lives"); } };\n'


def project(folder, extra=""):
    write(folder, "app/kv.js", WORKER)
    write(folder, "app/wrangler.json", CONFIG % extra)
    plain = write(folder, "plain.js", PLAIN)
    return [("kv", os.path.join(folder, "app"), []), ("plain", plain, [])]


def with_shards(folder, count):
    """serve(), with so many shards whatever the machine has."""
    toml = os.path.join(folder, "skep.toml")
    with open(toml, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"^shards = .*\n", "", text, flags=re.M)
    write(folder, "skep.toml", f"shards = {count}\n" + text)
    return toml


def again(folder, port, count=3):
    return Skep("serve", "--config", with_shards(folder, count), port=port)


class Client:
    """One connection, so one shard, as long as it lasts."""

    def __init__(self, skep):
        self.connection = skep.connect()

    def ask(self, path, method="GET", body=None):
        self.connection.request(method, path, body=body, headers={"Host": HOST})
        response = self.connection.getresponse()
        return response.status, response.read().decode()


def shards_agree(skep):
    clients = [Client(skep) for _ in range(12)]
    stale = []
    for i in range(150):
        writer = clients[i % len(clients)]
        writer.ask(f"/put?key=one&value={i}")
        stale += [i for client in clients if client.ask("/get?key=one")[1] != str(i)]
    check("a write that was answered is read by every shard", not stale, stale[:10])
    clients[0].ask("/delete?key=one")
    check("and so is a delete", {client.ask("/get?key=one")[1] for client in clients} == {"none"})


def writers_of_all_shards(skep):
    failed = []

    def run(number):
        client = Client(skep)
        for i in range(60):
            answer = client.ask(f"/put?key=w{number}-{i}&value={number}:{i}")
            if answer != (200, "kept"):
                failed.append(answer)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("24 writers at once", not failed, failed[:3])
    reader = Client(skep)
    wrong = [(n, i) for n in range(24) for i in range(60) if reader.ask(f"/get?key=w{n}-{i}")[1] != f"{n}:{i}"]
    check("and all that they wrote is there", not wrong, wrong[:3])


def large_values(skep):
    client = Client(skep)
    body = os.urandom(9_000_000)
    check("a large value of a stream", client.ask("/put?key=big", "POST", body) == (200, "kept"))
    status, _, back = skep.ask("/stream?key=big", host=HOST)
    check("comes back byte by byte", status == 200 and back == body, (status, len(back)))
    check("too large a value", "413 Value length of" in client.ask("/put?key=big", "POST", bytes((25 << 20) + 1))[1])
    check("leaves the one before", client.ask("/size?key=big")[1] == "9000000")


class Putter(threading.Thread):
    """Writes keys until it is told to stop, and knows which were acknowledged."""

    def __init__(self, skep, name, size):
        super().__init__()
        self.skep, self.name_, self.size = skep, name, size
        self.kept, self.going = [], True

    def run(self):
        number, client = 0, None
        while self.going:
            try:
                client = client or Client(self.skep)
                value = f"{number}:" + "x" * self.size
                if client.ask(f"/put?key={self.name_}-{number}", "POST", value)[0] == 200:
                    self.kept.append(number)
                number += 1
            except (OSError, http.client.HTTPException):
                client = None
                number += 1
                time.sleep(0.01)

    def lost(self, skep):
        client, lost = Client(skep), []
        for number in self.kept:
            if client.ask(f"/get?key={self.name_}-{number}")[1] != f"{number}:" + "x" * self.size:
                lost.append(number)
        return lost


def start_putters(skep, name):
    # Small ones lie in the database, large ones are files.
    putters = [Putter(skep, f"{name}{n}", 200 if n % 3 else 70_000) for n in range(9)]
    for putter in putters:
        putter.start()
    return putters


def stop_putters(putters):
    for putter in putters:
        putter.going = False
    for putter in putters:
        putter.join()


def killed_shards(skep):
    putters = start_putters(skep, "shard")
    for _ in range(3):
        time.sleep(0.4)
        for pid in list(skep.shards().values())[:1]:
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    stop_putters(putters)
    kept = sum(len(putter.kept) for putter in putters)
    lost = [(putter.name_, putter.lost(skep)) for putter in putters if putter.lost(skep)]
    check("kill -9 of shards in the middle of puts: puts went on", kept > 50, kept)
    check("and none that was acknowledged is lost", not lost, lost[:3])


def killed_brokers(folder, port):
    for life in range(3):
        with again(folder, port) as skep:
            putters = start_putters(skep, f"broker{life}-")
            time.sleep(1)
            os.kill(skep.process.pid, signal.SIGKILL)
            stop_putters(putters)
        begun = time.monotonic()
        with again(folder, port) as skep:
            Client(skep).ask("/get?key=x")
            print(f"     ready {time.monotonic() - begun:.2f} s after a crash")
            lost = [(putter.name_, putter.lost(skep)) for putter in putters if putter.lost(skep)]
            kept = sum(len(putter.kept) for putter in putters)
            check(f"kill -9 of the broker, {life + 1}: {kept} acknowledged puts are there", kept and not lost, lost[:3])


def long_list(skep):
    count = 1_000_000 if os.environ.get("SKEP_LONG") else 20_000
    client = Client(skep)
    for start in range(0, count, 5000):
        client.ask(f"/fill?from={start}&count=5000")
    resident = []
    seen, cursor, last, ordered = 0, "", "", True
    while True:
        page = json.loads(client.ask("/list?cursor=" + urllib.parse.quote(cursor))[1])
        seen += page["count"]
        ordered &= page["first"] > last
        last = page["last"]
        with open(f"/proc/{skep.process.pid}/statm", encoding="utf-8") as file:
            fields = file.read().split()
            resident.append(int(fields[1]) - int(fields[2]))
        if not page.get("cursor"):
            break
        cursor = page["cursor"]
    check(f"{count} keys by pages", seen == count and ordered, (seen, ordered))
    # Anonymous memory of the broker, in pages of 4 KiB: that of one page of keys, whichever.
    check("in constant memory", max(resident) - resident[0] < 4096, (resident[0], max(resident)))


def broken_store():
    with Folder() as folder:
        workers = project(folder)
        with serve(folder, workers) as skep:
            check("a value", Client(skep).ask("/put?key=a&value=1")[1] == "kept", skep.log_text())
            port = skep.port
        found = [os.path.join(path, "data.mdb") for path, _, files in os.walk(folder) if "data.mdb" in files]
        check("one database", len(found) == 1, found)
        with open(found[0], "r+b") as file:
            file.write(b"nonsense" * 2000)
        with again(folder, port, 1) as skep:
            answer = Client(skep).ask("/get?key=a")
            check("a broken database is an error of its calls", answer[0] == 500 and "KV GET failed: 500" in answer[1],
                  answer)
            check("which does not say where it lies", "data.mdb" not in answer[1], answer)
            check("the log does", skep.wait_for_log(re.escape(found[0])), skep.log_text())
            check("other workers live", skep.ask("/", host="plain.workers.localhost")[2] == b"lives")
            check("and so does that one", Client(skep).ask("/")[1] == "here")


def second_broker(folder, first):
    toml = os.path.join(folder, "skep.toml")
    with open(toml, encoding="utf-8") as file:
        text = file.read()
    other = write(folder, "second.toml", text.replace(f":{first.port}", ":0"))
    process = subprocess.Popen([SKEP, "serve", "--config", other], stderr=subprocess.PIPE, text=True)
    port = None
    for line in process.stderr:
        if found := re.search(r"serves .*:(\d+)", line):
            port = int(found.group(1))
            break
    if port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/get?key=a", headers={"Host": HOST})
        status = connection.getresponse().status
        line = process.stderr.readline()
        check("a second skep is kept out of the data", status == 500 and "another skep" in line, (status, line))
    else:
        check("a second skep starts", False)
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def several_processes():
    with Folder() as folder:
        with serve(folder, project(folder)) as skep:
            port = skep.port
        with again(folder, port) as skep:
            shards_agree(skep)
            writers_of_all_shards(skep)
            large_values(skep)
            killed_shards(skep)
            long_list(skep)
            second_broker(folder, skep)
        killed_brokers(folder, port)


def short_links():
    with dev(os.path.join(ROOT, "examples", "url-shortener")) as skep:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, body = skep.ask("/", "POST", "url=" + urllib.parse.quote("https://example.com/a?b=c&d"), headers=form)
        link = re.search(rb'href="http://[^/"]+(/[a-z0-9]{7})"', body)
        check("url-shortener: a link", status == 201 and link, body)
        status, headers, _ = skep.ask(link.group(1).decode())
        check("url-shortener: goes there", (status, headers.get("location")) == (302, "https://example.com/a?b=c&d"))
        check("url-shortener: none of that name", skep.ask("/nothere")[0] == 404)
        check("url-shortener: no address", skep.ask("/", "POST", "url=javascript:alert(1)", headers=form)[0] == 400)
        check("url-shortener: its page", b"<form" in skep.ask("/")[2])


several_processes()
broken_store()
short_links()
finish()
