// node:string_decoder: text from chunks of bytes, whose characters may lie across their borders.
import { Buffer } from "./buffer.part.js";
import { invalid_arg_type, unknown_encoding } from "./lib/errors.js";

function normal_encoding(name) {
  if (name === undefined || name === null || name === "") return "utf8";
  if (!Buffer.isEncoding(name)) throw unknown_encoding(name);
  switch (`${name}`.toLowerCase()) {
    case "utf8": case "utf-8": return "utf8";
    case "ucs2": case "ucs-2": case "utf16le": case "utf-16le": return "utf16le";
    case "latin1": case "binary": return "latin1";
    default: return `${name}`.toLowerCase();
  }
}

// How many bytes at the end of `bytes` begin a character of UTF-8 that is not complete.
function incomplete_utf8(bytes) {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3
      : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
    if (needed <= back) return 0;
    // What cannot begin a character any more is not waited for.
    const second = back > 1 ? bytes[length - back + 1] : 0x80;
    const bad = (byte === 0xe0 && second < 0xa0 && back > 1) || (byte === 0xed && second > 0x9f) ||
      (byte === 0xf0 && second < 0x90 && back > 1) || (byte === 0xf4 && second > 0x8f);
    return bad ? 0 : back;
  }
  return 0;
}

function incomplete(encoding, bytes) {
  if (encoding === "utf8") return incomplete_utf8(bytes);
  if (encoding === "base64" || encoding === "base64url") return bytes.length % 3;
  if (encoding !== "utf16le") return 0;
  const odd = bytes.length % 2;
  const last = bytes.length - odd - 1;  // the high byte of the last whole unit
  return last > 0 && bytes[last] >= 0xd8 && bytes[last] <= 0xdb ? odd + 2 : odd;
}

function StringDecoder(encoding) {
  this.encoding = normal_encoding(encoding);
  this._rest = Buffer.alloc(0);
}

StringDecoder.prototype.write = function (chunk) {
  if (typeof chunk === "string") return chunk;
  if (!ArrayBuffer.isView(chunk)) {
    throw invalid_arg_type("buf", ["Buffer", "TypedArray", "DataView"], chunk);
  }
  let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (this._rest.length > 0) bytes = Buffer.concat([this._rest, bytes]);
  const keep = incomplete(this.encoding, bytes);
  const end = bytes.length - keep;
  this._rest = keep > 0 ? Buffer.from(bytes.subarray(end)) : Buffer.alloc(0);
  return bytes.toString(this.encoding, 0, end);
};

StringDecoder.prototype.end = function (chunk) {
  let text = chunk === undefined ? "" : this.write(chunk);
  if (this._rest.length > 0) {
    text += this._rest.toString(this.encoding);
    this._rest = Buffer.alloc(0);
  }
  return text;
};

StringDecoder.prototype.text = function (chunk, offset) {
  this._rest = Buffer.alloc(0);
  return this.write(chunk.subarray(offset));
};

Object.defineProperties(StringDecoder.prototype, {
  lastChar: { enumerable: true, configurable: true, get() {
    return this._rest;
  } },
  lastNeed: { enumerable: true, configurable: true, get() {
    if (this._rest.length === 0) return 0;
    if (this.encoding === "utf8") {
      const [lead] = this._rest;
      return (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2) - this._rest.length;
    }
    return this.encoding === "utf16le" ? 2 - this._rest.length % 2 : 3 - this._rest.length;
  } },
  lastTotal: { enumerable: true, configurable: true, get() {
    return this._rest.length === 0 ? 0 : this._rest.length + this.lastNeed;
  } },
});

export { StringDecoder };
export default { StringDecoder };
