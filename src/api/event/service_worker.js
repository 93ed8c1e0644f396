// Service-worker syntax: addEventListener("fetch", …) at the global scope, event.respondWith().
import { ops } from "../base/ops.js";
import { expose_class, expose_function } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  FunctionPrototypeCall, PromiseResolve, TypeError, WeakSet, WeakSetPrototypeAdd, WeakSetPrototypeDelete,
} from "../base/primordials.js";
import {
  illegal_constructor, require_args, require_new_args, to_dictionary, to_dom_string,
} from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { ErrorEvent, Event, EventTarget, dispatch_event, has_listeners } from "../dom/event_target.js";
import { set_error_listener, wait_until } from "./event.js";

const { event_current, event_pass_through } = ops;

export class ExtendableEvent extends Event {
  constructor(internal, type) {
    if (internal !== kInternal) throw illegal_constructor();
    super(type);
  }
  waitUntil(promise) {
    require_args(arguments.length, 1, "waitUntil", "ExtendableEvent");
    wait_until(promise);
  }
}

let response_of;

class FetchEvent extends ExtendableEvent {
  #request;
  #response = undefined;
  #dispatching = true;
  constructor(internal, request) {
    super(internal, "fetch");
    this.#request = request;
  }
  static {
    response_of = (event) => {
      event.#dispatching = false;
      return event.#response;
    };
  }
  get request() {
    return this.#request;
  }
  respondWith(response) {
    require_args(arguments.length, 1, "respondWith", "FetchEvent");
    if (this.#response !== undefined) {
      throw new DOMException(
        "FetchEvent.respondWith() has already been called; it can only be called " +
        "once.", "InvalidStateError");
    }
    if (!this.#dispatching) {
      throw new DOMException(
        "Too late to call FetchEvent.respondWith(). It must be called synchronously " +
        "in the event handler.", "InvalidStateError");
    }
    this.#response = PromiseResolve(response);
  }
  passThroughOnException() {
    this.#request;
    event_pass_through(event_current());
  }
}

expose_class(ExtendableEvent, "ExtendableEvent");
expose_class(FetchEvent, "FetchEvent");

// The global object's listeners live on a target of their own.
const global_target = new EventTarget();
const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype;

expose_function(function (type, listener, options) {
  require_args(arguments.length, 2, "addEventListener", "EventTarget");
  FunctionPrototypeCall(addEventListener, global_target, type, listener, options);
}, "addEventListener");
expose_function(function (type, listener, options) {
  require_args(arguments.length, 2, "removeEventListener", "EventTarget");
  FunctionPrototypeCall(removeEventListener, global_target, type, listener, options);
}, "removeEventListener");
expose_function(function (event) {
  return FunctionPrototypeCall(dispatchEvent, global_target, event);
}, "dispatchEvent");

export const has_global_listeners = (type) => has_listeners(global_target, type);
export const dispatch_global = (event) => dispatch_event(global_target, event);

export const fetch_listeners = {
  __proto__: null,
  any() {
    return has_listeners(global_target, "fetch");
  },
  dispatch(request) {
    const event = new FetchEvent(kInternal, request);
    dispatch_event(global_target, event);
    const response = response_of(event);
    if (response === undefined) {
      throw new TypeError(
        "The fetch handler did not call respondWith(), and there is no origin to send " +
        "the request to.");
    }
    return response;
  },
};

class PromiseRejectionEvent extends Event {
  #promise;
  #reason;
  constructor(type, init) {
    require_new_args(arguments.length, 2, "PromiseRejectionEvent");
    super(type, init);
    const { promise, reason } = to_dictionary(init, "The init of an event");
    if (typeof promise !== "object" || promise === null) {
      throw new TypeError("The promise of a PromiseRejectionEvent is missing.");
    }
    this.#promise = promise;
    this.#reason = reason;
  }
  get promise() {
    return this.#promise;
  }
  get reason() {
    return this.#reason;
  }
}
expose_class(PromiseRejectionEvent, "PromiseRejectionEvent");

// Promises that an unhandledrejection event told of.
const told = new WeakSet();

function tell_of_rejection(type, promise, reason) {
  const event = new PromiseRejectionEvent(type,
    { __proto__: null, cancelable: type === "unhandledrejection", promise, reason });
  dispatch_event(global_target, event);
  return event.defaultPrevented;
}

// From native code: a rejection that nobody handled, or (late) one that somebody did after all. True: a
// listener has dealt with it.
export function unhandled_rejection(promise, reason, late) {
  if (late) {
    if (WeakSetPrototypeDelete(told, promise) && has_listeners(global_target, "rejectionhandled")) {
      tell_of_rejection("rejectionhandled", promise, reason);
    }
    return true;
  }
  WeakSetPrototypeAdd(told, promise);
  return has_listeners(global_target, "unhandledrejection") &&
    tell_of_rejection("unhandledrejection", promise, reason);
}

function message_of(error) {
  try {
    return typeof error === "object" && error !== null && typeof error.message === "string" ? error.message
      : to_dom_string(error);
  } catch {
    return "";
  }
}

let telling_of_error = false;

// An exception that nobody caught, as an `error` event of the global object.
set_error_listener((error) => {
  if (telling_of_error || !has_listeners(global_target, "error")) return false;
  telling_of_error = true;
  try {
    const event = new ErrorEvent("error",
      { __proto__: null, cancelable: true, message: message_of(error), error });
    dispatch_event(global_target, event);
    return event.defaultPrevented;
  } finally {
    telling_of_error = false;
  }
});
