// The performance timeline, its marks and its measures (Performance Timeline, User Timing Level 3).
// Entries are the isolate's, at most `max_entries` of them: more are not kept.
import { ops } from "../base/ops.js";
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  ArrayPrototypeFilter,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  FunctionPrototypeCall,
  NumberIsFinite,
  ObjectFreeze,
  PromisePrototypeThen,
  PromiseResolve,
  Set,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeForEach,
  SetPrototypeHas,
  SymbolIterator,
  TypeError,
} from "../base/primordials.js";
import {
  illegal_constructor, require_args, require_new_args, to_callback, to_dictionary, to_dom_string,
} from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { report_error } from "../event/event.js";
import { clone_value } from "../structured_clone/structured_clone.js";
import { set_internal_timeout } from "../timers/timers.js";
import { performance_now } from "./performance.js";

const { event_current } = ops;
const max_entries = 10000;
const types = ObjectFreeze(["mark", "measure"]);

let timeline = [];
const observers = new Set();

export class PerformanceEntry {
  #e;
  constructor(internal = undefined, name, type, start, duration) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#e = { __proto__: null, name, type, start, duration };
  }
  get name() {
    return this.#e.name;
  }
  get entryType() {
    return this.#e.type;
  }
  get startTime() {
    return this.#e.start;
  }
  get duration() {
    return this.#e.duration;
  }
  toJSON() {
    const { name, type, start, duration } = this.#e;
    return { name, entryType: type, startTime: start, duration };
  }
  static of(entry) {
    return entry.#e;
  }
}
const facts = PerformanceEntry.of;
delete PerformanceEntry.of;
finish_class(PerformanceEntry, "PerformanceEntry");

function to_time(value) {
  const time = +value;
  if (!NumberIsFinite(time)) throw new TypeError("A time is not a finite number.");
  return time;
}

const detail_of = (dict) => dict.detail === undefined || dict.detail === null ? null : clone_value(dict.detail);

export class PerformanceMark extends PerformanceEntry {
  #detail;
  constructor(name, options = undefined) {
    require_new_args(arguments.length, 1, "PerformanceMark");
    const text = to_dom_string(name);
    const dict = to_dictionary(options, "The options of a mark");
    const detail = detail_of(dict);
    const start = dict.startTime === undefined ? performance_now() : to_time(dict.startTime);
    if (start < 0) throw new TypeError("The startTime of a mark is negative.");
    super(kInternal, text, "mark", start, 0);
    this.#detail = detail;
  }
  get detail() {
    return this.#detail;
  }
  toJSON() {
    const { name, start } = facts(this);
    return { name, entryType: "mark", startTime: start, duration: 0, detail: this.#detail };
  }
}
finish_class(PerformanceMark, "PerformanceMark");

export class PerformanceMeasure extends PerformanceEntry {
  #detail;
  constructor(internal = undefined, name, start, duration, detail) {
    super(internal, name, "measure", start, duration);
    this.#detail = detail;
  }
  get detail() {
    return this.#detail;
  }
  toJSON() {
    const { name, start, duration } = facts(this);
    return { name, entryType: "measure", startTime: start, duration, detail: this.#detail };
  }
}
finish_class(PerformanceMeasure, "PerformanceMeasure");

// --- the timeline ---

// In the order of their start; those of one time in the order they came.
function insert(list, entry) {
  const { start } = facts(entry);
  let at = list.length;
  while (at > 0 && facts(list[at - 1]).start > start) at--;
  ArrayPrototypePush(list, entry);
  for (let i = list.length - 1; i > at; i--) list[i] = list[i - 1];
  list[at] = entry;
}

function add(entry) {
  if (timeline.length < max_entries) insert(timeline, entry);
  SetPrototypeForEach(observers, (observer) => observer.offer(entry));
}

export function mark(name, options) {
  const entry = new PerformanceMark(name, options);
  add(entry);
  return entry;
}

// The attributes of PerformanceTiming.
const timing_names = [
  "navigationStart", "unloadEventStart", "unloadEventEnd", "redirectStart", "redirectEnd", "fetchStart",
  "domainLookupStart", "domainLookupEnd", "connectStart", "connectEnd", "secureConnectionStart",
  "requestStart", "responseStart", "responseEnd", "domLoading", "domInteractive",
  "domContentLoadedEventStart", "domContentLoadedEventEnd", "domComplete", "loadEventStart", "loadEventEnd",
];

// "Convert a mark to a timestamp"
function time_of(value) {
  if (typeof value === "number" || (typeof value === "object" && value !== null)) {
    const time = to_time(value);
    if (time < 0) throw new TypeError("A time is negative.");
    return time;
  }
  const name = to_dom_string(value);
  for (let i = 0; i < timing_names.length; i++) {
    if (timing_names[i] === name) throw new TypeError(`'${name}' is a time of windows, which workers are not.`);
  }
  for (let i = timeline.length - 1; i >= 0; i--) {
    const entry = facts(timeline[i]);
    if (entry.type === "mark" && entry.name === name) return entry.start;
  }
  throw new DOMException(`The mark '${name}' does not exist.`, "SyntaxError");
}

function read_measure(value) {
  const dict = to_dictionary(value, "The options of a measure");
  const { detail, duration, end, start } = dict;
  const given = detail !== undefined || duration !== undefined || end !== undefined || start !== undefined;
  return { __proto__: null, detail, duration, end, start, given };
}

function check_measure({ start, end, duration }, end_mark) {
  if (end_mark !== undefined) throw new TypeError("A measure with options has no end mark besides.");
  if (start === undefined && end === undefined) throw new TypeError("A measure's options lack start and end.");
  if (start !== undefined && end !== undefined && duration !== undefined) {
    throw new TypeError("A measure's options have start, end and duration: one too many.");
  }
}

export function measure(name, start_or_options, end_mark) {
  const text = to_dom_string(name);
  const is_text = start_or_options !== undefined && start_or_options !== null &&
    typeof start_or_options !== "object" && typeof start_or_options !== "function";
  const options = read_measure(is_text ? undefined : start_or_options);
  if (options.given) check_measure(options, end_mark);
  let end;
  if (end_mark !== undefined) end = time_of(to_dom_string(end_mark));
  else if (options.end !== undefined) end = time_of(options.end);
  else if (options.start !== undefined && options.duration !== undefined) {
    end = time_of(options.start) + time_of(options.duration);
  } else {
    end = performance_now();
  }
  let start = 0;
  if (is_text) start = time_of(to_dom_string(start_or_options));
  else if (options.start !== undefined) start = time_of(options.start);
  else if (options.duration !== undefined && options.end !== undefined) start = end - time_of(options.duration);
  const entry = new PerformanceMeasure(kInternal, text, start, end - start, detail_of(options));
  add(entry);
  return entry;
}

export function clear(type, name) {
  const wanted = name === undefined ? undefined : to_dom_string(name);
  timeline = ArrayPrototypeFilter(timeline, (entry) => {
    const e = facts(entry);
    return e.type !== type || (wanted !== undefined && e.name !== wanted);
  });
}

function select(list, name, type) {
  const wanted_name = name === undefined ? undefined : to_dom_string(name);
  const wanted_type = type === undefined ? undefined : to_dom_string(type);
  return ArrayPrototypeFilter(list, (entry) => {
    const e = facts(entry);
    return (wanted_name === undefined || e.name === wanted_name) &&
      (wanted_type === undefined || e.type === wanted_type);
  });
}

export const entries = (name, type) => select(timeline, name, type);

// --- observers ---

export class PerformanceObserverEntryList {
  #list;
  constructor(internal = undefined, list) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#list = list;
  }
  getEntries() {
    return ArrayPrototypeSlice(this.#list);
  }
  getEntriesByType(type) {
    require_args(arguments.length, 1, "getEntriesByType", "PerformanceObserverEntryList");
    return select(this.#list, undefined, to_dom_string(type));
  }
  getEntriesByName(name, type = undefined) {
    require_args(arguments.length, 1, "getEntriesByName", "PerformanceObserverEntryList");
    return select(this.#list, to_dom_string(name), type);
  }
}
finish_class(PerformanceObserverEntryList, "PerformanceObserverEntryList");

class Observation {
  buffer = [];
  types = new Set();
  many = undefined;     // whether it observes by entryTypes; undefined: not yet
  #scheduled = false;
  constructor(observer, callback) {
    this.observer = observer;
    this.callback = callback;
  }
  offer(entry) {
    if (!SetPrototypeHas(this.types, facts(entry).type)) return;
    if (this.buffer.length < max_entries) insert(this.buffer, entry);
    this.schedule();
  }
  schedule() {
    if (this.#scheduled || this.buffer.length === 0) return;
    this.#scheduled = true;
    const task = () => {
      this.#scheduled = false;
      this.#deliver();
    };
    if (event_current() === 0) PromisePrototypeThen(PromiseResolve(undefined), task);
    else set_internal_timeout(task, 0);
  }
  #deliver() {
    const list = this.buffer;
    if (list.length === 0) return;
    this.buffer = [];
    try {
      FunctionPrototypeCall(this.callback, this.observer,
        new PerformanceObserverEntryList(kInternal, list), this.observer, { droppedEntriesCount: 0 });
    } catch (error) {
      report_error(error);
    }
  }
}

const is_known = (type) => type === "mark" || type === "measure";

export class PerformanceObserver {
  #o;
  constructor(callback) {
    require_new_args(arguments.length, 1, "PerformanceObserver");
    this.#o = new Observation(this, to_callback(callback, "The callback of a PerformanceObserver"));
  }
  static get supportedEntryTypes() {
    return types;
  }
  observe(options = undefined) {
    const o = this.#o;
    const dict = to_dictionary(options, "The options of observe");
    const { buffered, entryTypes, type } = dict;
    if (entryTypes === undefined && type === undefined) {
      throw new TypeError("observe() needs entryTypes or type.");
    }
    if (entryTypes !== undefined && (type !== undefined || buffered !== undefined)) {
      throw new TypeError("observe() takes entryTypes without type and buffered.");
    }
    const many = entryTypes !== undefined;
    if (o.many !== undefined && o.many !== many) {
      throw new DOMException("This observer observes in the other way already.", "InvalidModificationError");
    }
    o.many = many;
    if (many) this.#observe_all(entryTypes);
    else this.#observe_one(to_dom_string(type), !!buffered);
  }
  #observe_all(list) {
    if (list === null || typeof list[SymbolIterator] !== "function") {
      throw new TypeError("entryTypes is not a sequence.");
    }
    const wanted = new Set();
    let any = false;
    for (const item of list) {
      const type = to_dom_string(item);
      if (!is_known(type)) continue;
      SetPrototypeAdd(wanted, type);
      any = true;
    }
    if (!any) return;
    this.#o.types = wanted;
    SetPrototypeAdd(observers, this.#o);
  }
  #observe_one(type, buffered) {
    const o = this.#o;
    if (!is_known(type)) return;
    SetPrototypeAdd(o.types, type);
    SetPrototypeAdd(observers, o);
    if (!buffered) return;
    const old = select(timeline, undefined, type);
    for (let i = 0; i < old.length; i++) insert(o.buffer, old[i]);
    o.schedule();
  }
  disconnect() {
    SetPrototypeDelete(observers, this.#o);
    this.#o.buffer = [];
    this.#o.types = new Set();
    this.#o.many = undefined;
  }
  takeRecords() {
    const list = this.#o.buffer;
    this.#o.buffer = [];
    return list;
  }
}
finish_class(PerformanceObserver, "PerformanceObserver");
