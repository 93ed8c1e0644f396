// The scheduled() event: from native code to the handler of the default export, or to the listeners
// of a service worker.
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { ops } from "../base/ops.js";
import { PromisePrototypeThen, PromiseResolve } from "../base/primordials.js";
import { illegal_constructor } from "../base/webidl.js";
import { call_handler } from "../modules/entry.js";
import { ExecutionContext } from "./event.js";
import { ExtendableEvent, dispatch_global, has_global_listeners } from "./service_worker.js";

const { event_current, event_fail, event_handler_done } = ops;

class ScheduledController {
  #time;
  #cron;
  constructor(internal, time, cron) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#time = time;
    this.#cron = cron;
  }
  get scheduledTime() {
    return this.#time;
  }
  get cron() {
    return this.#cron;
  }
  // A run that failed is not run again in any case.
  noRetry() {
    this.#cron;
  }
}
finish_class(ScheduledController, "ScheduledController");

class ScheduledEvent extends ExtendableEvent {
  #time;
  #cron;
  constructor(internal, time, cron) {
    super(internal, "scheduled");
    this.#time = time;
    this.#cron = cron;
  }
  get scheduledTime() {
    return this.#time;
  }
  get cron() {
    return this.#cron;
  }
  noRetry() {
    this.#cron;
  }
}
finish_class(ScheduledEvent, "ScheduledEvent");

function on_done() {
  event_handler_done(event_current());
}

function on_error(error) {
  event_fail(event_current(), error);
}

function call(id, time, cron) {
  if (has_global_listeners("scheduled")) {
    dispatch_global(new ScheduledEvent(kInternal, time, cron));
    return undefined;
  }
  const ctx = new ExecutionContext(kInternal, id);
  return call_handler("scheduled", new ScheduledController(kInternal, time, cron), ctx);
}

export function dispatch_scheduled(id, time, cron) {
  try {
    PromisePrototypeThen(PromiseResolve(call(id, time, cron)), on_done, on_error);
  } catch (error) {
    event_fail(id, error);
  }
}
