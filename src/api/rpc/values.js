// What V8's serialiser cannot write between isolates, as something that it can: functions and
// RpcTargets go as stubs, streams and signals as objects of this file that the other side calls.
import { kInternal } from "../base/internal.js";
import { has_flag } from "../base/flags.js";
import {
  ArrayIsArray,
  ArrayPrototypePush,
  Error,
  EvalError,
  Map,
  MapPrototypeForEach,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototypeToString,
  PromisePrototypeThen,
  PromiseReject,
  Promise,
  RangeError,
  ReferenceError,
  Set,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SetPrototypeGetSize,
  SyntaxError,
  TypeError,
  TypedArrayPrototypeGetSymbolToStringTag,
  URIError,
} from "../base/primordials.js";
import {
  is_abort_signal, make_abort_signal, signal_abort, signal_abort_reason, signal_add_algorithm,
  signal_is_aborted,
} from "../dom/abort.js";
import { DOMException, is_dom_exception } from "../dom/dom_exception.js";
import {
  body_stream, body_type, bytes_copy, is_array_buffer, is_unusable, used_error,
} from "../fetch/body.js";
import { Headers, headers_list, is_headers } from "../fetch/headers.js";
import { Request, is_request, request_parts } from "../fetch/request.js";
import { Response, is_response, response_parts } from "../fetch/response.js";
import { load_part } from "../parts/parts.js";
import { own_ops } from "../parts/own_ops.js";
import {
  acquire_reader, byte_close, byte_enqueue, byte_error, is_readable_stream, new_byte_stream,
  reader_cancel, reader_read, stream_expected_length,
} from "../streams/streams.js";
import { ops } from "../base/ops.js";

const { request_headers } = ops;
const { rpc_drop, rpc_write } = own_ops;

// As CapabilitySource in stubs.h.
export const kHeld = 1;
export const kMoved = 2;
export const kTarget = 3;
export const kBinding = 4;
export const kOwn = 5;

const kStub = 1;
const kService = 2;
const kReadable = 3;
const kWritable = 4;
const kHeaders = 5;
const kRequest = 6;
const kResponse = 7;
const kSignal = 8;
const kError = 9;
const kDomException = 10;

// --- what the other side calls of streams and signals ---

// Objects of ours that are called by the names of their methods.
export let is_remote_object;

class RemoteObject {
  #brand = true;
  static {
    is_remote_object = (value) => typeof value === "object" && value !== null && #brand in value;
  }
}

class ReadableSource extends RemoteObject {
  #reader;
  constructor(stream) {
    super();
    this.#reader = acquire_reader(stream);
  }
  // The next chunk, undefined at the end.
  read() {
    return new Promise((resolve, reject) => {
      reader_read(this.#reader, {
        __proto__: null,
        chunk: (value) => {
          if (TypedArrayPrototypeGetSymbolToStringTag(value) === "Uint8Array") return resolve(value);
          const error = new TypeError(
            "A ReadableStream that is sent over RPC must be a stream of bytes (Uint8Array).");
          reader_cancel(this.#reader, error);
          reject(error);
        },
        close: () => resolve(undefined),
        error: reject,
      });
    });
  }
  cancel(reason) {
    reader_cancel(this.#reader, reason);
  }
  dispose() {
    // Of a stream that was read to its end nothing is left to cancel.
    reader_cancel(this.#reader, new Error("The RPC stub of this stream was disposed."));
  }
}

class WritableSink extends RemoteObject {
  #writer;
  #open = true;
  constructor(stream) {
    super();
    const { WritableStreamDefaultWriter } = load_part("streams/writable");
    this.#writer = new WritableStreamDefaultWriter(stream);
  }
  write(chunk) {
    return this.#writer.write(chunk);
  }
  close() {
    this.#open = false;
    return this.#writer.close();
  }
  abort(reason) {
    this.#open = false;
    return this.#writer.abort(reason);
  }
  dispose() {
    if (!this.#open) return;
    const aborted = this.#writer.abort(
      new Error("WritableStream received over RPC was disposed without calling close()."));
    PromisePrototypeThen(aborted, undefined, () => {});
  }
}

class SignalSource extends RemoteObject {
  #aborted;
  constructor(signal) {
    super();
    this.#aborted = new Promise((resolve) => {
      signal_add_algorithm(signal, () => resolve([signal_abort_reason(signal)]));
    });
  }
  wait() {
    return this.#aborted;
  }
  dispose() {}
}

// --- writing ---

let is_rpc_target;
let stub_source;  // of a stub of ours: {tag, how, x}; undefined for anything else
let call_remote;  // (handle, method, args) -> promise
let make_stub;    // (tag, handle) -> stub
export function set_stub_access(access) {
  ({ is_rpc_target, stub_source, call_remote, make_stub } = access);
}

// Stands for what V8 would refuse before it asks.
class Stand {
  constructor(value) {
    this.value = value;
  }
}

function spec(tag, value, how = undefined, x = undefined) {
  return [tag, value, how, x];
}

function encode_stub(stub) {
  const { tag, how, x } = stub;
  return spec(tag, undefined, how, x);
}

function encode_body(body) {
  if (body === null) return null;
  if (is_unusable(body)) throw used_error();
  const source = body.source;
  const stream = source === null ? body_stream(body) : source;
  body.used = true;
  return stream;
}

function encode_request(request) {
  const parts = request_parts(request);
  const headers = typeof parts.headers === "number" ? request_headers(parts.headers) : parts.headers;
  return spec(kRequest, [parts.url, parts.method, headers, parts.redirect, encode_body(parts.body),
    parts.cf]);
}

function encode_response(response) {
  const parts = response_parts(response);
  if (parts.socket !== null) throw not_serializable("Response with a WebSocket");
  return spec(kResponse, [parts.status, parts.status_text, parts.list, encode_body(parts.body),
    parts.body === null ? null : body_type(parts.body), parts.cf]);
}

function not_serializable(name) {
  return new DOMException(
    `Could not serialize object of type "${name}". This type does not support serialization.`,
    "DataCloneError");
}

const error_classes = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError,
  URIError };

function is_error(value) {
  return typeof value === "object" && value !== null &&
    (ObjectPrototypeToString(value) === "[object Error]" || value instanceof Error);
}

function text_of(error, key) {
  const value = error[key];
  return value === undefined ? undefined : `${value}`;
}

// name, message, stack, and with the flag all that it has of its own.
export function describe_error(error) {
  const own = [];
  if (has_flag("enhanced_error_serialization")) {
    const keys = ObjectKeys(error);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key !== "name" && key !== "message" && key !== "stack" && key !== "remote") {
        ArrayPrototypePush(own, [key, error[key]]);
      }
    }
    if (ObjectGetOwnPropertyDescriptor(error, "cause") !== undefined) {
      ArrayPrototypePush(own, ["cause", error.cause]);
    }
  }
  return [text_of(error, "name"), text_of(error, "message") ?? "", text_of(error, "stack"), own];
}

export function error_from(description) {
  const { 0: name, 1: message, 2: stack, 3: own } = description;
  const cls = error_classes[name] ?? Error;
  const error = new cls(message);
  const define = (key, value, enumerable) => ObjectDefineProperty(error, key, {
    __proto__: null, value, writable: true, enumerable, configurable: true,
  });
  if (name !== undefined && name !== error.name) define("name", name, false);
  if (stack !== undefined) define("stack", stack, false);
  for (let i = 0; i < own.length; i++) define(own[i][0], own[i][1], own[i][0] !== "cause");
  return error;
}

// A platform object or an instance of a class, as [tag, value, how, x].
export function encode(value) {
  if (value instanceof Stand) value = value.value;
  const stub = stub_source(value);
  if (stub !== undefined) return encode_stub(stub);
  if (typeof value === "function" || is_rpc_target(value)) {
    return spec(kStub, undefined, kTarget, value);
  }
  if (is_readable_stream(value)) {
    return spec(kReadable, stream_expected_length(value), kTarget, new ReadableSource(value));
  }
  if (is_headers(value)) return spec(kHeaders, headers_list(value));
  if (is_request(value)) return encode_request(value);
  if (is_response(value)) return encode_response(value);
  if (is_abort_signal(value)) {
    if (signal_is_aborted(value)) return spec(kSignal, [signal_abort_reason(value)]);
    return spec(kSignal, undefined, kTarget, new SignalSource(value));
  }
  if (is_dom_exception(value)) {
    return spec(kDomException, [value.message, value.name, text_of(value, "stack")]);
  }
  if (ObjectPrototypeToString(value) === "[object WritableStream]") {
    return spec(kWritable, undefined, kTarget, new WritableSink(value));
  }
  if (is_error(value)) return spec(kError, describe_error(value));
  throw not_serializable(class_name(value));
}

function class_name(value) {
  const cls = value.constructor;
  return typeof cls === "function" && typeof cls.name === "string" ? cls.name : "Object";
}

// A copy of a value of plain objects and collections, with Stands for what V8 refuses. found.any: whether
// there was any of that.
function substitute(value, seen, found) {
  if (typeof value === "function" || stub_source(value) !== undefined) {
    found.any = true;
    return stand_for(value, seen);
  }
  if (typeof value !== "object" || value === null) return value;
  const known = MapPrototypeGet(seen, value);
  if (known !== undefined) return known;
  if (is_error(value) && !is_dom_exception(value)) {
    found.any = true;
    return stand_for(value, seen);
  }
  if (ArrayIsArray(value)) {
    const copy = [];
    MapPrototypeSet(seen, value, copy);
    for (let i = 0; i < value.length; i++) copy[i] = substitute(value[i], seen, found);
    return copy;
  }
  const prototype = ObjectGetPrototypeOf(value);
  if (prototype === object_prototype || prototype === null) {
    const copy = {};
    MapPrototypeSet(seen, value, copy);
    const keys = ObjectKeys(value);
    for (let i = 0; i < keys.length; i++) {
      ObjectDefineProperty(copy, keys[i], {
        __proto__: null, value: substitute(value[keys[i]], seen, found), writable: true,
        enumerable: true, configurable: true,
      });
    }
    return copy;
  }
  return substitute_collection(value, seen, found);
}

function substitute_collection(value, seen, found) {
  const kind = ObjectPrototypeToString(value);
  try {
    if (kind === "[object Map]" && MapPrototypeGetSize(value) >= 0) {
      const copy = new Map();
      MapPrototypeSet(seen, value, copy);
      MapPrototypeForEach(value, (item, key) =>
        MapPrototypeSet(copy, substitute(key, seen, found), substitute(item, seen, found)));
      return copy;
    }
    if (kind === "[object Set]" && SetPrototypeGetSize(value) >= 0) {
      const copy = new Set();
      MapPrototypeSet(seen, value, copy);
      SetPrototypeForEach(value, (item) => SetPrototypeAdd(copy, substitute(item, seen, found)));
      return copy;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return value;
}

function stand_for(value, seen) {
  const known = MapPrototypeGet(seen, value);
  if (known !== undefined) return known;
  const stand = new Stand(value);
  MapPrototypeSet(seen, value, stand);
  return stand;
}

const object_prototype = ObjectGetPrototypeOf({});

function needs_stand(value) {
  return typeof value === "function" || (typeof value === "object" && value !== null &&
    (stub_source(value) !== undefined || (is_error(value) && !is_dom_exception(value))));
}

// Serialises; the next op that sends takes it. list: an array of ours whose elements are the values.
export function write(list) {
  for (let i = 0; i < list.length; i++) {
    if (needs_stand(list[i])) list[i] = new Stand(list[i]);
  }
  const failures = [];
  try {
    rpc_write(list, failures);
  } catch (error) {
    if (failures.length === 0) throw error;
    // Something that V8 refuses deep inside: functions and stubs are none to us.
    const found = { __proto__: null, any: false };
    const copy = [];
    for (let i = 0; i < list.length; i++) {
      copy[i] = list[i] instanceof Stand ? list[i] : substitute(list[i], new Map(), found);
    }
    if (!found.any) throw new DOMException(failures[0], "DataCloneError");
    const again = [];
    try {
      rpc_write(copy, again);
    } catch (second) {
      if (again.length === 0) throw second;
      throw new DOMException(again[0], "DataCloneError");
    }
  }
}

// --- reading ---

function decode_readable(length, handle) {
  const { stream, controller } = new_byte_stream({
    __proto__: null,
    pull() {
      return PromisePrototypeThen(call_remote(handle, "read", []), (chunk) => {
        if (chunk !== undefined) return byte_enqueue(controller, chunk);
        rpc_drop(handle);
        byte_close(controller);
      }, (error) => {
        rpc_drop(handle);
        byte_error(controller, error);
      });
    },
    cancel(reason) {
      return settle_and_drop(handle, "cancel", [reason]);
    },
  });
  return stream;
}

function settle_and_drop(handle, method, args) {
  let done;
  try {
    done = call_remote(handle, method, args);
  } catch (error) {
    done = PromiseReject(error);
  }
  return PromisePrototypeThen(done, () => {
    rpc_drop(handle);
  }, (error) => {
    rpc_drop(handle);
    throw error;
  });
}

function decode_writable(handle) {
  const { create_writable } = load_part("streams/writable");
  return create_writable(
    () => undefined,
    (chunk) => {
      const bytes = bytes_of_chunk(chunk);
      return call_remote(handle, "write", [bytes]);
    },
    () => settle_and_drop(handle, "close", []),
    (reason) => settle_and_drop(handle, "abort", [reason])).stream;
}

function bytes_of_chunk(chunk) {
  if (TypedArrayPrototypeGetSymbolToStringTag(chunk) !== undefined || is_array_buffer(chunk)) {
    return bytes_copy(chunk);
  }
  throw new TypeError(
    "A WritableStream that was received over RPC only takes chunks of bytes (ArrayBuffer or view).");
}

function decode_request(value) {
  const { 0: url, 1: method, 2: headers, 3: redirect, 4: body, 5: cf } = value;
  const init = { __proto__: null, method, redirect, headers: new Headers(kInternal, headers) };
  if (body !== null) init.body = body;
  if (cf !== undefined) init.cf = cf;
  return new Request(url, init);
}

function decode_response(value) {
  const { 0: status, 1: statusText, 2: list, 3: body, 4: type, 5: cf } = value;
  const init = { __proto__: null, status, statusText };
  if (cf !== undefined) init.cf = cf;
  if (list !== null) init.headers = new Headers(kInternal, list);
  else if (type !== null) init.headers = new Headers(kInternal, ["content-type", type, "Content-Type"]);
  return new Response(body, init);
}

function decode_signal(value, handle) {
  const signal = make_abort_signal();
  if (handle === 0) {
    signal_abort(signal, value[0]);
    return signal;
  }
  PromisePrototypeThen(call_remote(handle, "wait", []), (reason) => {
    rpc_drop(handle);
    signal_abort(signal, reason[0]);
  }, () => {});
  return signal;
}

export function decode(tag, value, handle) {
  switch (tag) {
    case kStub: case kService: return make_stub(tag, handle);
    case kReadable: return decode_readable(value, handle);
    case kWritable: return decode_writable(handle);
    case kHeaders: return new Headers(kInternal, value);
    case kRequest: return decode_request(value);
    case kResponse: return decode_response(value);
    case kSignal: return decode_signal(value, handle);
    case kError: return error_from(value);
    case kDomException: {
      const error = new DOMException(value[0], value[1]);
      if (value[2] !== undefined) {
        ObjectDefineProperty(error, "stack", { __proto__: null, value: value[2], writable: true, configurable: true });
      }
      return error;
    }
  }
}
export { kStub, kService };
