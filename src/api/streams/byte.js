// Byte streams: ReadableByteStreamController, ReadableStreamBYOBReader and ReadableStreamBYOBRequest
// (Streams standard, 4.5 to 4.8 and the abstract operations of 4.10).
import { expose_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor, require_args, require_new_args } from "../base/webidl.js";
import {
  ArrayBuffer,
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeSlice,
  ArrayBufferPrototypeTransfer,
  DataView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  MathMin,
  PromiseReject,
  PromiseResolve,
  RangeError,
  ReflectApply,
  ReflectConstruct,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "../base/primordials.js";
import { call_for_promise, pull_once, resolved, when } from "./promises.js";
import { Queue } from "./queue.js";
import {
  PromiseRequest,
  acquire,
  cancel_by_reader,
  close_readable,
  error_readable,
  has_default_reader,
  kClosed,
  kErrored,
  kReadable,
  readable_state,
  release,
  released_error,
} from "./readable.js";

// The kinds of views, taken by name when a request is filled.
const view_kinds = { __proto__: null };
for (const kind of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
  Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) {
  view_kinds[kind.name] = { make: kind, size: kind.BYTES_PER_ELEMENT };
}
if (typeof Float16Array === "function") view_kinds.Float16Array = { make: Float16Array, size: 2 };
const data_view = { make: DataView, size: 1 };

// {buffer, offset, length, elements, kind} of any view, whatever its prototype says.
export function view_parts(view) {
  const tag = TypedArrayPrototypeGetSymbolToStringTag(view);
  if (tag === undefined) {
    const length = DataViewPrototypeGetByteLength(view);
    return { buffer: DataViewPrototypeGetBuffer(view), offset: DataViewPrototypeGetByteOffset(view),
      length, elements: length, kind: data_view };
  }
  return { buffer: TypedArrayPrototypeGetBuffer(view), offset: TypedArrayPrototypeGetByteOffset(view),
    length: TypedArrayPrototypeGetByteLength(view), elements: TypedArrayPrototypeGetLength(view),
    kind: view_kinds[tag] };
}

const make_view = (kind, buffer, offset, elements) => ReflectConstruct(kind.make, [buffer, offset, elements]);

function transfer(buffer) {
  try {
    return ArrayBufferPrototypeTransfer(buffer);
  } catch {
    throw new TypeError("The buffer of the view cannot be transferred.");
  }
}

// The internal slots of a ReadableByteStreamController.
export class ByteState {
  bytes = true;
  stream;
  mark;
  auto;           // autoAllocateChunkSize, or undefined
  pull;
  cancel;
  entries = new Queue();   // {buffer, offset, length}
  total = 0;
  pending = new Queue();   // pull-into descriptors
  started = false;
  close_requested = false;
  pull_again = false;
  pulling = false;
  request = null;          // the public BYOB request
  controller = null;       // the public controller

  cancel_steps(reason) {
    this.pending.clear();
    reset_queue(this);
    const result = this.cancel(reason);
    clear_algorithms(this);
    return result;
  }

  pull_steps(request) {
    if (this.total > 0) return fill_read_request(this, request);
    if (this.auto !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBuffer(this.auto);
      } catch (error) {
        return request.error(error);
      }
      this.pending.push({ buffer, whole: this.auto, offset: 0, length: this.auto, filled: 0, minimum: 1,
        kind: view_kinds.Uint8Array, reader: kDefault });
    }
    this.stream.reader.requests.push(request);
    pull_if_needed(this);
  }

  // For tee: the view that the first waiting read wants filled, and its answers.
  next_view() {
    const first = this.pending.peek();
    return new Uint8Array(first.buffer, first.offset + first.filled, first.length - first.filled);
  }
  respond_view(view) {
    respond_with_view(this, view);
  }
  respond_closed() {
    respond(this, 0);
  }

  release_steps() {
    if (this.pending.length === 0) return;
    const first = this.pending.peek();
    first.reader = kNone;
    this.pending.clear();
    this.pending.push(first);
  }
}

const kDefault = 1;
const kByob = 2;
const kNone = 0;

function reset_queue(c) {
  c.entries.clear();
  c.total = 0;
}

function clear_algorithms(c) {
  c.pull = c.cancel = undefined;
}

export function byte_desired_size(c) {
  const { state } = c.stream;
  if (state === kErrored) return null;
  return state === kClosed ? 0 : c.mark - c.total;
}

function should_pull(c) {
  const { stream } = c;
  if (stream.state !== kReadable || c.close_requested || !c.started) return false;
  if (stream.reader !== null && stream.reader.requests.length > 0) return true;
  return byte_desired_size(c) > 0;
}

function pull_if_needed(c) {
  if (should_pull(c)) pull_once(c, pull_if_needed, byte_error);
}

export function byte_error(c, error) {
  if (c.stream.state !== kReadable) return;
  clear_pending(c);
  reset_queue(c);
  clear_algorithms(c);
  error_readable(c.stream, error);
}

function clear_pending(c) {
  invalidate_request(c);
  c.pending.clear();
}

function invalidate_request(c) {
  if (c.request === null) return;
  forget_request(c.request);
  c.request = null;
}

// ReadableByteStreamControllerClose
export function byte_close(c) {
  if (c.close_requested || c.stream.state !== kReadable) return;
  if (c.total > 0) {
    c.close_requested = true;
    return;
  }
  if (c.pending.length > 0) {
    const first = c.pending.peek();
    if (first.filled % first.kind.size !== 0) {
      const error = new TypeError("Insufficient bytes to fill elements in the given buffer");
      byte_error(c, error);
      throw error;
    }
  }
  clear_algorithms(c);
  close_readable(c.stream);
}

function enqueue_entry(c, buffer, offset, length) {
  c.entries.push({ buffer, offset, length });
  c.total += length;
}

// ReadableByteStreamControllerEnqueueClonedChunkToQueue
function enqueue_clone(c, buffer, offset, length) {
  let clone;
  try {
    clone = ArrayBufferPrototypeSlice(buffer, offset, offset + length);
  } catch (error) {
    byte_error(c, error);
    throw error;
  }
  enqueue_entry(c, clone, 0, length);
}

// ReadableByteStreamControllerEnqueue
export function byte_enqueue_view(c, view) {
  const { stream } = c;
  if (c.close_requested || stream.state !== kReadable) return;
  const { buffer, offset, length } = view_parts(view);
  if (ArrayBufferPrototypeGetDetached(buffer)) {
    throw new TypeError("The buffer of the chunk has been detached.");
  }
  const moved = transfer(buffer);
  if (c.pending.length > 0) {
    const first = c.pending.peek();
    if (ArrayBufferPrototypeGetDetached(first.buffer)) {
      throw new TypeError("The buffer of the BYOB request has been detached.");
    }
    invalidate_request(c);
    first.buffer = transfer(first.buffer);
    if (first.reader === kNone) enqueue_detached(c, first);
  }
  if (has_default_reader(stream)) {
    const { requests } = stream.reader;
    // "ProcessReadRequestsUsingQueue"
    while (requests.length > 0 && c.total > 0) fill_read_request(c, requests.shift());
    if (requests.length === 0) {
      enqueue_entry(c, moved, offset, length);
    } else {
      if (c.pending.length > 0) c.pending.shift();
      requests.shift().chunk(new Uint8Array(moved, offset, length));
    }
  } else if (stream.reader !== null) {
    enqueue_entry(c, moved, offset, length);
    process_pending(c);
  } else {
    enqueue_entry(c, moved, offset, length);
  }
  pull_if_needed(c);
}

// ReadableByteStreamControllerEnqueueDetachedPullIntoToQueue
function enqueue_detached(c, descriptor) {
  if (descriptor.filled > 0) enqueue_clone(c, descriptor.buffer, descriptor.offset, descriptor.filled);
  shift_pending(c);
}

function shift_pending(c) {
  return c.pending.shift();
}

// ReadableByteStreamControllerFillReadRequestFromQueue
function fill_read_request(c, request) {
  const entry = c.entries.shift();
  c.total -= entry.length;
  handle_queue_drain(c);
  request.chunk(new Uint8Array(entry.buffer, entry.offset, entry.length));
}

function handle_queue_drain(c) {
  if (c.total === 0 && c.close_requested) {
    clear_algorithms(c);
    close_readable(c.stream);
  } else {
    pull_if_needed(c);
  }
}

// ReadableByteStreamControllerFillPullIntoDescriptorFromQueue
function fill_descriptor(c, d) {
  const most = MathMin(c.total, d.length - d.filled);
  let left = most;
  let ready = false;
  const aligned = d.filled + most - ((d.filled + most) % d.kind.size);
  if (aligned >= d.minimum) {
    left = aligned - d.filled;
    ready = true;
  }
  while (left > 0) {
    const head = c.entries.peek();
    const count = MathMin(left, head.length);
    TypedArrayPrototypeSet(new Uint8Array(d.buffer), new Uint8Array(head.buffer, head.offset, count),
                           d.offset + d.filled);
    if (head.length === count) {
      c.entries.shift();
    } else {
      head.offset += count;
      head.length -= count;
    }
    c.total -= count;
    d.filled += count;
    left -= count;
  }
  return ready;
}

// ReadableByteStreamControllerConvertPullIntoDescriptor
function convert(d) {
  return make_view(d.kind, transfer(d.buffer), d.offset, d.filled / d.kind.size);
}

// ReadableByteStreamControllerCommitPullIntoDescriptor
function commit(stream, d) {
  const done = stream.state === kClosed;
  const view = convert(d);
  if (d.reader === kDefault) stream.reader.requests.shift().chunk(view);
  else if (done) stream.reader.requests.shift().close(view);
  else stream.reader.requests.shift().chunk(view);
}

// ReadableByteStreamControllerProcessPullIntoDescriptorsUsingQueue
function process_pending(c) {
  const filled = [];
  while (c.pending.length > 0 && c.total > 0) {
    const first = c.pending.peek();
    if (!fill_descriptor(c, first)) break;
    filled[filled.length] = shift_pending(c);
  }
  for (let i = 0; i < filled.length; i++) commit(c.stream, filled[i]);
}

// ReadableByteStreamControllerPullInto
function pull_into(c, view, min, request) {
  const { stream } = c;
  const parts = view_parts(view);
  let buffer;
  try {
    buffer = transfer(parts.buffer);
  } catch (error) {
    return request.error(error);
  }
  const d = { buffer, whole: ArrayBufferPrototypeGetByteLength(buffer), offset: parts.offset,
    length: parts.length, filled: 0, minimum: min * parts.kind.size, kind: parts.kind, reader: kByob };
  if (c.pending.length > 0) {
    c.pending.push(d);
    stream.reader.requests.push(request);
    return;
  }
  if (stream.state === kClosed) return request.close(make_view(d.kind, d.buffer, d.offset, 0));
  if (c.total > 0) {
    if (fill_descriptor(c, d)) {
      const filled = convert(d);
      handle_queue_drain(c);
      return request.chunk(filled);
    }
    if (c.close_requested) {
      const error = new TypeError("Insufficient bytes to fill elements in the given buffer");
      byte_error(c, error);
      return request.error(error);
    }
  }
  c.pending.push(d);
  stream.reader.requests.push(request);
  pull_if_needed(c);
}

// ReadableByteStreamControllerRespondInternal
function respond_internal(c, count) {
  const first = c.pending.peek();
  invalidate_request(c);
  if (c.stream.state === kClosed) respond_closed(c, first);
  else respond_readable(c, count, first);
  pull_if_needed(c);
}

function respond_closed(c, first) {
  if (first.reader === kNone) shift_pending(c);
  const { stream } = c;
  if (stream.reader !== null && stream.reader.byob) {
    const filled = [];
    while (filled.length < stream.reader.requests.length) filled[filled.length] = shift_pending(c);
    for (let i = 0; i < filled.length; i++) commit(stream, filled[i]);
  }
}

function respond_readable(c, count, d) {
  d.filled += count;
  if (d.reader === kNone) {
    enqueue_detached(c, d);
    process_pending(c);
    return;
  }
  if (d.filled < d.minimum) return;
  shift_pending(c);
  const rest = d.filled % d.kind.size;
  if (rest > 0) {
    const end = d.offset + d.filled;
    enqueue_clone(c, d.buffer, end - rest, rest);
  }
  d.filled -= rest;
  const { stream } = c;
  commit(stream, d);
  process_pending(c);
}

function respond(c, count) {
  const first = c.pending.peek();
  if (c.stream.state === kClosed) {
    if (count !== 0) throw new TypeError("The number of bytes written must be 0 when the stream is closed.");
  } else {
    if (count === 0) throw new TypeError("The number of bytes written must be greater than 0.");
    if (first.filled + count > first.length) throw new RangeError("More bytes written than the view holds.");
  }
  first.buffer = transfer(first.buffer);
  respond_internal(c, count);
}

function respond_with_view(c, view) {
  const first = c.pending.peek();
  const { buffer, offset, length } = view_parts(view);
  if (c.stream.state === kClosed) {
    if (length !== 0) throw new TypeError("The view must be empty when the stream is closed.");
  } else if (length === 0) {
    throw new TypeError("The view must not be empty.");
  }
  if (first.offset + first.filled !== offset) throw new RangeError("The view starts at another place of the buffer.");
  if (first.whole !== ArrayBufferPrototypeGetByteLength(buffer)) throw new RangeError("The view has another buffer length.");
  if (first.filled + length > first.length) throw new RangeError("The view is larger than what was asked for.");
  first.buffer = transfer(buffer);
  respond_internal(c, length);
}

// SetUpReadableByteStreamController
export function setup_bytes(state, start, pull, cancel, mark, auto) {
  const c = new ByteState();
  c.stream = state;
  c.mark = mark;
  c.auto = auto;
  c.pull = pull;
  c.cancel = cancel;
  state.controller = c;
  when(PromiseResolve(start(c)), () => {
    c.started = true;
    pull_if_needed(c);
  }, (error) => byte_error(c, error));
  return c;
}

// SetUpReadableByteStreamControllerFromUnderlyingSource
export function setup_byte_controller(state, source, dict, mark) {
  setup_bytes(
    state,
    (c) => dict.start === undefined ? undefined : ReflectApply(dict.start, source, [public_controller(c)]),
    dict.pull === undefined ? resolved :
      () => call_for_promise(dict.pull, source, [public_controller(state.controller)]),
    dict.cancel === undefined ? resolved : (reason) => call_for_promise(dict.cancel, source, [reason]),
    mark, dict.auto);
}

function public_controller(c) {
  return (c.controller ??= new ByteController(kInternal, c));
}

function public_request(c) {
  if (c.request === null && c.pending.length > 0) {
    const first = c.pending.peek();
    const view = new Uint8Array(first.buffer, first.offset + first.filled, first.length - first.filled);
    c.request = new ByobRequest(kInternal, c, view);
  }
  return c.request;
}

let forget_request;

class ByobRequest {
  #c;
  #view;
  constructor(internal = undefined, controller = undefined, view = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#c = controller;
    this.#view = view;
  }
  get view() {
    return this.#view;
  }
  // Workers' own: the fewest bytes that complete the read.
  get atLeast() {
    if (this.#c === null) return null;
    const first = this.#c.pending.peek();
    return first.minimum > first.filled ? first.minimum - first.filled : 1;
  }
  respond(count) {
    require_args(arguments.length, 1, "respond", "ReadableStreamBYOBRequest");
    const number = +count;
    if (!(number >= 0) || number > 2 ** 53 - 1) throw new TypeError("bytesWritten must be a non-negative integer");
    if (this.#c === null) throw new TypeError("This BYOB request has been invalidated.");
    if (ArrayBufferPrototypeGetDetached(TypedArrayPrototypeGetBuffer(this.#view))) {
      throw new TypeError("The buffer of this BYOB request has been detached.");
    }
    respond(this.#c, number - (number % 1));
  }
  respondWithNewView(view) {
    require_args(arguments.length, 1, "respondWithNewView", "ReadableStreamBYOBRequest");
    if (!ArrayBufferIsView(view)) throw new TypeError("The argument is not an ArrayBufferView");
    if (this.#c === null) throw new TypeError("This BYOB request has been invalidated.");
    if (ArrayBufferPrototypeGetDetached(view_parts(view).buffer)) {
      throw new TypeError("The buffer of the view has been detached.");
    }
    respond_with_view(this.#c, view);
  }
  static {
    forget_request = (request) => {
      request.#c = null;
      request.#view = null;
    };
  }
}
expose_class(ByobRequest, "ReadableStreamBYOBRequest");

export class ByteController {
  #c;
  constructor(internal = undefined, controller = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#c = controller;
  }
  get byobRequest() {
    return public_request(this.#c);
  }
  get desiredSize() {
    return byte_desired_size(this.#c);
  }
  close() {
    if (this.#c.close_requested) throw new TypeError("The stream is closed already.");
    if (this.#c.stream.state !== kReadable) throw new TypeError("The stream is not in a state to be closed.");
    byte_close(this.#c);
  }
  enqueue(chunk) {
    const c = this.#c;
    require_args(arguments.length, 1, "enqueue", "ReadableByteStreamController");
    if (!ArrayBufferIsView(chunk)) throw new TypeError("A chunk of a byte stream must be an ArrayBufferView.");
    const parts = view_parts(chunk);
    if (parts.length === 0 || ArrayBufferPrototypeGetByteLength(parts.buffer) === 0) {
      throw new TypeError("A chunk of a byte stream must not be empty.");
    }
    if (c.close_requested || c.stream.state !== kReadable) {
      throw new TypeError("Unable to enqueue: the stream is closed or errored.");
    }
    byte_enqueue_view(c, chunk);
  }
  error(reason = undefined) {
    byte_error(this.#c, reason);
  }
}
expose_class(ByteController, "ReadableByteStreamController");

// --- the BYOB reader ---

export function acquire_byob_reader(state) {
  if (!state.controller.bytes) {
    throw new TypeError("This ReadableStream does not support BYOB reads.");
  }
  return acquire(state, true);
}

export function byob_read(reader, view, min, request) {
  const state = reader.owner;
  state.disturbed = true;
  if (state.state === kErrored) request.error(state.error);
  else pull_into(state.controller, view, min, request);
}

// What read() checks of its view; gives the parts.
function check_view(view) {
  if (!ArrayBufferIsView(view)) throw new TypeError("The argument of a BYOB read is not an ArrayBufferView");
  const parts = view_parts(view);
  if (parts.length === 0) throw new TypeError("The view of a BYOB read must not be empty.");
  if (ArrayBufferPrototypeGetByteLength(parts.buffer) === 0) throw new TypeError("The buffer of the view is empty.");
  if (ArrayBufferPrototypeGetDetached(parts.buffer)) throw new TypeError("The buffer of the view has been detached.");
  return parts;
}

export class ByobReader {
  #r;
  constructor(stream, reader = undefined) {
    if (stream === kInternal) {
      this.#r = reader;
      return;
    }
    require_new_args(arguments.length, 1, "ReadableStreamBYOBReader");
    const state = readable_state(stream);
    if (state === undefined) throw new TypeError("Failed to construct 'ReadableStreamBYOBReader': not a ReadableStream");
    this.#r = acquire_byob_reader(state);
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
  read(view, options = undefined) {
    try {
      const reader = this.#r;
      require_args(arguments.length, 1, "read", "ReadableStreamBYOBReader");
      const parts = check_view(view);
      const wanted = options === undefined || options === null ? undefined : options.min;
      return this.#read(reader, view, parts, wanted === undefined ? 1 : min_of(wanted));
    } catch (error) {
      return PromiseReject(error);
    }
  }
  // Workers' own, older than `min`.
  readAtLeast(min, view) {
    try {
      const reader = this.#r;
      require_args(arguments.length, 2, "readAtLeast", "ReadableStreamBYOBReader");
      const parts = check_view(view);
      return this.#read(reader, view, parts, min_of(min));
    } catch (error) {
      return PromiseReject(error);
    }
  }
  #read(reader, view, parts, min) {
    if (min > parts.elements) {
      throw new RangeError("The minimum of a BYOB read is larger than its view.");
    }
    if (reader.owner === null) return released_error();
    const request = new PromiseRequest();
    byob_read(reader, view, min, request);
    return request.promise;
  }
  releaseLock() {
    release(this.#r);
  }
}
expose_class(ByobReader, "ReadableStreamBYOBReader");

function min_of(value) {
  const number = +value;
  if (!(number >= 1)) throw new TypeError("The minimum of a BYOB read must be greater than 0.");
  return number - (number % 1);
}
