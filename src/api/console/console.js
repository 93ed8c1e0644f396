// console (Console standard): five levels, each call one entry of the log.
import { ops } from "../base/ops.js";
import { expose_value } from "../base/expose.js";
import {
  ArrayPrototypeShift,
  ArrayPrototypeUnshift,
  Error,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeHas,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  SymbolToStringTag,
} from "../base/primordials.js";
import { to_dom_string } from "../base/webidl.js";
import { performance_now } from "../performance/performance.js";
import { load_part } from "../parts/parts.js";

const { console_emit } = ops;

// As ConsoleLevel in runtime.h.
const kDebug = 0;
const kLog = 1;
const kInfo = 2;
const kWarn = 3;
const kError = 4;

const max_labels = 1000;
const max_group_depth = 20;
const counts = new Map();
const timers = new Map();
let group_depth = 0;

const inspect = () => load_part("console/inspect");

// Text needs no inspection: the part is loaded for everything else.
function text_of(args) {
  let out = "";
  for (let i = 0; i < args.length; i++) {
    const value = args[i];
    const plain = typeof value === "string" ? args.length === 1 || i > 0 || !StringPrototypeIncludes(value, "%")
      : typeof value === "boolean" || typeof value === "undefined" || (typeof value === "number" && value !== 0);
    if (!plain) return inspect().format(args);
    out += i === 0 ? `${value}` : ` ${value}`;
  }
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

function emit(level, args) {
  console_emit(level, indent_lines(text_of(args), group_depth));
}

function stack_lines() {
  const stack = new Error("").stack;
  const end = StringPrototypeIndexOf(stack, "\n");
  return end < 0 ? "" : StringPrototypeSlice(stack, end);
}

const label_of = (label) => (label === undefined ? "default" : to_dom_string(label));

const methods = {
  debug(...args) {
    emit(kDebug, args);
  },
  log(...args) {
    emit(kLog, args);
  },
  info(...args) {
    emit(kInfo, args);
  },
  warn(...args) {
    emit(kWarn, args);
  },
  error(...args) {
    emit(kError, args);
  },
  trace(...args) {
    const text = text_of(args);
    emit(kLog, [`Trace${text === "" ? "" : `: ${text}`}${stack_lines()}`]);
  },
  assert(condition = false, ...args) {
    if (condition) return;
    if (args.length > 0 && typeof args[0] === "string") {
      ArrayPrototypeUnshift(args, `Assertion failed: ${ArrayPrototypeShift(args)}`);
    } else {
      ArrayPrototypeUnshift(args, "Assertion failed");
    }
    emit(kError, args);
  },
  dir(value = undefined, options = undefined) {
    emit(kLog, [inspect().dir_text(value, options)]);
  },
  dirxml(...args) {
    emit(kLog, args);
  },
  table(value = undefined, columns = undefined) {
    emit(kLog, [inspect().table_text(value, columns) ?? value]);
  },
  group(...args) {
    if (args.length > 0) emit(kLog, args);
    if (group_depth < max_group_depth) group_depth++;
  },
  groupCollapsed(...args) {
    if (args.length > 0) emit(kLog, args);
    if (group_depth < max_group_depth) group_depth++;
  },
  groupEnd() {
    if (group_depth > 0) group_depth--;
  },
  clear() {},
  count(label = undefined) {
    const name = label_of(label);
    const n = (MapPrototypeGet(counts, name) ?? 0) + 1;
    if (n > 1 || MapPrototypeGetSize(counts) < max_labels) MapPrototypeSet(counts, name, n);
    emit(kInfo, [`${name}: ${n}`]);
  },
  countReset(label = undefined) {
    const name = label_of(label);
    if (!MapPrototypeDelete(counts, name)) emit(kWarn, [`Count for '${name}' does not exist`]);
  },
  time(label = undefined) {
    const name = label_of(label);
    if (MapPrototypeHas(timers, name)) {
      emit(kWarn, [`Timer '${name}' already exists`]);
    } else if (MapPrototypeGetSize(timers) < max_labels) {
      MapPrototypeSet(timers, name, performance_now());
    }
  },
  timeLog(label = undefined, ...args) {
    const name = label_of(label);
    const start = MapPrototypeGet(timers, name);
    if (start === undefined) return emit(kWarn, [`Timer '${name}' does not exist`]);
    ArrayPrototypeUnshift(args, `${name}: ${performance_now() - start}ms`);
    emit(kLog, args);
  },
  timeEnd(label = undefined) {
    const name = label_of(label);
    const start = MapPrototypeGet(timers, name);
    if (start === undefined) return emit(kWarn, [`Timer '${name}' does not exist`]);
    MapPrototypeDelete(timers, name);
    emit(kInfo, [`${name}: ${performance_now() - start}ms`]);
  },
};

// A namespace object: between it and Object.prototype stands an empty object.
ObjectSetPrototypeOf(methods, {});
ObjectDefineProperty(methods, SymbolToStringTag, {
  __proto__: null, value: "console", writable: false, enumerable: false, configurable: true,
});
expose_value("console", methods);
