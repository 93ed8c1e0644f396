// Carries the stream of a body to its peer, as fast as that takes it: a response's to the client, and
// (fetch.js) a request's to its origin. Runs in the context of whoever fills the stream, so it names
// its event instead of asking for the current one.
import { ops } from "../base/ops.js";
import {
  PromisePrototypeThen,
  TypeError,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../base/primordials.js";
import { acquire_reader, reader_cancel, reader_read } from "../streams/streams.js";
import { report_error } from "../event/event.js";

const { response_abort, response_finish, response_writable, response_write } = ops;

// A read request (Streams standard) that reads again by itself. Those that extend it say where the
// chunks go: write(chunk) gives 1 (went on), 0 (wait for writable()) or another (nobody takes it).
export class Pump {
  id;  // declared: a worker's setter on Object.prototype must not see it
  #reader;
  #reading = false;  // inside reader_read: a chunk that is there already comes from within
  #again = false;
  constructor(id, reader) {
    this.id = id;
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
      const error = new TypeError(`The body of a ${this.message()} must be a stream of ` +
        `Uint8Array, but it gave a chunk of type ${typeof value}.`);
      this.error(error);
      reader_cancel(this.#reader, error);
      return;
    }
    const state = this.write(value);
    if (state === 1) return this.read();
    if (state === 0) {
      PromisePrototypeThen(this.writable(), (open) => {
        if (open) this.read();
        else this.#gone();
      });
      return;
    }
    this.#gone();
  }

  #gone() {
    reader_cancel(this.#reader, this.lost());
  }
}

class ResponsePump extends Pump {
  message() {
    return "response";
  }

  write(chunk) {
    return response_write(this.id, chunk);
  }

  writable() {
    return response_writable(this.id);
  }

  lost() {
    return new TypeError("Network connection lost.");
  }

  close() {
    response_finish(this.id);
  }

  error(error) {
    report_error(error);
    response_abort(this.id);
  }
}

export function pump_body(id, stream) {
  new ResponsePump(id, acquire_reader(stream)).read();
}
