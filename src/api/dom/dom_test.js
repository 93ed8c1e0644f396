import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

export const events = {
  test() {
    const target = new EventTarget();
    const log = [];
    const listener = (event) => log.push(event.type + event.target.constructor.name);
    target.addEventListener("a", listener);
    target.addEventListener("a", listener);
    target.addEventListener("a", { handleEvent: () => log.push("object") }, { once: true });
    target.dispatchEvent(new Event("a"));
    target.dispatchEvent(new Event("a"));
    assert_equals(log, ["aEventTarget", "object", "aEventTarget"]);
    target.removeEventListener("a", listener);
    target.dispatchEvent(new Event("a"));
    assert_equals(log.length, 3);
    const event = new Event("b", { cancelable: true });
    target.addEventListener("b", (e) => {
      e.preventDefault();
      e.stopImmediatePropagation();
    });
    target.addEventListener("b", () => log.push("never"));
    assert_equals(target.dispatchEvent(event), false);
    assert_equals([event.defaultPrevented, log.length], [true, 3]);
    assert_equals(new CustomEvent("c", { detail: 5 }).detail, 5);
    assert_throws(() => target.dispatchEvent({}), TypeError);
  },
};

export const a_listener_that_throws_stops_nobody = {
  test() {
    const target = new EventTarget();
    let reached = false;
    target.addEventListener("a", () => { throw new Error("told to the log"); });
    target.addEventListener("a", () => { reached = true; });
    target.dispatchEvent(new Event("a"));
    assert(reached);
  },
};

export const aborts = {
  async test() {
    const controller = new AbortController();
    const { signal } = controller;
    let heard = 0;
    signal.onabort = () => heard++;
    signal.addEventListener("abort", () => heard++);
    assert_equals([signal.aborted, signal.reason], [false, undefined]);
    controller.abort();
    controller.abort("again");
    assert_equals([heard, signal.aborted, signal.reason.name], [2, true, "AbortError"]);
    assert_throws(() => signal.throwIfAborted(), "AbortError");
    assert_equals(AbortSignal.abort("x").reason, "x");
  },
};

export const dependent_signals = {
  async test() {
    const first = new AbortController();
    const any = AbortSignal.any([first.signal, new AbortController().signal]);
    const nested = AbortSignal.any([any]);
    first.abort("reason");
    assert_equals([any.reason, nested.reason], ["reason", "reason"]);
    assert(AbortSignal.any([AbortSignal.abort()]).aborted);
    const timeout = AbortSignal.timeout(5);
    await new Promise((resolve) => timeout.addEventListener("abort", resolve));
    assert_equals(timeout.reason.name, "TimeoutError");
  },
};

export const exceptions = {
  test() {
    const error = new DOMException("message", "NotFoundError");
    assert_equals([error.name, error.message, error.code], ["NotFoundError", "message", 8]);
    assert(error instanceof Error && error instanceof DOMException);
    assert_equals(DOMException.ABORT_ERR, 20);
    assert_equals(String(error), "NotFoundError: message");
    assert_equals(Object.prototype.toString.call(error), "[object DOMException]");
    assert(typeof error.stack === "string");
  },
};
