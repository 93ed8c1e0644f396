// setTimeout and kin (HTML standard, 8.6), queueMicrotask, scheduler.wait. A timer belongs to the
// event that set it; native code keeps it (so that it goes with its event) and calls timer_fire.
import { ops } from "../base/ops.js";
import { expose_function, expose_value, finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  FunctionPrototypeCall,
  MathTrunc,
  Promise,
  PromisePrototypeThen,
  PromiseResolve,
  ReflectApply,
  TypeError,
} from "../base/primordials.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import {
  is_abort_signal,
  signal_abort_reason,
  signal_add_algorithm,
  signal_is_aborted,
} from "../dom/abort.js";
import { in_scope } from "../event/env_scope.js";
import { report_error } from "../event/event.js";

const { timer_set, timer_clear } = ops;

const max_delay_ms = 0x7fffffff;

function normal_delay(value) {
  const delay = MathTrunc(+value);
  return delay > 0 && delay <= max_delay_ms ? delay : 0;
}

// fn: a function of the user's, or of ours.
function add_timer(fn, delay, repeat, args) {
  const timer = { fn, args, delay, repeat, id: undefined };
  const id = timer_set(delay, timer, undefined);
  if (id === 0) {
    throw new DOMException(
      "You have exceeded the number of active timeouts you may set. max active " +
      "timeouts: 10000, current active timeouts: 10000, finished timeouts: 0",
        "QuotaExceededError");
  }
  timer.id = id;
  return id;
}

function check_callback(callback, name) {
  if (typeof callback === "function") return;
  throw new TypeError(
    `Failed to execute '${name}' on 'ServiceWorkerGlobalScope': parameter 1 is not ` +
    "of type 'Function'.");
}

function setTimeout(callback, delay = 0, ...args) {
  require_args(arguments.length, 1, "setTimeout", "ServiceWorkerGlobalScope");
  check_callback(callback, "setTimeout");
  return set_timer(callback, delay, false, args);
}

function setInterval(callback, delay = 0, ...args) {
  require_args(arguments.length, 1, "setInterval", "ServiceWorkerGlobalScope");
  check_callback(callback, "setInterval");
  return set_timer(callback, delay, true, args);
}

function clear(id) {
  timer_clear(MathTrunc(+id));
}

function clearTimeout(id = undefined) {
  clear(id);
}

function clearInterval(id = undefined) {
  clear(id);
}

// From native code, in the context of the timer's event.
export function timer_fire(timer) {
  // An interval keeps its id, and is set again first so that its callback can clear it.
  if (timer.repeat) timer_set(timer.delay > 0 ? timer.delay : 1, timer, timer.id);
  try {
    ReflectApply(timer.fn, undefined, timer.args);
  } catch (error) {
    report_error(error);
  }
}

// As setTimeout and setInterval, for who has checked its arguments.
export function set_timer(fn, delay, repeat, args) {
  return add_timer(in_scope(fn), normal_delay(delay), repeat, args);
}

export function set_internal_timeout(fn, delay) {
  return add_timer(fn, normal_delay(delay), false, []);
}

export function clear_internal_timeout(id) {
  clear(id);
}

const resolved = PromiseResolve(undefined);

function queueMicrotask(callback) {
  require_args(arguments.length, 1, "queueMicrotask", "ServiceWorkerGlobalScope");
  check_callback(callback, "queueMicrotask");
  PromisePrototypeThen(resolved, () => {
    try {
      FunctionPrototypeCall(callback, undefined);
    } catch (error) {
      report_error(error);
    }
  });
}

class Scheduler {
  constructor(internal) {
    if (internal !== kInternal) throw illegal_constructor();
  }

  wait(delay, options = undefined) {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (signal !== undefined && signal !== null) {
        if (!is_abort_signal(signal)) {
          return reject(new TypeError("scheduler.wait: 'signal' is not of type 'AbortSignal'."));
        }
        if (signal_is_aborted(signal)) return reject(signal_abort_reason(signal));
      }
      const id = set_internal_timeout(() => resolve(undefined), delay);
      if (signal !== undefined && signal !== null) {
        signal_add_algorithm(signal, () => {
          clear(id);
          reject(signal_abort_reason(signal));
        });
      }
    });
  }
}
finish_class(Scheduler, "Scheduler");

expose_function(setTimeout, "setTimeout");
expose_function(setInterval, "setInterval");
expose_function(clearTimeout, "clearTimeout");
expose_function(clearInterval, "clearInterval");
expose_function(queueMicrotask, "queueMicrotask");
expose_value("scheduler", new Scheduler(kInternal), true);
