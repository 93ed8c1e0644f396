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
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  SymbolToStringTag,
} from "../base/primordials.js";
import { to_dom_string } from "../base/webidl.js";
import { performance_now } from "../performance/performance.js";
import { format, indent_lines, inspect } from "./inspect.js";

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

function emit(level, args) {
  console_emit(level, indent_lines(format(args), group_depth));
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
    const text = format(args);
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
  dir(value) {
    emit(kLog, [inspect(value)]);
  },
  dirxml(...args) {
    emit(kLog, args);
  },
  table(value) {
    emit(kLog, [value]);
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
  count(label) {
    const name = label_of(label);
    const n = (MapPrototypeGet(counts, name) ?? 0) + 1;
    if (n > 1 || MapPrototypeGetSize(counts) < max_labels) MapPrototypeSet(counts, name, n);
    emit(kInfo, [`${name}: ${n}`]);
  },
  countReset(label) {
    const name = label_of(label);
    if (!MapPrototypeDelete(counts, name)) emit(kWarn, [`Count for '${name}' does not exist`]);
  },
  time(label) {
    const name = label_of(label);
    if (MapPrototypeHas(timers, name)) {
      emit(kWarn, [`Timer '${name}' already exists`]);
    } else if (MapPrototypeGetSize(timers) < max_labels) {
      MapPrototypeSet(timers, name, performance_now());
    }
  },
  timeLog(label, ...args) {
    const name = label_of(label);
    const start = MapPrototypeGet(timers, name);
    if (start === undefined) return emit(kWarn, [`Timer '${name}' does not exist`]);
    ArrayPrototypeUnshift(args, `${name}: ${performance_now() - start}ms`);
    emit(kLog, args);
  },
  timeEnd(label) {
    const name = label_of(label);
    const start = MapPrototypeGet(timers, name);
    if (start === undefined) return emit(kWarn, [`Timer '${name}' does not exist`]);
    MapPrototypeDelete(timers, name);
    emit(kInfo, [`${name}: ${performance_now() - start}ms`]);
  },
};

ObjectDefineProperty(methods, SymbolToStringTag, {
  __proto__: null, value: "console", writable: false, enumerable: false, configurable: true,
});
expose_value("console", methods);
