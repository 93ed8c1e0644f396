// node:fs on a tree in memory (lib/fs_tree.js).
import { Buffer } from "./buffer.part.js";
import { Readable, Writable } from "./stream.part.js";
import { coded, refusing } from "./lib/errors.js";
import { constants } from "./lib/fs_constants.js";
import * as sync from "./lib/fs_sync.js";
import { Dirent, Stats } from "./lib/fs_stats.js";
import { validate_function } from "./lib/validate.js";

const { Dir, to_path, ...functions } = sync;

// --- callbacks and promises of the same functions ---

const with_callback = {};
const promises = {};
for (const [name, fn] of Object.entries(functions)) {
  const plain = name.slice(0, -4);  // without "Sync"
  with_callback[plain] = { [plain](...args) {
    const callback = args.pop();
    validate_function(callback, "cb");
    let result;
    try {
      result = fn(...args);
    } catch (error) {
      if (error.code === "ERR_INVALID_ARG_TYPE") throw error;
      return queueMicrotask(() => callback(error));
    }
    queueMicrotask(() => (result === undefined ? callback(null) : callback(null, result)));
  } }[plain];
  if (!/^(f[a-z]+|close|read|write|readv|writev|exists)$/.test(plain)) {
    promises[plain] = { async [plain](...args) {
      return fn(...args);
    } }[plain];
  }
}
const custom = Symbol.for("nodejs.util.promisify.custom");
with_callback.exists = (path, callback) => {
  validate_function(callback, "cb");
  const found = functions.existsSync(path);
  queueMicrotask(() => callback(found));
};
with_callback.exists[custom] = async (path) => functions.existsSync(path);

// Those whose callbacks get the buffer too.
for (const [name, fn] of [[ "read", functions.readSync ], [ "write", functions.writeSync ],
       [ "readv", functions.readvSync ], [ "writev", functions.writevSync ]]) {
  with_callback[name] = (fd, data, ...rest) => {
    const callback = rest.pop();
    validate_function(callback, "cb");
    let count;
    try {
      count = fn(fd, data, ...rest);
    } catch (error) {
      return queueMicrotask(() => callback(error));
    }
    queueMicrotask(() => callback(null, count, data));
  };
  with_callback[name][custom] = async (fd, data, ...rest) => {
    const count = fn(fd, data, ...rest);
    return {
      [name.startsWith("read") ? "bytesRead" : "bytesWritten"] : count,
      [name.endsWith("v") ? "buffers" : "buffer"] : data
    };
  };
}

// --- handles ---

class FileHandle {
  #fd;
  constructor(fd) {
    this.#fd = fd;
  }
  get fd() {
    return this.#fd;
  }
  async close() {
    if (this.#fd < 0) return;
    functions.closeSync(this.#fd);
    this.#fd = -1;
  }
  async [Symbol.asyncDispose]() {
    await this.close();
  }
  async read(buffer = Buffer.alloc(16384), offset = 0, length = undefined, position = null) {
    if (!ArrayBuffer.isView(buffer)) {
      ({ buffer = Buffer.alloc(16384), offset = 0, length, position = null } = buffer);
    } else if (typeof offset === "object" && offset !== null) {
      ({ offset = 0, length, position = null } = offset);
    }
    return { bytesRead: functions.readSync(this.#fd, buffer, offset, length, position), buffer };
  }
  async write(data, ...rest) {
    return { bytesWritten: functions.writeSync(this.#fd, data, ...rest), buffer: data };
  }
  async readv(buffers, position) {
    return { bytesRead: functions.readvSync(this.#fd, buffers, position), buffers };
  }
  async writev(buffers, position) {
    return { bytesWritten: functions.writevSync(this.#fd, buffers, position), buffers };
  }
  async readFile(options) {
    return functions.readFileSync(this.#fd, options);
  }
  async writeFile(data, options) {
    functions.writeFileSync(this.#fd, data, options);
  }
  async appendFile(data, options) {
    functions.writeFileSync(this.#fd, data, options);
  }
  async stat(options) {
    return functions.fstatSync(this.#fd, options);
  }
  async truncate(length) {
    functions.ftruncateSync(this.#fd, length);
  }
  async sync() {}
  async datasync() {}
  async chmod(mode) {
    functions.fchmodSync(this.#fd, mode);
  }
  async chown(uid, gid) {
    functions.fchownSync(this.#fd, uid, gid);
  }
  async utimes(atime, mtime) {
    functions.futimesSync(this.#fd, atime, mtime);
  }
  createReadStream(options) {
    return new ReadStream(null, { ...options, fd: this.#fd });
  }
  createWriteStream(options) {
    return new WriteStream(null, { ...options, fd: this.#fd });
  }
  async* readLines(options) {
    const text = functions.readFileSync(this.#fd, { encoding: "utf8", ...options });
    yield* text.split(/\r\n|\n/);
  }
}

Object.assign(promises, {
  constants,
  async open(path, flags, mode) {
    return new FileHandle(functions.openSync(path, flags, mode));
  },
  async readFile(path, options) {
    return path instanceof FileHandle ? path.readFile(options)
                                      : functions.readFileSync(path, options);
  },
  async writeFile(path, data, options) {
    const bytes = typeof data === "string" || ArrayBuffer.isView(data) ? data : await gather(data);
    return path instanceof FileHandle ? path.writeFile(bytes, options)
                                      : functions.writeFileSync(path, bytes, options);
  },
  async *
    glob(pattern, options) {
      yield* functions.globSync(pattern, options);
    },
  watch: refusing("fs.promises.watch"),
});

async function gather(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

// --- streams ---

class ReadStream extends Readable {
  constructor(path, options) {
    const given = typeof options === "string" ? { encoding: options } : options ?? {};
    super({ highWaterMark: 64 * 1024, ...given, autoDestroy: true });
    Object.assign(this, {
      path,
      fd: given.fd ?? null,
      flags: given.flags ?? "r",
      bytesRead: 0,
      pos: given.start,
      end: given.end ?? Infinity,
      autoClose: given.autoClose !== false
    });
    if (this.pos !== undefined && this.end < this.pos) {
      throw coded(RangeError, "ERR_OUT_OF_RANGE",
        `The value of "start" is out of range. It must be <= "end" (here: ${this.end}). Received ${
          this.pos}`);
    }
  }
  _construct(done) {
    try {
      if (this.fd === null) {
        this.fd = functions.openSync(this.path, this.flags);
        queueMicrotask(() => {
          this.emit("open", this.fd);
          this.emit("ready");
        });
      }
      done();
    } catch (error) {
      done(error);
    }
  }
  _read(size) {
    const left = this.pos === undefined ? this.end + 1 - this.bytesRead : this.end + 1 - this.pos;
    const buffer = Buffer.alloc(Math.max(0, Math.min(size, left)));
    try {
      const count = buffer.length === 0
        ? 0
        : functions.readSync(this.fd, buffer, 0, buffer.length, this.pos ?? null);
      if (this.pos !== undefined) this.pos += count;
      this.bytesRead += count;
      this.push(count === 0 ? null : buffer.subarray(0, count));
    } catch (error) {
      this.destroy(error);
    }
  }
  _destroy(error, done) {
    close_quietly(this);
    done(error);
  }
  close(callback) {
    if (callback) this.once("close", callback);
    this.destroy();
  }
  get pending() {
    return this.fd === null;
  }
}

class WriteStream extends Writable {
  constructor(path, options) {
    const given = typeof options === "string" ? { encoding: options } : options ?? {};
    super({ ...given, decodeStrings: true, autoDestroy: true });
    Object.assign(this, {
      path,
      fd: given.fd ?? null,
      flags: given.flags ?? "w",
      mode: given.mode,
      bytesWritten: 0,
      pos: given.start,
      autoClose: given.autoClose !== false
    });
    if (given.encoding) this.setDefaultEncoding(given.encoding);
  }
  _construct(done) {
    ReadStream.prototype._construct.call(this, done);
  }
  _write(chunk, encoding, done) {
    try {
      const count = functions.writeSync(this.fd, chunk, 0, chunk.length, this.pos ?? null);
      if (this.pos !== undefined) this.pos += count;
      this.bytesWritten += count;
      done();
    } catch (error) {
      done(error);
    }
  }
  _destroy(error, done) {
    close_quietly(this);
    done(error);
  }
  close(callback) {
    if (callback) this.once("close", callback);
    this.end();
  }
  get pending() {
    return this.fd === null;
  }
}

function close_quietly(stream) {
  if (stream.fd === null || !stream.autoClose) return;
  try {
    functions.closeSync(stream.fd);
  } catch { /* it was closed by hand */ }
  stream.fd = null;
}

async function openAsBlob(path, { type = "" } = {}) {
  return new Blob([functions.readFileSync(path)], { type });
}

export { promises };
export default {
  ...constants_at_top(),
  ...functions,
  ...with_callback,
  Dir,
  Dirent,
  FileReadStream: ReadStream,
  FileWriteStream: WriteStream,
  ReadStream,
  Stats,
  WriteStream,
  constants,
  openAsBlob,
  promises,
  createReadStream: (path, options) =>
    new ReadStream(typeof path === "number" ? path : to_path(path), options),
  createWriteStream: (path, options) => new WriteStream(to_path(path), options),
  realpath: Object.assign(with_callback.realpath, {native : with_callback.realpath}),
  watch: refusing("fs.watch"),
  watchFile: refusing("fs.watchFile"),
  unwatchFile() {},
  _toUnixTimestamp: (time) => (time instanceof Date ? time.getTime() / 1000 : +time),
};

function constants_at_top() {
  const { F_OK, R_OK, W_OK, X_OK } = constants;
  return { F_OK, R_OK, W_OK, X_OK };
}
