// FormData (XMLHttpRequest standard, 5), its multipart form (RFC 7578) and the parser of both
// encodings.
import { ops } from "../base/ops.js";
import { expose_class } from "../base/expose.js";
import { has_flag } from "../base/flags.js";
import { define_pair_iterable } from "../base/iterable.js";
import {
  pair_list_delete,
  pair_list_get,
  pair_list_get_all,
  pair_list_has,
  pair_list_set,
} from "../base/pair_list.js";
import {
  ArrayPrototypePush,
  RegExpPrototypeExec,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} from "../base/primordials.js";
import { require_args, to_usv_string } from "../base/webidl.js";
import { parse_form_urlencoded } from "../url/search_params.js";
import { blob_bytes, blob_type, file_last_modified, file_name, is_blob, is_file, make_file } from "./blob.js";

const { form_boundary, form_find, utf8_decode, utf8_encode } = ops;

let get_list;

// The value of an entry: blobs become files.
function entry_value(value, name, given) {
  if (!is_blob(value)) {
    if (given) throw new TypeError("A file name goes with a Blob only.");
    return to_usv_string(value);
  }
  if (is_file(value) && !given) return value;
  return make_file(blob_bytes(value), blob_type(value), given ? to_usv_string(name) : "blob",
    is_file(value) ? file_last_modified(value) : undefined);
}

export class FormData {
  #list = [];  // [name, value, …]

  constructor(form = undefined) {
    if (form !== undefined) throw new TypeError("FormData takes no form: there is no document.");
  }

  static {
    get_list = (form) => (#list in form ? form.#list : undefined);
  }

  append(name, value, filename = undefined) {
    this.#list;
    require_args(arguments.length, 2, "append", "FormData");
    const key = to_usv_string(name);
    ArrayPrototypePush(this.#list, key, entry_value(value, filename, arguments.length > 2));
  }

  set(name, value, filename = undefined) {
    this.#list;
    require_args(arguments.length, 2, "set", "FormData");
    const key = to_usv_string(name);
    const entry = entry_value(value, filename, arguments.length > 2);
    pair_list_set(this.#list, key, entry);
  }

  delete(name) {
    this.#list;
    require_args(arguments.length, 1, "delete", "FormData");
    const key = to_usv_string(name);
    pair_list_delete(this.#list, key, undefined);
  }

  get(name) {
    const list = this.#list;
    require_args(arguments.length, 1, "get", "FormData");
    const key = to_usv_string(name);
    return pair_list_get(list, key);
  }

  getAll(name) {
    const list = this.#list;
    require_args(arguments.length, 1, "getAll", "FormData");
    const key = to_usv_string(name);
    return pair_list_get_all(list, key);
  }

  has(name) {
    const list = this.#list;
    require_args(arguments.length, 1, "has", "FormData");
    const key = to_usv_string(name);
    return pair_list_has(list, key, undefined);
  }
}

define_pair_iterable(FormData, "FormData", (form) => {
  const list = get_list(form);
  if (list === undefined) return undefined;
  const pairs = [];
  for (let i = 0; i < list.length; i += 2) ArrayPrototypePush(pairs, [list[i], list[i + 1]]);
  return pairs;
});
expose_class(FormData, "FormData");

export function is_form_data(value) {
  return typeof value === "object" && value !== null && get_list(value) !== undefined;
}

export const form_data_list = (form) => get_list(form);

// --- writing ---

function escape_name(name) {
  let out = "";
  for (let i = 0; i < name.length; i++) {
    const c = name[i];
    out += c === "\n" ? "%0A" : c === "\r" ? "%0D" : c === "\"" ? "%22" : c;
  }
  return out;
}

// Line ends of names and text values become CRLF.
function normal_lines(text) {
  if (StringPrototypeIndexOf(text, "\n") < 0 && StringPrototypeIndexOf(text, "\r") < 0) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\r") {
      out += "\r\n";
      if (text[i + 1] === "\n") i++;
    } else {
      out += c === "\n" ? "\r\n" : c;
    }
  }
  return out;
}

export function encode_form_data(form) {
  const boundary = form_boundary();
  const list = get_list(form);
  const chunks = [];
  let length = 0;
  const push = (bytes) => {
    ArrayPrototypePush(chunks, bytes);
    length += TypedArrayPrototypeGetByteLength(bytes);
  };
  for (let i = 0; i < list.length; i += 2) {
    const value = list[i + 1];
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="` +
      `${escape_name(normal_lines(list[i]))}"`;
    if (typeof value === "string") {
      push(utf8_encode(`${head}\r\n\r\n${normal_lines(value)}\r\n`));
      continue;
    }
    push(utf8_encode(`${head}; filename="${escape_name(file_name(value))}"\r\nContent-Type: ` +
      `${blob_type(value) || "application/octet-stream"}\r\n\r\n`));
    push(blob_bytes(value));
    push(utf8_encode("\r\n"));
  }
  push(utf8_encode(`--${boundary}--\r\n`));
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArrayPrototypeSet(bytes, chunks[i], at);
    at += TypedArrayPrototypeGetByteLength(chunks[i]);
  }
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

// --- parsing ---

function malformed(what) {
  return new TypeError(`Failed to parse the body as multipart/form-data: ${what}.`);
}

const boundary_pattern = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const name_pattern = /;\s*name=(?:"([^"]*)"|([^\s;]+))/i;
const filename_pattern = /;\s*filename=(?:"([^"]*)"|([^\s;]+))/i;

function match(pattern, text) {
  const found = RegExpPrototypeExec(pattern, text);
  return found === null ? undefined : found[1] ?? found[2];
}

function unescape_name(name) {
  let out = "";
  for (let i = 0; i < name.length; i++) {
    const three = name[i] === "%" ? StringPrototypeSlice(name, i, i + 3) : "";
    const c = three === "%22" ? "\"" : three === "%0A" ? "\n" : three === "%0D" ? "\r" : "";
    out += c === "" ? name[i] : c;
    if (c !== "") i += 2;
  }
  return out;
}

// The headers of a part: {name, filename, type}.
function part_head(text) {
  const head = { __proto__: null, name: undefined, filename: undefined, type: "" };
  for (let start = 0; start < text.length;) {
    let end = StringPrototypeIndexOf(text, "\r\n", start);
    if (end < 0) end = text.length;
    const line = StringPrototypeSlice(text, start, end);
    start = end + 2;
    const colon = StringPrototypeIndexOf(line, ":");
    if (colon < 0) throw malformed("a part has a line that is no header");
    const name = StringPrototypeToLowerCase(
      StringPrototypeTrim(StringPrototypeSlice(line, 0, colon)));
    const value = StringPrototypeTrim(StringPrototypeSlice(line, colon + 1));
    if (name === "content-type") head.type = value;
    if (name !== "content-disposition") continue;
    head.name = match(name_pattern, value);
    head.filename = match(filename_pattern, value);
  }
  if (head.name === undefined) throw malformed("a part has no name");
  return head;
}

function add_part(list, head, content) {
  const name = unescape_name(head.name);
  if (head.filename === undefined || !has_flag("formdata_parser_supports_files")) {
    ArrayPrototypePush(list, name, utf8_decode(content));
  } else {
    ArrayPrototypePush(list, name,
      make_file(TypedArrayPrototypeSlice(content), head.type || "text/plain",
                unescape_name(head.filename)));
  }
}

function parse_multipart(bytes, boundary, list) {
  const open = utf8_encode(`--${boundary}`);
  const between = utf8_encode(`\r\n--${boundary}`);
  const blank = utf8_encode("\r\n\r\n");
  const open_length = TypedArrayPrototypeGetByteLength(open);
  // A preamble before the first boundary is skipped.
  let at = form_find(bytes, open, 0);
  if (at < 0) throw malformed("the boundary is missing");
  at += open_length;
  for (;;) {
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return;
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a) throw malformed("a boundary's line goes on");
    at += 2;
    const body = form_find(bytes, blank, at);
    if (body < 0) throw malformed("a part has no end of its headers");
    const end = form_find(bytes, between, body + 2);
    if (end < 0) throw malformed("a part has no end");
    const head = part_head(utf8_decode(TypedArrayPrototypeSubarray(bytes, at, body)));
    const start = body + 4 > end ? end : body + 4;
    add_part(list, head, TypedArrayPrototypeSubarray(bytes, start, end));
    at = end + 2 + open_length;
  }
}

// A FormData from a body and its Content-Type; throws TypeError.
export function parse_form_data(bytes, content_type) {
  const form = new FormData();
  const list = get_list(form);
  let end = StringPrototypeIndexOf(content_type, ";");
  if (end < 0) end = content_type.length;
  const type = StringPrototypeToLowerCase(
    StringPrototypeTrim(StringPrototypeSlice(content_type, 0, end)));
  if (type === "application/x-www-form-urlencoded") {
    const pairs = parse_form_urlencoded(utf8_decode(bytes));
    for (let i = 0; i < pairs.length; i++) ArrayPrototypePush(list, pairs[i]);
    return form;
  }
  if (type === "multipart/form-data") {
    const boundary = match(boundary_pattern, content_type);
    if (boundary === undefined) {
      throw new TypeError(
        "No boundary string in Content-Type header. The multipart/form-data MIME " +
        "type requires a boundary parameter, e.g. 'Content-Type: multipart/form-data; " +
        "boundary=\"abcd\"'. See RFC 7578, section 4.");
    }
    parse_multipart(bytes, boundary, list);
    return form;
  }
  throw new TypeError(
    `Unrecognized Content-Type header value. FormData can only parse the following ` +
    "MIME types: multipart/form-data, application/x-www-form-urlencoded");
}
