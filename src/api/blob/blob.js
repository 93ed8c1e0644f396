// Blob and File (File API, 3 and 4), their bytes in the isolate's memory.
import { ops } from "../base/ops.js";
import { expose_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayPrototypePush,
  DateNow,
  MathMax,
  MathMin,
  NumberIsNaN,
  PromiseReject,
  PromiseResolve,
  ReflectApply,
  RegExpPrototypeExec,
  StringPrototypeToLowerCase,
  SymbolIterator,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} from "../base/primordials.js";
import {
  illegal_invocation,
  require_new_args,
  to_clamped_integer,
  to_dictionary,
  to_dom_string,
  to_usv_string,
} from "../base/webidl.js";
import { byte_close, byte_enqueue, new_byte_stream } from "../streams/streams.js";

const { utf8_decode, utf8_encode } = ops;

const max_safe = 2 ** 53 - 1;
const type_pattern = /^[\x20-\x7e]*$/;

export function normal_type(value) {
  const type = to_dom_string(value);
  return RegExpPrototypeExec(type_pattern, type) === null ? "" : StringPrototypeToLowerCase(type);
}

// A Uint8Array over the bytes of a buffer or a view; undefined for anything else.
function view_of(value) {
  if (ArrayBufferIsView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  try {
    ArrayBufferPrototypeGetByteLength(value);
  } catch {
    return undefined;
  }
  return new Uint8Array(value);
}

function part_bytes(part) {
  if (typeof part === "object" && part !== null) {
    if (is_blob(part)) return blob_bytes(part);
    const view = view_of(part);
    if (view !== undefined) return view;
  }
  return utf8_encode(to_usv_string(part));
}

function join_parts(parts) {
  const iterate = typeof parts === "object" && parts !== null ? parts[SymbolIterator] : undefined;
  if (typeof iterate !== "function") {
    throw new TypeError("The parts of a Blob must be a sequence.");
  }
  const iterator = ReflectApply(iterate, parts, []);
  const { next } = iterator;
  const chunks = [];
  let length = 0;
  for (;;) {
    const step = ReflectApply(next, iterator, []);
    if (step.done) break;
    const bytes = part_bytes(step.value);
    ArrayPrototypePush(chunks, bytes);
    length += TypedArrayPrototypeGetByteLength(bytes);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArrayPrototypeSet(all, chunks[i], at);
    at += TypedArrayPrototypeGetByteLength(chunks[i]);
  }
  return all;
}

let is_blob;
let blob_bytes;
let blob_type;

export class Blob {
  #bytes;
  #type;

  constructor(parts = undefined, options = undefined) {
    if (parts === kInternal) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    const dict = to_dictionary(options, "The options of a Blob");
    this.#bytes = parts === undefined ? new Uint8Array(0) : join_parts(parts);
    const endings = dict.endings;
    if (endings !== undefined) {
      const value = to_dom_string(endings);
      if (value !== "transparent" && value !== "native") {
        throw new TypeError(`'${value}' is not a valid value of endings.`);
      }
    }
    const type = dict.type;
    this.#type = type === undefined ? "" : normal_type(type);
  }

  static {
    is_blob = (value) => typeof value === "object" && value !== null && #bytes in value;
    blob_bytes = (blob) => blob.#bytes;
    blob_type = (blob) => blob.#type;
  }

  get size() {
    return TypedArrayPrototypeGetByteLength(this.#bytes);
  }
  get type() {
    return this.#type;
  }

  slice(start = 0, end = undefined, type = "") {
    const size = TypedArrayPrototypeGetByteLength(this.#bytes);
    const from = relative(start, size);
    const to = end === undefined ? size : relative(end, size);
    return make_blob(TypedArrayPrototypeSubarray(this.#bytes, from, MathMax(from, to)),
                     normal_type(type));
  }

  text() {
    return is_blob(this) ? PromiseResolve(utf8_text(this.#bytes))
      : PromiseReject(illegal_invocation());
  }
  arrayBuffer() {
    return is_blob(this) ?
      PromiseResolve(TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(this.#bytes)))
      : PromiseReject(illegal_invocation());
  }
  bytes() {
    return is_blob(this) ? PromiseResolve(TypedArrayPrototypeSlice(this.#bytes))
      : PromiseReject(illegal_invocation());
  }

  stream() {
    const bytes = this.#bytes;
    const { stream, controller } = new_byte_stream({
      __proto__: null,
      pull() {
        if (TypedArrayPrototypeGetByteLength(bytes) > 0) {
          byte_enqueue(controller, TypedArrayPrototypeSlice(bytes));
        }
        byte_close(controller);
      },
      cancel() {},
    });
    return stream;
  }
}

function relative(value, size) {
  const at = to_clamped_integer(value, -max_safe, max_safe);
  return at < 0 ? MathMax(size + at, 0) : MathMin(at, size);
}

// UTF-8 decode as Blob.text() has it: a byte order mark goes.
function utf8_text(bytes) {
  return utf8_decode(bytes);
}

let is_file;
let file_name;
let file_last_modified;
let copy_blob;

export class File extends Blob {
  #name;
  #last_modified;

  constructor(parts, name, options = undefined) {
    if (parts !== kInternal) require_new_args(arguments.length, 2, "File");
    super(parts, options);
    this.#name = to_usv_string(name);
    const modified = options?.lastModified;
    const time = modified === undefined ? DateNow() : +modified;
    this.#last_modified = NumberIsNaN(time) ? 0 : to_clamped_integer(time, -max_safe, max_safe);
  }

  static {
    is_file = (value) => typeof value === "object" && value !== null && #name in value;
    file_name = (file) => file.#name;
    file_last_modified = (file) => file.#last_modified;
    // Shares the bytes, which never change.
    copy_blob = (blob) => #name in blob
      ? new File(kInternal, blob.#name, { __proto__: null, bytes: blob_bytes(blob),
        type: blob_type(blob), lastModified: blob.#last_modified })
      : make_blob(blob_bytes(blob), blob_type(blob));
  }

  get name() {
    return this.#name;
  }
  get lastModified() {
    return this.#last_modified;
  }
}

expose_class(Blob, "Blob");
expose_class(File, "File");

export { blob_bytes, blob_type, copy_blob, file_last_modified, file_name, is_blob, is_file };

// Takes `bytes` without a copy: nobody else may change them.
export function make_blob(bytes, type) {
  return new Blob(kInternal, { __proto__: null, bytes, type });
}

export function make_file(bytes, type, name, lastModified = undefined) {
  return new File(kInternal, name,
    { __proto__: null, bytes, type: normal_type(type), lastModified });
}
