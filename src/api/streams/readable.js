// ReadableStream with its default controller and reader (Streams standard, section 4). The abstract
// operations work on state objects that user code never sees; the public classes hold one each.
import { expose_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor, require_new_args, to_dictionary } from "../base/webidl.js";
import {
  AsyncIteratorPrototype,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  PromiseReject,
  PromiseResolve,
  RangeError,
  ReflectApply,
  SymbolAsyncIterator,
  TypeError,
  noop,
} from "../base/primordials.js";
import { ByobReader, acquire_byob_reader, setup_byte_controller } from "./byte.js";
import { call_for_promise, deferred, mark_handled, pull_once, resolved, when } from "./promises.js";
import { Queue, SizedQueue, high_water_mark, read_strategy, size_one, require_constructors } from "./queue.js";
import { iterate_source } from "./from.js";
import { load_part } from "../parts/parts.js";

const writable_part = () => load_part("streams/writable");

export const kReadable = 0;
export const kClosed = 1;
export const kErrored = 2;

// The internal slots of a ReadableStream.
export class ReadableState {
  state = kReadable;
  reader = null;      // ReaderState
  error = undefined;
  disturbed = false;
  controller = null;  // DefaultState or ByteState (byte.js)
  stream = null;      // the public object
  length = undefined; // bytes, where the readable side of a FixedLengthStream knows
}

// The internal slots of a reader, default or BYOB. Read requests have methods chunk(value), close(value)
// and error(reason).
export class ReaderState {
  owner;
  byob;
  requests = new Queue();
  closed;   // {promise, resolve, reject}
  constructor(owner, byob) {
    this.owner = owner;
    this.byob = byob;
  }
}

// --- streams ---

export function make_readable() {
  const state = new ReadableState();
  state.stream = new ReadableStream(kInternal, state);
  return state;
}

export const is_locked_state = (state) => state.reader !== null;

// ReadableStreamCancel
export function cancel_readable(state, reason) {
  state.disturbed = true;
  if (state.state === kClosed) return resolved();
  if (state.state === kErrored) return PromiseReject(state.error);
  close_readable(state);
  const reader = state.reader;
  if (reader !== null && reader.byob) {
    while (reader.requests.length > 0) reader.requests.shift().close(undefined);
  }
  return when(state.controller.cancel_steps(reason), noop);
}

// ReadableStreamClose
export function close_readable(state) {
  state.state = kClosed;
  const reader = state.reader;
  if (reader === null) return;
  reader.closed.resolve(undefined);
  if (!reader.byob) {
    while (reader.requests.length > 0) reader.requests.shift().close();
  }
}

// ReadableStreamError
export function error_readable(state, error) {
  if (state.state !== kReadable) return;
  state.state = kErrored;
  state.error = error;
  const reader = state.reader;
  if (reader === null) return;
  reader.closed.reject(error);
  mark_handled(reader.closed.promise);
  while (reader.requests.length > 0) reader.requests.shift().error(error);
}

export function has_default_reader(state) {
  return state.reader !== null && !state.reader.byob;
}

// ReadableStreamReaderGenericInitialize
export function acquire(state, byob) {
  if (state.reader !== null) {
    throw new TypeError("This ReadableStream is currently locked to a reader.");
  }
  const reader = new ReaderState(state, byob);
  state.reader = reader;
  reader.closed = deferred();
  if (state.state === kClosed) reader.closed.resolve(undefined);
  if (state.state === kErrored) {
    reader.closed.reject(state.error);
    mark_handled(reader.closed.promise);
  }
  return reader;
}

// ReadableStreamDefaultReaderRelease / ReadableStreamBYOBReaderRelease
export function release(reader) {
  const state = reader.owner;
  if (state === null) return;
  const error = new TypeError("This ReadableStream reader has been released.");
  if (state.state === kReadable) {
    reader.closed.reject(error);
  } else {
    reader.closed = deferred();
    reader.closed.reject(error);
  }
  mark_handled(reader.closed.promise);
  state.controller.release_steps();
  state.reader = null;
  reader.owner = null;
  while (reader.requests.length > 0) reader.requests.shift().error(error);
}

// ReadableStreamDefaultReaderRead
export function read(reader, request) {
  const state = reader.owner;
  state.disturbed = true;
  if (state.state === kClosed) request.close();
  else if (state.state === kErrored) request.error(state.error);
  else state.controller.pull_steps(request);
}

// A read request that settles a promise with {value, done}.
export class PromiseRequest {
  constructor() {
    const { promise, resolve, reject } = deferred();
    this.promise = promise;
    this.resolve = resolve;
    this.error = reject;
  }
  chunk(value) {
    this.resolve({ value, done: false });
  }
  close(value) {
    this.resolve({ value, done: true });
  }
}

// --- the default controller ---

export class DefaultState {
  queue = new SizedQueue();
  started = false;
  close_requested = false;
  pull_again = false;
  pulling = false;
  stream;
  mark;
  size;
  pull;    // () => promise
  cancel;  // reason => promise
  controller = null;  // the public object, made when user code gets it

  pull_steps(request) {
    const { queue, stream } = this;
    if (queue.length > 0) {
      const chunk = queue.dequeue();
      if (this.close_requested && queue.length === 0) {
        clear_default(this);
        close_readable(stream);
      } else {
        default_pull_if_needed(this);
      }
      request.chunk(chunk);
    } else {
      stream.reader.requests.push(request);
      default_pull_if_needed(this);
    }
  }
  cancel_steps(reason) {
    this.queue.reset();
    const result = this.cancel(reason);
    clear_default(this);
    return result;
  }
  release_steps() {}
}

function clear_default(controller) {
  controller.pull = controller.cancel = controller.size = undefined;
}

export function default_can_enqueue(controller) {
  return !controller.close_requested && controller.stream.state === kReadable;
}

export function default_desired_size(controller) {
  const { state } = controller.stream;
  if (state === kErrored) return null;
  if (state === kClosed) return 0;
  return controller.mark - controller.queue.total;
}

function default_should_pull(controller) {
  if (!default_can_enqueue(controller) || !controller.started) return false;
  const { stream } = controller;
  if (stream.reader !== null && stream.reader.requests.length > 0) return true;
  return default_desired_size(controller) > 0;
}

function default_pull_if_needed(controller) {
  if (default_should_pull(controller)) pull_once(controller, default_pull_if_needed, default_error);
}

export function default_close(controller) {
  if (!default_can_enqueue(controller)) return;
  controller.close_requested = true;
  if (controller.queue.length === 0) {
    clear_default(controller);
    close_readable(controller.stream);
  }
}

export function default_enqueue(controller, chunk) {
  if (!default_can_enqueue(controller)) return;
  const { stream } = controller;
  if (stream.reader !== null && stream.reader.requests.length > 0) {
    stream.reader.requests.shift().chunk(chunk);
  } else {
    try {
      const { size } = controller;
      controller.queue.enqueue(chunk, size === size_one ? 1 : +ReflectApply(size, undefined, [chunk]));
    } catch (error) {
      default_error(controller, error);
      throw error;
    }
  }
  default_pull_if_needed(controller);
}

export function default_error(controller, error) {
  if (controller.stream.state !== kReadable) return;
  controller.queue.reset();
  clear_default(controller);
  error_readable(controller.stream, error);
}

// SetUpReadableStreamDefaultController; `start` gives what the promise of starting resolves with.
export function setup_default(state, start, pull, cancel, mark, size) {
  const controller = new DefaultState();
  controller.stream = state;
  controller.mark = mark;
  controller.size = size;
  controller.pull = pull;
  controller.cancel = cancel;
  state.controller = controller;
  const started = start(controller);
  when(PromiseResolve(started), () => {
    controller.started = true;
    default_pull_if_needed(controller);
  }, (error) => default_error(controller, error));
  return controller;
}

// CreateReadableStream, for streams of our own.
export function create_readable(pull, cancel, mark = 1, size = size_one, start = noop) {
  const state = make_readable();
  setup_default(state, start, pull, cancel, mark, size);
  return state;
}

function public_controller(controller) {
  return (controller.controller ??= new ReadableStreamDefaultController(kInternal, controller));
}

export class ReadableStreamDefaultController {
  #c;
  constructor(internal = undefined, controller = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#c = controller;
  }
  get desiredSize() {
    return default_desired_size(this.#c);
  }
  close() {
    if (!default_can_enqueue(this.#c)) throw new TypeError("The stream cannot be closed: it is closed already, or errored.");
    default_close(this.#c);
  }
  enqueue(chunk = undefined) {
    if (!default_can_enqueue(this.#c)) throw new TypeError("Unable to enqueue: the stream is closed or errored.");
    default_enqueue(this.#c, chunk);
  }
  error(reason = undefined) {
    default_error(this.#c, reason);
  }
}
expose_class(ReadableStreamDefaultController, "ReadableStreamDefaultController");

// SetUpReadableStreamDefaultControllerFromUnderlyingSource
function setup_from_source(state, source, dict, mark, size) {
  setup_default(
    state,
    (controller) => dict.start === undefined ? undefined :
      ReflectApply(dict.start, source, [public_controller(controller)]),
    dict.pull === undefined ? resolved :
      () => call_for_promise(dict.pull, source, [public_controller(state.controller)]),
    dict.cancel === undefined ? resolved :
      (reason) => call_for_promise(dict.cancel, source, [reason]),
    mark, size);
}

function method(source, name) {
  const value = source[name];
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`The member '${name}' of the underlying source is not a function`);
  }
  return value;
}

// "underlyingSourceDict": members in the lexicographical order of Web IDL.
function read_source(source) {
  if (source === undefined) return { __proto__: null };
  const dict = { __proto__: null };
  const size = source.autoAllocateChunkSize;
  if (size !== undefined) {
    const number = +size;
    if (!(number >= 1) || number > 2 ** 53 - 1) {
      throw new TypeError("autoAllocateChunkSize must be a positive integer");
    }
    dict.auto = number - (number % 1);
  }
  dict.cancel = method(source, "cancel");
  dict.pull = method(source, "pull");
  dict.start = method(source, "start");
  const type = source.type;
  if (type !== undefined) {
    if (`${type}` !== "bytes") throw new TypeError(`Invalid type '${type}' of an underlying source`);
    dict.bytes = true;
  }
  return dict;
}

// --- the public classes ---

// The state behind a public stream; undefined for anything else.
export let readable_state;

export class ReadableStream {
  #s;

  constructor(source = undefined, strategy = undefined) {
    if (source === kInternal) {
      this.#s = strategy;
      return;
    }
    require_constructors("ReadableStream");
    if (source !== undefined && (source === null || (typeof source !== "object" && typeof source !== "function"))) {
      throw new TypeError("Failed to construct 'ReadableStream': the underlying source is not an object");
    }
    const { mark, size } = read_strategy(strategy);
    const dict = read_source(source);
    const state = new ReadableState();
    state.stream = this;
    this.#s = state;
    if (dict.bytes) {
      if (size !== undefined) throw new RangeError("The strategy of a byte stream cannot have a size function.");
      setup_byte_controller(state, source, dict, high_water_mark(mark, 0));
    } else {
      setup_from_source(state, source, dict, high_water_mark(mark, 1), size ?? size_one);
    }
  }

  get locked() {
    return is_locked_state(this.#s);
  }

  cancel(reason = undefined) {
    let state;
    try {
      state = this.#s;
    } catch (error) {
      return PromiseReject(error);
    }
    if (is_locked_state(state)) {
      return PromiseReject(new TypeError("Cannot cancel a stream that is locked to a reader."));
    }
    return cancel_readable(state, reason);
  }

  getReader(options = undefined) {
    const state = this.#s;
    const { mode } = to_dictionary(options, "The options of getReader");
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (`${mode}` !== "byob") throw new TypeError(`Invalid mode '${mode}' of a reader`);
    return new ByobReader(kInternal, acquire_byob_reader(state));
  }

  pipeThrough(transform, options = undefined) {
    const state = this.#s;
    if (transform === null || (typeof transform !== "object" && typeof transform !== "function")) {
      throw new TypeError("pipeThrough needs an object with readable and writable");
    }
    const readable = transform.readable;
    if (!is_readable_stream(readable)) throw new TypeError("The readable of pipeThrough is not a ReadableStream");
    const { writable_state, pipe_options, pipe_to } = writable_part();
    const writable = writable_state(transform.writable);
    if (writable === undefined) throw new TypeError("The writable of pipeThrough is not a WritableStream");
    const how = pipe_options(options);
    if (is_locked_state(state)) throw new TypeError("This ReadableStream is currently locked to a reader.");
    if (writable.writer !== null) throw new TypeError("This WritableStream is currently locked to a writer.");
    mark_handled(pipe_to(state, writable, how));
    return readable;
  }

  pipeTo(destination, options = undefined) {
    try {
      const state = this.#s;
      const { writable_state, pipe_options, pipe_to } = writable_part();
      const writable = writable_state(destination);
      if (writable === undefined) throw new TypeError("The destination of pipeTo is not a WritableStream");
      const how = pipe_options(options);
      if (is_locked_state(state)) throw new TypeError("This ReadableStream is currently locked to a reader.");
      if (writable.writer !== null) throw new TypeError("This WritableStream is currently locked to a writer.");
      return pipe_to(state, writable, how);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  tee() {
    const [a, b] = tee_state(this.#s);
    return [a.stream, b.stream];
  }

  values(options = undefined) {
    const prevent = options === undefined || options === null ? false : !!options.preventCancel;
    return new StreamIterator(acquire(this.#s, false), prevent);
  }

  static from(iterable) {
    return iterate_source(iterable).stream;
  }

  static {
    readable_state = (value) =>
      (typeof value === "object" && value !== null && #s in value ? value.#s : undefined);
  }
}
ObjectDefineProperty(ReadableStream.prototype, SymbolAsyncIterator, {
  __proto__: null, value: ReadableStream.prototype.values, writable: true, configurable: true,
});
expose_class(ReadableStream, "ReadableStream");

export const is_readable_stream = (value) => readable_state(value) !== undefined;

export class ReadableStreamDefaultReader {
  #r;
  constructor(stream, reader = undefined) {
    if (stream === kInternal) {
      this.#r = reader;
      return;
    }
    require_new_args(arguments.length, 1, "ReadableStreamDefaultReader");
    const state = readable_state(stream);
    if (state === undefined) throw new TypeError("Failed to construct 'ReadableStreamDefaultReader': not a ReadableStream");
    this.#r = acquire(state, false);
  }
  get closed() {
    try {
      return this.#r.closed.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }
  cancel(reason = undefined) {
    try {
      return cancel_by_reader(this.#r, reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }
  read() {
    let reader;
    try {
      reader = this.#r;
    } catch (error) {
      return PromiseReject(error);
    }
    if (reader.owner === null) return released_error();
    const request = new PromiseRequest();
    read(reader, request);
    return request.promise;
  }
  releaseLock() {
    release(this.#r);
  }
}
expose_class(ReadableStreamDefaultReader, "ReadableStreamDefaultReader");

export function released_error() {
  return PromiseReject(new TypeError("This ReadableStream reader has been released."));
}

export function cancel_by_reader(reader, reason) {
  if (reader.owner === null) return released_error();
  return cancel_readable(reader.owner, reason);
}

// The asynchronous iterator of a stream (Web IDL's, with the standard's steps): calls queue behind each
// other.
class StreamIterator {
  #reader;
  #prevent;
  #last = undefined;
  #done = false;
  constructor(reader, prevent) {
    this.#reader = reader;
    this.#prevent = prevent;
  }
  #after(steps) {
    const next = this.#last === undefined ? steps() : when(this.#last, steps, steps);
    this.#last = next;
    return next;
  }
  next() {
    try {
      return this.#after(() => this.#step());
    } catch (error) {
      return PromiseReject(error);
    }
  }
  #step() {
    if (this.#done) return PromiseResolve({ value: undefined, done: true });
    const { promise, resolve, reject } = deferred();
    read(this.#reader, {
      chunk: (value) => resolve({ value, done: false }),
      close: () => {
        this.#done = true;
        release(this.#reader);
        resolve({ value: undefined, done: true });
      },
      error: (reason) => {
        this.#done = true;
        release(this.#reader);
        reject(reason);
      },
    });
    return promise;
  }
  return(value) {
    try {
      return this.#after(() => this.#finish(value));
    } catch (error) {
      return PromiseReject(error);
    }
  }
  #finish(value) {
    const result = { value, done: true };
    if (this.#done) return PromiseResolve(result);
    this.#done = true;
    if (this.#prevent) {
      release(this.#reader);
      return PromiseResolve(result);
    }
    const cancelled = cancel_readable(this.#reader.owner, value);
    release(this.#reader);
    return when(cancelled, () => result);
  }
}
ObjectSetPrototypeOf(StreamIterator.prototype, AsyncIteratorPrototype);
delete StreamIterator.prototype.constructor;
for (const name of ["next", "return"]) {
  ObjectDefineProperty(StreamIterator.prototype, name, { __proto__: null, enumerable: true });
}

// --- tee ---

// clone: makes the second branch's chunks of the first's, where they must not be shared.
export function tee_state(state, clone = undefined) {
  return state.controller.bytes ? load_part("streams/tee_bytes").tee_bytes(state) : tee_default(state, clone);
}

// ReadableStreamDefaultTee
function tee_default(state, clone) {
  const reader = acquire(state, false);
  const reasons = [undefined, undefined];
  const cancelled = [false, false];
  const branches = [];
  const cancel = deferred();
  let reading = false;
  let read_again = false;
  const each = (operation, argument) => {
    for (let i = 0; i < 2; i++) {
      if (!cancelled[i]) operation(branches[i].controller, argument);
    }
  };
  const pull = () => {
    if (reading) {
      read_again = true;
      return resolved();
    }
    reading = true;
    read(reader, {
      chunk(chunk) {
        // "Queue a microtask": the chunk must not arrive before the promises of this read.
        when(resolved(), () => {
          read_again = false;
          let second = chunk;
          try {
            if (clone !== undefined && !cancelled[1]) second = clone(chunk);
          } catch (error) {
            each(default_error, error);
            cancel.resolve(cancel_readable(state, error));
            return;
          }
          if (!cancelled[0]) default_enqueue(branches[0].controller, chunk);
          if (!cancelled[1]) default_enqueue(branches[1].controller, second);
          reading = false;
          if (read_again) pull();
        });
      },
      close() {
        reading = false;
        each(default_close);
        if (!cancelled[0] || !cancelled[1]) cancel.resolve(undefined);
      },
      error() {
        reading = false;
      },
    });
    return resolved();
  };
  const cancel_branch = (i) => (reason) => {
    cancelled[i] = true;
    reasons[i] = reason;
    if (cancelled[1 - i]) cancel.resolve(cancel_readable(state, [reasons[0], reasons[1]]));
    return cancel.promise;
  };
  branches[0] = create_readable(pull, cancel_branch(0));
  branches[1] = create_readable(pull, cancel_branch(1));
  when(reader.closed.promise, undefined, (error) => {
    each(default_error, error);
    if (!cancelled[0] || !cancelled[1]) cancel.resolve(undefined);
  });
  return branches;
}
