// Values as text for the log, as Node.js prints them. Reads no accessor of the user's, runs no trap of a
// proxy, and is bounded in depth, in entries and in length.
import {
  ArrayBufferPrototypeGetByteLength,
  ArrayIsArray,
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypePush,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  DatePrototypeToISOString,
  ErrorPrototypeToString,
  FunctionPrototypeToString,
  JSONStringify,
  Map,
  MapPrototypeForEach,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathFloor,
  MathMax,
  MathMin,
  MathPow,
  Number,
  NumberParseFloat,
  NumberParseInt,
  NumberPrototypeToString,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectIs,
  ObjectPrototypePropertyIsEnumerable,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  RegExpPrototypeToString,
  SetPrototypeForEach,
  SetPrototypeGetSize,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypePadEnd,
  StringPrototypePadStart,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToUpperCase,
  SymbolPrototypeToString,
  SymbolToStringTag,
  TypedArrayPrototypeGetLength,
  Uint8Array,
} from "../base/primordials.js";
import { own_ops } from "../parts/own_ops.js";
import { is_dom_exception } from "../dom/dom_exception.js";
import { shown_fields } from "./platform.js";

const { inspect_entries, inspect_keys, inspect_kind, inspect_promise, inspect_proxy_target } = own_ops;

// As Kind in inspect.cc: what an object is by its internal slots.
const kPlain = 0;
const kArguments = 1;
const kArrayBuffer = 2;
const kBoxed = 3;
const kDataView = 4;
const kDate = 5;
const kError = 6;
const kGenerator = 7;
const kMap = 8;
const kModule = 9;
const kPromise = 10;
const kProxy = 11;
const kRegExp = 12;
const kSet = 13;
const kTyped = 14;
const kWeak = 15;
const kAsyncFunction = 16;
const kGeneratorFunction = 17;
const kIterator = 18;

const default_depth = 2;
const max_depth = 50;
const max_entries = 100;
const max_string = 10000;
const max_total = 400000;      // characters; then the rest is cut short
const break_length = 80;
const compact_levels = 3;
const key_pattern = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

// --- strings ---

const escapes = { __proto__: null, "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\" };

function escape_char(char) {
  if (escapes[char] !== undefined) return escapes[char];
  const hex = StringPrototypeToUpperCase(NumberPrototypeToString(StringPrototypeCharCodeAt(char, 0), 16));
  return hex.length <= 2 ? `\\x${StringPrototypePadStart(hex, 2, "0")}` : `\\u${hex}`;
}

const must_escape = /[\x00-\x1f'\\\x7f-\x9f\ud800-\udfff]/;

function quote(string) {
  if (RegExpPrototypeExec(must_escape, string) === null) return `'${string}'`;
  let mark = "'";
  if (StringPrototypeIncludes(string, "'")) {
    if (!StringPrototypeIncludes(string, "\"")) mark = "\"";
    else if (!StringPrototypeIncludes(string, "`") && !StringPrototypeIncludes(string, "${")) mark = "`";
  }
  let out = "";
  for (let i = 0; i < string.length; i++) {
    const char = string[i];
    const code = StringPrototypeCharCodeAt(string, i);
    if (code >= 0xd800 && code <= 0xdbff && i + 1 < string.length) {
      const next = StringPrototypeCharCodeAt(string, i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        out += char + string[++i];
        continue;
      }
    }
    if (char === mark) out += `\\${char}`;
    else if (char === "\\" || code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xdfff)) {
      out += escape_char(char);
    } else {
      out += char;
    }
  }
  return mark + out + mark;
}

function show_number(number) {
  return ObjectIs(number, -0) ? "-0" : `${number}`;
}

function show_key(key) {
  if (typeof key === "symbol") return `[${SymbolPrototypeToString(key)}]`;
  if (key === "__proto__") return "['__proto__']";
  return RegExpPrototypeExec(key_pattern, key) !== null ? key : quote(key);
}

// --- what objects are ---

// The value of a data property, own or inherited; undefined of anything else.
function data_property(object, key) {
  for (let at = object, n = 0; at !== null && n < 100; at = ObjectGetPrototypeOf(at), n++) {
    if (inspect_kind(at) === kProxy) return undefined;
    const descriptor = ObjectGetOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return descriptor.value;
  }
  return undefined;
}

// The name of the class; null without a prototype.
function class_name(object) {
  for (let at = object, n = 0; at !== null && n < 100; at = ObjectGetPrototypeOf(at), n++) {
    if (inspect_kind(at) === kProxy) return "Object";
    const descriptor = ObjectGetOwnPropertyDescriptor(at, "constructor");
    if (descriptor === undefined || typeof descriptor.value !== "function") continue;
    const name = ObjectGetOwnPropertyDescriptor(descriptor.value, "name")?.value;
    if (typeof name === "string" && name !== "") return name;
  }
  return null;
}

function tag_of(object, name) {
  if (ObjectPrototypePropertyIsEnumerable(object, SymbolToStringTag)) return "";
  const tag = data_property(object, SymbolToStringTag);
  return typeof tag === "string" && tag !== name ? tag : "";
}

function prefix_of(name, tag, fallback, size = "") {
  if (name === null) {
    const start = `[${fallback}${size}: null prototype] `;
    return tag !== "" && tag !== fallback ? `${start}[${tag}] ` : start;
  }
  return tag !== "" && tag !== name ? `${name}${size} [${tag}] ` : `${name}${size} `;
}

function attempt(fn, value) {
  try {
    return fn(value);
  } catch {
    return undefined;
  }
}

function class_base(value, name, tag, source) {
  const own = ObjectGetOwnPropertyDescriptor(value, "name")?.value;
  let base = `[class ${typeof own === "string" && own !== "" ? own : "(anonymous)"}`;
  if (name !== "Function" && name !== null) base += ` [${name}]`;
  if (tag !== "" && name !== tag) base += ` [${tag}]`;
  const parent = ObjectGetPrototypeOf(value);
  const parent_name = parent === null ? null : data_property(parent, "name");
  if (name === null) base += " extends null";
  else if (typeof parent_name === "string" && parent_name !== "") base += ` extends ${parent_name}`;
  return `${base}]`;
}

const function_types = {
  __proto__: null, [kAsyncFunction]: "AsyncFunction", [kGeneratorFunction]: "GeneratorFunction",
};

function function_base(value, name, tag, kind) {
  const source = attempt(FunctionPrototypeToString, value) ?? "";
  if (StringPrototypeStartsWith(source, "class") && StringPrototypeEndsWith(source, "}")) {
    return class_base(value, name, tag, source);
  }
  let type = function_types[kind] ?? "Function";
  if (kind === kGeneratorFunction && StringPrototypeStartsWith(source, "async")) type = "AsyncGeneratorFunction";
  const own = ObjectGetOwnPropertyDescriptor(value, "name")?.value;
  let base = `[${type}`;
  if (name === null) base += " (null prototype)";
  base += typeof own === "string" && own !== "" ? `: ${own}]` : " (anonymous)]";
  if (name !== null && name !== type && name !== "Function") base += ` ${name}`;
  if (tag !== "" && name !== tag && tag !== type) base += ` [${tag}]`;
  return base;
}

// A subclass's errors say whose they are, though their name is that of the class above.
function with_class(stack, error, class_of) {
  const name = data_property(error, "name");
  if (typeof name !== "string" || class_of === null || name === class_of ||
      !StringPrototypeEndsWith(name, "Error") || !StringPrototypeStartsWith(stack, name)) {
    return stack;
  }
  const next = stack[name.length];
  if (next !== undefined && next !== ":" && next !== "\n") return stack;
  const rest = StringPrototypeSlice(stack, name.length);
  return StringPrototypeIncludes(class_of, name) ? class_of + rest : `${class_of} [${name}]${rest}`;
}

function error_base(error, keys, class_of) {
  const descriptor = ObjectGetOwnPropertyDescriptor(error, "stack");
  const stack = descriptor === undefined ? undefined : attempt((e) => e.stack, error);
  const text = typeof stack === "string" && stack !== "" ? with_class(stack, error, class_of) :
    attempt(ErrorPrototypeToString, error) ?? "Error";
  // What the text says already is not said again.
  for (let i = keys.length - 1; i >= 0; i--) {
    if (keys[i] !== "name" && keys[i] !== "message" && keys[i] !== "stack") continue;
    const value = ObjectGetOwnPropertyDescriptor(error, keys[i])?.value;
    if (typeof value === "string" && StringPrototypeIncludes(text, value)) remove_at(keys, i);
  }
  if (ObjectGetOwnPropertyDescriptor(error, "cause") !== undefined && !ArrayPrototypeIncludes(keys, "cause")) {
    ArrayPrototypePush(keys, "cause");
  }
  if (ArrayIsArray(ObjectGetOwnPropertyDescriptor(error, "errors")?.value) &&
      !ArrayPrototypeIncludes(keys, "errors")) {
    ArrayPrototypePush(keys, "errors");
  }
  return StringPrototypeIncludes(text, "\n    at") ? text : `[${text}]`;
}

function remove_at(list, index) {
  for (let i = index; i + 1 < list.length; i++) list[i] = list[i + 1];
  ArrayPrototypePop(list);
}

const more = (count) => `... ${count} more item${count === 1 ? "" : "s"}`;

// --- the inspector ---

export class Inspector {
  #depth;
  #seen = [];           // the objects around the current one
  #circular = null;     // Map: object → its number
  #indent = 0;
  #current = 0;         // depth of the object that was begun last
  #total = 0;
  #entries = max_entries;
  #width = break_length;

  constructor(depth = default_depth, entries = max_entries, width = break_length) {
    this.#depth = MathMin(depth, max_depth);
    this.#entries = entries;
    this.#width = width;
  }

  show(value, depth, typed = false) {
    switch (typeof value) {
      case "string": return this.#string(value);
      case "number": return show_number(value);
      case "bigint": return `${value}n`;
      case "symbol": return SymbolPrototypeToString(value);
      case "object":
      case "function":
        if (value === null) return "null";
        return this.#object(value, depth);
    }
    return `${value}`;
  }

  #string(value) {
    let text = value;
    let rest = "";
    if (text.length > max_string) {
      const left = text.length - max_string;
      text = StringPrototypeSlice(text, 0, max_string);
      rest = `... ${left} more character${left === 1 ? "" : "s"}`;
    }
    if (text.length > 16 && text.length > this.#width - this.#indent - 4 && StringPrototypeIncludes(text, "\n")) {
      const lines = [];
      for (let start = 0; start < text.length;) {
        const end = StringPrototypeIndexOf(text, "\n", start);
        const stop = end < 0 ? text.length : end + 1;
        ArrayPrototypePush(lines, quote(StringPrototypeSlice(text, start, stop)));
        start = stop;
      }
      return ArrayPrototypeJoin(lines, ` +\n${StringPrototypeRepeat(" ", this.#indent + 2)}`) + rest;
    }
    return quote(text) + rest;
  }

  #object(given, depth) {
    let value = given;
    let kind = inspect_kind(value);
    for (let n = 0; kind === kProxy && n < 100; n++) {
      value = inspect_proxy_target(value);
      if (value === undefined || value === null) return "<Revoked Proxy>";
      kind = inspect_kind(value);
    }
    if (kind === kProxy) return "[Proxy]";
    if (ArrayPrototypeIncludes(this.#seen, value)) {
      this.#circular ??= new Map();
      let number = MapPrototypeGet(this.#circular, value);
      if (number === undefined) {
        number = MapPrototypeGetSize(this.#circular) + 1;
        MapPrototypeSet(this.#circular, value, number);
      }
      return `[Circular *${number}]`;
    }
    return this.#raw(value, kind, depth);
  }

  // {base, open, close, items(): the entries that are no properties, keys, list: whether it is array-like}
  #raw(value, kind, depth) {
    const name = class_name(value);
    const tag = tag_of(value, name);
    const shown = shown_fields(value);
    const shape = shown !== undefined ?
      { base: "", open: `${name ?? shown.name} {`, close: "}", keys: ReflectOwnKeys(shown.fields), source: shown.fields }
      : this.#shape(value, kind, name, tag);
    if (typeof shape === "string") return shape;
    if (depth > this.#depth || this.#total > max_total) {
      return `[${StringPrototypeSlice(prefix_of(name, tag, ArrayIsArray(value) ? "Array" : "Object"), 0, -1)}]`;
    }
    this.#current = depth;
    ArrayPrototypePush(this.#seen, value);
    const output = [];
    if (shape.items !== undefined) shape.items(output, depth);
    const source = shape.source ?? value;
    for (let i = 0; i < shape.keys.length; i++) {
      if (i >= this.#entries) {
        ArrayPrototypePush(output, more(shape.keys.length - i));
        break;
      }
      ArrayPrototypePush(output, this.#property(source, shape.keys[i], depth));
    }
    ArrayPrototypePop(this.#seen);
    let { base } = shape;
    const number = this.#circular === null ? undefined : MapPrototypeGet(this.#circular, value);
    if (number !== undefined) base = base === "" ? `<ref *${number}>` : `<ref *${number}> ${base}`;
    const text = this.#reduce(output, base, shape.open, shape.close, shape.list === true, depth, value);
    this.#total += text.length;
    return text;
  }

  // Own and enumerable.
  #keys(value, skip_indices = false) {
    return inspect_keys(value, skip_indices);
  }

  #shape(value, kind, name, tag) {
    if (ArrayIsArray(value)) {
      const prefix = name !== "Array" || tag !== "" ? prefix_of(name, tag, "Array", `(${value.length})`) : "";
      return this.#list(value, `${prefix}[`, this.#array_items(value));
    }
    if (typeof value === "function") return this.#based(value, function_base(value, name, tag, kind), this.#keys(value));
    switch (kind) {
      case kArguments: return this.#list(value, "[Arguments] [", this.#array_items(value));
      case kTyped: return this.#typed(value, name, tag);
      case kSet: return this.#collection(value, prefix_of(name, tag, "Set", `(${SetPrototypeGetSize(value)})`),
        SetPrototypeGetSize(value), (out, depth) => this.#set_items(value, out, depth));
      case kMap: return this.#collection(value, prefix_of(name, tag, "Map", `(${MapPrototypeGetSize(value)})`),
        MapPrototypeGetSize(value), (out, depth) => this.#map_items(value, out, depth));
      case kDate:
        return this.#based(value, attempt(DatePrototypeToISOString, value) ?? "Invalid Date", this.#keys(value));
      case kRegExp: return this.#based(value, RegExpPrototypeToString(value), this.#keys(value));
      case kError: return this.#error(value, name);
      case kBoxed: return this.#boxed(value);
    }
    if (is_dom_exception(value)) return this.#error(value, name);
    return this.#special(value, kind, name, tag);
  }

  // Objects in braces.
  #special(value, kind, name, tag) {
    const keys = this.#keys(value);
    const braces = (fallback, items) =>
      ({ base: "", open: `${prefix_of(name, tag, fallback)}{`, close: "}", keys, items });
    switch (kind) {
      case kPromise: return braces("Promise", (out, depth) => this.#promise_items(value, out, depth));
      case kWeak: return braces("WeakMap", (out) => ArrayPrototypePush(out, "<items unknown>"));
      case kArrayBuffer: return braces("ArrayBuffer", (out) => buffer_items(value, out));
      case kDataView: return braces("DataView", (out, depth) => this.#view_items(value, out, depth));
      case kModule:
        return { base: "", open: "[Module: null prototype] {", close: "}", keys };
      case kIterator: {
        const preview = inspect_entries(value);
        const title = preview?.[1] ? `${StringPrototypeSlice(tag, 0, 3)} Entries` : tag;
        return { base: "", open: `[${title}] {`, close: "}", keys,
          items: (out, depth) => this.#iterator_items(preview, out, depth) };
      }
      case kGenerator: return keys.length === 0 ? "Object [Generator] {}" : braces("Generator");
    }
    const prefix = name === "Object" && tag === "" ? "" : prefix_of(name, tag, "Object");
    return keys.length === 0 ? `${prefix}{}` : { base: "", open: `${prefix}{`, close: "}", keys };
  }

  #list(value, open, items) {
    const keys = this.#keys(value, true);
    if (value.length === 0 && keys.length === 0) return `${open}]`;
    return { base: "", open, close: "]", keys, list: true, items };
  }

  #based(value, base, keys) {
    return keys.length === 0 ? base : { base, open: "{", close: "}", keys };
  }

  #collection(value, prefix, size, items) {
    const keys = this.#keys(value);
    return size === 0 && keys.length === 0 ? `${prefix}{}` : { base: "", open: `${prefix}{`, close: "}", keys, items };
  }

  #error(value, name) {
    const keys = this.#keys(value);
    const base = error_base(value, keys, name);
    return this.#based(value, this.#indent === 0 ? base : indent_rest(base, this.#indent), keys);
  }

  #boxed(value) {
    const inner = inspect_entries(value);
    const type = typeof inner === "bigint" ? "BigInt" :
      StringPrototypeToUpperCase((typeof inner)[0]) + StringPrototypeSlice(typeof inner, 1);
    const text = typeof inner === "string" ? quote(inner) : this.show(inner, 0);
    return this.#based(value, `[${type}: ${text}]`, this.#keys(value, type === "String"));
  }

  #typed(value, name, tag) {
    const length = TypedArrayPrototypeGetLength(value);
    const kind = tag === "" ? name : tag;
    return this.#list_of_typed(value, length, `${prefix_of(name, name === kind ? "" : tag, kind, `(${length})`)}[`);
  }

  #list_of_typed(value, length, open) {
    const keys = this.#keys(value, true);
    if (length === 0 && keys.length === 0) return `${open}]`;
    return { base: "", open, close: "]", keys, list: true, items: (out) => {
      const shown = MathMin(length, this.#entries);
      for (let i = 0; i < shown; i++) ArrayPrototypePush(out, this.show(value[i], 0));
      if (length > shown) ArrayPrototypePush(out, more(length - shown));
    } };
  }

  // --- entries ---

  #array_items(value) {
    return (out, depth) => {
      const { length } = value;
      let i = 0;
      for (let shown = 0; i < length && shown < this.#entries; shown++) {
        if (ObjectGetOwnPropertyDescriptor(value, `${i}`) !== undefined) {
          ArrayPrototypePush(out, this.#element(value, `${i}`, depth));
          i++;
          continue;
        }
        const start = i;
        // The holes of a huge sparse array are not walked one by one.
        i = inspect_entries(value, i);
        const holes = i - start;
        ArrayPrototypePush(out, `<${holes} empty item${holes === 1 ? "" : "s"}>`);
      }
      if (i < length) ArrayPrototypePush(out, more(length - i));
    };
  }

  #set_items(value, out, depth) {
    this.#indent += 2;
    let left = this.#entries;
    SetPrototypeForEach(value, (item) => {
      if (left-- > 0) ArrayPrototypePush(out, this.show(item, depth + 1));
    });
    if (left < 0) ArrayPrototypePush(out, more(-left));
    this.#indent -= 2;
  }

  #map_items(value, out, depth) {
    this.#indent += 2;
    let left = this.#entries;
    MapPrototypeForEach(value, (item, key) => {
      if (left-- > 0) ArrayPrototypePush(out, `${this.show(key, depth + 1)} => ${this.show(item, depth + 1)}`);
    });
    if (left < 0) ArrayPrototypePush(out, more(-left));
    this.#indent -= 2;
  }

  #promise_items(value, out, depth) {
    const state = inspect_promise(value);
    if (state[0] === 0) {
      ArrayPrototypePush(out, "<pending>");
      return;
    }
    this.#indent += 2;
    const text = this.show(state[1], depth + 1);
    this.#indent -= 2;
    ArrayPrototypePush(out, state[0] === 2 ? `<rejected> ${text}` : text);
  }

  #iterator_items(preview, out, depth) {
    if (preview === undefined) return;
    this.#indent += 2;
    const list = preview[0];
    const step = preview[1] ? 2 : 1;
    for (let i = 0; i < list.length && i < this.#entries * step; i += step) {
      const text = step === 1 ? this.show(list[i], depth + 1) :
        `[ ${this.show(list[i], depth + 1)}, ${this.show(list[i + 1], depth + 1)} ]`;
      ArrayPrototypePush(out, text);
    }
    this.#indent -= 2;
  }

  #view_items(value, out, depth) {
    ArrayPrototypePush(out, `byteLength: ${attempt(DataViewPrototypeGetByteLength, value) ?? 0}`);
    ArrayPrototypePush(out, `byteOffset: ${attempt(DataViewPrototypeGetByteOffset, value) ?? 0}`);
    this.#indent += 2;
    ArrayPrototypePush(out, `buffer: ${this.show(DataViewPrototypeGetBuffer(value), depth + 1)}`);
    this.#indent -= 2;
  }

  #element(object, key, depth) {
    const descriptor = ObjectGetOwnPropertyDescriptor(object, key);
    return this.#descriptor(descriptor, depth);
  }

  #descriptor(descriptor, depth) {
    const { get, set } = descriptor;
    if (get !== undefined) return set === undefined ? "[Getter]" : "[Getter/Setter]";
    if (set !== undefined) return "[Setter]";
    this.#indent += 2;
    const text = this.show(descriptor.value, depth + 1);
    this.#indent -= 2;
    return text;
  }

  #property(object, key, depth) {
    const descriptor = ObjectGetOwnPropertyDescriptor(object, key);
    if (descriptor === undefined) return `${show_key(key)}: undefined`;
    const name = descriptor.enumerable ? show_key(key) : `[${typeof key === "symbol" ? SymbolPrototypeToString(key) : key}]`;
    return `${name}: ${this.#descriptor(descriptor, depth)}`;
  }

  // --- lines ---

  #reduce(output, base, open, close, list, depth, value) {
    let items = output;
    const entries = items.length;
    const start = base === "" ? open : `${base} ${open}`;
    if (list && entries > 6) items = this.#columns(items, value);
    if (this.#current - depth < compact_levels && entries === items.length) {
      const length = items.length + this.#indent + open.length + base.length + 10;
      if (this.#fits(items, length, base)) {
        const joined = ArrayPrototypeJoin(items, ", ");
        if (!StringPrototypeIncludes(joined, "\n")) {
          return items.length === 0 ? `${start}${close}` : `${start} ${joined} ${close}`;
        }
      }
    }
    const line = `\n${StringPrototypeRepeat(" ", this.#indent)}`;
    return `${start}${line}  ${ArrayPrototypeJoin(items, `,${line}  `)}${line}${close}`;
  }

  #fits(items, start, base) {
    let total = items.length + start;
    if (total + items.length > this.#width) return false;
    for (let i = 0; i < items.length; i++) {
      total += items[i].length;
      if (total > this.#width) return false;
    }
    return base === "" || !StringPrototypeIncludes(base, "\n");
  }

  // Many short entries stand in columns.
  #columns(output, value) {
    let count = output.length;
    const cut = count > this.#entries;  // the last one tells how many more there are
    if (cut) count--;
    let total = 0;
    let longest = 0;
    for (let i = 0; i < count; i++) {
      total += output[i].length + 2;
      longest = MathMax(longest, output[i].length);
    }
    const actual = longest + 2;
    if (actual * 3 + this.#indent >= this.#width || !(total / actual > 5 || longest <= 6)) return output;
    const bias = MathPow(actual - total / output.length, 0.5);
    const biased = MathMax(actual - 3 - bias, 1);
    const columns = MathMin(
      MathFloor(MathPow(2.5 * biased * count, 0.5) / biased + 0.5),
      MathFloor((this.#width - this.#indent) / actual), compact_levels * 4, 15);
    if (columns <= 1) return output;
    return this.#in_columns(output, count, columns, cut, all_numbers(value, output.length));
  }

  #in_columns(output, count, columns, cut, numbers) {
    const widths = [];
    for (let i = 0; i < columns; i++) {
      let width = 0;
      for (let j = i; j < count; j += columns) width = MathMax(width, output[j].length);
      ArrayPrototypePush(widths, width + 2);
    }
    const lines = [];
    for (let i = 0; i < count; i += columns) {
      const end = MathMin(i + columns, count);
      let line = "";
      for (let j = i; j < end; j++) {
        const last = j === end - 1;
        const text = last ? output[j] : `${output[j]}, `;
        if (numbers) line += StringPrototypePadStart(text, widths[j - i] - (last ? 2 : 0), " ");
        else line += last ? text : StringPrototypePadEnd(text, widths[j - i], " ");
      }
      ArrayPrototypePush(lines, line);
    }
    if (cut) ArrayPrototypePush(lines, output[count]);
    return lines;
  }
}

function all_numbers(value, length) {
  for (let i = 0; i < length && i < value.length; i++) {
    const item = ObjectGetOwnPropertyDescriptor(value, `${i}`)?.value;
    if (typeof item !== "number" && typeof item !== "bigint") return false;
  }
  return true;
}

function indent_rest(text, indent) {
  const pad = `\n${StringPrototypeRepeat(" ", indent)}`;
  let out = "";
  for (let i = 0; i < text.length; i++) out += text[i] === "\n" ? pad : text[i];
  return out;
}

const hex_digits = "0123456789abcdef";

function buffer_items(buffer, out) {
  const length = attempt(ArrayBufferPrototypeGetByteLength, buffer) ?? 0;
  let bytes;
  try {
    bytes = new Uint8Array(buffer);
  } catch {
    ArrayPrototypePush(out, "(detached)");
    ArrayPrototypePush(out, "byteLength: 0");
    return;
  }
  let text = "";
  const shown = MathMin(length, 50);
  for (let i = 0; i < shown; i++) {
    text += `${i === 0 ? "" : " "}${hex_digits[bytes[i] >> 4]}${hex_digits[bytes[i] & 15]}`;
  }
  if (length > shown) text += ` ... ${length - shown} more byte${length - shown === 1 ? "" : "s"}`;
  ArrayPrototypePush(out, `[Uint8Contents]: <${text}>`);
  ArrayPrototypePush(out, `byteLength: ${length}`);
}

export function inspect(value, depth = default_depth) {
  return new Inspector(depth).show(value, 0);
}

// --- formatting (Console standard, 2.2) ---

// Strings stand as they are, everything else is inspected.
function to_text(value) {
  return typeof value === "string" ? value : inspect(value);
}

function as_string(value) {
  switch (typeof value) {
    case "string": return value;
    case "number": return show_number(value);
    case "bigint": return `${value}n`;
    case "symbol": return SymbolPrototypeToString(value);
    case "function": return attempt(String, value) ?? inspect(value);
    case "object": return value === null ? "null" : object_as_string(value);
  }
  return `${value}`;
}

// An error, and what has a toString of the user's own, says itself what it is.
function object_as_string(value) {
  const method = data_property(value, "toString");
  const builtin = typeof method !== "function" ||
    StringPrototypeIncludes(attempt(FunctionPrototypeToString, method) ?? "[native code]", "[native code]");
  if (!builtin || inspect_kind(value) === kError) {
    const text = attempt(String, value);
    if (typeof text === "string") return text;
  }
  return inspect(value, 0);
}

function directive(kind, value) {
  switch (kind) {
    case "s": return as_string(value);
    case "d":
      if (typeof value === "bigint") return `${value}n`;
      return typeof value === "symbol" ? "NaN" : show_number(attempt(Number, value) ?? NaN);
    case "i":
      if (typeof value === "bigint") return `${value}n`;
      return typeof value === "symbol" ? "NaN" : show_number(attempt(NumberParseInt, value) ?? NaN);
    case "f": return typeof value === "symbol" ? "NaN" : show_number(attempt(NumberParseFloat, value) ?? NaN);
    case "j": return attempt(JSONStringify, value) ?? "[Circular]";
    case "c": return "";
    case "o": return inspect(value, 4);
    default: return inspect(value);
  }
}

// Directives of a first string, then the rest, apart by spaces.
export function format(args) {
  if (args.length === 0) return "";
  let out = "";
  let next = 0;
  if (typeof args[0] === "string" && args.length > 1) {
    const text = args[0];
    next = 1;
    for (let i = 0; i < text.length; i++) {
      const kind = text[i] === "%" ? text[i + 1] : undefined;
      if (kind === "%") {
        out += "%";
        i++;
      } else if (kind !== undefined && next < args.length && StringPrototypeIncludes("sdifjoOc", kind)) {
        out += directive(kind, args[next++]);
        i++;
      } else {
        out += text[i];
      }
    }
  } else {
    out = to_text(args[0]);
    next = 1;
  }
  for (; next < args.length; next++) out += ` ${to_text(args[next])}`;
  return out;
}

// console.dir's options.
export function dir_text(value, options) {
  let depth = default_depth;
  if (typeof options === "object" && options !== null) {
    const given = options.depth;
    if (given === null || given === Infinity) depth = max_depth;
    else if (typeof given === "number") depth = given;
  }
  return inspect(value, depth);
}

// --- console.table ---

const cell = (value) => {
  const big = typeof value === "object" && value !== null && !ArrayIsArray(value) &&
    inspect_kind(value) === kPlain && ReflectOwnKeys(value).length > 2;
  return new Inspector(big ? -1 : 0, 3, Infinity).show(value, 0);
};

// [rows' names, columns: name → {row → text}, values: row → text] of an object's or a list's members.
class Table {
  #index;
  #rows = [];           // the text of the index
  #columns = new Map(); // name → Map: row → text
  #values = new Map();  // row → text, of what is no object
  #chosen;
  constructor(index, chosen) {
    this.#index = index;
    this.#chosen = chosen;
    if (chosen !== undefined) {
      for (let i = 0; i < chosen.length; i++) MapPrototypeSet(this.#columns, chosen[i], new Map());
    }
  }

  put(column, row, text) {
    let cells = MapPrototypeGet(this.#columns, column);
    if (cells === undefined) {
      if (this.#chosen !== undefined) return;
      MapPrototypeSet(this.#columns, column, (cells = new Map()));
    }
    MapPrototypeSet(cells, row, text);
  }

  add(index, value) {
    const row = this.#rows.length;
    ArrayPrototypePush(this.#rows, index);
    const primitive = (typeof value !== "object" || value === null) && typeof value !== "function";
    if (primitive || inspect_kind(value) === kProxy) {
      MapPrototypeSet(this.#values, row, cell(value));
      return;
    }
    const keys = ReflectOwnKeys(value);
    for (let i = 0; i < keys.length && i < max_entries; i++) {
      if (typeof keys[i] !== "string" || !ObjectPrototypePropertyIsEnumerable(value, keys[i])) continue;
      const descriptor = ObjectGetOwnPropertyDescriptor(value, keys[i]);
      this.put(keys[i], row, descriptor.get === undefined ? cell(descriptor.value) : "[Getter]");
    }
  }

  text() {
    const columns = [];
    const take = (title, of_row) => {
      const cells = [title];
      for (let i = 0; i < this.#rows.length; i++) ArrayPrototypePush(cells, of_row(i) ?? "");
      ArrayPrototypePush(columns, cells);
    };
    take(this.#index, (row) => this.#rows[row]);
    MapPrototypeForEach(this.#columns, (cells, name) => take(name, (row) => MapPrototypeGet(cells, row)));
    if (MapPrototypeGetSize(this.#values) > 0) take("Values", (row) => MapPrototypeGet(this.#values, row));
    return draw(columns);
  }
}

function draw(columns) {
  const widths = [];
  for (let i = 0; i < columns.length; i++) {
    let width = 0;
    for (let j = 0; j < columns[i].length; j++) width = MathMax(width, columns[i][j].length);
    ArrayPrototypePush(widths, width + 2);
  }
  const rule = (left, middle, right) => {
    const parts = [];
    for (let i = 0; i < widths.length; i++) ArrayPrototypePush(parts, StringPrototypeRepeat("\u2500", widths[i]));
    return left + ArrayPrototypeJoin(parts, middle) + right;
  };
  const lines = [rule("\u250c", "\u252c", "\u2510")];
  for (let row = 0; row < columns[0].length; row++) {
    const cells = [];
    for (let i = 0; i < columns.length; i++) {
      ArrayPrototypePush(cells, StringPrototypePadEnd(` ${columns[i][row]}`, widths[i], " "));
    }
    ArrayPrototypePush(lines, `\u2502${ArrayPrototypeJoin(cells, "\u2502")}\u2502`);
    if (row === 0) ArrayPrototypePush(lines, rule("\u251c", "\u253c", "\u2524"));
  }
  ArrayPrototypePush(lines, rule("\u2514", "\u2534", "\u2518"));
  return ArrayPrototypeJoin(lines, "\n");
}

// Undefined where the data is no table.
export function table_text(data, columns) {
  if (typeof data !== "object" || data === null) return undefined;
  const kind = inspect_kind(data);
  if (kind === kProxy) return undefined;
  const chosen = ArrayIsArray(columns) ? columns : undefined;
  const collection = kind === kMap || kind === kSet;
  const table = new Table(collection ? "(iteration index)" : "(index)", chosen);
  let n = 0;
  if (kind === kMap) {
    MapPrototypeForEach(data, (value, key) => {
      if (n >= max_entries * 10) return;
      table.put("Key", n, cell(key));
      table.add(`${n++}`, value);
    });
  } else if (kind === kSet) {
    SetPrototypeForEach(data, (value) => {
      if (n < max_entries * 10) table.add(`${n++}`, value);
    });
  } else {
    const keys = ReflectOwnKeys(data);
    for (let i = 0; i < keys.length && n < max_entries * 10; i++) {
      if (typeof keys[i] !== "string" || !ObjectPrototypePropertyIsEnumerable(data, keys[i])) continue;
      n++;
      table.add(keys[i], ObjectGetOwnPropertyDescriptor(data, keys[i]).value);
    }
  }
  return table.text();
}
