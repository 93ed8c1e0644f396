// The event that code belongs to, as the runtime's JavaScript sees it, and the `ctx` of handlers.
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { finish_class } from "../base/expose.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { PromisePrototypeThen, PromiseResolve } from "../base/primordials.js";

const { event_wait, event_wait_done, event_pass_through, event_report, event_require } = ops;

// True while the worker's top level is evaluated. An op would say the same, at the price of a call.
let global_scope = false;
export function set_global_scope(value) {
  global_scope = value;
}

// For what holds I/O without starting any yet (a body): throws at top level.
export function require_event_scope() {
  if (global_scope) event_require();
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
}
finish_class(ExecutionContext, "ExecutionContext");

// An exception that nobody caught: to the log, with the request it happened in.
export function report_error(error) {
  event_report("exception", error);
}
