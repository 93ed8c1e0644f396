// The event that code belongs to, as the runtime's JavaScript sees it, and the `ctx` of handlers.
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { finish_class } from "../base/expose.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { Error, PromisePrototypeThen, PromiseResolve } from "../base/primordials.js";
import { has_flag } from "../base/flags.js";
import { load_part } from "../parts/parts.js";

const { event_abort, event_wait, event_wait_done, event_pass_through, event_report, event_require } = ops;

// True while the worker's top level is evaluated. An op would say the same, at the price of a call.
let global_scope = false;
export function set_global_scope(value) {
  global_scope = value;
}

// For what holds I/O without starting any yet (a body): throws at top level.
export function require_event_scope() {
  if (global_scope) event_require();
}

// Stubs of this worker's own entrypoints; undefined where its compatibility date knows none.
export function own_exports() {
  return has_flag("enable_ctx_exports") ? load_part("rpc/exports").make_exports() : undefined;
}

export function wait_until(promise) {
  const id = event_wait();
  PromisePrototypeThen(
    PromiseResolve(promise),
    () => event_wait_done(id),
    (error) => {
      event_report("waitUntil", error);
      event_wait_done(id);
    });
}

export class ExecutionContext {
  #id;
  #props;
  #exports;
  constructor(internal, id, props) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#id = id;
    this.#props = props;
  }

  waitUntil(promise) {
    require_args(arguments.length, 1, "waitUntil", "ExecutionContext");
    this.#id;
    wait_until(promise);
  }

  passThroughOnException() {
    event_pass_through(this.#id);
  }

  get props() {
    return (this.#props ??= {});
  }

  get exports() {
    this.#id;
    return (this.#exports ??= own_exports());
  }

  abort(reason = undefined) {
    event_abort(this.#id, reason ?? new Error(
      "Worker execution was aborted due to call to ctx.abort()."));
  }
}
finish_class(ExecutionContext, "ExecutionContext");

// An exception that nobody caught: to the log, with the request it happened in.
export function report_error(error) {
  if (!on_error(error)) event_report("exception", error);
}

// Tells the worker's own listeners first; true: one of them has dealt with it.
let on_error = () => false;
export function set_error_listener(listener) {
  on_error = listener;
}
