// Globals, Buffer, events, util, path, url, assert, AsyncLocalStorage, timers, process, module.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { Buffer as ImportedBuffer, constants as buffer_constants } from "node:buffer";
import EventEmitter, { once, on } from "node:events";
import node_assert, { AssertionError } from "node:assert";
import { channel, tracingChannel } from "node:diagnostics_channel";
import { createRequire, isBuiltin, builtinModules } from "node:module";
import os from "node:os";
import path from "node:path";
import { posix, win32 } from "node:path";
import process_module from "node:process";
import querystring from "node:querystring";
import { StringDecoder } from "node:string_decoder";
import timers from "node:timers/promises";
import url, { fileURLToPath, pathToFileURL } from "node:url";
import util, { inspect, promisify, types } from "node:util";
import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const at_top_level = {
  Buffer: typeof Buffer,
  process: typeof process,
  global: global === globalThis
};
const storage_at_top = new AsyncLocalStorage();

export const globals_exist_before_the_top_level = {
  test() {
    assert_equals(at_top_level.Buffer, "function");
    assert_equals(at_top_level.process, "object");
    assert(at_top_level.global);
    assert(Buffer === ImportedBuffer);
    assert(process === process_module);
    assert_equals(Object.getOwnPropertyDescriptor(globalThis, "Buffer").writable, true);
    assert_equals(typeof setImmediate, "function");
  },
};

export const process_env_has_the_vars = {
  test() {
    assert_equals(process.env.TEXT, "a text");
    assert_equals(process.env.LIST, "[1,2]");
    process.env.NUMBER = 5;
    assert_equals(process.env.NUMBER, "5");
    assert_equals(process.env.NONE, undefined);
    assert_equals(process.platform, "linux");
    assert(/^v2\d\./.test(process.version));
    assert_throws(() => process.exit(1), Error);
  },
};

export const buffers = {
  test() {
    for (const [text, encoding, hex] of [[ "häß€😀", "utf8", "68c3a4c39fe282acf09f9880" ],
           [ "hä", "latin1", "68e4" ], [ "h€", "utf16le", "6800ac20" ],
           [ "YWJj_-8=", "base64", "616263ffef" ], [ "YWJj_-8", "base64url", "616263ffef" ],
           [ "0aFFzz", "hex", "0aff" ], [ "YQ==YQ==", "base64", "61" ],
           [ "Y W*J\nj", "base64", "616263" ]]) {
      assert_equals(Buffer.from(text, encoding).toString("hex"), hex);
    }
    const bytes = Buffer.from([0x61, 0xff, 0xe2, 0x82, 0xac]);
    assert_equals(bytes.toString(), "a\ufffd€");
    assert_equals(bytes.toString("latin1"), "aÿâ\x82¬");
    assert_equals(bytes.toString("base64"), "Yf/igqw=");
    assert_equals(bytes.toString("base64url"), "Yf_igqw");
    assert_equals(Buffer.alloc(6).fill("ab").toString(), "ababab");
    assert_equals(Buffer.from("hello world").indexOf("wor"), 6);
    assert_equals(Buffer.from("abcabc").lastIndexOf("bc"), 4);
    assert_equals(Buffer.from("aXbX", "utf16le").indexOf("X", 0, "utf16le"), 2);
    assert_equals(Buffer.concat([Buffer.from("a"), Buffer.from("bc")]).toString(), "abc");
    assert_equals(Buffer.compare(Buffer.from("a"), Buffer.from("b")), -1);
    assert(Buffer.from("abc").subarray(1) instanceof Buffer);
    assert(Buffer.isBuffer(Buffer.from("abc").map((x) => x)));
    assert_equals(JSON.stringify(Buffer.from("hi")), "{\"type\":\"Buffer\",\"data\":[104,105]}");
    const target = Buffer.alloc(4);
    assert_equals(target.write("h€", 1), 1);  // no half characters
    assert_equals(Buffer.from("ab").copy(target, 2), 2);
    assert_equals(target.toString("hex"), "00686162");
    assert_equals(Buffer.name, "Buffer");
    assert_equals(inspect(Buffer.from("hi")), "<Buffer 68 69>");
    assert_equals(buffer_constants.MAX_STRING_LENGTH, 536870888);
  },
};

export const buffers_numbers_and_errors = {
  test() {
    const bytes = Buffer.alloc(8);
    assert_equals(bytes.writeInt32BE(-2, 0), 4);
    assert_equals(bytes.readInt32BE(0), -2);
    assert_equals(bytes.readUInt16LE(2), 0xfeff);
    bytes.writeDoubleLE(1.5);
    assert_equals(bytes.readDoubleLE(), 1.5);
    bytes.writeBigUInt64BE(2n ** 63n);
    assert_equals(bytes.readBigInt64BE(), -(2n ** 63n));
    assert_equals(bytes.writeUIntBE(0x123456, 1, 3), 4);
    assert_equals(bytes.readUIntLE(1, 3), 0x563412);
    for (const [run, code] of [[ () => bytes.readInt8(8), "ERR_OUT_OF_RANGE" ],
           [ () => bytes.writeInt8(200), "ERR_OUT_OF_RANGE" ],
           [ () => bytes.readInt8("0"), "ERR_INVALID_ARG_TYPE" ],
           [ () => Buffer.from(5), "ERR_INVALID_ARG_TYPE" ],
           [ () => Buffer.from("x", "nope"), "ERR_UNKNOWN_ENCODING" ],
           [ () => Buffer.alloc(-1), "ERR_OUT_OF_RANGE" ],
           [ () => Buffer.alloc(1).readInt32LE(), "ERR_BUFFER_OUT_OF_BOUNDS" ]]) {
      let error;
      try {
        run();
      } catch (caught) {
        error = caught;
      }
      assert_equals(error?.code, code);
    }
  },
};

// What lies outside of a view is not reached, whatever offsets are given.
export const buffers_stay_in_their_bounds = {
  test() {
    const whole = new Uint8Array(16).fill(0x2a);
    const middle = Buffer.from(whole.buffer, 4, 8);
    middle.utf8Write("x".repeat(100), 2, 1000);
    middle.hexSlice(-5, 1e9);
    middle.latin1Write("é".repeat(100), 7, 50);
    middle.fill("zz");
    assert_equals(whole[3], 0x2a);
    assert_equals(whole[12], 0x2a);
    assert_equals(middle.latin1Slice(0, 1e15).length, 8);
    const shrinking = new ArrayBuffer(8, { maxByteLength: 8 });
    const view = Buffer.from(shrinking);
    shrinking.resize(2);
    assert_equals(view.toString().length, 2);
    const gone = Buffer.from("abc");
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    assert_equals(gone.toString(), "");
  },
};

export const events = {
  async test() {
    const emitter = new EventEmitter();
    const seen = [];
    emitter.once("a", (x) => seen.push(`once ${x}`));
    emitter.on("a", function (x) {
      seen.push(`on ${x}`);
      assert(this === emitter);
    });
    emitter.prependListener("a", () => seen.push("first"));
    assert(emitter.emit("a", 1));
    emitter.emit("a", 2);
    assert_equals(seen.join(), "first,once 1,on 1,first,on 2");
    assert(!emitter.emit("b"));
    assert_throws(() => emitter.emit("error", new RangeError("x")), RangeError);
    // Classes of old: the constructor called as a function.
    function Old() {
      EventEmitter.call(this);
    }
    util.inherits(Old, EventEmitter);
    let heard = 0;
    new Old().on("x", () => heard++).emit("x");
    assert_equals(heard, 1);
    setTimeout(() => emitter.emit("later", 5), 1);
    assert_equals((await once(emitter, "later"))[0], 5);
    setTimeout(() => emitter.emit("error", new Error("no")), 1);
    await assert_rejects(once(emitter, "never"), Error);
    setTimeout(() => [1, 2].forEach((n) => emitter.emit("n", n)), 1);
    const numbers = [];
    for await (const [n] of on(emitter, "n")) {
      numbers.push(n);
      if (n === 2) break;
    }
    assert_equals(numbers.join(), "1,2");
    assert_equals(emitter.listenerCount("n"), 0);
    const capturing = new EventEmitter({ captureRejections: true });
    capturing.on("x", async () => {
      throw new Error("async");
    });
    capturing.emit("x");
    assert_equals((await once(capturing, "error").catch((error) => [error]))[0].message, "async");
  },
};

export const util_functions = {
  async test() {
    assert_equals(util.format("%s is %d and %j", "a", 5, { b: 1 }), "a is 5 and {\"b\":1}");
    assert_equals(inspect({ a : [ 1, new Map([ [ 1, 2 ] ]) ] }, { depth : 5 }),
      "{ a: [ 1, Map(1) { 1 => 2 } ] }");
    const wait = promisify((ms, done) => setTimeout(() => done(null, ms), ms));
    assert_equals(await wait(1), 1);
    assert(util.isDeepStrictEqual({ a: new Set([1, { b: 2 }]) }, { a: new Set([{ b: 2 }, 1]) }));
    assert(types.isProxy(new Proxy({}, {})) && !types.isProxy({}));
    assert(types.isPromise(Promise.resolve()) && types.isGeneratorFunction(function* () {}));
    assert(types.isUint8Array(Buffer.alloc(1)) &&
      types.isModuleNamespaceObject(await import("node:util")));
    assert_equals(
      util.parseArgs({ args : [ "--x", "1" ], options : { x : { type : "string" } } }).values.x,
      "1");
    assert_equals(String(new util.MIMEType("text/HTML; charset=utf-8")), "text/html;charset=utf-8");
    assert_equals(util.stripVTControlCharacters(util.styleText("red", "x")), "x");
    assert_equals(util.getSystemErrorName(-2), "ENOENT");
    await new Promise((resolve) => util.callbackify(async (x) => x + 1)(1, (error, value) => {
      assert_equals(value, 2);
      resolve();
    }));
  },
};

export const paths_and_urls = {
  test() {
    assert_equals(path.join("/a", "../b", "./c/"), "/b/c/");
    assert_equals(path.relative("/a/b/c", "/a/d"), "../../d");
    assert_equals(path.resolve("x"), "/bundle/x");
    assert_equals(path.parse("/a/b.c.d").name, "b.c");
    assert(path === posix && path.win32 === win32);
    assert_equals(win32.normalize("C:/a/../b"), "C:\\b");
    assert_equals(fileURLToPath("file:///a%20b"), "/a b");
    assert_equals(pathToFileURL("/a b#c").href, "file:///a%20b%23c");
    assert_equals(url.parse("http://u:p@h.com:8080/p?q=1#f").auth, "u:p");
    assert_equals(url.resolve("http://a/b/c", "../d"), "http://a/d");
    assert_equals(querystring.stringify({ a: [1, 2], b: "ä" }), "a=1&a=2&b=%C3%A4");
    assert_equals(querystring.parse("a=1&a=2").a.join(), "1,2");
    const decoder = new StringDecoder();
    assert_equals(decoder.write(Buffer.from([ 0xe2, 0x82 ])) +
        decoder.write(Buffer.from([ 0xac ])) + decoder.end(),
      "€");
  },
};

export const assertions = {
  async test() {
    node_assert.deepStrictEqual({ a: [1, new Date(0)] }, { a: [1, new Date(0)] });
    assert_throws(() => node_assert.strictEqual(1, 2), AssertionError);
    try {
      node_assert.deepStrictEqual({ a: 1 }, { a: 2 });
      assert(false);
    } catch (error) {
      assert_equals(error.code, "ERR_ASSERTION");
      assert(error.message.includes("+   a: 1") && error.message.includes("-   a: 2"));
    }
    node_assert.throws(() => {
      throw new TypeError("bad thing");
    }, { name: "TypeError", message: /bad/ });
    await node_assert.rejects(Promise.reject(new Error("x")), /x/);
    assert_throws(() => node_assert.throws(() => {}), AssertionError);
  },
};

export const async_local_storage = {
  async test() {
    const storage = new AsyncLocalStorage();
    const other = new AsyncLocalStorage({ defaultValue: 7 });
    assert_equals(storage.getStore(), undefined);
    assert_equals(other.getStore(), 7);
    const seen = [];
    await Promise.all(["a", "b"].map((name) => storage.run(name, async () => {
      await timers.setTimeout(1);
      seen.push(storage.getStore());
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.push(storage.getStore());
      await new Promise((resolve) => queueMicrotask(resolve));
      other.run(1, () => seen.push(`${storage.getStore()}${other.getStore()}`));
      process.nextTick(() => seen.push(storage.getStore()));
      await null;
    })));
    assert_equals(seen.sort().join(), "a,a,a,a1,b,b,b,b1");
    assert_equals(storage.getStore(), undefined);
    const bound = storage.run("bound", () => AsyncLocalStorage.bind(() => storage.getStore()));
    const snapshot = storage.run("shot", () => AsyncLocalStorage.snapshot());
    assert_equals(storage.run("now", bound), "bound");
    assert_equals(snapshot(() => storage.getStore()), "shot");
    const resource = storage.run("res", () => new AsyncResource("X"));
    assert_equals(resource.runInAsyncScope(() => storage.getStore()), "res");
    storage.run("x", () => {
      storage.exit(() => assert_equals(storage.getStore(), undefined));
      storage.enterWith("y");
      assert_equals(storage.getStore(), "y");
    });
    assert_equals(storage.getStore(), undefined);
    assert_equals(
      storage.run(
        1, () => storage_at_top.run(2, () => storage.getStore() + storage_at_top.getStore())),
      3);
    assert_throws(() => storage.run("x", () => {
      throw new RangeError("thrown");
    }), RangeError);
    assert_equals(storage.getStore(), undefined);
  },
};

// What is bound while the top level runs works in an event, and the other way round.
const made_at_top = storage_at_top.run("top", () => AsyncLocalStorage.snapshot());
export const async_local_storage_of_the_top_level = {
  async test() {
    assert_equals(made_at_top(() => storage_at_top.getStore()), "top");
    // The event is the one of now: its I/O may be used.
    const answer = made_at_top(
      () => new Promise((resolve) => setTimeout(() => resolve(storage_at_top.getStore()), 1)));
    assert_equals(await answer, "top");
  },
};

export const timer_objects = {
  async test() {
    const order = [];
    const timeout = setTimeout(() => order.push("never"), 1);
    assert_equals(typeof timeout, "object");
    assert(timeout.hasRef() && timeout.unref() === timeout);
    clearTimeout(timeout);
    setImmediate((x) => order.push(x), "immediate");
    process.nextTick((x) => order.push(x), "tick");
    const interval = setInterval(() => order.push("interval"), 1);
    await timers.setTimeout(20);
    clearInterval(interval);
    assert_equals(order[0], "tick");
    assert(order.includes("immediate") && order.includes("interval") && !order.includes("never"));
    assert_equals(await timers.setTimeout(1, "value"), "value");
    await assert_rejects(timers.setTimeout(1000, null, { signal: AbortSignal.abort() }), Error);
    const plain = +setTimeout(() => order.push("no"), 1);
    clearTimeout(plain);
  },
};

export const diagnostics = {
  test() {
    const seen = [];
    channel("x").subscribe((message, name) => seen.push(`${name}:${message}`));
    channel("x").publish("m");
    assert_equals(seen.join(), "x:m");
    const tracing = tracingChannel("t");
    tracing.subscribe({ start: () => seen.push("start"), end: () => seen.push("end") });
    assert_equals(tracing.traceSync((x) => x + 1, {}, null, 1), 2);
    assert_equals(seen.join(), "x:m,start,end");
  },
};

export const modules = {
  async test() {
    assert(isBuiltin("node:fs") && isBuiltin("fs") && !isBuiltin("nothing"));
    const require = createRequire("/x.js");
    assert(require("buffer").Buffer === Buffer);
    assert(require("node:events") === EventEmitter);
    assert(process.getBuiltinModule("node:os") === os);
    assert_throws(() => require("./x.js"), Error);
    assert_equals(os.EOL, "\n");
    // Each of them can be imported, and has a default export.
    for (const name of [...builtinModules, "sqlite"]) {
      const module = await import(`node:${name}`);
      assert(module.default !== undefined, name);
    }
    await assert_rejects(import("node:nothing"), Error);
  },
};

// What a Worker cannot do says so.
export const refusals = {
  async test() {
    const child = await import("node:child_process");
    assert_throws(() => child.execSync("ls"), Error);
    const threads = await import("node:worker_threads");
    assert_equals(threads.isMainThread, true);
    const vm = await import("node:vm");
    assert_throws(() => new vm.Script("1").runInThisContext(), Error);
    const dns = await import("node:dns/promises");
    await assert_rejects(dns.resolve4("example.com"), Error);
    assert_equals((await dns.lookup("127.0.0.1")).family, 4);
  },
};
