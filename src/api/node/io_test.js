// node:fs, node:http as a server, node:net's addresses.
import fs from "node:fs";
import fs_promises from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { handleAsNodeRequest, httpServerHandler } from "cloudflare:node";
import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const code_of = (run) => {
  try {
    run();
  } catch (error) {
    return error.code;
  }
  return "nothing thrown";
};

export const files = {
  async test() {
    fs.writeFileSync("/tmp/a.txt", "hello");
    fs.appendFileSync("/tmp/a.txt", " world");
    assert_equals(fs.readFileSync("/tmp/a.txt", "utf8"), "hello world");
    assert_equals(fs.statSync("/tmp/a.txt").size, 11);
    assert(fs.statSync("/tmp").isDirectory());
    assert_equals(fs.mkdirSync("/tmp/x/y/z", { recursive: true }), "/tmp/x");
    fs.writeFileSync("/tmp/x/y/f", Buffer.from([1, 2, 3]));
    assert_equals(fs.readdirSync("/tmp/x", { recursive: true }).join(), "y,y/f,y/z");
    assert(fs.readdirSync("/tmp", { withFileTypes : true })
        .find((one) => one.name === "x")
        .isDirectory());
    fs.symlinkSync("../a.txt", "/tmp/x/link");
    assert_equals(fs.readFileSync("/tmp/x/link").toString(), "hello world");
    assert_equals(fs.realpathSync("/tmp/x/link"), "/tmp/a.txt");
    assert(fs.lstatSync("/tmp/x/link").isSymbolicLink());
    fs.renameSync("/tmp/a.txt", "/tmp/b.txt");
    assert(!fs.existsSync("/tmp/a.txt") && fs.existsSync("/tmp/b.txt"));
    const fd = fs.openSync("/tmp/b.txt", "r+");
    fs.writeSync(fd, "J", 0);
    const buffer = Buffer.alloc(5);
    assert_equals(fs.readSync(fd, buffer, 0, 5, 0), 5);
    assert_equals(buffer.toString(), "Jello");
    fs.ftruncateSync(fd, 2);
    fs.closeSync(fd);
    assert_equals(fs.readFileSync("/tmp/b.txt", "latin1"), "Je");
    fs.cpSync("/tmp/x", "/tmp/copy", { recursive: true });
    assert_equals(fs.readFileSync("/tmp/copy/y/f").length, 3);
    fs.rmSync("/tmp/x", { recursive: true });
    for (const [run, code] of [[ () => fs.readFileSync("/tmp/none"), "ENOENT" ],
           [ () => fs.rmdirSync("/tmp/copy"), "ENOTEMPTY" ],
           [ () => fs.readFileSync("/tmp"), "EISDIR" ], [ () => fs.mkdirSync("/tmp"), "EEXIST" ],
           [ () => fs.readdirSync("/tmp/b.txt"), "ENOTDIR" ],
           [ () => fs.writeFileSync("/bundle/x", ""), "EPERM" ],
           [ () => fs.writeFileSync("/etc/x", ""), "ENOENT" ],
           [ () => fs.readSync(99, buffer), "EBADF" ], [ () => fs.rmSync("/"), "EPERM" ],
           [ () => fs.writeFileSync("/dev/full", "x"), "ENOSPC" ],
           [ () => fs.readFileSync("/tmp/\0"), "ERR_INVALID_ARG_VALUE" ],
           [ () => fs.readFileSync({}), "ERR_INVALID_ARG_TYPE" ]]) {
      assert_equals(code_of(run), code);
    }
    fs.symlinkSync("/tmp/loop", "/tmp/loop");
    assert_equals(code_of(() => fs.readFileSync("/tmp/loop")), "ELOOP");
    assert_equals(fs.readFileSync("/tmp/../tmp/./b.txt", "utf8"), "Je");
    await new Promise((resolve) => fs.readFile("/tmp/none", (error) => {
      assert_equals(error.message, "ENOENT: no such file or directory, open '/tmp/none'");
      resolve();
    }));
  },
};

let opened_before;
export const descriptors_a = {
  test() {
    fs.writeFileSync("/tmp/secret", "of one event");
    opened_before = fs.openSync("/tmp/secret");
    assert_equals(fs.readFileSync(opened_before, "utf8"), "of one event");
  },
};

// /tmp and what is open belong to one event: the tests above were others.
export const files_of_another_event = {
  test() {
    assert_equals(code_of(() => fs.readSync(opened_before, Buffer.alloc(1))), "EBADF");
    assert(!fs.existsSync("/tmp/b.txt"));
    assert(fs.existsSync("/tmp"));
  },
};

export const file_promises_and_streams = {
  async test() {
    await fs_promises.writeFile("/tmp/p", "promised");
    assert_equals(await fs_promises.readFile("/tmp/p", "utf8"), "promised");
    await assert_rejects(fs_promises.access("/tmp/none"), Error);
    const handle = await fs_promises.open("/tmp/p", "a+");
    await handle.write(" more");
    assert_equals(await handle.readFile("utf8"), "");  // from where it stands
    await handle.close();
    const out = fs.createWriteStream("/tmp/q");
    fs.createReadStream("/tmp/p", { start: 2, end: 6 }).pipe(out);
    await new Promise((resolve) => out.on("close", resolve));
    assert_equals(fs.readFileSync("/tmp/q", "utf8"), "omise");
    const names = [];
    for await (const entry of await fs_promises.opendir("/tmp")) names.push(entry.name);
    assert_equals(names.join(), "p,q");
    await assert_rejects(
      new Promise((resolve, reject) => fs.createReadStream("/tmp/none").on("error", reject)),
      Error);
  },
};

const server = http.createServer((req, res) => {
  if (req.url === "/echo") {
    res.writeHead(201, { "Content-Type": req.headers["content-type"], "X-Method": req.method });
    return req.pipe(res);
  }
  if (req.url === "/fails") throw new Error("handler");
  if (req.url === "/gone") return res.destroy(new Error("gone"));
  if (req.url === "/slow") {
    res.write("a");
    return setTimeout(() => res.end("b"), 1);
  }
  res.setHeader("Set-Cookie", ["a=1", "b=2"]);
  res.end(`you asked for ${req.url}`);
});

export const http_server = {
  async test() {
    const { fetch: handle } = httpServerHandler(server);
    const answer = await handle(new Request("http://h/x?y=1"));
    assert_equals(await answer.text(), "you asked for /x?y=1");
    assert_equals(answer.headers.getSetCookie().join(), "a=1,b=2");
    assert_equals(answer.headers.get("content-length"), "20");
    const echo = await handle(new Request("http://h/echo",
      { method : "POST", body : "to and fro", headers : { "content-type" : "text/x" } }));
    assert_equals(echo.status, 201);
    assert_equals(echo.headers.get("x-method") + echo.headers.get("content-type"), "POSTtext/x");
    assert_equals(await echo.text(), "to and fro");
    assert_equals(await (await handle(new Request("http://h/slow"))).text(), "ab");
    await assert_rejects(handle(new Request("http://h/fails")), Error);
    await assert_rejects(handle(new Request("http://h/gone")), Error);
    const again = await handleAsNodeRequest(
      server.address().port, new Request("http://h/", { method : "HEAD" }));
    assert_equals(again.status, 200);
    assert_throws(() => handleAsNodeRequest(1, new Request("http://h/")), Error);
  },
};

export const http_headers = {
  async test() {
    let caught;
    const one = http.createServer((req, res) => {
      res.setHeader("X-A", "1");
      assert_equals(res.getHeader("x-a"), "1");
      assert_throws(() => res.setHeader("bad name", "x"), TypeError);
      assert_throws(() => res.setHeader("x", "bad\nvalue"), TypeError);
      res.writeHead(404, "Nope", { "X-B": "2" });
      res.end("gone");
      try {
        res.setHeader("X-C", "3");
      } catch (error) {
        caught = error.code;
      }
    });
    const answer = await httpServerHandler(one).fetch(new Request("http://h/"));
    assert_equals(
      answer.status + answer.statusText + answer.headers.get("x-a") + answer.headers.get("x-b"),
      "404Nope12");
    assert_equals(caught, "ERR_HTTP_HEADERS_SENT");
    assert_equals(http.STATUS_CODES[418], "I'm a Teapot");
    assert(http.METHODS.includes("GET"));
    assert_throws(() => http.request("https://h/"), TypeError);
    assert_equals(https.globalAgent.defaultPort, 443);
  },
};

export const addresses = {
  test() {
    assert_equals(
      [ "1.2.3.4", "::1", "1.2.3", "::ffff:1.2.3.4", "1::2::3", "fe80::1%eth0", "01.2.3.4" ]
        .map(net.isIP)
        .join(),
      "4,6,0,6,0,6,0");
    const list = new net.BlockList();
    list.addSubnet("10.0.0.0", 8);
    list.addAddress("::1", "ipv6");
    assert(list.check("10.1.2.3") && list.check("::ffff:10.0.0.1", "ipv6") &&
      list.check("::1", "ipv6") && !list.check("11.0.0.1"));
    assert_throws(() => net.createServer().listen(80), Error);
    assert_throws(() => tls.connect({ host: "h", port: 443, rejectUnauthorized: false }), Error);
    assert_throws(() => net.connect({ port: 70000, host: "h" }), RangeError);
  },
};
