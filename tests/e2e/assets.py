#!/usr/bin/env python3
"""Static assets: the example, everything a client can ask of a file, what leads nowhere, reload."""

import gzip
import hashlib
import os
import signal
import threading

from support import ROOT, Folder, check, dev, finish, run, serve, write

WRANGLER = 'name = "site"\ncompatibility_date = "2026-08-04"\n[assets]\ndirectory = "public"\n'


def example():
    with dev(os.path.join(ROOT, "examples", "static-site")) as skep:
        status, headers, body = skep.ask("/")
        check("example: the page", status == 200 and b"A site of files" in body, (status, body))
        check("example: its headers", headers.get("content-type") == "text/html; charset=utf-8"
              and headers.get("cache-control") == "public, max-age=0, must-revalidate"
              and headers.get("x-content-type-options") == "nosniff", headers)
        status, headers, _ = skep.ask("/assets/app.js")
        check("example: _headers", "immutable" in headers.get("cache-control", ""), headers)
        check("example: the app has all other pages", skep.ask("/some/page")[2] == body)
        status, headers, _ = skep.ask("/about.html?x=1")
        check("example: html handling", (status, headers.get("location")) == (307, "/about?x=1"), (status, headers))
        status, headers, _ = skep.ask("/home")
        check("example: _redirects", (status, headers.get("location")) == (301, "/"), headers)
        status, headers, _ = skep.ask("/blog/2026/a/b?q")
        check("example: a placeholder and a splat", (status, headers.get("location")) == (302, "/2026-a/b?q"), headers)
        check("example: the API is the Worker's", skep.ask("/api/x")[0] == 404)
        status, _, body = skep.ask("/api/style")
        check("example: env.ASSETS.fetch", status == 200 and b"text/css" in body and b"max-width" in body, body)
        status, _, body = skep.ask("/api/version")
        check("example: version metadata", status == 200 and b'"id":"' in body and b'"timestamp":"20' in body, body)
        check("example: POST to a file", skep.ask("/about", "POST", b"x")[0] == 405)
        status, _, body = skep.ask("/cdn-cgi/handler/scheduled?cron=*%2F15+*+*+*+*&time=1767225600000")
        check("example: a cron by hand", (status, body) == (200, b"ok"), (status, body))
        check("example: it ran", skep.wait_for_log(r"cron \*/15 \* \* \* \* at 2026-01-01T00:00:00.000Z"),
              skep.log_text())


def files():
    with Folder() as folder:
        large = os.urandom(1 << 20) * 5
        write(folder, "wrangler.toml", WRANGLER)
        write(folder, "public/index.html", "home")
        write(folder, "public/text.txt", "0123456789")
        write(folder, "public/packed.js", "plain")
        write(folder, "public/long.html", "text " * 4000)
        with open(f"{folder}/public/packed.js.gz", "wb") as file:
            file.write(gzip.compress(b"packed"))
        with open(f"{folder}/public/large.bin", "wb") as file:
            file.write(large)
        write(folder, "secret.txt", "secret")
        os.symlink("../secret.txt", f"{folder}/public/link.txt")
        with serve(folder, [("site", folder, ["*/*"])]) as skep:
            status, headers, body = skep.ask("/text.txt")
            etag = headers.get("etag", "")
            check("a file", (status, body) == (200, b"0123456789"), (status, body))
            check("a strong ETag", etag.startswith('"') and len(etag) == 34, headers)
            check("If-None-Match", skep.ask("/text.txt", headers={"If-None-Match": etag})[0] == 304)
            check("If-Modified-Since", skep.ask("/text.txt", headers={"If-Modified-Since": headers.get("last-modified", "")})[0] == 304)
            status, headers, body = skep.ask("/text.txt", headers={"Range": "bytes=2-4"})
            check("a range", (status, body, headers.get("content-range")) == (206, b"234", "bytes 2-4/10"), (status, body, headers))
            check("no Cache-Control with a range", "cache-control" not in headers, headers)
            status, headers, body = skep.ask("/text.txt", headers={"Range": "bytes=10-"})
            check("a range beyond the end", (status, headers.get("content-range")) == (416, "bytes */10"), headers)
            status, headers, body = skep.ask("/text.txt", "HEAD")
            check("HEAD", (status, body, headers.get("content-length")) == (200, b"", "10"), headers)
            check("DELETE", skep.ask("/text.txt", "DELETE")[0] == 405)
            for _ in range(2):
                status, headers, body = skep.ask("/long", headers={"Accept-Encoding": "gzip"})
                check("text is compressed", headers.get("content-encoding") == "gzip"
                      and headers.get("etag", "").startswith('W/"') and gzip.decompress(body) == b"text " * 4000, headers)
            status, headers, _ = skep.ask("/long", headers={"If-None-Match": headers.get("etag", "")})
            check("its weak ETag holds", status == 304, (status, headers))
            status, headers, body = skep.ask("/packed.js", headers={"Accept-Encoding": "gzip, br"})
            check("a variant beside the file", headers.get("content-encoding") == "gzip"
                  and headers.get("vary") == "Accept-Encoding" and gzip.decompress(body) == b"packed", headers)
            check("for who takes it", skep.ask("/packed.js")[2] == b"plain")
            status, headers, body = skep.ask("/large.bin")
            check("a large file", body == large and headers.get("content-length") == str(len(large)), (status, len(body)))
            status, _, body = skep.ask("/large.bin", headers={"Range": "bytes=1000000-2999999"})
            check("a range of it", (status, body == large[1000000:3000000]) == (206, True), (status, len(body)))
            status, headers, body = skep.ask("/large.bin", "HEAD")
            check("its HEAD", (status, body, headers.get("content-length")) == (200, b"", str(len(large))), headers)
            for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
                         "/x/..%5c..%5csecret.txt", "/link.txt", "//secret.txt", "/%00", "/_headers", "/wrangler.toml"]:
                status, _, body = skep.ask(path)
                check(f"nothing at {path}", status in (307, 404) and b"secret" not in body, (status, body))
            hashes = []

            def fetch():
                hashes.append(hashlib.sha256(skep.ask("/large.bin")[2]).digest())

            threads = [threading.Thread(target=fetch) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            check("sixteen at once", hashes == [hashlib.sha256(large).digest()] * 16, len(hashes))
            # A client that leaves in the middle of a large file.
            for _ in range(20):
                connection = skep.connect()
                connection.request("GET", "/large.bin")
                connection.sock.recv(1000)
                connection.close()
            check("after clients that left", skep.ask("/")[2] == b"home", skep.log_text())
            write(folder, "public/later.txt", "later")
            check("unknown before a reload", skep.ask("/later.txt")[0] == 404)
            skep.process.send_signal(signal.SIGHUP)
            for _ in range(200):
                if skep.ask("/later.txt")[0] == 200:
                    break
            check("SIGHUP", skep.ask("/later.txt")[2] == b"later", skep.log_text())
            check("no isolate was made", "exception" not in skep.log_text(), skep.log_text())


def reload():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER)
        write(folder, "public/a.txt", "one")
        with dev(folder) as skep:
            _, headers, body = skep.ask("/a.txt")
            check("before", body == b"one", body)
            write(folder, "public/a.txt", "two!")
            write(folder, "public/deep/new.txt", "new")
            check("reloaded", skep.wait_for_log("reloaded"), skep.log_text())
            for _ in range(100):
                if skep.ask("/deep/new.txt")[0] == 200:
                    break
            check("a changed file", skep.ask("/a.txt")[2] == b"two!", skep.ask("/a.txt"))
            check("a new one in a new folder", skep.ask("/deep/new.txt")[2] == b"new", skep.log_text())
            check("another ETag", skep.ask("/a.txt")[1].get("etag") != headers.get("etag"))


def checked():
    with Folder() as folder:
        write(folder, "wrangler.toml", WRANGLER + 'html_handling = "sometimes"\n')
        status, out = run("check", folder)
        check("check: a wrong value", status == 1 and "wrangler.toml:5:17: error: \"assets.html_handling\" must be one of" in out, out)
        write(folder, "wrangler.toml", WRANGLER)
        status, out = run("check", folder)
        check("check: no folder", status == 1 and "wrangler.toml:4:13: error:" in out and "public" in out, out)
        write(folder, "public/_redirects", "/a /b\n/c\n")
        write(folder, "public/_headers", "/*\n  nonsense\n  X: 1\n")
        status, out = run("check", folder)
        check("check: warnings with their lines", status == 0 and "_redirects:2:1: warning:" in out
              and "_headers:2:3: warning:" in out and "no errors" in out, out)
        with open(f"{folder}/public/huge.bin", "wb") as file:
            file.truncate(25 * 1024 * 1024 + 1)
        status, out = run("check", folder)
        check("check: a file that is too large", status == 1 and "huge.bin" in out, out)


if __name__ == "__main__":
    example()
    files()
    reload()
    checked()
    finish()
