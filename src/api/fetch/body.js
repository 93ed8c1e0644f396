// Bodies of requests and responses (Fetch standard, 5.2). A body stays what it was given as (a
// string, bytes, the incoming request's bytes in native memory) until somebody asks for a stream.
import { ops } from "../base/ops.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  JSONParse,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  RegExpPrototypeExec,
  StringPrototypeToWellFormed,
  SymbolAsyncIterator,
  SymbolIterator,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  Uint8Array,
  WeakMap,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} from "../base/primordials.js";
import { has_flag } from "../base/flags.js";
import { illegal_invocation, to_usv_string } from "../base/webidl.js";
import { require_event_scope } from "../event/event.js";
import { blob_bytes, blob_type, is_blob, make_blob, normal_type } from "../blob/blob.js";
import { encode_form_data, is_form_data, parse_form_data } from "../blob/form_data.js";
import {
  acquire_reader,
  byte_close,
  byte_enqueue,
  byte_error,
  is_disturbed,
  is_locked,
  is_readable_stream,
  new_byte_stream,
  reader_cancel,
  reader_read,
  stream_expected_length,
  stream_from,
  tee_stream,
} from "../streams/streams.js";
import { clone_value } from "../structured_clone/structured_clone.js";
import { load_part } from "../parts/parts.js";
import { is_search_params, search_params_string } from "../url/search_params.js";

const { body_read, body_take, body_drop, event_require_own, subrequest_cancel, subrequest_read,
  subrequest_take, utf8_decode, utf8_encode } = ops;

// As BodyRead in event.h.
const kReadChunk = 0;
const kReadText = 1;
const kReadJson = 2;
const kReadArrayBuffer = 3;
const kReadBytes = 4;

// Content types that a body gives by itself: the first ones are known natively by their index.
export const kNoType = 0;
export const kTextType = 1;
export const kFormType = 2;
const body_types = [null, "text/plain;charset=UTF-8",
  "application/x-www-form-urlencoded;charset=UTF-8"];

const used_message =
  "Body has already been used. It can only be used once. Use tee() first if you " +
  "need to read it twice.";

// source: string, Uint8Array, or null when `stream`, `event` or `subrequest` (ids) is the body.
// type: an index of body_types, or a string.
function make_body(source, type, stream, event, subrequest = 0) {
  return { source, type, stream, event, subrequest, used: false };
}

export function body_type(body) {
  return typeof body.type === "number" ? body_types[body.type] : body.type;
}

// The streams that stand for the body of an incoming request (with its event) or of an origin's
// response (with its subrequest, negative): while nobody has read from one, native code can take
// the body elsewhere.
const native_streams = new WeakMap();

export function incoming_body(event) {
  return make_body(null, kNoType, null, event);
}

export function subrequest_body(subrequest) {
  return make_body(null, kNoType, null, 0, subrequest);
}

export function bytes_copy(value) {
  if (ArrayBufferIsView(value)) {
    const view = TypedArrayPrototypeGetSymbolToStringTag(value) === undefined ?
      new Uint8Array(value.buffer, value.byteOffset, value.byteLength) :
      new Uint8Array(TypedArrayPrototypeGetBuffer(value), value.byteOffset,
                     TypedArrayPrototypeGetByteLength(value));
    return TypedArrayPrototypeSlice(view);
  }
  return TypedArrayPrototypeSlice(new Uint8Array(value));
}

export function is_array_buffer(value) {
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

// "Extract a body": from a BodyInit that is not null.
export function extract_body(init) {
  require_event_scope();
  if (typeof init === "string") return make_body(init, kTextType, null, 0);
  if (typeof init === "object" && init !== null) {
    if (is_readable_stream(init)) {
      if (is_locked(init) || is_disturbed(init)) {
        throw new TypeError(
          "This ReadableStream is disturbed (has already been read from), and cannot " +
          "be used as a body.");
      }
      const from = WeakMapPrototypeGet(native_streams, init) ?? 0;
      return make_body(null, kNoType, init, from > 0 ? from : 0, from < 0 ? -from : 0);
    }
    if (ArrayBufferIsView(init) || is_array_buffer(init)) {
      return make_body(bytes_copy(init), kNoType, null, 0);
    }
    if (is_blob(init)) return make_body(blob_bytes(init), blob_type(init) || kNoType, null, 0);
    if (is_search_params(init)) return make_body(search_params_string(init), kFormType, null, 0);
    if (is_form_data(init)) {
      const encoded = encode_form_data(init);
      return make_body(encoded.bytes, encoded.type, null, 0);
    }
    if (typeof init[SymbolAsyncIterator] === "function" ||
        typeof init[SymbolIterator] === "function") {
      return make_body(null, kNoType, stream_from(init), 0);
    }
  }
  return make_body(to_usv_string(init), kTextType, null, 0);
}

export function is_used(body) {
  return body !== null && (body.used || (body.stream !== null && is_disturbed(body.stream)));
}

export function is_unusable(body) {
  return body !== null && (body.used || (body.stream !== null &&
    (is_disturbed(body.stream) || is_locked(body.stream))));
}

export function used_error() {
  return new TypeError(used_message);
}

function bytes_of_source(source) {
  return typeof source === "string" ? utf8_encode(source) : source;
}

function native_stream(id, read, take, cancel) {
  const { stream, controller } = new_byte_stream({
    __proto__: null,
    pull() {
      return PromisePrototypeThen(read(id, kReadChunk), (more) => {
        if (more) byte_enqueue(controller, take(id));
        else byte_close(controller);
      }, (error) => byte_error(controller, error));
    },
    cancel() {
      cancel(id);
    },
  });
  WeakMapPrototypeSet(native_streams, stream, read === body_read ? id : -id);
  return stream;
}

function source_stream(source) {
  let bytes = source;
  const { stream, controller } = new_byte_stream({
    __proto__: null,
    pull() {
      const all = bytes_of_source(bytes);
      bytes = null;
      if (TypedArrayPrototypeGetByteLength(all) > 0) byte_enqueue(controller, all);
      byte_close(controller);
    },
    cancel() {
      bytes = null;
    },
  });
  return stream;
}

// The body as a stream; from then on the stream is the body.
export function body_stream(body) {
  if (body.stream === null) {
    if (body.event !== 0) {
      body.stream = native_stream(body.event, body_read, body_take, body_drop);
    } else if (body.subrequest !== 0) {
      body.stream = native_stream(body.subrequest, subrequest_read, subrequest_take,
                                  subrequest_cancel);
    } else {
      body.stream = source_stream(body.source);
    }
    if (body.used) {
      // What a helper consumed shows as a disturbed stream.
      reader_cancel(acquire_reader(body.stream), undefined);
    }
    body.source = null;
  }
  return body.stream;
}

// A copy for clone(): sources are shared, streams are teed.
export function clone_body(body) {
  if (body === null) return null;
  if (body.source !== null) return make_body(body.source, body.type, null, 0);
  const branches = tee_stream(body_stream(body), clone_value);
  body.stream = branches[0];
  body.event = body.subrequest = 0;
  return make_body(null, body.type, branches[1], 0);
}

// Gives the untouched body of event `id`'s own request away: no JavaScript reads it any more. False
// where `body` is something else.
export function give_away(body, id) {
  if (body.source !== null || body.event !== id) return false;
  if (body.stream !== null) acquire_reader(body.stream);
  return true;
}

// As give_away, for the untouched body of a response from an origin: the subrequest's id, or 0.
export function give_away_subrequest(body) {
  if (body.source !== null || body.subrequest === 0) return 0;
  if (body.stream !== null) acquire_reader(body.stream);
  body.used = true;
  return body.subrequest;
}

// For a request that leaves: the body as it is to be sent, which is used from now on.
// {kind, value}, kind as SentBody in outbound.cc: 1 string or bytes, 2 stream, 3 the event's own.
export function take_body(body, event) {
  if (is_unusable(body)) throw used_error();
  if (body.source !== null) {
    body.used = true;
    return { __proto__: null, kind: 1, value: body.source };
  }
  if (body.event !== 0) event_require_own(body.event);
  if (give_away(body, event)) {
    body.used = true;
    return { __proto__: null, kind: 3, value: undefined };
  }
  const stream = body_stream(body);
  body.used = true;
  return { __proto__: null, kind: 2, value: stream };
}

export function body_length(body) {
  return body.stream === null ? undefined : stream_expected_length(body.stream);
}

// --- reading a body whole ---

// A read request that gathers all chunks.
class Collector {
  #reader;
  #chunks = [];
  #length = 0;
  #resolve;
  #reject;
  constructor(reader, resolve, reject) {
    this.#reader = reader;
    this.#resolve = resolve;
    this.#reject = reject;
  }
  read() {
    reader_read(this.#reader, this);
  }
  chunk(value) {
    if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") {
      const error = new TypeError("Received a chunk of a body that is not a Uint8Array.");
      reader_cancel(this.#reader, error);
      this.#reject(error);
      return;
    }
    this.#chunks[this.#chunks.length] = value;
    this.#length += TypedArrayPrototypeGetByteLength(value);
    this.read();
  }
  close() {
    const chunks = this.#chunks;
    if (chunks.length === 1) return this.#resolve({ __proto__: null, bytes: chunks[0] });
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (let i = 0; i < chunks.length; i++) {
      TypedArrayPrototypeSet(all, chunks[i], at);
      at += TypedArrayPrototypeGetByteLength(chunks[i]);
    }
    this.#resolve({ __proto__: null, bytes: all });
  }
  error(error) {
    this.#reject(error);
  }
}

// Not of the bytes themselves: a promise would look for their `then`.
function collect(stream) {
  return new Promise((resolve, reject) => {
    new Collector(acquire_reader(stream), resolve, reject).read();
  });
}

function convert_bytes(bytes, kind) {
  switch (kind) {
    case kReadText: return utf8_decode(bytes);
    case kReadJson: return JSONParse(utf8_decode(bytes));
    case kReadArrayBuffer: {
      const buffer = TypedArrayPrototypeGetBuffer(bytes);
      if (ArrayBufferPrototypeGetByteLength(buffer) === TypedArrayPrototypeGetByteLength(bytes)) {
        return buffer;
      }
      return TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(bytes));
    }
    default: return bytes;
  }
}

function convert_source(source, kind) {
  if (typeof source === "string") {
    if (kind === kReadText || kind === kReadJson) {
      const text = StringPrototypeToWellFormed(source);
      return kind === kReadText ? text : JSONParse(text);
    }
    return convert_bytes(utf8_encode(source), kind);
  }
  // The source may be shared with a clone: give a copy of it.
  return convert_bytes(kind === kReadText || kind === kReadJson ? source :
    TypedArrayPrototypeSlice(source), kind);
}

// "Consume body": a promise of what `kind` says.
function consume(body, kind) {
  if (body === null) {
    try {
      return PromiseResolve(convert_source("", kind));
    } catch (error) {
      return PromiseReject(error);
    }
  }
  if (is_unusable(body)) return PromiseReject(used_error());
  try {
    if (body.event !== 0 && body.stream === null) {
      event_require_own(body.event);
      body.used = true;
      return body_read(body.event, kind);
    }
    if (body.subrequest !== 0 && body.stream === null) {
      const promise = subrequest_read(body.subrequest, kind);
      body.used = true;
      return promise;
    }
    if (body.stream !== null) {
      return PromisePrototypeThen(collect(body.stream), (all) => convert_bytes(all.bytes, kind));
    }
    body.used = true;
    return PromiseResolve(convert_source(body.source, kind));
  } catch (error) {
    return PromiseReject(error);
  }
}

// What an operation that gives a promise answers where `this` is not its interface's.
export const rejected_invocation = () => PromiseReject(illegal_invocation());

export const body_text = (body) => consume(body, kReadText);
export const body_json = (body) => consume(body, kReadJson);
export const body_array_buffer = (body) => consume(body, kReadArrayBuffer);
export const body_bytes = (body) => consume(body, kReadBytes);

// A Content-Type that is its own serialisation.
const plain_type = /^[a-z0-9.+-]+\/[a-z0-9.+-]+(?:;[a-z-]+=[A-Za-z0-9-]+)?$/;

function blob_type_of(type) {
  if (type === null) return "";
  if (RegExpPrototypeExec(plain_type, type) !== null) return type;
  if (!has_flag("blob_standard_mime_type")) return normal_type(type);
  return load_part("fetch/mime").extract_mime_type(type);
}

export function body_blob(body, type) {
  return PromisePrototypeThen(consume(body, kReadBytes),
    (bytes) => make_blob(bytes, blob_type_of(type)));
}

export function body_form_data(body, type) {
  return PromisePrototypeThen(consume(body, kReadBytes), (bytes) => {
    if (type !== null) return parse_form_data(bytes, type);
    throw new TypeError("Parsing a Body as FormData requires a Content-Type header.");
  });
}
