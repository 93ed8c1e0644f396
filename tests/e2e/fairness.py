#!/usr/bin/env python3
"""Neighbours on one shard: code that does not come back, more work than fits, shards that are unwell."""

import http.client
import os
import signal
import socket
import threading
import time

from support import Folder, check, finish, serve, write

HELLO = 'export default { fetch() { return new Response("hello"); } };\n'
SPIN = "export default { fetch() { for (;;) {} } };\n"
# Each round of the loop is one long builtin.
PARSE = """
const text = JSON.stringify(Array.from({ length: 20000 }, (_, i) => ({ id: i, tags: ["a", "b"] })));
export default { fetch() { for (;;) JSON.parse(text); } };
"""
WORK = """
let x = 0;
export default { fetch() { for (let i = 0; i < 4e6; i++) x = (x * 31 + i) | 0; return new Response("done"); } };
"""
STUCK = """
export default { fetch() { Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => {}); } };
"""
STREAM = """
let pulls = 0;
export default { fetch(request) {
  if (new URL(request.url).pathname === "/pulls") return new Response(String(pulls));
  return new Response(new ReadableStream({ pull(controller) {
    pulls++;
    controller.enqueue(new Uint8Array(1000));
    return new Promise((go) => setTimeout(go, 1));
  } }));
} };
"""


def host(name):
    return f"{name}.workers.localhost"


def workers(folder, **sources):
    return [(name, write(folder, f"{name}.js", source), []) for name, source in sources.items()]


class Asking(threading.Thread):
    """One request in the background; `answer` once it is there."""

    def __init__(self, skep, name):
        super().__init__(daemon=True)
        self.skep, self.name, self.answer = skep, name, None
        self.start()

    def run(self):
        self.answer = self.skep.ask("/", host=host(self.name), timeout_s=60)


def hogs():
    with Folder() as folder:
        more = "[limits]\ncpu_ms = 1500"
        with serve(folder, workers(folder, hello=HELLO, spin=SPIN, parse=PARSE), more) as skep:
            skep.ask("/", host=host("hello"))
            for name in ("spin", "parse"):
                hog = [Asking(skep, name) for _ in range(3)]
                answered = 0
                while any(asking.answer is None for asking in hog) and answered < 20:
                    answered += skep.ask("/", host=host("hello"))[2] == b"hello"
                check(f"{name}: a neighbour is answered while it runs",
                      answered == 20 and any(asking.answer is None for asking in hog), answered)
                for asking in hog:
                    asking.join()
                check(f"{name}: each request ends at the CPU limit", {asking.answer[0] for asking in hog} == {503} and
                      all(b"1102" in asking.answer[2] for asking in hog), [asking.answer for asking in hog])


def overload():
    """Two hundred requests at once for a worker that needs some milliseconds for each."""
    with Folder() as folder:
        with serve(folder, workers(folder, hello=HELLO, work=WORK)) as skep:
            skep.ask("/", host=host("hello"))
            for _ in range(3):
                skep.ask("/", host=host("work"))
            crowd = [http.client.HTTPConnection("127.0.0.1", skep.port, timeout=60) for _ in range(100)]
            statuses, retry, hello = [], set(), 0
            for _ in range(3):
                for connection in crowd:
                    connection.request("GET", "/", headers={"Host": host("work")})
                hello += skep.ask("/", host=host("hello"))[0] == 200
                for connection in crowd:
                    response = connection.getresponse()
                    statuses.append(response.status)
                    if response.status == 503:
                        retry.add(response.getheader("Retry-After"))
                    response.read()
                    # The next wave overlaps with what is left of this one.
                    if len(statuses) % 100 < 90:
                        connection.request("GET", "/", headers={"Host": host("work")})
                        statuses.append(connection.getresponse().status)
                        connection.close()
            check("a crowd is answered or refused, nothing else", set(statuses) <= {200, 503}, set(statuses))
            check("many are answered", statuses.count(200) >= 50, statuses.count(200))
            check("who is refused is told to try again", retry <= {"1"}, retry)
            check("a neighbour is answered meanwhile", hello == 3, hello)
            check("when the crowd is gone it is answered again", skep.ask("/", host=host("work"))[0] == 200)


def flood():
    """Twice what a worker can do, for a while: some are shed at once."""
    with Folder() as folder:
        with serve(folder, workers(folder, hello=HELLO, work=WORK)) as skep:
            skep.ask("/", host=host("work"))
            request = f"GET / HTTP/1.1\r\nHost: {host('work')}\r\n\r\n".encode()
            sockets = []
            # One at a time, so that they arrive in order; nobody waits for an answer.
            for _ in range(250):
                sockets.append(socket.create_connection(("127.0.0.1", skep.port), timeout=60))
                sockets[-1].sendall(request)
                time.sleep(0.002)
            statuses = [client.recv(4096)[9:12] for client in sockets]
            check("each is answered or shed", set(statuses) == {b"200", b"503"},
                  {status: statuses.count(status) for status in set(statuses)})
            check("the oldest are answered", set(statuses[:16]) == {b"200"}, statuses[:16])


FILL = """
const kept = [];
export default { fetch(request) {
  const mb = Number(new URL(request.url).searchParams.get("mb"));
  for (let i = 0; i < mb; i++) kept.push(new Array(130000).fill(i));
  return new Response("filled");
} };
"""


def full_of_memory():
    """Many workers that keep what they can, every seventh more than it may."""
    with Folder() as folder:
        path = write(folder, "fill.js", FILL)
        with serve(folder, [(f"w{i}", path, []) for i in range(210)], "[limits]\nmemory_mb = 16") as skep:
            skep.ask("/?mb=0", host=host("w0"))
            before, statuses = skep.shards(), {"within": set(), "over": set()}
            for i in range(210):
                over = i % 7 == 0
                statuses["over" if over else "within"].add(
                    skep.ask(f"/?mb={60 if over else 1}", host=host(f"w{i}"))[0])
            check("within its memory a worker answers", statuses["within"] == {200}, statuses)
            check("over it, it is ended", statuses["over"] == {503}, statuses)
            check("and the shard goes on", skep.shards() == before, skep.log_text())


def left_behind():
    with Folder() as folder:
        with serve(folder, workers(folder, hello=HELLO, stuck=STUCK), "[limits]\ncpu_ms = 100") as skep:
            check("before", skep.ask("/", host=host("hello"))[2] == b"hello")
            first = skep.shards()[0]
            status, _, body = skep.ask("/", host=host("stuck"))
            check("code that cannot be stopped: error 1102", status == 503 and b"1102" in body, (status, body))
            lost, asked, end = 0, 0, time.monotonic() + 30
            while skep.shards().get(0) in (first, None) or len(skep.shards()) > 1:
                asked += 1
                lost += skep.ask("/", host=host("hello"))[2] != b"hello"
                if time.monotonic() > end:
                    break
            check("its shard is replaced", skep.shards()[0] != first and
                  skep.wait_for_log("another one takes its place", 1), skep.log_text())
            # A connection that the old shard had accepted and not read when it was told to drain.
            check("and nobody notices", asked > 0 and lost <= 1, (asked, lost))
            check("after", skep.ask("/", host=host("hello"))[2] == b"hello")


def silent():
    with Folder() as folder:
        with serve(folder, workers(folder, hello=HELLO)) as skep:
            skep.ask("/", host=host("hello"))
            first = skep.shards()[0]
            os.kill(first, signal.SIGSTOP)
            try:
                check("a shard that does not answer is ended", skep.wait_for_log("its loop did not answer", 60),
                      skep.log_text())
                end = time.monotonic() + 30
                while skep.shards().get(0) in (first, None) and time.monotonic() < end:
                    time.sleep(0.05)
                check("and replaced", skep.ask("/", host=host("hello"))[2] == b"hello", skep.log_text())
            finally:
                if skep.shards().get(0) == first:
                    os.kill(first, signal.SIGCONT)


def head_of_a_stream():
    with Folder() as folder:
        with serve(folder, workers(folder, stream=STREAM)) as skep:
            check("HEAD of an endless stream", skep.ask("/", "HEAD", host=host("stream"))[::2] == (200, b""))
            before, after, end = None, b"", time.monotonic() + 20
            while before != after and time.monotonic() < end:
                before = skep.ask("/pulls", host=host("stream"))[2]
                time.sleep(0.2)
                after = skep.ask("/pulls", host=host("stream"))[2]
            check("pulls from it no more", before == after, (before, after))



for test in (hogs, overload, flood, full_of_memory, left_behind, silent, head_of_a_stream):
    test()
finish()
