// ReadableStreamPipeTo (Streams standard, 4.9.1), by reading and writing as a user would, but without
// anything a user could see or patch.
import { ArrayPrototypePush, PromiseReject, PromiseResolve, TypeError, noop } from "../base/primordials.js";
import { is_abort_signal, signal_abort_reason, signal_add_algorithm, signal_is_aborted } from "../dom/abort.js";
import { deferred, resolved, when } from "./promises.js";
import { acquire, cancel_readable, kClosed, kErrored, kReadable, read, release } from "./readable.js";
import {
  abort_writable,
  acquire_writer,
  close_queued_or_in_flight,
  kErroring,
  kWClosed,
  kWErrored,
  kWritable,
  writer_close_with_propagation,
  writer_desired_size,
  writer_release,
  writer_write,
} from "./writable.js";

export function pipe_options(options) {
  if (options === undefined || options === null) return { abort: false, cancel: false, close: false, signal: undefined };
  if (typeof options !== "object" && typeof options !== "function") throw new TypeError("The options of a pipe must be an object");
  const abort = !!options.preventAbort;
  const cancel = !!options.preventCancel;
  const close = !!options.preventClose;
  const { signal } = options;
  if (signal !== undefined && !is_abort_signal(signal)) throw new TypeError("The signal of a pipe is not an AbortSignal");
  return { abort, cancel, close, signal };
}

class Pipe {
  #source;
  #target;
  #reader;
  #writer;
  #how;
  #done = deferred();
  #last_write = resolved();
  #shutting_down = false;
  #reading = false;

  constructor(source, target, how) {
    this.#source = source;
    this.#target = target;
    this.#how = how;
    this.#reader = acquire(source, false);
    this.#writer = acquire_writer(target);
    source.disturbed = true;
  }

  run() {
    const { signal } = this.#how;
    if (signal !== undefined) {
      if (signal_is_aborted(signal)) {
        this.#on_abort();
        return this.#done.promise;
      }
      signal_add_algorithm(signal, () => this.#on_abort());
    }
    this.#watch();
    this.#pump();
    return this.#done.promise;
  }

  #on_abort() {
    const error = signal_abort_reason(this.#how.signal);
    const actions = [];
    if (!this.#how.abort) {
      ArrayPrototypePush(actions, () =>
        this.#target.state === kWritable ? abort_writable(this.#target, error) : resolved());
    }
    if (!this.#how.cancel) {
      ArrayPrototypePush(actions, () =>
        this.#source.state === kReadable ? cancel_readable(this.#source, error) : resolved());
    }
    this.#shutdown(() => all(actions), true, error);
  }

  #watch() {
    const source = this.#source;
    const target = this.#target;
    const source_errored = () => {
      const { error } = source;
      if (this.#how.abort) this.#shutdown(undefined, true, error);
      else this.#shutdown(() => abort_writable(target, error), true, error);
    };
    const target_errored = () => {
      const { error } = target;
      if (this.#how.cancel) this.#shutdown(undefined, true, error);
      else this.#shutdown(() => cancel_readable(source, error), true, error);
    };
    const source_closed = () => {
      if (this.#how.close) this.#shutdown();
      else this.#shutdown(() => writer_close_with_propagation(this.#writer));
    };
    // The order is the standard's: errors forward, errors backward, closing forward, closing backward.
    if (source.state === kErrored) source_errored();
    else when(this.#reader.closed.promise, undefined, () => { if (source.state === kErrored) source_errored(); });
    if (target.state === kWErrored || target.state === kErroring) target_errored();
    else when(this.#writer.closed.promise, undefined, () => { if (target.state === kWErrored) target_errored(); });
    if (source.state === kClosed) source_closed();
    else when(this.#reader.closed.promise, source_closed, noop);
    if (close_queued_or_in_flight(target) || target.state === kWClosed) {
      const error = new TypeError("The destination of the pipe is closed.");
      if (this.#how.cancel) this.#shutdown(undefined, true, error);
      else this.#shutdown(() => cancel_readable(source, error), true, error);
    }
  }

  #pump() {
    if (this.#shutting_down || this.#reading) return;
    const room = writer_desired_size(this.#writer);
    if (room === null) return;
    if (room <= 0) {
      when(this.#writer.ready.promise, () => this.#pump(), noop);
      return;
    }
    this.#reading = true;
    read(this.#reader, {
      chunk: (chunk) => {
        this.#reading = false;
        this.#last_write = when(writer_write_in(this.#writer, chunk), undefined, noop);
        // A microtask between two chunks: closing and errors get their turn.
        when(resolved(), () => this.#pump());
      },
      close: () => { this.#reading = false; },
      error: () => { this.#reading = false; },
    });
  }

  // Waits until the chunks that were read have been written.
  #wait_for_writes() {
    const seen = this.#last_write;
    return when(seen, () => (seen === this.#last_write ? undefined : this.#wait_for_writes()));
  }

  #shutdown(action, is_error = false, error = undefined) {
    if (this.#shutting_down) return;
    this.#shutting_down = true;
    const finish = () => {
      if (action === undefined) return this.#finalize(is_error, error);
      when(action(), () => this.#finalize(is_error, error), (reason) => this.#finalize(true, reason));
    };
    const target = this.#target;
    if (target.state === kWritable && !close_queued_or_in_flight(target)) when(this.#wait_for_writes(), finish);
    else finish();
  }

  #finalize(is_error, error) {
    if (this.#writer.owner !== null) writer_release(this.#writer);
    release(this.#reader);
    if (is_error) this.#done.reject(error);
    else this.#done.resolve(undefined);
  }
}

function writer_write_in(writer, chunk) {
  // The writer may be gone when the pipe ended while this chunk was on its way.
  return writer.owner === null ? PromiseResolve(undefined) : writer_write(writer, chunk);
}

function all(actions) {
  let left = actions.length;
  if (left === 0) return resolved();
  const { promise, resolve, reject } = deferred();
  for (let i = 0; i < actions.length; i++) {
    let done;
    try {
      done = actions[i]();
    } catch (error) {
      done = PromiseReject(error);
    }
    when(done, () => {
      if (--left === 0) resolve(undefined);
    }, reject);
  }
  return promise;
}

export function pipe_to(source, target, how) {
  return new Pipe(source, target, how).run();
}
