#!/usr/bin/env python3
"""Web APIs over the network: pages rewritten while they stream, compression on the way, events of a
server that comes and goes, sendBeacon."""

import gzip
import json
import threading

from support import Folder, Listening, SANITIZED, check, dev, finish, write

WORKER = """
const origin = "http://127.0.0.1:PORT";
const later = (ms) => scheduler.wait(ms);

const routes = {
  async "/rewrite"(url) {
    let count = 0;
    return new HTMLRewriter()
      .on("a[href]", { async element(element) {
        if (count++ % 1000 === 0) await later(1);
        element.setAttribute("href", element.getAttribute("href").replace("http:", "https:"));
      } })
      .on("script", { element(element) { element.remove(); } })
      .onDocument({ end(end) { end.append(`<!-- ${count} -->`, { html: true }); } })
      .transform(await fetch(origin + "/page" + url.search));
  },
  async "/failing"() {
    return new HTMLRewriter().on("a", { element() { throw new Error("of the handler"); } })
      .transform(await fetch(origin + "/page?1"));
  },
  async "/insert"() {
    return new HTMLRewriter().on("h1", { async element(element) {
      element.after(await fetch(origin + "/part"), { html: true });
    } }).transform(new Response("<h1>title</h1>"));
  },
  "/gunzip": (url, request) =>
    new Response(request.body.pipeThrough(new DecompressionStream("gzip"))),
  "/gzip": (url, request) => new Response(request.body.pipeThrough(new CompressionStream("gzip"))),
  async "/events"() {
    const seen = [];
    const source = new EventSource(origin + "/events");
    source.onopen = () => seen.push("open");
    await new Promise((resolve) => {
      source.onmessage = (event) => {
        seen.push(`${event.lastEventId}:${event.data}`);
        if (event.data === "last") resolve();
      };
    });
    source.close();
    return Response.json(seen);
  },
  "/beacon": () => new Response(`${navigator.sendBeacon(origin + "/beacon", "told")}`),
};

export default {
  fetch(request) {
    const url = new URL(request.url);
    return routes[url.pathname](url, request);
  },
};
"""

LINE = b"<p><a href='http://x.test/'>link</a><script>bad()</script> text</p>\n"
CLEAN = b"<p><a href=\"https://x.test/\">link</a> text</p>\n"
FILLER = b"<div class=x>Text that no handler looks at.</div>\n" * 1300


class Origin(Listening):
    """Pages of any length, a stream of events that ends after each, and what it was told."""

    def __init__(self):
        super().__init__()
        self.event_requests = []
        self.told = []
        self.heard = threading.Event()

    def run(self, connection):
        with connection, connection.makefile("rwb") as stream:
            try:
                self.answer(stream)
            except (OSError, ValueError):
                pass

    def answer(self, stream):
        target = stream.readline().split()[1].decode()
        headers = {}
        for line in iter(stream.readline, b"\r\n"):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        path, _, query = target.partition("?")
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
        if path == "/page":
            stream.write(head + b"Content-Type: text/html\r\n\r\n")
            for _ in range(int(query)):
                stream.write(LINE * 10 + FILLER)
        elif path == "/part":
            stream.write(head + b"\r\n<i>part</i>")
        elif path == "/events":
            self.event_requests.append(headers.get("last-event-id"))
            count = len(self.event_requests)
            data = b"last" if count == 3 else b"again"
            stream.write(head + b"Content-Type: text/event-stream\r\n\r\n" +
                         b"retry: 1\nid: %d\ndata: %s\n\n" % (count, data))
        elif path == "/beacon":
            self.told.append(stream.read(int(headers["content-length"])))
            self.heard.set()
            stream.write(head + b"\r\n")
        stream.flush()


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def rewriting(skep):
    status, headers, body = skep.ask("/rewrite?20")
    check("a page is rewritten", status == 200 and body == (CLEAN * 10 + FILLER) * 20 + b"<!-- 200 -->", (status, body[:200]))
    check("its type stays", headers.get("content-type") == "text/html", headers)
    body = skep.ask("/insert")[2]
    check("content of a response is inserted", body == b"<h1>title</h1><i>part</i>", body)
    status, _, body = skep.ask("/failing")
    check("a handler that throws breaks the body", status in (0, 500) or len(body) < len(FILLER), (status, body[:100]))
    check("and the next page is well", skep.ask("/rewrite?1")[2].endswith(b"<!-- 10 -->"))
    before = max(resident_kb(pid) for pid in skep.shards().values())
    total = 0
    connection = skep.connect(120)
    connection.request("GET", "/rewrite?2500")
    response = connection.getresponse()
    largest = before
    while True:
        chunk = response.read(1 << 20)
        if not chunk:
            break
        total += len(chunk)
        largest = max([largest, *(resident_kb(pid) for pid in skep.shards().values())])
    connection.close()
    expected = len(CLEAN * 10 + FILLER) * 2500 + len(b"<!-- 25000 -->")
    check("a page of 160 MB passes", total == expected, (total, expected))
    check("in memory that does not grow with it", SANITIZED or largest < before + 96 * 1024, (before, largest))


def compressing(skep):
    text = b"the same words again " * 200000
    status, _, body = skep.ask("/gunzip", method="POST", body=gzip.compress(text))
    check("a body is decompressed", status == 200 and body == text, (status, len(body)))
    body = skep.ask("/gzip", method="POST", body=text)[2]
    check("and compressed", gzip.decompress(body) == text, len(body))
    status, _, body = skep.ask("/gunzip", method="POST", body=b"no gzip at all")
    check("what is no gzip breaks the body", not body or status == 0, (status, body[:100]))


def events(skep, origin):
    body = skep.ask("/events")[2]
    expected = ["open", "1:again", "open", "2:again", "open", "3:last"]
    check("EventSource connects again", json.loads(body or b"[]") == expected, body)
    check("and says what it has seen", origin.event_requests == [None, "1", "2"], origin.event_requests)
    body = skep.ask("/beacon")[2]
    check("sendBeacon", body == b"true" and origin.heard.wait(30) and origin.told == [b"told"], origin.told)


def main():
    with Folder() as folder, Origin() as origin:
        with dev(write(folder, "worker.js", WORKER.replace("PORT", str(origin.port)))) as skep:
            rewriting(skep)
            compressing(skep)
            events(skep, origin)
    finish()


if __name__ == "__main__":
    main()
