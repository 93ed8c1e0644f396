// TextEncoder, TextDecoder and their streams (Encoding Standard), atob and btoa (HTML standard).
import { ops } from "../base/ops.js";
import { expose_class, expose_function } from "../base/expose.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  Map,
  MapPrototypeGet,
  MapPrototypeSet,
  RangeError,
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypeError,
  TypedArrayPrototypeFill,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint32Array,
  Uint8Array,
} from "../base/primordials.js";
import { require_args, to_dictionary, to_dom_string } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { expose_lazy, load_part } from "../parts/parts.js";

const { encoding_decode, encoding_encode_into, base64_decode, base64_encode, utf8_encode } = ops;

// As Encoding in encoding.cc, with the names that `encoding` gives. Numbers above are legacy encodings.
const names = ["utf-8", "utf-16le", "utf-16be", "windows-1252"];
const label_lists = [
  ["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8", "x-unicode20utf8"],
  ["csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le"],
  ["unicodefffe", "utf-16be"],
  ["ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1",
    "iso-ir-100", "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii",
    "windows-1252", "x-cp1252"],
];
const labels = new Map();
for (let i = 0; i < label_lists.length; i++) {
  for (let j = 0; j < label_lists[i].length; j++) MapPrototypeSet(labels, label_lists[i][j], i);
}

const kWindows1252 = 3;

export function encoding_name(encoding) {
  return encoding <= kWindows1252 ? names[encoding]
    : load_part("encoding/legacy_labels").legacy_name(encoding);
}

function is_space(code) {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d;
}

function encoding_of(label) {
  let start = 0;
  let end = label.length;
  while (start < end && is_space(StringPrototypeCharCodeAt(label, start))) start++;
  while (end > start && is_space(StringPrototypeCharCodeAt(label, end - 1))) end--;
  const name = StringPrototypeToLowerCase(StringPrototypeSlice(label, start, end));
  const encoding = MapPrototypeGet(labels, name) ??
    load_part("encoding/legacy_labels").legacy_encoding(name);
  if (encoding === undefined) {
    throw new RangeError(`"${label}" is not a valid encoding.`);
  }
  return encoding;
}

export function is_buffer_source(value) {
  if (ArrayBufferIsView(value)) return true;
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

// Where encoding_encode_into writes its two counts.
const counts = new Uint32Array(2);

export class TextEncoder {
  #brand;

  get encoding() {
    this.#brand;
    return "utf-8";
  }

  encode(input = "") {
    this.#brand;
    return utf8_encode(to_dom_string(input));
  }

  encodeInto(source, destination) {
    this.#brand;
    require_args(arguments.length, 2, "encodeInto", "TextEncoder");
    const text = to_dom_string(source);
    if (TypedArrayPrototypeGetSymbolToStringTag(destination) !== "Uint8Array") {
      throw new TypeError("The destination of encodeInto must be a Uint8Array.");
    }
    encoding_encode_into(text, destination, counts);
    return { read: counts[0], written: counts[1] };
  }
}

// The decoding that TextDecoder and TextDecoderStream share.
export class Decoder {
  constructor(label, options) {
    this.encoding = encoding_of(to_dom_string(label));
    const dict = to_dictionary(options, "The options of a TextDecoder");
    this.fatal = !!dict.fatal;
    this.ignore_bom = !!dict.ignoreBOM;
    this.state = new Uint8Array(5);
    this.begun = false;  // a character has come out, so what follows is no byte order mark
  }

  reset() {
    TypedArrayPrototypeFill(this.state, 0);
    this.begun = false;
  }

  decode(input, stream) {
    let text = encoding_decode(this.encoding, input, this.state, stream, this.fatal);
    if (text === undefined) {
      this.reset();
      throw new TypeError("Failed to decode input.");
    }
    if (!this.begun && text.length > 0) {
      this.begun = true;
      const marked = StringPrototypeCharCodeAt(text, 0) === 0xfeff;
      if (marked && !this.ignore_bom && this.encoding < kWindows1252) {
        text = StringPrototypeSlice(text, 1);
      }
    }
    if (!stream) this.reset();
    return text;
  }
}

export const nothing = new Uint8Array(0);

export class TextDecoder {
  #decoder;

  constructor(label = "utf-8", options = undefined) {
    this.#decoder = new Decoder(label, options);
  }

  get encoding() {
    return encoding_name(this.#decoder.encoding);
  }
  get fatal() {
    return this.#decoder.fatal;
  }
  get ignoreBOM() {
    return this.#decoder.ignore_bom;
  }

  decode(input = undefined, options = undefined) {
    const decoder = this.#decoder;
    const stream = !!to_dictionary(options, "The options of decode").stream;
    if (input === undefined) return decoder.decode(nothing, stream);
    if (!is_buffer_source(input)) {
      throw new TypeError("The input of decode must be an ArrayBuffer or a view of one.");
    }
    return decoder.decode(input, stream);
  }
}

function atob(data) {
  require_args(arguments.length, 1, "atob", "ServiceWorkerGlobalScope");
  const result = base64_decode(to_dom_string(data));
  if (result === undefined) {
    throw new DOMException("atob() called with invalid base64-encoded data.",
      "InvalidCharacterError");
  }
  return result;
}

function btoa(data) {
  require_args(arguments.length, 1, "btoa", "ServiceWorkerGlobalScope");
  const result = base64_encode(to_dom_string(data));
  if (result === undefined) {
    throw new DOMException("btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) " +
      "range.", "InvalidCharacterError");
  }
  return result;
}

expose_class(TextEncoder, "TextEncoder");
expose_class(TextDecoder, "TextDecoder");
expose_lazy("TextEncoderStream", "encoding/streams");
expose_lazy("TextDecoderStream", "encoding/streams");
expose_function(atob, "atob");
expose_function(btoa, "btoa");
