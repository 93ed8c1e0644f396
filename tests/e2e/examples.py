#!/usr/bin/env python3
"""Every example of examples/, run by `skep dev` and used as a visitor would."""

import json
import os
import shutil

from support import ROOT, Folder, check, dev, finish, prefix


def example(name):
    return os.path.join(ROOT, "examples", name)


def hello():
    with dev(example("hello")) as skep:
        status, headers, body = skep.ask("/")
        check("hello: a page", status == 200 and b"<h1>Hello, world!</h1>" in body, (status, body))
        check("hello: its type", headers.get("content-type") == "text/html; charset=utf-8", headers)
        check("hello: plain text", skep.ask("/text")[2] == b"Hello, world!\n")
        check("hello: 404", skep.ask("/other")[0] == 404)
        check("hello: HEAD has no body", skep.ask("/text", "HEAD")[::2] == (200, b""))
        check("hello: a line a request", skep.wait_for_log(r"GET .*/other.* 404"), skep.log_text())
        check("hello: SIGTERM ends it with 0", skep.stop() == 0, skep.process.returncode)


def redirect():
    with dev(example("redirect")) as skep:
        status, headers, _ = skep.ask("/blog")
        check("redirect: a moved page", (status, headers.get("location")) == (301, "https://blog.example.com/"))
        status, headers, _ = skep.ask("/a/b?c=d")
        check("redirect: the rest", (status, headers.get("location")) == (302, "https://example.com/a/b?c=d"))


def env_vars():
    with dev(example("env-vars")) as skep:
        answer = json.loads(skep.ask("/")[2])
        expected = {"greeting": "Hello", "same": True, "colours": ["red", "green"], "loud": True,
                    "secret": "string"}
        check("env-vars: vars and .dev.vars", answer == expected, answer)
    with dev(example("env-vars"), "--env", "production") as skep:
        answer = json.loads(skep.ask("/")[2])
        check("env-vars: [env.production]", (answer["greeting"], answer["loud"]) == ("Good day", False), answer)


def wasm_image():
    pixels = bytes([255, 255, 255, 0, 0, 0, 255, 0, 0, 10, 200, 30])
    with dev(example("wasm-image")) as skep:
        status, headers, body = skep.ask("/", "POST", b"P6\n2 2\n255\n" + pixels)
        greys = [255 - (r * 77 + g * 150 + b * 29) // 256 for r, g, b in zip(*[iter(pixels)] * 3)]
        expected = b"P6\n2 2\n255\n" + bytes(grey for grey in greys for _ in range(3))
        check("wasm-image: filtered", (status, body) == (200, expected), (status, body))
        check("wasm-image: its type", headers.get("content-type") == "image/x-portable-pixmap")
        check("wasm-image: not an image", skep.ask("/", "POST", b"GIF89a")[0] == 400)
        check("wasm-image: cut short", skep.ask("/", "POST", b"P6\n2 2\n255\nxx")[0] == 400)
        check("wasm-image: lies about its size", skep.ask("/", "POST", b"P6\n99999 99999\n255\nxx")[0] == 400)
        check("wasm-image: GET", skep.ask("/")[0] == 405)


def router():
    with Folder() as folder:
        project = os.path.join(folder, "router")
        shutil.copytree(example("router"), project, ignore=shutil.ignore_patterns("node_modules", ".skep"))
        shutil.copytree(os.path.join(prefix(), "npm-test/node_modules/hono"),
                        os.path.join(project, "node_modules/hono"))
        with dev(project) as skep:
            check("router: a variable", skep.ask("/")[2] == b"Books\n", skep.log_text())
            status, _, body = skep.ask("/books", "POST", json.dumps({"title": "Bees", "shelf": "science"}))
            check("router: POST", (status, json.loads(body or "{}")) ==
                  (201, {"id": 1, "title": "Bees", "shelf": "science"}), (status, body))
            check("router: a parameter", json.loads(skep.ask("/books/1")[2])["title"] == "Bees")
            check("router: an enum's default", json.loads(
                skep.ask("/books", "POST", json.dumps({"title": "Honey"}))[2])["shelf"] == "fiction")
            check("router: a list", len(json.loads(skep.ask("/books")[2])) == 2)
            check("router: not found", skep.ask("/nothing")[0] == 404)
            check("router: bad input", skep.ask("/books", "POST", "{}")[0] == 400)


def rpc():
    with dev(example("rpc/site"), "--config", example("rpc/users")) as skep:
        check("rpc: a method", json.loads(skep.ask("/")[2] or b"0") == ["Ada", "Grace"], skep.log_text())
        check("rpc: pipelined, on an object that stays there",
              json.loads(skep.ask("/points?user=ada")[2]) == {"name": "Ada", "points": 3})
        status, _, body = skep.ask("/points?user=nobody")
        check("rpc: an exception", (status, json.loads(body)) ==
              (404, {"error": 'no user "nobody"', "remote": True}), body)
        check("rpc: a function as argument", json.loads(skep.ask("/add?user=ada")[2]) == [4, 5])
        check("rpc: props, a stream", skep.ask("/report")[2] == b"Points\nAda: 5\nGrace: 5\n")
        check("rpc: fetch()", json.loads(skep.ask("/x", "POST", b"body")[2]) ==
              {"method": "POST", "body": "body"})


for test in (hello, redirect, env_vars, wasm_image, router, rpc):
    test()
finish()
