// WritableStream, its controller and its writer (Streams standard, section 5).
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor, require_new_args } from "../base/webidl.js";
import {
  PromiseReject,
  PromiseResolve,
  RangeError,
  ReflectApply,
  TypeError,
} from "../base/primordials.js";
import { AbortController } from "../dom/abort.js";
import { call_for_promise, deferred, mark_handled, resolved, when } from "./promises.js";
import { Queue, SizedQueue, high_water_mark, read_strategy, size_one, require_constructors } from "./queue.js";

export const kWritable = 0;
export const kErroring = 1;
export const kWClosed = 2;
export const kWErrored = 3;

const kCloseSentinel = { __proto__: null };

// The internal slots of a WritableStream.
export class WritableState {
  state = kWritable;
  error = undefined;
  writer = null;
  controller = null;
  stream = null;
  in_flight = null;        // promise of the write that the sink works on
  closing = null;          // close request, not yet in flight
  closing_in_flight = null;
  pending_abort = null;    // {promise, resolve, reject, reason, was_erroring}
  requests = new Queue();  // of writes that wait
  backpressure = false;
}

export class WriterState {
  owner;
  ready;
  closed;
  constructor(owner) {
    this.owner = owner;
  }
}

export const close_queued_or_in_flight = (s) => s.closing !== null || s.closing_in_flight !== null;

// WritableStreamAbort
export function abort_writable(s, reason) {
  if (s.state === kWClosed || s.state === kWErrored) return resolved();
  s.controller.abort_signal(reason);
  if (s.state === kWClosed || s.state === kWErrored) return resolved();
  if (s.pending_abort !== null) return s.pending_abort.promise;
  const was_erroring = s.state === kErroring;
  const pending = deferred();
  s.pending_abort = { promise: pending.promise, resolve: pending.resolve, reject: pending.reject,
    reason: was_erroring ? undefined : reason, was_erroring };
  if (!was_erroring) start_erroring(s, reason);
  return pending.promise;
}

// WritableStreamClose
export function close_writable(s) {
  if (s.state === kWClosed || s.state === kWErrored) {
    return PromiseReject(new TypeError("Cannot close a stream that is closed or errored."));
  }
  s.closing = deferred();
  const { promise } = s.closing;
  if (s.writer !== null && s.backpressure && s.state === kWritable) settle_ready(s.writer);
  s.controller.queue.enqueue(kCloseSentinel, 0);
  advance(s.controller);
  return promise;
}

function start_erroring(s, reason) {
  s.state = kErroring;
  s.error = reason;
  if (s.writer !== null) reject_ready(s.writer, reason);
  if (s.in_flight === null && s.closing_in_flight === null && s.controller.started) finish_erroring(s);
}

function reject_ready(writer, reason) {
  writer.ready.reject(reason);
  // Settled already: a new promise takes its place.
  if (writer.ready.settled) {
    writer.ready = deferred();
    writer.ready.reject(reason);
  }
  writer.ready.settled = true;
  mark_handled(writer.ready.promise);
}

function finish_erroring(s) {
  s.state = kWErrored;
  s.controller.queue.reset();
  const stored = s.error;
  while (s.requests.length > 0) s.requests.shift().reject(stored);
  const abort = s.pending_abort;
  if (abort === null) return reject_close_and_closed(s);
  s.pending_abort = null;
  if (abort.was_erroring) {
    abort.reject(stored);
    return reject_close_and_closed(s);
  }
  when(s.controller.abort_steps(abort.reason), () => {
    abort.resolve(undefined);
    reject_close_and_closed(s);
  }, (error) => {
    abort.reject(error);
    reject_close_and_closed(s);
  });
}

function reject_close_and_closed(s) {
  if (s.closing !== null) {
    s.closing.reject(s.error);
    s.closing = null;
  }
  if (s.writer !== null) {
    s.writer.closed.reject(s.error);
    mark_handled(s.writer.closed.promise);
  }
}

// WritableStreamDealWithRejection
function deal_with_rejection(s, error) {
  if (s.state === kWritable) start_erroring(s, error);
  else finish_erroring(s);
}

function update_backpressure(s, backpressure) {
  const { writer } = s;
  if (writer !== null && backpressure !== s.backpressure) {
    if (backpressure) writer.ready = deferred();
    else settle_ready(writer);
  }
  s.backpressure = backpressure;
}

function settle_ready(writer) {
  writer.ready.resolve(undefined);
  writer.ready.settled = true;
}

// --- the controller ---

class ControllerState {
  queue = new SizedQueue();
  started = false;
  stream;
  mark;
  size;
  write;
  close;
  abort;
  signal = null;       // AbortController, made when user code asks for its signal
  signal_reason;       // {reason} when aborted before that
  controller = null;

  abort_signal(reason) {
    if (this.signal !== null) this.signal.abort(reason);
    else this.signal_reason ??= { reason };
  }
  abort_steps(reason) {
    const result = this.abort(reason);
    clear_algorithms(this);
    return result;
  }
}

function clear_algorithms(c) {
  c.write = c.close = c.abort = c.size = undefined;
}

const desired_size = (c) => c.mark - c.queue.total;
const has_backpressure = (c) => desired_size(c) <= 0;

export function writable_error_if_needed(c, error) {
  if (c.stream.state === kWritable) writable_error(c, error);
}

export function writable_error(c, error) {
  clear_algorithms(c);
  start_erroring(c.stream, error);
}

function chunk_size(c, chunk) {
  if (c.size === undefined || c.size === size_one) return 1;
  try {
    return ReflectApply(c.size, undefined, [chunk]);
  } catch (error) {
    writable_error_if_needed(c, error);
    return 1;
  }
}

function controller_write(c, chunk, size) {
  try {
    c.queue.enqueue(chunk, typeof size === "number" ? size : +size);
  } catch (error) {
    writable_error_if_needed(c, error);
    return;
  }
  const s = c.stream;
  if (!close_queued_or_in_flight(s) && s.state === kWritable) update_backpressure(s, has_backpressure(c));
  advance(c);
}

// WritableStreamDefaultControllerAdvanceQueueIfNeeded
function advance(c) {
  const s = c.stream;
  if (!c.started || s.in_flight !== null) return;
  if (s.state === kErroring) return finish_erroring(s);
  if (c.queue.length === 0) return;
  const chunk = c.queue.peek();
  if (chunk === kCloseSentinel) process_close(c);
  else process_write(c, chunk);
}

function process_close(c) {
  const s = c.stream;
  s.closing_in_flight = s.closing;
  s.closing = null;
  c.queue.dequeue();
  const done = c.close();
  clear_algorithms(c);
  when(done, () => {
    s.closing_in_flight.resolve(undefined);
    s.closing_in_flight = null;
    if (s.state === kErroring) {
      s.error = undefined;
      if (s.pending_abort !== null) {
        s.pending_abort.resolve(undefined);
        s.pending_abort = null;
      }
    }
    s.state = kWClosed;
    if (s.writer !== null) s.writer.closed.resolve(undefined);
  }, (error) => {
    s.closing_in_flight.reject(error);
    s.closing_in_flight = null;
    if (s.pending_abort !== null) {
      s.pending_abort.reject(error);
      s.pending_abort = null;
    }
    deal_with_rejection(s, error);
  });
}

function process_write(c, chunk) {
  const s = c.stream;
  s.in_flight = s.requests.shift();
  when(c.write(chunk), () => {
    s.in_flight.resolve(undefined);
    s.in_flight = null;
    c.queue.dequeue();
    if (!close_queued_or_in_flight(s) && s.state === kWritable) update_backpressure(s, has_backpressure(c));
    advance(c);
  }, (error) => {
    if (s.state === kWritable) clear_algorithms(c);
    s.in_flight.reject(error);
    s.in_flight = null;
    deal_with_rejection(s, error);
  });
}

// SetUpWritableStreamDefaultController
export function setup_writable(s, start, write, close, abort, mark, size) {
  const c = new ControllerState();
  c.stream = s;
  s.controller = c;
  c.mark = mark;
  c.size = size;
  c.write = write;
  c.close = close;
  c.abort = abort;
  update_backpressure(s, has_backpressure(c));
  when(PromiseResolve(start(c)), () => {
    c.started = true;
    advance(c);
  }, (error) => {
    c.started = true;
    deal_with_rejection(s, error);
  });
  return c;
}

// CreateWritableStream, for streams of our own.
export function create_writable(start, write, close, abort, mark = 1, size = size_one) {
  const s = new WritableState();
  s.stream = new WritableStream(kInternal, s);
  setup_writable(s, start, write, close, abort, mark, size);
  return s;
}

function public_controller(c) {
  return (c.controller ??= new WritableStreamDefaultController(kInternal, c));
}

export class WritableStreamDefaultController {
  #c;
  constructor(internal = undefined, controller = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#c = controller;
  }
  get signal() {
    const c = this.#c;
    if (c.signal === null) {
      c.signal = new AbortController();
      if (c.signal_reason !== undefined) c.signal.abort(c.signal_reason.reason);
    }
    return c.signal.signal;
  }
  error(reason = undefined) {
    if (this.#c.stream.state === kWritable) writable_error(this.#c, reason);
  }
}
finish_class(WritableStreamDefaultController, "WritableStreamDefaultController");

// --- writers ---

export function acquire_writer(s) {
  if (s.writer !== null) throw new TypeError("This WritableStream is currently locked to a writer.");
  const w = new WriterState(s);
  s.writer = w;
  w.ready = deferred();
  w.closed = deferred();
  if (s.state === kWritable) {
    if (close_queued_or_in_flight(s) || !s.backpressure) settle_ready(w);
  } else if (s.state === kErroring) {
    reject_ready(w, s.error);
  } else if (s.state === kWClosed) {
    settle_ready(w);
    w.closed.resolve(undefined);
  } else {
    reject_ready(w, s.error);
    w.closed.reject(s.error);
    mark_handled(w.closed.promise);
    w.closed.settled = true;
  }
  if (s.state === kWClosed) w.closed.settled = true;
  return w;
}

export function writer_desired_size(w) {
  const s = w.owner;
  if (s.state === kWErrored || s.state === kErroring) return null;
  return s.state === kWClosed ? 0 : desired_size(s.controller);
}

// WritableStreamDefaultWriterWrite
export function writer_write(w, chunk) {
  const s = w.owner;
  const size = chunk_size(s.controller, chunk);
  if (s !== w.owner) return PromiseReject(released());
  if (s.state === kWErrored) return PromiseReject(s.error);
  if (close_queued_or_in_flight(s) || s.state === kWClosed) {
    return PromiseReject(new TypeError("This WritableStream has been closed."));
  }
  if (s.state === kErroring) return PromiseReject(s.error);
  const request = deferred();
  s.requests.push(request);
  controller_write(s.controller, chunk, size);
  return request.promise;
}

export function writer_release(w) {
  const s = w.owner;
  const error = released();
  reject_ready(w, error);
  // The closed promise of a stream that is over is settled: a fresh one tells of the release.
  if (s.state === kWClosed || s.state === kWErrored) w.closed = deferred();
  w.closed.reject(error);
  mark_handled(w.closed.promise);
  s.writer = null;
  w.owner = null;
}

// WritableStreamDefaultWriterCloseWithErrorPropagation
export function writer_close_with_propagation(w) {
  const s = w.owner;
  if (close_queued_or_in_flight(s) || s.state === kWClosed) return resolved();
  if (s.state === kWErrored) return PromiseReject(s.error);
  return close_writable(s);
}

const released = () => new TypeError("This WritableStream writer has been released.");

export let writable_state;

function close_by_user(s) {
  if (close_queued_or_in_flight(s)) return PromiseReject(new TypeError("This WritableStream is being closed already."));
  return close_writable(s);
}

export class WritableStream {
  #s;
  constructor(sink = undefined, strategy = undefined) {
    if (sink === kInternal) {
      this.#s = strategy;
      return;
    }
    require_constructors("WritableStream");
    if (sink !== undefined && (sink === null || (typeof sink !== "object" && typeof sink !== "function"))) {
      throw new TypeError("Failed to construct 'WritableStream': the underlying sink is not an object");
    }
    const { mark, size } = read_strategy(strategy);
    const dict = read_sink(sink);
    const s = new WritableState();
    s.stream = this;
    this.#s = s;
    setup_writable(
      s,
      (c) => dict.start === undefined ? undefined : ReflectApply(dict.start, sink, [public_controller(c)]),
      dict.write === undefined ? resolved :
        (chunk) => call_for_promise(dict.write, sink, [chunk, public_controller(s.controller)]),
      dict.close === undefined ? resolved : () => call_for_promise(dict.close, sink, []),
      dict.abort === undefined ? resolved : (reason) => call_for_promise(dict.abort, sink, [reason]),
      high_water_mark(mark, 1), size ?? size_one);
  }
  get locked() {
    return this.#s.writer !== null;
  }
  abort(reason = undefined) {
    try {
      if (this.#s.writer !== null) throw new TypeError("Cannot abort a stream that is locked to a writer.");
      return abort_writable(this.#s, reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  close() {
    try {
      if (this.#s.writer !== null) throw new TypeError("Cannot close a stream that is locked to a writer.");
      return close_by_user(this.#s);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  getWriter() {
    return new WritableStreamDefaultWriter(kInternal, acquire_writer(this.#s));
  }
  static {
    writable_state = (value) =>
      (typeof value === "object" && value !== null && #s in value ? value.#s : undefined);
  }
}
finish_class(WritableStream, "WritableStream");

function read_sink(sink) {
  const dict = { __proto__: null };
  if (sink === undefined) return dict;
  for (let i = 0; i < 4; i++) {
    const name = sink_members[i];
    const value = sink[name];
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`The member '${name}' of the underlying sink is not a function`);
    }
    dict[name] = value;
  }
  if (sink.type !== undefined) throw new RangeError("The type of an underlying sink must be undefined.");
  return dict;
}
const sink_members = ["abort", "close", "start", "write"];

export class WritableStreamDefaultWriter {
  #w;
  constructor(stream, writer = undefined) {
    if (stream === kInternal) {
      this.#w = writer;
      return;
    }
    require_new_args(arguments.length, 1, "WritableStreamDefaultWriter");
    const s = writable_state(stream);
    if (s === undefined) throw new TypeError("Failed to construct 'WritableStreamDefaultWriter': not a WritableStream");
    this.#w = acquire_writer(s);
  }
  get closed() {
    try {
      return this.#w.closed.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }
  get desiredSize() {
    if (this.#w.owner === null) throw released();
    return writer_desired_size(this.#w);
  }
  get ready() {
    try {
      return this.#w.ready.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }
  abort(reason = undefined) {
    try {
      if (this.#w.owner === null) throw released();
      return abort_writable(this.#w.owner, reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  close() {
    try {
      if (this.#w.owner === null) throw released();
      return close_by_user(this.#w.owner);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  releaseLock() {
    if (this.#w.owner !== null) writer_release(this.#w);
  }
  write(chunk = undefined) {
    try {
      if (this.#w.owner === null) throw released();
      return writer_write(this.#w, chunk);
    } catch (error) {
      return PromiseReject(error);
    }
  }
}
finish_class(WritableStreamDefaultWriter, "WritableStreamDefaultWriter");
