// Carries the stream of a response's body to the client, as fast as the client takes it. Runs in
// the context of whoever fills the stream, so it names its event instead of asking for the current
// one.
import { ops } from "../base/ops.js";
import {
  PromisePrototypeThen,
  TypeError,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../base/primordials.js";
import { acquire_reader, reader_cancel, reader_read } from "../streams/streams.js";
import { report_error } from "../event/event.js";

const { response_abort, response_finish, response_writable, response_write } = ops;

// A read request (Streams standard) that reads again by itself.
class Pump {
  #id;
  #reader;
  #reading = false;  // inside reader_read: a chunk that is there already comes from within
  #again = false;
  constructor(id, reader) {
    this.#id = id;
    this.#reader = reader;
  }

  read() {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      reader_read(this.#reader, this);
    }
    this.#reading = false;
  }

  chunk(value) {
    if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") {
      const error = new TypeError(
        "The body of a response must be a stream of Uint8Array, but it gave " +
        `a chunk of type ${typeof value}.`);
      report_error(error);
      response_abort(this.#id);
      reader_cancel(this.#reader, error);
      return;
    }
    const state = response_write(this.#id, value);
    if (state === 1) return this.read();
    if (state === 0) {
      PromisePrototypeThen(response_writable(this.#id), (open) => {
        if (open) this.read();
        else this.#gone();
      });
      return;
    }
    this.#gone();
  }

  #gone() {
    reader_cancel(this.#reader, new TypeError("Network connection lost."));
  }

  close() {
    response_finish(this.#id);
  }

  error(error) {
    report_error(error);
    response_abort(this.#id);
  }
}

export function pump_body(id, stream) {
  new Pump(id, acquire_reader(stream)).read();
}
