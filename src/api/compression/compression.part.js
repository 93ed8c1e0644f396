// CompressionStream and DecompressionStream (Compression standard). The output of a chunk comes in
// pieces, each made when the one before has found a reader.
import { finish_class } from "../base/expose.js";
import { Int32Array, PromisePrototypeThen, TypeError } from "../base/primordials.js";
import { require_new_args, to_dom_string } from "../base/webidl.js";
import { is_buffer_source } from "../encoding/encoding.js";
import { own_ops } from "../parts/own_ops.js";
import { make_transform, transform_enqueue, transform_wanted } from "../streams/writable.part.js";

const { compression_close, compression_open, compression_step } = own_ops;

// As Format in compression.cc.
const formats = { __proto__: null, "deflate": 0, "deflate-raw": 1, "gzip": 2, "brotli": 3, "zstd": 4 };

// As After in compression.cc.
const kMore = 1;
const kEnded = 2;
const kFailed = 3;
const kExtra = 4;

const step = new Int32Array(2);

class Coder {
  #id;
  #compress;
  #ended = false;
  constructor(interface_name, format, compress) {
    const number = formats[to_dom_string(format)];
    if (number === undefined) {
      throw new TypeError(`Failed to construct '${interface_name}': the compression format must be ` +
        "'deflate', 'deflate-raw', 'gzip', 'brotli' or 'zstd'.");
    }
    this.#compress = compress;
    this.#id = compression_open(this, number, compress);
  }

  // The work is done a step at a time; a promise where the reader has to be waited for.
  #run(t, chunk, finish, offset) {
    for (;;) {
      const bytes = compression_step(this.#id, chunk, offset, finish, step);
      const used = step[0];
      const after = step[1];
      offset += used;
      if (bytes !== undefined) transform_enqueue(t, bytes);
      if (after === kFailed) this.#fail("The compressed data is not valid.");
      if (after === kExtra) this.#fail("There is more data after the end of the compressed data.");
      this.#ended = after === kEnded;
      if (after !== kMore) return undefined;
      const wanted = transform_wanted(t);
      if (wanted !== undefined) {
        return PromisePrototypeThen(wanted, () => this.#run(t, chunk, finish, offset));
      }
    }
  }

  #fail(message) {
    compression_close(this.#id);
    throw new TypeError(message);
  }

  transform(chunk, t) {
    if (!is_buffer_source(chunk)) {
      throw new TypeError("A compression stream takes chunks that are buffers or views.");
    }
    return this.#run(t, chunk, false, 0);
  }

  flush(t) {
    if (this.#compress) return this.#run(t, undefined, true, 0);
    if (!this.#ended) this.#fail("The compressed data ends too early.");
    compression_close(this.#id);
    return undefined;
  }
}

function make_coder(interface_name, format, compress) {
  const coder = new Coder(interface_name, format, compress);
  return make_transform((chunk, t) => coder.transform(chunk, t), (t) => coder.flush(t));
}

export class CompressionStream {
  #pair;
  constructor(format) {
    require_new_args(arguments.length, 1, "CompressionStream");
    this.#pair = make_coder("CompressionStream", format, true);
  }
  get readable() {
    return this.#pair.readable;
  }
  get writable() {
    return this.#pair.writable;
  }
}

export class DecompressionStream {
  #pair;
  constructor(format) {
    require_new_args(arguments.length, 1, "DecompressionStream");
    this.#pair = make_coder("DecompressionStream", format, false);
  }
  get readable() {
    return this.#pair.readable;
  }
  get writable() {
    return this.#pair.writable;
  }
}

finish_class(CompressionStream, "CompressionStream");
finish_class(DecompressionStream, "DecompressionStream");
