// Headers (Fetch standard, 5.1). A list is flat: [lower-case name, value, name as given, …]. The
// headers of an incoming request stay in native memory until something needs the whole list.
import { has_flag } from "../base/flags.js";
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { expose_class } from "../base/expose.js";
import { define_pair_iterable } from "../base/iterable.js";
import {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  Map,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  ObjectPrototypePropertyIsEnumerable,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  SymbolIterator,
  TypeError,
} from "../base/primordials.js";
import { require_args, to_dom_string } from "../base/webidl.js";

const { request_header, request_headers, subrequest_header, subrequest_headers } = ops;

// Where headers lie that are still in native memory.
export const request_source = { __proto__: null, one: request_header, all: request_headers };
export const response_source = { __proto__: null, one: subrequest_header, all: subrequest_headers };

const name_pattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const max_known_names = 256;
// Names that were found valid, with their lower case.
const known_names = new Map();

export function lower_name(value) {
  const name = to_dom_string(value);
  const known = MapPrototypeGet(known_names, name);
  if (known !== undefined) return known;
  if (RegExpPrototypeExec(name_pattern, name) === null) throw new TypeError("Invalid header name.");
  const lower = StringPrototypeToLowerCase(name);
  if (MapPrototypeGetSize(known_names) < max_known_names) MapPrototypeSet(known_names, name, lower);
  return lower;
}

function is_space(code) {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function normal_value(input) {
  let value = to_dom_string(input);
  let start = 0;
  let end = value.length;
  while (start < end && is_space(StringPrototypeCharCodeAt(value, start))) start++;
  while (end > start && is_space(StringPrototypeCharCodeAt(value, end - 1))) end--;
  if (end - start < value.length) value = StringPrototypeSlice(value, start, end);
  if (StringPrototypeIndexOf(value, "\n") >= 0 || StringPrototypeIndexOf(value, "\r") >= 0 ||
      StringPrototypeIndexOf(value, "\0") >= 0) {
    throw new TypeError("Invalid header value.");
  }
  return value;
}

// The value of `lower` in a list, combined; null where there is none.
function list_get(list, lower) {
  let value = null;
  for (let i = 0; i < list.length; i += 3) {
    if (list[i] !== lower) continue;
    value = value === null ? list[i + 1] : value + (lower === "cookie" ? "; " : ", ") + list[i + 1];
  }
  return value;
}

function list_remove(list, lower, from) {
  for (let i = from; i < list.length;) {
    if (list[i] === lower) ArrayPrototypeSplice(list, i, 3);
    else i += 3;
  }
}

function fill(list, init) {
  if (typeof init !== "object" && typeof init !== "function") {
    throw new TypeError("Headers init must be a Headers object, a sequence of pairs or a record.");
  }
  if (init === null) throw new TypeError("Headers init must not be null.");
  const iterator = init[SymbolIterator];
  if (is_headers(init) && iterator === headers_iterator) return push_all(list, get_list(init));
  if (iterator !== undefined && iterator !== null) return fill_pairs(list, init);
  const keys = ReflectOwnKeys(init);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (!ObjectPrototypePropertyIsEnumerable(init, key)) continue;
    const lower = lower_name(key);
    append(list, lower, normal_value(init[key]), key);
  }
}

function push_all(list, other) {
  for (let i = 0; i < other.length; i++) ArrayPrototypePush(list, other[i]);
}

function fill_pairs(list, init) {
  for (const pair of init) {
    if (typeof pair !== "object" || pair === null) {
      throw new TypeError("Headers init must be a sequence of pairs.");
    }
    const items = [];
    for (const item of pair) ArrayPrototypePush(items, to_dom_string(item));
    if (items.length !== 2) {
      throw new TypeError(
        "To initialize a Headers object from a sequence, each inner sequence must " +
        `have exactly two elements, but one has ${items.length}.`);
    }
    append(list, lower_name(items[0]), normal_value(items[1]), items[0]);
  }
}

function append(list, lower, value, name) {
  ArrayPrototypePush(list, lower, value, name);
}

// [[name, value], …] sorted and combined, as iteration shows them.
function sorted_pairs(list) {
  const names = [];
  for (let i = 0; i < list.length; i += 3) {
    // Insertion sort: lists are short, and mostly few.
    const name = list[i];
    let at = names.length;
    while (at > 0 && names[at - 1] > name) at--;
    if (at === 0 || names[at - 1] !== name) ArrayPrototypeSplice(names, at, 0, name);
  }
  const pairs = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (name !== "set-cookie" || !has_flag("http_headers_getsetcookie")) {
      ArrayPrototypePush(pairs, [name, list_get(list, name)]);
      continue;
    }
    for (let j = 0; j < list.length; j += 3) {
      if (list[j] === name) ArrayPrototypePush(pairs, [name, list[j + 1]]);
    }
  }
  return pairs;
}

let is_headers;
let get_list;

export class Headers {
  #list;       // null while the headers are still in native memory
  #source = null;  // and which: request_source or response_source,
  #id = 0;         // of this event or subrequest
  #immutable = false;

  constructor(init = undefined, id = undefined, immutable = undefined) {
    if (init === kInternal) {
      // (kInternal, id, source): in native memory; (kInternal, list, immutable).
      if (typeof id === "number") {
        this.#list = null;
        this.#id = id;
        this.#source = immutable;
        this.#immutable = true;
      } else {
        this.#list = id;
        this.#immutable = immutable === true;
      }
      return;
    }
    this.#list = [];
    if (init !== undefined) fill(this.#list, init);
  }

  static {
    is_headers = (value) => typeof value === "object" && value !== null && #list in value;
    get_list = (headers) => headers.#whole();
  }

  #whole() {
    return (this.#list ??= this.#source.all(this.#id));
  }

  #mutable() {
    const list = this.#list;
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
    return list;
  }

  get(name) {
    require_args(arguments.length, 1, "get", "Headers");
    const list = this.#list;
    const lower = lower_name(name);
    return list === null ? this.#source.one(this.#id, lower) : list_get(list, lower);
  }

  has(name) {
    require_args(arguments.length, 1, "has", "Headers");
    const list = this.#list;
    const lower = lower_name(name);
    return (list === null ? this.#source.one(this.#id, lower) : list_get(list, lower)) !== null;
  }

  set(name, value) {
    require_args(arguments.length, 2, "set", "Headers");
    this.#list;
    const lower = lower_name(name);
    const normal = normal_value(value);
    const list = this.#mutable();
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] !== lower) continue;
      list[i + 1] = normal;
      list[i + 2] = to_dom_string(name);
      list_remove(list, lower, i + 3);
      return;
    }
    append(list, lower, normal, to_dom_string(name));
  }

  append(name, value) {
    require_args(arguments.length, 2, "append", "Headers");
    this.#list;
    const lower = lower_name(name);
    const normal = normal_value(value);
    append(this.#mutable(), lower, normal, to_dom_string(name));
  }

  delete(name) {
    require_args(arguments.length, 1, "delete", "Headers");
    this.#list;
    const lower = lower_name(name);
    list_remove(this.#mutable(), lower, 0);
  }

  getSetCookie() {
    return this.#all("set-cookie");
  }

  getAll(name) {
    require_args(arguments.length, 1, "getAll", "Headers");
    if (lower_name(name) !== "set-cookie") {
      throw new TypeError("getAll() can only be used with the header name \"Set-Cookie\".");
    }
    return this.#all("set-cookie");
  }

  #all(lower) {
    const list = this.#whole();
    const values = [];
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] === lower) ArrayPrototypePush(values, list[i + 1]);
    }
    return values;
  }
}

define_pair_iterable(Headers, "Headers", (headers) => {
  if (!is_headers(headers)) return undefined;
  return sorted_pairs(get_list(headers));
});
expose_class(Headers, "Headers");
const headers_iterator = Headers.prototype[SymbolIterator];

export { get_list as headers_list, is_headers };

// A list of our own from whatever `headers` of an init dictionary is.
export function list_from_init(init) {
  const list = [];
  if (init !== undefined) fill(list, init);
  return list;
}

export { list_get };

// A copy without that header.
export function list_without(list, lower) {
  const copy = ArrayPrototypeSlice(list);
  list_remove(copy, lower, 0);
  return copy;
}
export function copy_list(list) {
  return ArrayPrototypeSlice(list);
}
