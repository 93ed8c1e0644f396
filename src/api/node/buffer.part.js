// node:buffer. A Buffer is a Uint8Array of a class of its own; `Buffer` is a function, which old
// code calls without `new`. Text goes through natives (buffer.cc).
import { own_ops } from "../parts/own_ops.js";
import { coded, invalid_arg_type, invalid_arg_value, out_of_range, unknown_encoding }
  from "./lib/errors.js";
import { validate_integer, validate_number, validate_string } from "./lib/validate.js";
import { add_numbers } from "./lib/buffer_numbers.js";
import { inspect } from "./lib/inspect.js";

const { buffer_compare, buffer_find, buffer_text, buffer_utf8_length, buffer_valid, buffer_write } =
  own_ops;

const kMaxLength = 2 ** 53 - 1;
const kMaxStringLength = 536870888;
const kInspect = Symbol.for("nodejs.util.inspect.custom");
const custom = { inspect_max_bytes: 50 };

// As in buffer.cc.
const [kUtf8, kLatin1, kAscii, kUtf16, kHex, kBase64, kBase64Url] = [0, 1, 2, 3, 4, 5, 6];

// undefined: no encoding of that name
function encoding_number(name) {
  switch (name) {
    case "utf8": case "utf-8": return kUtf8;
    case "latin1": case "binary": return kLatin1;
    case "ascii": return kAscii;
    case "ucs2": case "ucs-2": case "utf16le": case "utf-16le": return kUtf16;
    case "hex": return kHex;
    case "base64": return kBase64;
    case "base64url": return kBase64Url;
    default: {
      const text = `${name}`;
      const lower = text.toLowerCase();
      return lower === name ? undefined : encoding_number(lower);
    }
  }
}

function encoding_of(name) {
  if (name === undefined || name === null || name === "") return kUtf8;
  const number = encoding_number(name);
  if (number === undefined) throw unknown_encoding(name);
  return number;
}

class FastBuffer extends Uint8Array {}

function Buffer(value, encoding_or_offset, length) {
  if (typeof value === "number") {
    if (typeof encoding_or_offset === "string") throw invalid_arg_type("string", "string", value);
    return Buffer.alloc(value);
  }
  return Buffer.from(value, encoding_or_offset, length);
}
Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = FastBuffer.prototype;
Object.defineProperty(Buffer.prototype, "constructor", {
  value: Buffer, writable: true, configurable: true, enumerable: false,
});
Object.defineProperty(Buffer, Symbol.species, { get: () => FastBuffer, configurable: true });

function check_size(size) {
  validate_number(size, "size", 0, kMaxLength);
}

// Where the standard asks for `size` bytes. V8's own error says less.
function allocate(size) {
  check_size(size);
  try {
    return new FastBuffer(size);
  } catch {
    throw new RangeError("Array buffer allocation failed");
  }
}

function text_length(string, encoding) {
  switch (encoding) {
    case kUtf8: return buffer_utf8_length(string);
    case kUtf16: return string.length * 2;
    case kHex: return string.length >>> 1;
    case kBase64: case kBase64Url: {
      let { length } = string;
      if (string[length - 1] === "=") length--;
      if (length > 1 && string[length - 1] === "=") length--;
      return Math.floor(length * 3 / 4);
    }
    default: return string.length;
  }
}

function from_string(string, name) {
  const encoding = typeof name === "string" ? encoding_of(name) : kUtf8;
  const buffer = new FastBuffer(text_length(string, encoding));
  if (buffer.length === 0) return buffer;
  const written = buffer_write(string, buffer, 0, buffer.length, encoding);
  return written === buffer.length ? buffer : new FastBuffer(buffer.buffer, 0, written);
}

function from_list(list) {
  const length = list.length > 0 ? Math.trunc(list.length) : 0;
  const buffer = allocate(length);
  for (let i = 0; i < length; i++) buffer[i] = list[i];
  return buffer;
}

const is_any_buffer = (value) => value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer) ||
  ["[object ArrayBuffer]", "[object SharedArrayBuffer]"].includes(
    Object.prototype.toString.call(value));

function from_array_buffer(buffer, offset, length) {
  let start = 0;
  if (offset !== undefined) {
    start = +offset;
    if (Number.isNaN(start)) start = 0;
  }
  const room = buffer.byteLength - start;
  if (room < 0)
    throw coded(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "\"offset\" is outside of buffer bounds");
  if (length === undefined) return new FastBuffer(buffer, start);
  const size = +length > 0 ? +length : 0;
  if (size > room)
    throw coded(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "\"length\" is outside of buffer bounds");
  return new FastBuffer(buffer, start, size);
}

// An object that is none of the usual things; undefined where it cannot be one either.
function from_object(value) {
  if (value.length !== undefined || is_any_buffer(value.buffer)) {
    return typeof value.length === "number" ? from_list(value) : new FastBuffer();
  }
  return value.type === "Buffer" && Array.isArray(value.data) ? from_list(value.data) : undefined;
}

Buffer.from = function from(value, encoding_or_offset, length) {
  if (typeof value === "string") return from_string(value, encoding_or_offset);
  if (typeof value === "object" && value !== null) {
    if (is_any_buffer(value)) return from_array_buffer(value, encoding_or_offset, length);
    const inner = value.valueOf?.();
    if (inner !== undefined && inner !== null && inner !== value &&
        (typeof inner === "string" || typeof inner === "object")) {
      return Buffer.from(inner, encoding_or_offset, length);
    }
    const made = from_object(value);
    if (made !== undefined) return made;
    if (typeof value[Symbol.toPrimitive] === "function") {
      const primitive = value[Symbol.toPrimitive]("string");
      if (typeof primitive === "string") return from_string(primitive, encoding_or_offset);
    }
  }
  throw invalid_arg_type("first argument",
    ["string", "Buffer", "ArrayBuffer", "Array", "an Array-like Object"], value);
};

Buffer.of = function of(...items) {
  return from_list(items);
};

Buffer.copyBytesFrom = function copyBytesFrom(view, offset = 0, length = undefined) {
  if (!ArrayBuffer.isView(view) || view instanceof DataView) {
    throw invalid_arg_type("view", ["TypedArray"], view);
  }
  validate_integer(offset, "offset", 0);
  if (length !== undefined) validate_integer(length, "length", 0);
  const part = view.subarray(offset, length === undefined ? view.length : offset + length);
  return Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
};

Buffer.alloc = function alloc(size, fill, encoding) {
  const buffer = allocate(size);
  return fill !== undefined && fill !== 0 && size > 0 ? buffer.fill(fill, encoding) : buffer;
};
Buffer.allocUnsafe = (size) => allocate(size);
Buffer.allocUnsafeSlow = (size) => allocate(size);
Buffer.poolSize = 8192;
Buffer.isBuffer = (value) => value instanceof FastBuffer;
Buffer.isEncoding = (name) =>
  typeof name === "string" && name.length > 0 && encoding_number(name) !== undefined;

function check_bytes(value, name) {
  if (!(value instanceof Uint8Array)) throw invalid_arg_type(name, ["Buffer", "Uint8Array"], value);
}

Buffer.compare = function compare(a, b) {
  check_bytes(a, "buf1");
  check_bytes(b, "buf2");
  return buffer_compare(a, b);
};

Buffer.concat = function concat(list, length = undefined) {
  if (!Array.isArray(list)) throw invalid_arg_type("list", "Array", list);
  if (list.length === 0) return new FastBuffer();
  list.forEach((one, i) => check_bytes(one, `list[${i}]`));
  let total = length;
  if (total === undefined) total = list.reduce((sum, one) => sum + one.length, 0);
  else validate_integer(total, "length", 0);
  const out = allocate(total);
  let at = 0;
  for (const one of list) {
    if (at + one.length > total) {
      out.set(one.subarray(0, total - at), at);
      return out;
    }
    out.set(one, at);
    at += one.length;
  }
  return out;
};

Buffer.byteLength = function byteLength(value, encoding) {
  if (typeof value !== "string") {
    if (ArrayBuffer.isView(value) || is_any_buffer(value)) return value.byteLength;
    throw invalid_arg_type("string", ["string", "Buffer", "ArrayBuffer"], value);
  }
  return text_length(value, encoding_number(encoding) ?? kUtf8);
};

// --- methods ---

const { prototype } = Buffer;

// An offset as Node.js takes it where it is lenient.
function lenient(value, otherwise, max) {
  if (value === undefined) return otherwise;
  const number = Math.trunc(+value) || 0;
  return number < 0 ? 0 : number > max ? max : number;
}

function define(methods) {
  for (const name of Reflect.ownKeys(methods)) {
    Object.defineProperty(prototype, name, {
      value: methods[name], writable: true, configurable: true, enumerable: true,
    });
  }
}

// The bytes that indexOf looks for; a number for one byte.
function needle_of(value, encoding) {
  if (typeof value === "string") return from_string(value, encoding ?? "utf8");
  if (typeof value === "number") return new Uint8Array([value]);
  if (value instanceof Uint8Array) return value;
  throw invalid_arg_type("value", ["number", "string", "Buffer", "Uint8Array"], value);
}

function find(buffer, value, offset, encoding, backwards) {
  check_bytes(buffer, "buffer");
  if (typeof offset === "string") {
    encoding = offset;
    offset = undefined;
  }
  if (typeof encoding === "string" && typeof value === "string") encoding_of(encoding);
  const { length } = buffer;
  let from = +offset;
  if (Number.isNaN(from)) from = backwards ? length : 0;
  from = Math.trunc(Math.max(-0x80000000, Math.min(0x7fffffff, from)));
  if (from < 0) from += length;
  const needle = needle_of(value, encoding);
  if (from < 0) {
    if (backwards) return -1;
    from = 0;
  }
  if (needle.length === 0) return Math.min(from, length);
  const step = typeof value !== "number" && encoding_number(encoding) === kUtf16 ? 2 : 1;
  return buffer_find(buffer, needle, from, backwards, step);
}

function check_range(value, name, max) {
  validate_integer(value, name, 0, max);
  return value;
}

function swap(buffer, size) {
  if (buffer.length % size !== 0) {
    throw coded(
      RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${size * 8}-bits`);
  }
  for (let i = 0; i < buffer.length; i += size) buffer.subarray(i, i + size).reverse();
  return buffer;
}

function slice(buffer, start, end) {
  const { length } = buffer;
  const at = (value, otherwise) => {
    if (value === undefined) return otherwise;
    const number = Math.trunc(+value) || 0;
    return number < 0 ? Math.max(number + length, 0) : Math.min(number, length);
  };
  const from = at(start, 0);
  const to = at(end, length);
  return new FastBuffer(buffer.buffer, buffer.byteOffset + from, to > from ? to - from : 0);
}

define({
  toString(encoding, start, end) {
    if (arguments.length === 0) return buffer_text(this, 0, this.length, kUtf8);
    const from = lenient(start, 0, this.length);
    const to = lenient(end, this.length, this.length);
    if (from >= this.length || to <= from) return "";
    return buffer_text(this, from, to, encoding_of(encoding));
  },

  toLocaleString(...args) {
    return this.toString(...args);
  },

  toJSON() {
    return { type: "Buffer", data: Array.from(this) };
  },

  equals(other) {
    check_bytes(other, "otherBuffer");
    return this === other || (this.length === other.length && buffer_compare(this, other) === 0);
  },

  compare(target, target_start = 0, target_end = target?.length, start = 0, end = this.length) {
    check_bytes(target, "target");
    check_range(target_start, "targetStart", kMaxLength);
    check_range(target_end, "targetEnd", target.length);
    check_range(start, "sourceStart", kMaxLength);
    check_range(end, "sourceEnd", this.length);
    if (start >= end) return target_start >= target_end ? 0 : -1;
    if (target_start >= target_end) return 1;
    return buffer_compare(this.subarray(start, end), target.subarray(target_start, target_end));
  },

  indexOf(value, offset, encoding) {
    return find(this, value, offset, encoding, false);
  },

  lastIndexOf(value, offset, encoding) {
    return find(this, value, offset, encoding, true);
  },

  includes(value, offset, encoding) {
    return find(this, value, offset, encoding, false) !== -1;
  },

  copy(target, target_start = 0, start = 0, end = this.length) {
    check_bytes(this, "source");
    if (!ArrayBuffer.isView(target))
      throw invalid_arg_type("target", [ "Buffer", "Uint8Array" ], target);
    const to = Math.trunc(+target_start) || 0;
    const from = Math.trunc(+start) || 0;
    let stop = Math.trunc(+end) || 0;
    if (to < 0) throw out_of_range("targetStart", ">= 0", to);
    if (from < 0 || from > this.length)
      throw out_of_range("sourceStart", `>= 0 && <= ${this.length}`, from);
    if (stop < 0) throw out_of_range("sourceEnd", ">= 0", stop);
    if (to >= target.byteLength || from >= stop) return 0;
    stop = Math.min(stop, this.length, from + target.byteLength - to);
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    bytes.set(Uint8Array.prototype.subarray.call(this, from, stop), to);
    return stop - from;
  },

  write(string, offset, length, encoding) {
    validate_string(string, "argument");
    if (typeof offset === "string") {
      if (length !== undefined) throw invalid_arg_type("offset", "number", offset);
      encoding = offset;
      offset = undefined;
    } else if (typeof length === "string") {
      encoding = length;
      length = undefined;
    }
    const start = offset === undefined ? 0 : check_range(offset, "offset", this.length);
    const room = this.length - start;
    let size = room;
    if (length !== undefined) size = Math.min(check_range(length, "length", this.length), room);
    const number = encoding_of(encoding);
    return size === 0 ? 0 : buffer_write(string, this, start, start + size, number);
  },

  fill(value, start, end, encoding) {
    if (typeof value === "string") {
      if (typeof start === "string") {
        encoding = start;
        start = end = undefined;
      } else if (typeof end === "string") {
        encoding = end;
        end = undefined;
      }
      if (encoding !== undefined && typeof encoding !== "string") {
        throw invalid_arg_type("encoding", "string", encoding);
      }
    }
    const number = encoding_of(encoding);
    const from = start === undefined ? 0 : check_range(start, "offset", this.length);
    const to = end === undefined ? this.length : check_range(end, "end", this.length);
    if (from >= to) return this;
    let pattern = value;
    if (typeof value === "string" && value.length > 0) {
      pattern = from_string(value, encoding);
      if (pattern.length === 0) throw invalid_arg_value("value", value);
      if (number === kUtf8 && pattern.length === 1) [pattern] = pattern;
    }
    if (typeof pattern === "object" && pattern !== null)
      return fill_pattern(this, pattern, from, to);
    return Uint8Array.prototype.fill.call(
      this, typeof pattern === "string" ? 0 : pattern & 255, from, to);
  },

  slice(start, end) {
    return slice(this, start, end);
  },

  subarray(start, end) {
    return slice(this, start, end);
  },

  swap16() {
    return swap(this, 2);
  },

  swap32() {
    return swap(this, 4);
  },

  swap64() {
    return swap(this, 8);
  },

  [kInspect](depth, options) {
    const shown = Math.min(custom.inspect_max_bytes, this.length);
    let text = buffer_text(this, 0, shown, kHex).replace(/(.{2})/g, "$1 ").trim();
    const more = this.length - shown;
    if (more > 0) text += ` ... ${more} more byte${more > 1 ? "s" : ""}`;
    const extra = Object.keys(this).slice(this.length);
    if (extra.length > 0) {
      const own = {};
      for (const key of extra) own[key] = this[key];
      const inner = inspect(own, { ...options, breakLength: Infinity, compact: true });
      text += `${this.length > 0 ? ", " : ""}${inner.slice(2, -2)}`;
    }
    return `<${this.constructor.name} ${text}>`;
  },
});
Object.defineProperties(prototype, {
  inspect: { value: prototype[kInspect], writable: true, configurable: true, enumerable: true },
  parent: { enumerable: true, get() {
    return this instanceof FastBuffer ? this.buffer : undefined;
  } },
  offset: { enumerable: true, get() {
    return this instanceof FastBuffer ? this.byteOffset : undefined;
  } },
});

function fill_pattern(buffer, pattern, from, to) {
  const bytes = new Uint8Array(pattern.buffer, pattern.byteOffset, pattern.byteLength);
  if (bytes.length === 0) throw invalid_arg_value("value", pattern);
  const first = Math.min(bytes.length, to - from);
  buffer.set(bytes.subarray(0, first), from);
  for (let done = first; done < to - from; done *= 2) {
    Uint8Array.prototype.copyWithin.call(buffer, from + done, from,
      from + Math.min(done, to - from - done));
  }
  return buffer;
}

for (const [name, encoding] of [["utf8", kUtf8], ["latin1", kLatin1], ["ascii", kAscii],
  ["ucs2", kUtf16], ["hex", kHex], ["base64", kBase64], ["base64url", kBase64Url]]) {
  define({
    [`${name}Slice`](start = 0, end = this.length) {
      return buffer_text(this, start, end, encoding);
    },
    [`${name}Write`](string, offset = 0, length = this.length - offset) {
      validate_string(string, "argument");
      return buffer_write(string, this, offset, Math.min(offset + length, this.length), encoding);
    },
  });
}
add_numbers(define);

// --- the module's other exports ---

function SlowBuffer(size) {
  return Buffer.allocUnsafeSlow(size);
}
Object.setPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
Object.setPrototypeOf(SlowBuffer, Uint8Array);

const input_bytes = (value) => {
  if (ArrayBuffer.isView(value)) return value;
  if (is_any_buffer(value)) return new Uint8Array(value);
  throw invalid_arg_type("input", ["ArrayBuffer", "Buffer", "TypedArray"], value);
};
const isUtf8 = (input) => buffer_valid(input_bytes(input), false);
const isAscii = (input) => buffer_valid(input_bytes(input), true);

function transcode(source, from, to) {
  check_bytes(source, "source");
  const name = (encoding) => {
    const number = encoding_number(encoding);
    if (number === undefined || number > kUtf16) {
      throw coded(
        Error, "U_ILLEGAL_ARGUMENT_ERROR", "Unable to transcode Buffer [U_ILLEGAL_ARGUMENT_ERROR]");
    }
    return ["utf8", "latin1", "ascii", "utf16le"][number];
  };
  const text = Buffer.from(source).toString(name(from));
  const target = name(to);
  if (target === "utf8" || target === "utf16le") return Buffer.from(text, target);
  const limit = target === "ascii" ? 0x7f : 0xff;
  return Buffer.from(Array.from(text, (c) => (c.codePointAt(0) > limit ? 0x3f : c.codePointAt(0))));
}

const { Blob, File, atob, btoa } = globalThis;
const resolveObjectURL = () => undefined;
const constants = Object.freeze(
  { __proto__ : null, MAX_LENGTH : kMaxLength, MAX_STRING_LENGTH : kMaxStringLength });
const kStringMaxLength = kMaxStringLength;
const INSPECT_MAX_BYTES = 50;

export {
  Blob,
  Buffer,
  File,
  INSPECT_MAX_BYTES,
  SlowBuffer,
  atob,
  btoa,
  constants,
  isAscii,
  isUtf8,
  kMaxLength,
  kStringMaxLength,
  resolveObjectURL,
  transcode,
};
const buffer_module = {
  Blob, Buffer, File, SlowBuffer, atob, btoa, constants, isAscii, isUtf8, kMaxLength,
  kStringMaxLength, resolveObjectURL, transcode,
};
Object.defineProperty(buffer_module, "INSPECT_MAX_BYTES", {
  enumerable: true, configurable: true,
  get: () => custom.inspect_max_bytes,
  set(value) {
    validate_number(value, "INSPECT_MAX_BYTES", 0);
    custom.inspect_max_bytes = value;
  },
});
export default buffer_module;
