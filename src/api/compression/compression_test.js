import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const formats = ["deflate", "deflate-raw", "gzip", "brotli", "zstd"];

async function through(stream, ...chunks) {
  const writer = stream.writable.getWriter();
  const writing = (async () => {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  })();
  writing.catch(() => {});
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}
const compress = (format, ...chunks) => through(new CompressionStream(format), ...chunks);
const decompress = (format, ...chunks) => through(new DecompressionStream(format), ...chunks);

export const round_trips = {
  async test() {
    const text = new TextEncoder().encode("the same words, the same words, ".repeat(20000));
    for (const format of formats) {
      const packed = await compress(format, text.subarray(0, 5), text.subarray(5));
      assert(packed.length < text.length / 20, `${format}: ${packed.length}`);
      assert_equals(await decompress(format, packed), text, format);
      const single = [];
      for (let i = 0; i < 300; i++) single.push(packed.subarray(i, i + 1));
      assert_equals(await decompress(format, ...single, packed.subarray(300)), text, format);
      assert_equals(await decompress(format, await compress(format)), new Uint8Array(), format);
    }
  },
};

export const known_bytes = {
  async test() {
    const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const text = async (format, base64) => new TextDecoder().decode(await decompress(format, bytes(base64)));
    assert_equals(await text("gzip", "H4sIAAAAAAAAA0vMSczLKlZITEoGAFIIVEEKAAAA").catch((e) => e.name), "TypeError");
    assert_equals(await text("deflate", "eJxLTEoGAAJNASc="), "abc");
    assert_equals(await text("deflate-raw", "S0xKBgA="), "abc");
  },
};

export const refusals = {
  async test() {
    assert_throws(() => new CompressionStream("lzma"), TypeError);
    assert_throws(() => new DecompressionStream(), TypeError);
    for (const format of formats) {
      const packed = await compress(format, new Uint8Array(1000));
      await assert_rejects(decompress(format, packed.subarray(0, packed.length - 1)), TypeError);
      await assert_rejects(decompress(format, packed, new Uint8Array([1, 2, 3])), TypeError);
      await assert_rejects(decompress(format), TypeError);
      await assert_rejects(decompress(format, "text"), TypeError);
      const broken = packed.slice();
      broken[0] ^= 0xff;
      await assert_rejects(decompress(format, broken), TypeError, undefined, format);
    }
  },
};

// What a reader has not asked for is not made.
export const bombs_wait = {
  async test() {
    const bomb = await compress("gzip", ...Array.from({ length: 64 }, () => new Uint8Array(1 << 20)));
    assert(bomb.length < 80000);
    const stream = new DecompressionStream("gzip");
    const writer = stream.writable.getWriter();
    writer.write(bomb).catch(() => {});
    const reader = stream.readable.getReader();
    let largest = 0;
    for (let i = 0; i < 5; i++) largest = Math.max(largest, (await reader.read()).value.length);
    assert(largest <= 65536);
    await reader.cancel();
    let total = 0;
    const whole = new Blob([bomb]).stream().pipeThrough(new DecompressionStream("gzip"));
    for await (const chunk of whole) total += chunk.length;
    assert_equals(total, 64 << 20);
  },
};

export const chunks_change_meanwhile = {
  async test() {
    const packed = await compress("gzip", new Uint8Array(1 << 20));
    const stream = new DecompressionStream("gzip");
    const writer = stream.writable.getWriter();
    const writing = writer.write(packed);
    writing.catch(() => {});
    const reader = stream.readable.getReader();
    await reader.read();
    structuredClone(packed.buffer, { transfer: [packed.buffer] });
    await reader.read().catch(() => {});
  },
};

export const patched_prototypes = {
  async test() {
    const { then } = Promise.prototype;
    Promise.prototype.then = () => { throw new Error("patched"); };
    let stream;
    try {
      stream = new CompressionStream("gzip");
    } finally {
      Promise.prototype.then = then;
    }
    assert(stream.readable instanceof ReadableStream && String(stream) === "[object CompressionStream]");
  },
};

// What nobody holds any more is given back, and what is held has a bound.
export const many_streams = {
  async test() {
    for (let i = 0; i < 3000; i++) {
      new CompressionStream("gzip");
      if (i % 100 === 0) await null;  // a new stream is held by what is still to start it
    }
    await scheduler.wait(1);
    const held = [];
    assert_throws(() => {
      for (let i = 0; i < 3000; i++) held.push(new CompressionStream("gzip"));
    }, RangeError);
    held.length = 0;
    await scheduler.wait(1);
    assert(new CompressionStream("gzip").readable instanceof ReadableStream);
  },
};
