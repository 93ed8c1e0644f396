// Service-worker syntax: addEventListener("fetch", …) at the global scope, event.respondWith().
import { ops } from "../base/ops.js";
import { expose_class, expose_function } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { FunctionPrototypeCall, PromiseResolve, TypeError } from "../base/primordials.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { Event, EventTarget, dispatch_event, has_listeners } from "../dom/event_target.js";
import { wait_until } from "./event.js";

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
    super(type, init);
    this.#promise = init.promise;
    this.#reason = init.reason;
  }
  get promise() {
    return this.#promise;
  }
  get reason() {
    return this.#reason;
  }
}
expose_class(PromiseRejectionEvent, "PromiseRejectionEvent");

// From native code: a rejection that nobody handled. True: a listener has dealt with it.
export function unhandled_rejection(promise, reason) {
  if (!has_listeners(global_target, "unhandledrejection")) return false;
  const event = new PromiseRejectionEvent("unhandledrejection",
    { __proto__: null, cancelable: true, promise, reason });
  dispatch_event(global_target, event);
  return event.defaultPrevented;
}
