// ReadableByteStreamTee (Streams standard, 4.10.5): two byte streams out of one; a branch that is read
// with a BYOB reader passes its view down.
import { ArrayBufferPrototypeSlice, Uint8Array, noop } from "../base/primordials.js";
import {
  acquire_byob_reader,
  byob_read,
  byte_close,
  byte_enqueue_view,
  byte_error,
  setup_bytes,
  view_parts,
} from "./byte.js";
import { deferred, resolved, when } from "./promises.js";
import { acquire, cancel_readable, make_readable, read, release } from "./readable.js";

function clone_view(view) {
  const { buffer, offset, length } = view_parts(view);
  return new Uint8Array(ArrayBufferPrototypeSlice(buffer, offset, offset + length));
}

class ByteTee {
  #state;
  #reader;
  #reading = false;
  #again = [false, false];
  #cancelled = [false, false];
  #reasons = [undefined, undefined];
  #cancel = deferred();
  branches = [];

  constructor(state) {
    this.#state = state;
    this.#reader = acquire(state, false);
    for (let i = 0; i < 2; i++) {
      const branch = make_readable();
      setup_bytes(branch, noop, () => this.#pull(i), (reason) => this.#cancel_branch(i, reason), 0, undefined);
      this.branches[i] = branch;
    }
    this.#watch(this.#reader);
  }

  // The source's failure is that of both branches, for as long as this reader is the one in use.
  #watch(reader) {
    when(reader.closed.promise, undefined, (error) => {
      if (reader !== this.#reader) return;
      byte_error(this.branches[0].controller, error);
      byte_error(this.branches[1].controller, error);
      if (!this.#cancelled[0] || !this.#cancelled[1]) this.#cancel.resolve(undefined);
    });
  }

  #use_reader(byob) {
    if (this.#reader.byob === byob) return;
    const old = this.#reader;
    this.#reader = null;  // what its release rejects is not the source's failure
    release(old);
    this.#reader = byob ? acquire_byob_reader(this.#state) : acquire(this.#state, false);
    this.#watch(this.#reader);
  }

  #pull(i) {
    if (this.#reading) {
      this.#again[i] = true;
      return resolved();
    }
    this.#reading = true;
    const c = this.branches[i].controller;
    if (c.pending.length > 0) this.#pull_view(i, c);
    else this.#pull_default();
    return resolved();
  }

  #pulled() {
    this.#reading = false;
    if (this.#again[0]) this.#pull(0);
    else if (this.#again[1]) this.#pull(1);
  }

  #pull_default() {
    this.#use_reader(false);
    read(this.#reader, {
      chunk: (chunk) => {
        when(resolved(), () => {
          this.#again = [false, false];
          let second = chunk;
          if (!this.#cancelled[0] && !this.#cancelled[1]) {
            try {
              second = clone_view(chunk);
            } catch (error) {
              return this.#fail(error);
            }
          }
          if (!this.#cancelled[0]) byte_enqueue_view(this.branches[0].controller, chunk);
          if (!this.#cancelled[1]) byte_enqueue_view(this.branches[1].controller, second);
          this.#pulled();
        });
      },
      close: () => {
        this.#reading = false;
        for (let i = 0; i < 2; i++) {
          if (!this.#cancelled[i]) byte_close(this.branches[i].controller);
        }
        for (let i = 0; i < 2; i++) {
          const c = this.branches[i].controller;
          if (c.pending.length > 0) c.respond_closed();
        }
        if (!this.#cancelled[0] || !this.#cancelled[1]) this.#cancel.resolve(undefined);
      },
      error: () => {
        this.#reading = false;
      },
    });
  }

  #fail(error) {
    byte_error(this.branches[0].controller, error);
    byte_error(this.branches[1].controller, error);
    this.#cancel.resolve(cancel_readable(this.#state, error));
  }

  // Branch `i` has a view to be filled.
  #pull_view(i, c) {
    this.#use_reader(true);
    const other = 1 - i;
    byob_read(this.#reader, c.next_view(), 1, {
      chunk: (chunk) => {
        when(resolved(), () => {
          this.#again = [false, false];
          const own = !this.#cancelled[i];
          if (!this.#cancelled[other]) {
            let clone;
            try {
              clone = clone_view(chunk);
            } catch (error) {
              return this.#fail(error);
            }
            if (own) c.respond_view(chunk);
            byte_enqueue_view(this.branches[other].controller, clone);
          } else if (own) {
            c.respond_view(chunk);
          }
          this.#pulled();
        });
      },
      close: (chunk) => {
        this.#reading = false;
        const own = !this.#cancelled[i];
        const others = !this.#cancelled[other];
        if (own) byte_close(c);
        if (others) byte_close(this.branches[other].controller);
        if (chunk !== undefined) {
          if (own) c.respond_view(chunk);
          const oc = this.branches[other].controller;
          if (others && oc.pending.length > 0) oc.respond_closed();
        }
        if (own || others) this.#cancel.resolve(undefined);
      },
      error: () => {
        this.#reading = false;
      },
    });
  }

  #cancel_branch(i, reason) {
    this.#cancelled[i] = true;
    this.#reasons[i] = reason;
    if (this.#cancelled[1 - i]) {
      this.#cancel.resolve(cancel_readable(this.#state, [this.#reasons[0], this.#reasons[1]]));
    }
    return this.#cancel.promise;
  }
}

export function tee_bytes(state) {
  return new ByteTee(state).branches;
}
