// MIME types (MIME Sniffing standard, section 4) and how headers tell them (Fetch standard,
// "extract a MIME type").
import {
  ArrayPrototypePush,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
} from "../base/primordials.js";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const quoted_text = /^[\t\x20-\x7e\x80-\xff]*$/;

const is_token = (text) => RegExpPrototypeExec(token, text) !== null;

function is_space(text, at) {
  const code = StringPrototypeCharCodeAt(text, at);
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function trim_end(text) {
  let end = text.length;
  while (end > 0 && is_space(text, end - 1)) end--;
  return StringPrototypeSlice(text, 0, end);
}

function trim(text) {
  let start = 0;
  while (start < text.length && is_space(text, start)) start++;
  return trim_end(StringPrototypeSlice(text, start));
}

function index_or_end(text, what, from) {
  const at = StringPrototypeIndexOf(text, what, from);
  return at < 0 ? text.length : at;
}

// "Collect an HTTP quoted string": `at` is that of the first quotation mark. {value, at} without the
// marks and backslashes.
function quoted_string(text, at) {
  let value = "";
  for (at++; at < text.length; at++) {
    const c = text[at];
    if (c === "\"") return { __proto__: null, value, at: at + 1 };
    if (c === "\\") {
      if (++at === text.length) return { __proto__: null, value: value + "\\", at };
    }
    value += text[at];
  }
  return { __proto__: null, value, at };
}

// The type of `text`: {essence, names, values}; undefined for failure.
export function parse_mime_type(text) {
  const input = trim(text);
  const slash = StringPrototypeIndexOf(input, "/");
  if (slash < 0) return undefined;
  let at = index_or_end(input, ";", slash);
  const type = StringPrototypeSlice(input, 0, slash);
  const subtype = trim_end(StringPrototypeSlice(input, slash + 1, at));
  if (!is_token(type) || !is_token(subtype)) return undefined;
  const mime = {
    __proto__: null, essence: StringPrototypeToLowerCase(`${type}/${subtype}`), names: [], values: [],
  };
  while (at < input.length) {
    at++;
    while (at < input.length && is_space(input, at)) at++;
    const begin = at;
    while (at < input.length && input[at] !== ";" && input[at] !== "=") at++;
    const name = StringPrototypeToLowerCase(StringPrototypeSlice(input, begin, at));
    if (at >= input.length) break;
    if (input[at] === ";") continue;
    at++;
    if (at >= input.length) break;
    let value;
    if (input[at] === "\"") {
      const quoted = quoted_string(input, at);
      value = quoted.value;
      at = index_or_end(input, ";", quoted.at);
    } else {
      const end = index_or_end(input, ";", at);
      value = trim_end(StringPrototypeSlice(input, at, end));
      at = end;
      if (value === "") continue;
    }
    if (is_token(name) && RegExpPrototypeExec(quoted_text, value) !== null &&
        parameter(mime, name) === undefined) {
      ArrayPrototypePush(mime.names, name);
      ArrayPrototypePush(mime.values, value);
    }
  }
  return mime;
}

function parameter(mime, name) {
  for (let i = 0; i < mime.names.length; i++) {
    if (mime.names[i] === name) return mime.values[i];
  }
  return undefined;
}

export function serialize_mime_type(mime) {
  let text = mime.essence;
  for (let i = 0; i < mime.names.length; i++) {
    const value = mime.values[i];
    text += `;${mime.names[i]}=`;
    if (is_token(value)) {
      text += value;
      continue;
    }
    let escaped = "";
    for (let j = 0; j < value.length; j++) {
      escaped += value[j] === "\"" || value[j] === "\\" ? "\\" + value[j] : value[j];
    }
    text += `"${escaped}"`;
  }
  return text;
}

// "Get, decode, and split", of a header's values joined by commas.
function split_value(text) {
  const list = [];
  let part = "";
  for (let at = 0; at < text.length;) {
    if (text[at] === "\"") {
      const end = quoted_string(text, at).at;
      part += StringPrototypeSlice(text, at, end);
      at = end;
    } else if (text[at] === ",") {
      ArrayPrototypePush(list, trim(part));
      part = "";
      at++;
    } else {
      part += text[at++];
    }
  }
  ArrayPrototypePush(list, trim(part));
  return list;
}

// The serialised type that the Content-Type header `text` means; "" for failure.
export function extract_mime_type(text) {
  const values = split_value(text);
  let found;
  let charset;
  let essence;
  for (let i = 0; i < values.length; i++) {
    const mime = parse_mime_type(values[i]);
    if (mime === undefined || mime.essence === "*/*") continue;
    found = mime;
    if (mime.essence !== essence) {
      charset = parameter(mime, "charset");
      essence = mime.essence;
    } else if (parameter(mime, "charset") === undefined && charset !== undefined) {
      ArrayPrototypePush(mime.names, "charset");
      ArrayPrototypePush(mime.values, charset);
    }
  }
  return found === undefined ? "" : serialize_mime_type(found);
}
