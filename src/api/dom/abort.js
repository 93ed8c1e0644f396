// AbortController and AbortSignal (DOM standard, 3.1 and 3.2).
import { expose_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor, require_args, to_enforced_integer } from "../base/webidl.js";
import {
  ArrayPrototypePush,
  Set,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SymbolIterator,
  TypeError,
  WeakRef,
  WeakRefPrototypeDeref,
} from "../base/primordials.js";
import { set_internal_timeout } from "../timers/timers.js";
import { DOMException } from "./dom_exception.js";
import { Event, EventTarget, dispatch_event, event_handler, set_signal_access } from "./event_target.js";

let signal_state;

export class AbortSignal extends EventTarget {
  #s = { __proto__: null, aborted: false, reason: undefined, algorithms: null, dependents: null,
    sources: null, dependent: false };
  constructor(internal) {
    if (internal !== kInternal) throw illegal_constructor();
    super();
  }
  static abort(reason = undefined) {
    const signal = new AbortSignal(kInternal);
    signal.#s.aborted = true;
    signal.#s.reason = default_reason(reason);
    return signal;
  }
  static timeout(milliseconds) {
    require_args(arguments.length, 1, "timeout", "AbortSignal");
    const delay = to_enforced_integer(milliseconds, 0, 2 ** 53 - 1, "The delay of AbortSignal.timeout");
    const signal = new AbortSignal(kInternal);
    // The timer does not keep the signal: what nobody holds nobody hears.
    const held = new WeakRef(signal);
    set_internal_timeout(() => {
      const live = WeakRefPrototypeDeref(held);
      if (live !== undefined) {
        signal_abort(live, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      }
    }, delay);
    return signal;
  }
  static any(signals) {
    require_args(arguments.length, 1, "any", "AbortSignal");
    const list = [];
    const method = signals === undefined || signals === null ? undefined : signals[SymbolIterator];
    if (typeof method !== "function") throw new TypeError("The argument of AbortSignal.any is not iterable");
    for (const signal of signals) {
      if (signal_state(signal) === undefined) throw new TypeError("A member of the argument of AbortSignal.any is not an AbortSignal");
      ArrayPrototypePush(list, signal);
    }
    return any_signal(list);
  }
  get aborted() {
    return this.#s.aborted;
  }
  get reason() {
    return this.#s.reason;
  }
  throwIfAborted() {
    if (this.#s.aborted) throw this.#s.reason;
  }
  static {
    signal_state = (value) =>
      (typeof value === "object" && value !== null && #s in value ? value.#s : undefined);
  }
}
event_handler(AbortSignal, "onabort");
expose_class(AbortSignal, "AbortSignal");

function default_reason(reason) {
  return reason === undefined ? new DOMException("The operation was aborted", "AbortError") : reason;
}

// "Signal abort": dependents are marked before any algorithm or listener runs.
export function signal_abort(signal, reason) {
  const s = signal_state(signal);
  if (s.aborted) return;
  s.aborted = true;
  s.reason = default_reason(reason);
  const to_abort = [];
  if (s.dependents !== null) {
    SetPrototypeForEach(s.dependents, (dependent) => {
      const d = signal_state(dependent);
      if (d.aborted) return;
      d.aborted = true;
      d.reason = s.reason;
      ArrayPrototypePush(to_abort, dependent);
    });
  }
  run_abort_steps(signal, s);
  for (let i = 0; i < to_abort.length; i++) run_abort_steps(to_abort[i], signal_state(to_abort[i]));
}

function run_abort_steps(signal, s) {
  const { algorithms } = s;
  s.algorithms = null;
  if (algorithms !== null) {
    for (let i = 0; i < algorithms.length; i++) algorithms[i]();
  }
  dispatch_event(signal, new Event("abort"));
}

export const is_abort_signal = (value) => signal_state(value) !== undefined;
export const make_abort_signal = () => new AbortSignal(kInternal);
export const signal_is_aborted = (signal) => signal_state(signal).aborted;
export const signal_abort_reason = (signal) => signal_state(signal).reason;

export function signal_add_algorithm(signal, algorithm) {
  const s = signal_state(signal);
  if (s.aborted) return;
  s.algorithms ??= [];
  ArrayPrototypePush(s.algorithms, algorithm);
}

set_signal_access({
  __proto__: null,
  is_signal: is_abort_signal,
  is_aborted: signal_is_aborted,
  add_algorithm: signal_add_algorithm,
});

// "Create a dependent abort signal" of a list of signals.
export function any_signal(signals) {
  const result = new AbortSignal(kInternal);
  const r = signal_state(result);
  for (let i = 0; i < signals.length; i++) {
    const s = signal_state(signals[i]);
    if (s.aborted) {
      r.aborted = true;
      r.reason = s.reason;
      return result;
    }
  }
  r.dependent = true;
  r.sources = new Set();
  const add = (source) => {
    SetPrototypeAdd(r.sources, source);
    const s = signal_state(source);
    SetPrototypeAdd((s.dependents ??= new Set()), result);
  };
  for (let i = 0; i < signals.length; i++) {
    const s = signal_state(signals[i]);
    // A dependent signal stands for its sources, so there are no chains.
    if (s.dependent) SetPrototypeForEach(s.sources, add);
    else add(signals[i]);
  }
  return result;
}

export class AbortController {
  #signal = new AbortSignal(kInternal);
  get signal() {
    return this.#signal;
  }
  abort(reason = undefined) {
    signal_abort(this.#signal, reason);
  }
}
expose_class(AbortController, "AbortController");
