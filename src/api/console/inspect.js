// Values as text for the log: what console prints. Reads no accessor of the user's, looks into no
// proxy, and is bounded in depth, in entries and in length.
import { ops } from "../base/ops.js";
import {
  ArrayBufferPrototypeGetByteLength,
  ArrayIsArray,
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypePush,
  DatePrototypeGetTime,
  DatePrototypeToISOString,
  FunctionPrototypeToString,
  JSONStringify,
  MapPrototypeForEach,
  MapPrototypeGetSize,
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
  StringPrototypeIncludes,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  SymbolPrototypeToString,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../base/primordials.js";
import { is_dom_exception } from "../dom/dom_exception.js";

const { console_is_error, console_is_proxy, console_promise } = ops;

const max_depth = 4;
const max_entries = 100;
const max_string = 10000;
const line_width = 76;
const name_pattern = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

// The class's own way to be shown: [brand check, object of what to show].
const shows = [];
export function show_class_as(is_instance, name, fields) {
  ArrayPrototypePush(shows, { is_instance, name, fields });
}

function quote(string) {
  const text = string.length > max_string ? StringPrototypeSlice(string, 0,
    max_string) + "…" : string;
  const json = JSONStringify(text);
  if (StringPrototypeIncludes(text, "'")) return json;
  const inner = StringPrototypeSlice(json, 1, -1);
  // With single quotes outside, double ones inside need no escape.
  let out = "";
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] !== "\\") out += inner[i];
    else if (inner[i + 1] === "\"") out += inner[++i];
    else out += inner[i] + inner[++i];
  }
  return `'${out}'`;
}

// The value of a data property, undefined of anything else.
function data_property(object, key) {
  for (let at = object, n = 0; at !== null && n < 100; at = ObjectGetPrototypeOf(at), n++) {
    if (console_is_proxy(at)) return undefined;
    const descriptor = ObjectGetOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return descriptor.value;
  }
  return undefined;
}

function class_name(object) {
  if (ObjectGetPrototypeOf(object) === null) return null;
  const constructor = data_property(object, "constructor");
  if (typeof constructor !== "function") return null;
  const name = data_property(constructor, "name");
  return typeof name === "string" && name !== "" ? name : null;
}

function attempt(fn, value) {
  try {
    return fn(value);
  } catch {
    return undefined;
  }
}

function show_function(value) {
  const name = data_property(value, "name");
  const label = typeof name === "string" && name !== "" ? name : null;
  const source = attempt(FunctionPrototypeToString, value) ?? "";
  if (StringPrototypeStartsWith(source, "class")) return `[class ${label ?? "(anonymous)"}]`;
  return label === null ? "[Function (anonymous)]" : `[Function: ${label}]`;
}

function show_error(value) {
  const stack = attempt((error) => {
    const descriptor = ObjectGetOwnPropertyDescriptor(error, "stack");
    return descriptor === undefined ? undefined : error.stack;
  }, value);
  if (typeof stack === "string" && stack !== "") return stack;
  const message = data_property(value, "message");
  const name = data_property(value, "name");
  return `[${typeof name === "string" ? name : "Error"}${message ? `: ${message}` : ""}]`;
}

function show_key(key) {
  if (typeof key === "symbol") return `[${SymbolPrototypeToString(key)}]`;
  return RegExpPrototypeExec(name_pattern, key) !== null ? key : quote(key);
}

class Inspector {
  #path = [];  // the objects around the current one

  show(value, depth) {
    switch (typeof value) {
      case "string": return quote(value);
      case "number": return ObjectIs(value, -0) ? "-0" : `${value}`;
      case "bigint": return `${value}n`;
      case "symbol": return SymbolPrototypeToString(value);
      case "function":
        if (console_is_proxy(value)) return "[Proxy]";
        return this.#with_properties(value, show_function(value), depth);
      case "object": return value === null ? "null" : this.#object(value, depth);
    }
    return `${value}`;
  }

  #object(value, depth) {
    if (console_is_proxy(value)) return "[Proxy]";
    if (ArrayPrototypeIncludes(this.#path, value)) return "[Circular]";
    const name = class_name(value);
    if (depth > max_depth) return ArrayIsArray(value) ? "[Array]" : `[${name ?? "Object"}]`;
    ArrayPrototypePush(this.#path, value);
    const text = this.#shape(value, name, depth);
    ArrayPrototypePop(this.#path);
    return text;
  }

  #shape(value, name, depth) {
    for (let i = 0; i < shows.length; i++) {
      if (shows[i].is_instance(value)) {
        return this.#braces(`${shows[i].name} `, this.#entries(shows[i].fields(value), depth));
      }
    }
    if (ArrayIsArray(value)) return this.#array(value, name, depth);
    const tag = TypedArrayPrototypeGetSymbolToStringTag(value);
    if (tag !== undefined) return this.#typed(value, tag, depth);
    const special = this.#special(value, name, depth);
    if (special !== undefined) return special;
    const prefix =
      name === "Object" ? "" : name === null ? "[Object: null prototype] " : `${name} `;
    return this.#braces(prefix, this.#entries(value, depth));
  }

  // Objects that are told by an internal slot.
  #special(value, name, depth) {
    if (attempt(DatePrototypeGetTime, value) !== undefined) {
      return attempt(DatePrototypeToISOString, value) ?? "Invalid Date";
    }
    const size = attempt(MapPrototypeGetSize, value);
    if (size !== undefined) return this.#map(value, size, depth);
    const count = attempt(SetPrototypeGetSize, value);
    if (count !== undefined) return this.#set(value, count, depth);
    const bytes = attempt(ArrayBufferPrototypeGetByteLength, value);
    if (bytes !== undefined) return `ArrayBuffer { byteLength: ${bytes} }`;
    const state = console_promise(value);
    if (state !== undefined) {
      const inner = state[0] === 0 ? "<pending>" :
        (state[0] === 2 ? "<rejected> " : "") + this.show(state[1], depth + 1);
      return `Promise { ${inner} }`;
    }
    if (console_is_error(value) || is_dom_exception(value)) {
      return this.#with_properties(value, show_error(value), depth);
    }
    if (name === "RegExp") return attempt(RegExpPrototypeToString, value);
    return undefined;
  }

  #array(value, name, depth) {
    const items = [];
    const shown = value.length > max_entries ? max_entries : value.length;
    for (let i = 0; i < shown; i++) {
      const descriptor = ObjectGetOwnPropertyDescriptor(value, `${i}`);
      if (descriptor === undefined) ArrayPrototypePush(items, "<empty>");
      else ArrayPrototypePush(items, this.#descriptor(descriptor, depth));
    }
    if (value.length > shown) ArrayPrototypePush(items, `... ${value.length - shown} more items`);
    const prefix = name === "Array" || name === null ? "" : `${name}(${value.length}) `;
    return this.#join(`${prefix}[`, items, "]");
  }

  #typed(value, tag, depth) {
    const length = TypedArrayPrototypeGetLength(value);
    const items = [];
    for (let i = 0; i < length && i < max_entries; i++) {
      ArrayPrototypePush(items, this.show(value[i], depth));
    }
    if (length > max_entries) ArrayPrototypePush(items, `... ${length - max_entries} more items`);
    return this.#join(`${tag}(${length}) [`, items, "]");
  }

  #map(value, size, depth) {
    const items = [];
    MapPrototypeForEach(value, (item, key) => {
      if (items.length >= max_entries) return;
      ArrayPrototypePush(items, `${this.show(key, depth + 1)} => ${this.show(item, depth + 1)}`);
    });
    return this.#braces(`Map(${size}) `, items);
  }

  #set(value, size, depth) {
    const items = [];
    SetPrototypeForEach(value, (item) => {
      if (items.length < max_entries) ArrayPrototypePush(items, this.show(item, depth + 1));
    });
    return this.#braces(`Set(${size}) `, items);
  }

  #descriptor(descriptor, depth) {
    const { get, set } = descriptor;
    if (get !== undefined) return set === undefined ? "[Getter]" : "[Getter/Setter]";
    if (set !== undefined) return "[Setter]";
    return this.show(descriptor.value, depth + 1);
  }

  #entries(value, depth) {
    const items = [];
    const keys = ReflectOwnKeys(value);
    for (let i = 0; i < keys.length; i++) {
      if (!ObjectPrototypePropertyIsEnumerable(value, keys[i])) continue;
      if (items.length >= max_entries) {
        ArrayPrototypePush(items, "...");
        break;
      }
      const descriptor = ObjectGetOwnPropertyDescriptor(value, keys[i]);
      ArrayPrototypePush(items, `${show_key(keys[i])}: ${this.#descriptor(descriptor, depth)}`);
    }
    return items;
  }

  // A text with the own enumerable properties behind it, where there are any.
  #with_properties(value, text, depth) {
    const items = this.#entries(value, depth);
    return items.length === 0 ? text : this.#braces(`${text} `, items);
  }

  #braces(prefix, items) {
    return items.length === 0 ? `${prefix}{}` : this.#join(`${prefix}{`, items, "}");
  }

  #join(open, items, close) {
    if (items.length === 0) return open + close;
    let length = open.length;
    let multi = false;
    for (let i = 0; i < items.length; i++) {
      length += items[i].length + 2;
      if (StringPrototypeIncludes(items[i], "\n")) multi = true;
    }
    if (!multi && length <= line_width) {
      return `${open} ${ArrayPrototypeJoin(items, ", ")} ${close}`;
    }
    const lines = [];
    for (let i = 0; i < items.length; i++) ArrayPrototypePush(lines, indent(items[i]));
    return `${open}\n${ArrayPrototypeJoin(lines, ",\n")}\n${close}`;
  }
}

const indent = (text) => indent_lines(text, 1);

export function inspect(value) {
  return new Inspector().show(value, 0);
}

// Strings stand as they are, everything else is inspected.
export function to_text(value) {
  return typeof value === "string" ? value : inspect(value);
}

function directive(kind, value) {
  switch (kind) {
    case "s":
      return typeof value === "object" && value !== null ? inspect(value) :
        typeof value === "symbol" ? SymbolPrototypeToString(value) : String(value);
    case "d":
    case "i":
      if (typeof value === "bigint") return `${value}n`;
      if (typeof value === "symbol" || typeof value === "object") return "NaN";
      return `${kind === "i" ? (+value < 0 ? -(-value | 0) : +value - (+value % 1)) : +value}`;
    case "f": return typeof value === "symbol" ? "NaN" : `${+value}`;
    case "j": return attempt(JSONStringify, value) ?? "undefined";
    case "c": return "";
    default: return inspect(value);
  }
}

// console's formatting: directives of a first string, then the rest, apart by spaces.
export function format(args) {
  if (args.length === 0) return "";
  let out = "";
  let next = 0;
  if (typeof args[0] === "string" && args.length > 1) {
    const text = args[0];
    next = 1;
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== "%" || i + 1 === text.length) {
        out += text[i];
        continue;
      }
      const kind = text[i + 1];
      if (kind === "%") {
        out += "%";
        i++;
      } else if (next < args.length && StringPrototypeIncludes("sdifjoOc", kind)) {
        out += directive(kind, args[next++]);
        i++;
      } else {
        out += "%";
      }
    }
  } else {
    out = to_text(args[0]);
    next = 1;
  }
  for (; next < args.length; next++) out += ` ${to_text(args[next])}`;
  return out;
}

export function indent_lines(text, depth) {
  if (depth === 0) return text;
  const pad = StringPrototypeRepeat("  ", depth);
  if (!StringPrototypeIncludes(text, "\n")) return pad + text;
  let out = pad;
  for (let i = 0; i < text.length; i++) {
    out += text[i];
    if (text[i] === "\n") out += pad;
  }
  return out;
}
