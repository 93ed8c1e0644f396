// node:zlib: zlib, brotli and zstd over natives (zlib.cc).
import { own_ops } from "../parts/own_ops.js";
import { Buffer } from "./buffer.part.js";
import { Transform } from "./stream.part.js";
import { coded, invalid_arg_type, out_of_range } from "./lib/errors.js";
import { validate_function, validate_integer } from "./lib/validate.js";
import { constants } from "./lib/zlib_constants.js";

const { zlib_close, zlib_crc32, zlib_open, zlib_params, zlib_reset, zlib_step } = own_ops;

// As in zlib.cc.
const kinds = [
  "Deflate", "Inflate", "Gzip", "Gunzip", "DeflateRaw", "InflateRaw", "Unzip", "BrotliCompress",
  "BrotliDecompress", "ZstdCompress", "ZstdDecompress"
];
const compresses = (kind) => /Deflate|Gzip|Compress/.test(kinds[kind]);
const codes = {
  [-2] : "Z_STREAM_ERROR",
  [-3] : "Z_DATA_ERROR",
  [-4] : "Z_MEM_ERROR",
  [-5] : "Z_BUF_ERROR",
  [-102] : "Z_NEED_DICT",
};
const texts = {
  "-2": "invalid stream",
  "-3": "incorrect header check",
  "-4": "insufficient memory",
  "-5": "unexpected end of file",
  "-102": "Missing dictionary",
};

function failure(status) {
  const error = new Error(texts[status] ?? "zlib error");
  error.errno = status === -102 ? 2 : status;
  error.code = codes[status] ?? "Z_DATA_ERROR";
  return error;
}

function option(options, name, low, high, otherwise) {
  const value = options[name];
  if (value === undefined || Number.isNaN(value)) return otherwise;
  if (typeof value !== "number") throw invalid_arg_type(`options.${name}`, "number", value);
  if (!Number.isFinite(value) || value < low || value > high) {
    throw out_of_range(`options.${name}`, `>= ${low} and <= ${high}`, value);
  }
  return value;
}

function open(holder, kind, options) {
  const name = kinds[kind];
  let window_bits, level;
  if (name.startsWith("Brotli")) {
    level = options.params?.[constants.BROTLI_PARAM_QUALITY] ?? constants.BROTLI_DEFAULT_QUALITY;
    window_bits = options.params?.[constants.BROTLI_PARAM_LGWIN] ?? constants.BROTLI_DEFAULT_WINDOW;
  } else if (name.startsWith("Zstd")) {
    level = options.params?.[constants.ZSTD_c_compressionLevel] ?? constants.ZSTD_CLEVEL_DEFAULT;
  } else {
    window_bits = option(options, "windowBits", compresses(kind) ? 8 : 0, 15, 15);
    level = option(options, "level", -1, 9, -1);
  }
  const mem_level = option(options, "memLevel", 1, 9, 8);
  const strategy = option(options, "strategy", 0, 4, 0);
  const dictionary = options.dictionary;
  if (dictionary !== undefined && !ArrayBuffer.isView(dictionary) &&
    !(dictionary instanceof ArrayBuffer)) {
    throw invalid_arg_type(
      "options.dictionary", [ "Buffer", "TypedArray", "DataView", "ArrayBuffer" ], dictionary);
  }
  const id = zlib_open(holder, kind, window_bits, level, mem_level, strategy, dictionary);
  if (id === undefined)
    throw coded(Error, "ERR_ZLIB_INITIALIZATION_FAILED", "Initialization failed");
  return id;
}

class ZlibBase extends Transform {
  #id;
  #kind;
  #options;
  #chunk_bytes;
  #result = new Int32Array(3);
  #ended = false;   // the coder has seen the end of its data
  #closed = false;
  #buffer_full;     // finishFlush for what is cut short

  constructor(kind, options) {
    super({ ...options, autoDestroy: true });
    const given = options ?? {};
    this.#kind = kind;
    this.#options = given;
    this.#chunk_bytes = option(given, "chunkSize", 64, Infinity, constants.Z_DEFAULT_CHUNK);
    this.#buffer_full = given.finishFlush ?? constants.Z_FINISH;
    this.bytesWritten = 0;
    this.#id = open(this, kind, given);
  }

  get _closed() {
    return this.#closed;
  }

  // All that comes of `bytes`; each piece goes to `take`. Errors are thrown.
  work(bytes, flush, take) {
    let offset = 0;
    for (;;) {
      const out = new Uint8Array(this.#chunk_bytes);
      zlib_step(this.#id, bytes, offset, flush, out, this.#result);
      const [used, made, status] = this.#result;
      offset += used;
      this.bytesWritten += used;
      if (made > 0) take(Buffer.from(out.buffer, 0, made));
      if (status < 0) throw failure(status);
      if (status === 1) {
        this.#ended = true;
        if (!this.#next_member(bytes, offset)) return offset;
        continue;
      }
      if (made < out.length && offset >= bytes.length) return offset;
      if (used === 0 && made === 0) throw failure(constants.Z_BUF_ERROR);
    }
  }

  // A gzip file may be several: whether another begins at `offset`.
  #next_member(bytes, offset) {
    const name = kinds[this.#kind];
    if (name === "ZstdDecompress" || offset >= bytes.length)
      return name === "ZstdDecompress" && offset < bytes.length;
    if ((name !== "Gunzip" && name !== "Unzip") || bytes[offset] !== 0x1f) return false;
    this.#ended = false;
    return zlib_reset(this.#id);
  }

  // After the last input.
  check_end() {
    if (!compresses(this.#kind) && !this.#ended && this.bytesWritten > 0 &&
      this.#buffer_full !== constants.Z_SYNC_FLUSH &&
      this.#buffer_full !== constants.BROTLI_OPERATION_FLUSH) {
      throw failure(constants.Z_BUF_ERROR);
    }
  }

  _transform(chunk, encoding, done) {
    if (this.#ended && !compresses(this.#kind)) return done();
    this.#run(chunk, this.#options.flush ?? constants.Z_NO_FLUSH, done);
  }

  _flush(done) {
    this.#run(new Uint8Array(),
      compresses(this.#kind) ? constants.Z_FINISH : constants.Z_SYNC_FLUSH, (error) => {
        if (error)
          return done(error);
        try {
          this.check_end();
          done();
        } catch (failed) {
          done(failed);
        }
      });
  }

  #run(bytes, flush, done) {
    try {
      if (!(this.#ended && flush !== constants.Z_NO_FLUSH))
        this.work(bytes, flush, (piece) => this.push(piece));
      done();
    } catch (error) {
      done(error);
    }
  }

  flush(kind, callback) {
    if (typeof kind === "function") {
      callback = kind;
      kind = constants.Z_FULL_FLUSH;
    }
    this.#run(new Uint8Array(), kind ?? constants.Z_FULL_FLUSH, (error) => callback?.(error));
  }

  params(level, strategy, callback) {
    const good = zlib_params(this.#id, level, strategy);
    queueMicrotask(() => callback?.(good ? null : failure(-2)));
  }

  reset() {
    this.#ended = false;
    zlib_reset(this.#id);
  }

  close(callback) {
    if (callback) this.once("close", callback);
    this.destroy();
  }

  _destroy(error, done) {
    this.#closed = true;
    zlib_close(this.#id);
    done(error);
  }
}

const classes = {};
const creators = {};
kinds.forEach((name, kind) => {
  const Class = { [name]: class extends ZlibBase {
    constructor(options) {
      super(kind, options);
    }
  } }[name];
  // Old code calls them without `new`.
  const made = function (options) {
    return new Class(options);
  };
  Object.defineProperty(made, "name", { value: name });
  made.prototype = Class.prototype;
  classes[name] = made;
  creators[`create${name}`] = (options) => new Class(options);
});

function input_bytes(value) {
  if (typeof value === "string") return Buffer.from(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw invalid_arg_type(
    "buffer", [ "string", "Buffer", "TypedArray", "DataView", "ArrayBuffer" ], value);
}

function whole(kind, value, options = {}) {
  const bytes = input_bytes(value);
  const coder = new ZlibBase(kind, options);
  const pieces = [];
  let total = 0;
  const most = options.maxOutputLength ?? 128 * 1024 * 1024;
  const take = (piece) => {
    total += piece.length;
    if (total > most) {
      throw coded(
        RangeError, "ERR_BUFFER_TOO_LARGE", `Cannot create a Buffer larger than ${most} bytes`);
    }
    pieces.push(piece);
  };
  try {
    coder.work(bytes, constants.Z_FINISH, take);
    if (bytes.length === 0 && !compresses(kind)) throw failure(constants.Z_BUF_ERROR);
    coder.check_end();
    return Buffer.concat(pieces, total);
  } finally {
    coder.destroy();
  }
}

const shorthand = {};
const verbs = [
  "deflate", "inflate", "gzip", "gunzip", "deflateRaw", "inflateRaw", "unzip", "brotliCompress",
  "brotliDecompress", "zstdCompress", "zstdDecompress"
];
verbs.forEach((verb, kind) => {
  shorthand[`${verb}Sync`] = (value, options) => whole(kind, value, options ?? {});
  shorthand[verb] = (value, options, callback) => {
    if (typeof options === "function") {
      callback = options;
      options = {};
    }
    validate_function(callback, "callback");
    input_bytes(value);
    queueMicrotask(() => {
      let result;
      try {
        result = whole(kind, value, options ?? {});
      } catch (error) {
        return callback(error);
      }
      callback(null, result);
    });
  };
});

function crc32(data, value = 0) {
  validate_integer(value, "value", 0, 0xffffffff);
  return zlib_crc32(input_bytes(data), value);
}

const codes_table = Object.freeze(Object.fromEntries([
  "Z_OK", "Z_STREAM_END", "Z_NEED_DICT", "Z_ERRNO", "Z_STREAM_ERROR", "Z_DATA_ERROR", "Z_MEM_ERROR",
  "Z_BUF_ERROR", "Z_VERSION_ERROR"
].flatMap((name) => [[ name, constants[name] ], [ constants[name], name ]])));

export default {
  ...classes,
  ...creators,
  ...shorthand,
  codes: codes_table,
  constants,
  crc32,
  ...constants
};
