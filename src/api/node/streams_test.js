// node:stream and what stands on it: zlib, consumers, bridges to the web's streams.
import {
  Duplex,
  PassThrough,
  Readable,
  Transform,
  Writable,
  pipeline as pipeline_with_callback
} from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { buffer, json, text } from "node:stream/consumers";
import web from "node:stream/web";
import zlib from "node:zlib";
import { promisify } from "node:util";
import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const upper = () => new Transform({
  transform(chunk, encoding, done) {
    done(null, chunk.toString().toUpperCase());
  },
});

export const pipelines = {
  async test() {
    const out = [];
    await pipeline(Readable.from(["a", "b", "c"]), upper(), new Writable({
      write(chunk, encoding, done) {
        out.push(chunk.toString());
        setTimeout(done, 1);
      },
    }));
    assert_equals(out.join(""), "ABC");
    await assert_rejects(pipeline(Readable.from(["a"]), new Transform({
      transform(chunk, encoding, done) {
        done(new RangeError("no"));
      },
    }), new PassThrough()), RangeError);
    await new Promise((resolve) => pipeline_with_callback(
                        Readable.from([ "x" ]), new PassThrough().resume(), resolve));
    const numbers = await Readable.from([ 1, 2, 3, 4 ])
                      .filter((n) => n % 2 === 0)
                      .map(async (n) => n * 10)
                      .toArray();
    assert_equals(numbers.join(), "20,40");
  },
};

export const backpressure = {
  async test() {
    let made = 0;
    const source = new Readable({
      highWaterMark: 10,
      read() {
        this.push(made++ < 100 ? Buffer.alloc(5) : null);
      },
    });
    const slow = new Writable({
      highWaterMark: 10,
      write(chunk, encoding, done) {
        setTimeout(done, 0);
      },
    });
    source.pipe(slow);
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert(made < 100, "the source waits for the sink");
    await finished(slow);
    assert_equals(made, 101);
  },
};

export const async_iteration_and_encoding = {
  async test() {
    const stream = new Readable({ read() {} });
    stream.setEncoding("utf8");
    stream.push(Buffer.from([0xe2, 0x82]));
    stream.push(Buffer.from([0xac]));
    stream.push(null);
    let all = "";
    for await (const chunk of stream) all += chunk;
    assert_equals(all, "€");
    const duplex = Duplex.from(async function* (source) {
      for await (const chunk of source) yield `<${chunk}>`;
    });
    duplex.end("x");
    assert_equals(await text(duplex), "<x>");
  },
};

export const consumers = {
  async test() {
    assert_equals((await json(Readable.from(["{\"a\":", "1}"]))).a, 1);
    assert_equals((await buffer(new Response("abc").body)).toString(), "abc");
  },
};

export const bridges = {
  async test() {
    assert(web.ReadableStream === ReadableStream);
    assert_equals(await new Response(Readable.toWeb(Readable.from([
      Buffer.from("he"), Buffer.from("llo")
    ]))).text(),
      "hello");
    assert_equals(await text(Readable.fromWeb(new Response("from the web").body)), "from the web");
    const { readable, writable } = new TransformStream();
    const sink = Writable.fromWeb(writable);
    sink.end("written");
    assert_equals(
      await new Response(readable.pipeThrough(new TransformStream())).text(), "written");
    const chunks = [];
    const to_web = Writable.toWeb(new Writable({
      write(chunk, encoding, done) {
        chunks.push(chunk.toString());
        done();
      },
    }));
    await new Response("through").body.pipeTo(to_web);
    assert_equals(chunks.join(""), "through");
    await assert_rejects(new Response(Readable.toWeb(new Readable({
      read() {
        this.destroy(new Error("broken"));
      },
    }))).text(), Error);
  },
};

export const zlib_whole = {
  async test() {
    const data = Buffer.from("hello hello hello ".repeat(5000));
    for (const [pack, unpack] of [[ "gzip", "gunzip" ], [ "deflate", "inflate" ],
           [ "deflateRaw", "inflateRaw" ], [ "brotliCompress", "brotliDecompress" ],
           [ "zstdCompress", "zstdDecompress" ], [ "gzip", "unzip" ], [ "deflate", "unzip" ]]) {
      const packed = zlib[`${pack}Sync`](data);
      assert(packed.length < data.length / 10, pack);
      assert(zlib[`${unpack}Sync`](packed).equals(data), unpack);
      assert((await promisify(zlib[unpack])(await promisify(zlib[pack])(data))).equals(data), pack);
      assert_throws(() => zlib[`${unpack}Sync`](packed.subarray(0, packed.length - 4)), Error);
      assert_equals(zlib[`${unpack}Sync`](zlib[`${pack}Sync`]("")).length, 0);
    }
    const two = Buffer.concat([zlib.gzipSync("a"), zlib.gzipSync("b")]);
    assert_equals(zlib.gunzipSync(two).toString(), "ab");
    const dictionary = Buffer.from("hello");
    assert_equals(
      zlib.inflateSync(zlib.deflateSync("hello", { dictionary }), { dictionary }).toString(),
      "hello");
    assert_equals(zlib.crc32("hello"), 0x3610a686);
    assert_throws(() => zlib.gunzipSync(zlib.gzipSync(data), { maxOutputLength: 100 }), RangeError);
    assert_throws(() => zlib.gzipSync("x", { level: 99 }), RangeError);
    for (const bad of ["", "x", "\x1f\x8b", "garbage garbage"])
      assert_throws(() => zlib.gunzipSync(bad), Error);
    assert(zlib.gzipSync(data, { level: 9 }).length <= zlib.gzipSync(data, { level: 1 }).length);
  },
};

export const zlib_streams = {
  async test() {
    const gzip = zlib.createGzip();
    gzip.write("part one, ");
    gzip.end("part two");
    const packed = await buffer(gzip);
    assert_equals(
      await text(
        Readable.from([ packed.subarray(0, 7), packed.subarray(7) ]).pipe(zlib.createGunzip())),
      "part one, part two");
    assert_equals(
      await new Response(new Response(packed).body.pipeThrough(new DecompressionStream("gzip")))
        .text(),
      "part one, part two");
    await assert_rejects(
      text(Readable.from([ Buffer.from("no gzip at all") ]).pipe(zlib.createGunzip())), Error);
    const flushed = zlib.createDeflate();
    const out = [];
    flushed.on("data", (chunk) => out.push(chunk));
    flushed.write("early");
    await new Promise((resolve) => flushed.flush(resolve));
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert_equals(
      zlib.inflateSync(Buffer.concat(out), { finishFlush : zlib.constants.Z_SYNC_FLUSH })
        .toString(),
      "early");
    flushed.destroy();
  },
};
