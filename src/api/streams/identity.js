// Workers' own: IdentityTransformStream and FixedLengthStream. Bytes through, unchanged; a write is done
// when its bytes have been read.
import { finish_class } from "../base/expose.js";
import { require_new_args } from "../base/webidl.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  PromiseReject,
  TypeError,
  TypedArrayPrototypeSlice,
  Uint8Array,
} from "../base/primordials.js";
import { byte_close, byte_enqueue_view, byte_error, setup_bytes, view_parts } from "./byte.js";
import { deferred, resolved } from "./promises.js";
import { high_water_mark, size_one } from "./queue.js";
import { kReadable, make_readable } from "./readable.js";
import { create_writable, writable_error_if_needed } from "./writable.js";

// A copy of a chunk's bytes: the writer keeps its buffer.
function bytes_of(chunk, name) {
  if (ArrayBufferIsView(chunk)) {
    const { buffer, offset, length } = view_parts(chunk);
    return TypedArrayPrototypeSlice(new Uint8Array(buffer, offset, length));
  }
  let length;
  try {
    length = ArrayBufferPrototypeGetByteLength(chunk);
  } catch {
    const kind = typeof chunk === "string" ? "a string" : typeof chunk === "object" ? "an object" : `a ${typeof chunk}`;
    throw new TypeError(`This ${name} is being used as a byte stream, but received ${kind} on its writable side. ` +
      "If you wish to write a string, you'll probably want to explicitly UTF-8-encode it with TextEncoder.");
  }
  return TypedArrayPrototypeSlice(new Uint8Array(chunk, 0, length));
}

class Channel {
  readable = make_readable();
  writable;
  #name;
  #waiting = null;        // the write whose bytes wait: {bytes, promise, resolve, reject}
  #wanted = null;         // the pull that waits for bytes
  #left;                  // bytes that a FixedLengthStream still expects, or undefined

  constructor(name, mark, length) {
    this.#name = name;
    this.#left = length;
    this.readable.length = length;
    setup_bytes(this.readable, () => undefined, () => this.#pull(), (reason) => this.#cancelled(reason), 0, undefined);
    this.writable = create_writable(() => undefined, (chunk) => this.#write(chunk), () => this.#close(),
                                    (reason) => this.#abort(reason), mark, size_one);
  }

  #pull() {
    const write = this.#waiting;
    if (write !== null) {
      this.#waiting = null;
      byte_enqueue_view(this.readable.controller, write.bytes);
      write.resolve(undefined);
      return resolved();
    }
    this.#wanted = deferred();
    return this.#wanted.promise;
  }

  #write(chunk) {
    let bytes;
    try {
      bytes = bytes_of(chunk, this.#name);
    } catch (error) {
      byte_error(this.readable.controller, error);
      return PromiseReject(error);
    }
    const count = view_parts(bytes).length;
    if (this.#left !== undefined) {
      if (count > this.#left) {
        const error = new TypeError("Attempt to write too many bytes through a FixedLengthStream.");
        byte_error(this.readable.controller, error);
        return PromiseReject(error);
      }
      this.#left -= count;
    }
    if (count === 0) return resolved();
    const pull = this.#wanted;
    if (pull !== null) {
      this.#wanted = null;
      byte_enqueue_view(this.readable.controller, bytes);
      pull.resolve(undefined);
      return resolved();
    }
    const write = deferred();
    write.bytes = bytes;
    this.#waiting = write;
    return write.promise;
  }

  #close() {
    if (this.#left !== undefined && this.#left > 0) {
      const error = new TypeError("FixedLengthStream did not see all expected bytes before close().");
      byte_error(this.readable.controller, error);
      return PromiseReject(error);
    }
    if (this.readable.state === kReadable) {
      byte_close(this.readable.controller);
      if (this.readable.controller.pending.length > 0) this.readable.controller.respond_closed();
    }
    return resolved();
  }

  #abort(reason) {
    byte_error(this.readable.controller, reason);
    if (this.#waiting !== null) this.#waiting.reject(reason);
    this.#waiting = null;
    return resolved();
  }

  #cancelled(reason) {
    writable_error_if_needed(this.writable.controller, reason ?? new TypeError("The readable side was cancelled."));
    if (this.#waiting !== null) this.#waiting.resolve(undefined);
    this.#waiting = null;
    return resolved();
  }
}

function mark_of(strategy) {
  const mark = strategy === undefined || strategy === null ? undefined : strategy.highWaterMark;
  return high_water_mark(mark === undefined ? undefined : +mark, 1);
}

export class IdentityTransformStream {
  #channel;
  constructor(strategy = undefined) {
    this.#channel = new Channel("TransformStream", mark_of(strategy), undefined);
  }
  get readable() {
    return this.#channel.readable.stream;
  }
  get writable() {
    return this.#channel.writable.stream;
  }
}
finish_class(IdentityTransformStream, "IdentityTransformStream");

export class FixedLengthStream {
  #channel;
  constructor(length, strategy = undefined) {
    require_new_args(arguments.length, 1, "FixedLengthStream");
    const number = typeof length === "bigint" ? Number(length) : +length;
    if (!(number >= 0) || number > 2 ** 53 - 1 || number % 1 !== 0) {
      throw new TypeError("FixedLengthStream requires an integer expected length less than 2^53.");
    }
    this.#channel = new Channel("TransformStream", mark_of(strategy), number);
  }
  get readable() {
    return this.#channel.readable.stream;
  }
  get writable() {
    return this.#channel.writable.stream;
  }
}
finish_class(FixedLengthStream, "FixedLengthStream");
