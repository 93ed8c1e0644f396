// Event, EventTarget and the events of a worker (DOM standard, section 2). There is no tree: an event's
// path is its target alone.
import { expose_class, expose_constant } from "../base/expose.js";
import { illegal_invocation, require_args, require_new_args, to_dictionary, to_dom_string } from "../base/webidl.js";
import {
  ArrayPrototypePush,
  DateNow,
  FunctionPrototypeCall,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  Map,
  ObjectDefineProperty,
  StringPrototypeSlice,
  TypeError,
  WeakMap,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} from "../base/primordials.js";
import { report_error } from "../event/event.js";
import { DOMException } from "./dom_exception.js";

export let event_state;

export class Event {
  // Whoever dispatches works on this object; user code never sees it.
  #s = { __proto__: null, target: null, current: null, phase: 0, dispatching: false, stop: false,
    stop_now: false, canceled: false, passive: false, trusted: false };
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #time;

  constructor(type, init = undefined) {
    require_new_args(arguments.length, 1, "Event");
    this.#type = to_dom_string(type);
    const dict = to_dictionary(init, "The init of an event");
    this.#bubbles = !!dict.bubbles;
    this.#cancelable = !!dict.cancelable;
    this.#composed = !!dict.composed;
    this.#time = DateNow();
  }
  get type() { return this.#type; }
  get target() { return this.#s.target; }
  get srcElement() { return this.#s.target; }
  get currentTarget() { return this.#s.current; }
  composedPath() { return this.#s.current === null ? [] : [this.#s.current]; }
  get eventPhase() { return this.#s.phase; }
  stopPropagation() { this.#s.stop = true; }
  get cancelBubble() { return this.#s.stop; }
  set cancelBubble(value) { if (value) this.#s.stop = true; }
  stopImmediatePropagation() { this.#s.stop = this.#s.stop_now = true; }
  get bubbles() { return this.#bubbles; }
  get cancelable() { return this.#cancelable; }
  get returnValue() { return !this.#s.canceled; }
  set returnValue(value) { if (!value) this.preventDefault(); }
  preventDefault() {
    if (this.#cancelable && !this.#s.passive) this.#s.canceled = true;
  }
  get defaultPrevented() { return this.#s.canceled; }
  get composed() { return this.#composed; }
  get isTrusted() { return this.#s.trusted; }
  get timeStamp() { return this.#time; }
  initEvent(type, bubbles = false, cancelable = false) {
    require_args(arguments.length, 1, "initEvent", "Event");
    if (this.#s.dispatching) return;
    this.#s.stop = this.#s.stop_now = this.#s.canceled = this.#s.trusted = false;
    this.#s.target = null;
    this.#type = to_dom_string(type);
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
  }
  static {
    event_state = (value) =>
      (typeof value === "object" && value !== null && #s in value ? value.#s : undefined);
  }
}
expose_class(Event, "Event");
for (const [name, value] of [["NONE", 0], ["CAPTURING_PHASE", 1], ["AT_TARGET", 2], ["BUBBLING_PHASE", 3]]) {
  expose_constant(Event, name, value);
}

export class CustomEvent extends Event {
  #detail;
  constructor(type, init = undefined) {
    super(...arguments);
    this.#detail = to_dictionary(init, "The init of an event").detail ?? null;
  }
  get detail() { return this.#detail; }
}
expose_class(CustomEvent, "CustomEvent");

export class ErrorEvent extends Event {
  #init;
  constructor(type, init = undefined) {
    super(...arguments);
    const dict = to_dictionary(init, "The init of an event");
    this.#init = { __proto__: null, message: to_dom_string(dict.message ?? ""), filename: to_dom_string(dict.filename ?? ""),
      lineno: dict.lineno >>> 0, colno: dict.colno >>> 0, error: dict.error };
  }
  get message() { return this.#init.message; }
  get filename() { return this.#init.filename; }
  get lineno() { return this.#init.lineno; }
  get colno() { return this.#init.colno; }
  get error() { return this.#init.error; }
}
expose_class(ErrorEvent, "ErrorEvent");

// --- targets ---

// type → [{callback, capture, once, passive, removed}], with a null prototype map of lists.
export let target_listeners;

export class EventTarget {
  #listeners = new Map();
  addEventListener(type, callback, options = undefined) {
    require_args(arguments.length, 2, "addEventListener", "EventTarget");
    const map = listeners_of(this);
    const name = to_dom_string(type);
    const how = flatten(options);
    if (how.signal !== undefined && signals.is_aborted(how.signal)) return;
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object") {
      throw new TypeError("The listener of addEventListener is not a function or an object");
    }
    let list = MapPrototypeGet(map, name);
    if (list === undefined) MapPrototypeSet(map, name, (list = []));
    if (find(list, callback, how.capture) >= 0) return;
    ArrayPrototypePush(list, { __proto__: null, callback, capture: how.capture, once: how.once,
      passive: how.passive, removed: false });
    if (how.signal !== undefined) {
      signals.add_algorithm(how.signal, () => remove(map, name, callback, how.capture));
    }
  }
  removeEventListener(type, callback, options = undefined) {
    require_args(arguments.length, 2, "removeEventListener", "EventTarget");
    const capture = typeof options === "object" && options !== null ? !!options.capture : !!options;
    remove(listeners_of(this), to_dom_string(type), callback, capture);
  }
  dispatchEvent(event) {
    require_args(arguments.length, 1, "dispatchEvent", "EventTarget");
    listeners_of(this);
    const state = event_state(event);
    if (state === undefined) throw new TypeError("The argument of dispatchEvent is not an Event");
    if (state.dispatching) throw new DOMException("The event is being dispatched already.", "InvalidStateError");
    state.trusted = false;
    return run(this, event, state);
  }
  static {
    target_listeners = (value) =>
      (typeof value === "object" && value !== null && #listeners in value ? value.#listeners : undefined);
  }
}
expose_class(EventTarget, "EventTarget");

// abort.js needs this module to be there first, so it hands over what addEventListener needs of signals.
let signals;
export function set_signal_access(access) {
  signals = access;
}

function listeners_of(target) {
  const map = target_listeners(target);
  if (map === undefined) throw illegal_invocation();
  return map;
}

function flatten(options) {
  if (typeof options !== "object" || options === null) {
    return { __proto__: null, capture: !!options, once: false, passive: false, signal: undefined };
  }
  const { capture, once, passive, signal } = options;
  if (signal !== undefined && !signals.is_signal(signal)) {
    throw new TypeError("The signal of addEventListener is not an AbortSignal");
  }
  return { __proto__: null, capture: !!capture, once: !!once, passive: !!passive, signal };
}

function find(list, callback, capture) {
  for (let i = 0; i < list.length; i++) {
    if (list[i].callback === callback && list[i].capture === capture) return i;
  }
  return -1;
}

// Lists are never changed in place while one may be walked: a new list takes the old one's place.
function remove(map, type, callback, capture) {
  const list = MapPrototypeGet(map, type);
  if (list === undefined) return;
  const at = find(list, callback, capture);
  if (at < 0) return;
  list[at].removed = true;
  const rest = [];
  for (let i = 0; i < list.length; i++) {
    if (i !== at) ArrayPrototypePush(rest, list[i]);
  }
  if (rest.length === 0) MapPrototypeDelete(map, type);
  else MapPrototypeSet(map, type, rest);
}

// "Dispatch" for a path of one; false when a listener canceled it.
function run(target, event, state) {
  const map = listeners_of(target);
  const type = event_type(event);
  state.dispatching = true;
  state.target = state.current = target;
  state.phase = 2;
  const list = MapPrototypeGet(map, type);
  if (list !== undefined && !state.stop) {
    // Capturing listeners come first at the target.
    invoke(map, type, list, list.length, true, target, event, state);
    if (!state.stop) invoke(map, type, list, list.length, false, target, event, state);
  }
  state.phase = 0;
  state.current = null;
  state.dispatching = state.stop = state.stop_now = false;
  return !state.canceled;
}

// `count`: listeners that are added meanwhile do not hear this event.
function invoke(map, type, list, count, capture, target, event, state) {
  for (let i = 0; i < count && !state.stop_now; i++) {
    const listener = list[i];
    if (listener.removed || listener.capture !== capture) continue;
    if (listener.once) remove(map, type, listener.callback, capture);
    state.passive = listener.passive;
    try {
      call_listener(listener.callback, target, event);
    } catch (error) {
      report_error(error);
    }
    state.passive = false;
  }
}

function call_listener(callback, target, event) {
  if (typeof callback === "function") {
    FunctionPrototypeCall(callback, target, event);
    return;
  }
  const handle = callback.handleEvent;
  if (typeof handle !== "function") throw new TypeError("The handleEvent of a listener is not a function");
  FunctionPrototypeCall(handle, callback, event);
}

const type_getter = Object.getOwnPropertyDescriptor(Event.prototype, "type").get;
const event_type = (event) => FunctionPrototypeCall(type_getter, event);

// An event of the runtime's own: trusted. An exception of a listener goes to the log.
export function dispatch_event(target, event) {
  const state = event_state(event);
  state.trusted = true;
  return run(target, event, state);
}

export function has_listeners(target, type) {
  return MapPrototypeGet(listeners_of(target), type) !== undefined;
}

// onX attributes: a listener that is found by its place, not by its callback.
export function event_handler(cls, name) {
  const handlers = new WeakMap();
  const type = StringPrototypeSlice(name, 2);
  ObjectDefineProperty(cls.prototype, name, {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      return WeakMapPrototypeGet(handlers, this)?.callback ?? null;
    },
    set(value) {
      const callback = typeof value === "function" || (typeof value === "object" && value !== null) ? value : null;
      const map = listeners_of(this);
      const entry = WeakMapPrototypeGet(handlers, this);
      if (entry !== undefined) {
        if (callback !== null) {
          entry.callback = callback;
          return;
        }
        WeakMapPrototypeSet(handlers, this, undefined);
        remove(map, type, entry.listener, false);
        return;
      }
      if (callback === null) return;
      const fresh = { __proto__: null, callback, listener: undefined };
      fresh.listener = function (event) {
        if (typeof fresh.callback === "function") FunctionPrototypeCall(fresh.callback, this, event);
      };
      WeakMapPrototypeSet(handlers, this, fresh);
      let list = MapPrototypeGet(map, type);
      if (list === undefined) MapPrototypeSet(map, type, (list = []));
      ArrayPrototypePush(list, { __proto__: null, callback: fresh.listener, capture: false, once: false,
        passive: false, removed: false });
    },
  });
}

