// URLSearchParams (URL standard, 6.2): a flat list [name, value, …].
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
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
  MathFloor,
  ObjectPrototypePropertyIsEnumerable,
  ReflectOwnKeys,
  StringPrototypeSlice,
  SymbolIterator,
  TypeError,
} from "../base/primordials.js";
import { require_args, to_usv_string } from "../base/webidl.js";

const { form_parse, form_serialize } = ops;

// Writes the query of a URL object; url.js gives it.
let set_query;
export function attach_url(setter) {
  set_query = setter;
}

export function parse_form_urlencoded(string) {
  return form_parse(string);
}

function list_from_pairs(pairs) {
  const list = [];
  for (const pair of pairs) {
    if ((typeof pair !== "object" && typeof pair !== "function") || pair === null) {
      throw new TypeError("Each query pair must be an iterable [name, value] tuple.");
    }
    const items = [];
    for (const item of pair) ArrayPrototypePush(items, to_usv_string(item));
    if (items.length !== 2) {
      throw new TypeError("Each query pair must be an iterable [name, value] tuple.");
    }
    ArrayPrototypePush(list, items[0], items[1]);
  }
  return list;
}

function list_from_record(record) {
  const list = [];
  const keys = ReflectOwnKeys(record);
  for (let i = 0; i < keys.length; i++) {
    if (!ObjectPrototypePropertyIsEnumerable(record, keys[i])) continue;
    const name = to_usv_string(keys[i]);
    const value = to_usv_string(record[keys[i]]);
    // A record keeps its keys apart after conversion too: the later value wins.
    let at = 0;
    while (at < list.length && list[at] !== name) at += 2;
    if (at < list.length) list[at + 1] = value;
    else ArrayPrototypePush(list, name, value);
  }
  return list;
}

function list_from_init(init) {
  if ((typeof init === "object" || typeof init === "function") && init !== null) {
    const iterator = init[SymbolIterator];
    if (iterator !== undefined && iterator !== null) {
      if (typeof iterator !== "function") throw new TypeError("init is not iterable");
      return list_from_pairs(init);
    }
    return list_from_record(init);
  }
  let string = to_usv_string(init);
  if (string[0] === "?") string = StringPrototypeSlice(string, 1);
  return form_parse(string);
}

// A stable merge sort by code units of the names.
function sorted(list) {
  if (list.length <= 2) return list;
  const half = MathFloor(list.length / 4) * 2;
  const left = [];
  const right = [];
  for (let i = 0; i < list.length; i++) ArrayPrototypePush(i < half ? left : right, list[i]);
  const a = sorted(left);
  const b = sorted(right);
  const out = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (j >= b.length || (i < a.length && a[i] <= b[j])) {
      ArrayPrototypePush(out, a[i], a[i + 1]);
      i += 2;
    } else {
      ArrayPrototypePush(out, b[j], b[j + 1]);
      j += 2;
    }
  }
  return out;
}

let get_list;
let set_list;

// delete() and has() once took no value.
function without_value(value) {
  return value === undefined || !has_flag("urlsearchparams_delete_has_value_arg");
}

export class URLSearchParams {
  #list;
  #url = null;

  constructor(init = "", url = undefined) {
    if (url !== undefined && init === kInternal) {
      this.#list = form_parse(url.query);
      this.#url = url.url;
      return;
    }
    this.#list = list_from_init(init);
  }

  static {
    get_list = (params) => (#list in params ? params.#list : undefined);
    set_list = (params, list) => {
      params.#list = list;
    };
  }

  #changed() {
    if (this.#url !== null) set_query(this.#url, form_serialize(this.#list));
  }

  get size() {
    return this.#list.length / 2;
  }

  append(name, value) {
    this.#list;
    require_args(arguments.length, 2, "append", "URLSearchParams");
    const key = to_usv_string(name);
    ArrayPrototypePush(this.#list, key, to_usv_string(value));
    this.#changed();
  }

  delete(name, value = undefined) {
    this.#list;
    require_args(arguments.length, 1, "delete", "URLSearchParams");
    const key = to_usv_string(name);
    const wanted = without_value(value) ? undefined : to_usv_string(value);
    pair_list_delete(this.#list, key, wanted);
    this.#changed();
  }

  get(name) {
    const list = this.#list;
    require_args(arguments.length, 1, "get", "URLSearchParams");
    const key = to_usv_string(name);
    return pair_list_get(list, key);
  }

  getAll(name) {
    const list = this.#list;
    require_args(arguments.length, 1, "getAll", "URLSearchParams");
    const key = to_usv_string(name);
    return pair_list_get_all(list, key);
  }

  has(name, value = undefined) {
    const list = this.#list;
    require_args(arguments.length, 1, "has", "URLSearchParams");
    const key = to_usv_string(name);
    const wanted = without_value(value) ? undefined : to_usv_string(value);
    return pair_list_has(list, key, wanted);
  }

  set(name, value) {
    this.#list;
    require_args(arguments.length, 2, "set", "URLSearchParams");
    const key = to_usv_string(name);
    const text = to_usv_string(value);
    pair_list_set(this.#list, key, text);
    this.#changed();
  }

  sort() {
    this.#list = sorted(this.#list);
    this.#changed();
  }

  toString() {
    return form_serialize(this.#list);
  }
}

define_pair_iterable(URLSearchParams, "URLSearchParams", (params) => {
  const list = get_list(params);
  if (list === undefined) return undefined;
  const pairs = [];
  for (let i = 0; i < list.length; i += 2) ArrayPrototypePush(pairs, [list[i], list[i + 1]]);
  return pairs;
});
expose_class(URLSearchParams, "URLSearchParams");

export function make_search_params(query, url) {
  return new URLSearchParams(kInternal, { __proto__: null, query, url });
}

export function update_search_params(params, query) {
  set_list(params, form_parse(query));
}

export function is_search_params(value) {
  return typeof value === "object" && value !== null && get_list(value) !== undefined;
}

export function search_params_string(params) {
  return form_serialize(get_list(params));
}
