// crypto.DigestStream, Workers' own: a WritableStream whose `digest` is that of what was written.
import { finish_class } from "../base/expose.js";
import { Error, PromisePrototypeThen, PromiseWithResolvers, TypeError, noop } from "../base/primordials.js";
import { require_new_args } from "../base/webidl.js";
import { is_buffer_source } from "../encoding/encoding.js";
import { own_ops } from "../parts/own_ops.js";
import { WritableStream } from "../streams/writable.part.js";
import { breath, hash_codes } from "./lib/codes.js";
import { normalize } from "./subtle.part.js";

const { buffer_bytes, digest_drop, digest_final, digest_open, digest_update, text_bytes } = own_ops;

// Also the native state's holder.
class Sink {
  #id;
  #promise = PromiseWithResolvers();
  bytes = 0;
  constructor(hash) {
    this.#id = digest_open(this, hash);
    // Nobody need ask for it.
    PromisePrototypeThen(this.#promise.promise, undefined, noop);
  }
  get digest() {
    return this.#promise.promise;
  }

  write(chunk) {
    const data = typeof chunk === "string" ? text_bytes(chunk) : chunk;
    if (!is_buffer_source(data)) {
      const error = new TypeError("DigestStream is a byte stream but received an object of " +
        "non-ArrayBuffer/ArrayBufferView/string type on its writable side.");
      this.abort(error);
      throw error;
    }
    digest_update(this.#id, data, breath);
    this.bytes += buffer_bytes(data);
  }
  close() {
    this.#promise.resolve(digest_final(this.#id));
  }
  abort(reason) {
    digest_drop(this.#id);
    this.#promise.reject(reason ?? new Error("The stream was aborted."));
  }
}

export class DigestStream extends WritableStream {
  #sink;
  constructor(algorithm) {
    require_new_args(arguments.length, 1, "DigestStream");
    const { name } = normalize("digest", algorithm);
    const sink = new Sink(hash_codes[name]);
    super({
      __proto__: null,
      write: (chunk) => sink.write(chunk),
      close: () => sink.close(),
      abort: (reason) => sink.abort(reason),
    });
    this.#sink = sink;
  }
  get digest() {
    return this.#sink.digest;
  }
  get bytesWritten() {
    return this.#sink.bytes;
  }
}
finish_class(DigestStream, "DigestStream");
