// fetch() of a data: URL (Fetch standard, "data: URL processor").
import { ops } from "../base/ops.js";
import {
  RegExpPrototypeExec,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSubarray,
  TypeError,
  Uint8Array,
} from "../base/primordials.js";
import { parse_mime_type, serialize_mime_type } from "./mime.part.js";
import { response_of_data } from "./response.js";

const { base64_decode } = ops;

const base64_end = /^([^]*); *base64$/i;
const spaces = /^[\t\n\f\r ]*([^]*?)[\t\n\f\r ]*$/;

function hex_digit(code) {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

// "Percent-decode" of a string of ASCII.
function percent_decode(text) {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let code = StringPrototypeCharCodeAt(text, i);
    if (code === 0x25 && i + 2 < text.length) {
      const high = hex_digit(StringPrototypeCharCodeAt(text, i + 1));
      const low = hex_digit(StringPrototypeCharCodeAt(text, i + 2));
      if (high >= 0 && low >= 0) {
        code = high * 16 + low;
        i += 2;
      }
    }
    bytes[length++] = code;
  }
  return TypedArrayPrototypeSubarray(bytes, 0, length);
}

function latin1(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  let text = "";
  for (let i = 0; i < length; i++) text += StringFromCharCode(bytes[i]);
  return text;
}

function from_base64(bytes) {
  const text = base64_decode(latin1(bytes));
  if (text === undefined) return undefined;
  const decoded = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) decoded[i] = StringPrototypeCharCodeAt(text, i);
  return decoded;
}

// url: serialised, without its fragment.
export function fetch_data_url(url, method) {
  const comma = StringPrototypeIndexOf(url, ",");
  const failed = () => new TypeError(`Fetch API cannot load: ${url}`);
  if (comma < 0) throw failed();
  let type = RegExpPrototypeExec(spaces, StringPrototypeSlice(url, 5, comma))[1];
  let body = percent_decode(StringPrototypeSlice(url, comma + 1));
  const coded = RegExpPrototypeExec(base64_end, type);
  if (coded !== null) {
    body = from_base64(body);
    if (body === undefined) throw failed();
    type = coded[1];
  }
  if (StringPrototypeStartsWith(type, ";")) type = "text/plain" + type;
  const mime = parse_mime_type(type);
  const text = mime === undefined ? "text/plain;charset=US-ASCII" : serialize_mime_type(mime);
  return response_of_data(method === "HEAD" ? null : body, text, url);
}
