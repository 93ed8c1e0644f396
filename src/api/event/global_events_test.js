import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const once = (type) => new Promise((resolve) => self.addEventListener(type, (event) => {
  event.preventDefault();
  resolve(event);
}, { once: true }));

export const reported_errors = {
  async test() {
    const heard = once("error");
    const error = new RangeError("mine");
    reportError(error);
    const event = await heard;
    assert(event instanceof ErrorEvent && event.error === error && event.cancelable);
    assert_equals([event.message, event.defaultPrevented], ["mine", true]);
    const from_timer = once("error");
    setTimeout(() => {
      throw new EvalError("later");
    }, 0);
    assert_equals((await from_timer).message, "later");
    const from_listener = once("error");
    const target = new EventTarget();
    target.addEventListener("x", () => {
      throw "text";
    });
    target.dispatchEvent(new Event("x"));
    assert_equals((await from_listener).error, "text");
  },
};

export const rejections = {
  async test() {
    const heard = once("unhandledrejection");
    const promise = Promise.reject(new RangeError("nobody"));
    const event = await heard;
    assert(event instanceof PromiseRejectionEvent && event.promise === promise);
    assert_equals(event.reason.message, "nobody");
    const late = once("rejectionhandled");
    promise.catch(() => {});
    assert_equals((await late).promise, promise);
    assert_throws(() => new PromiseRejectionEvent("x"), TypeError);
    assert_throws(() => new PromiseRejectionEvent("x", {}), TypeError);
  },
};

export const events = {
  async test() {
    assert_equals(new CustomEvent("x", { detail: 5 }).detail, 5);
    assert_equals(new CustomEvent("x").detail, null);
    const error = new ErrorEvent("e", { message: "m", filename: "f", lineno: 1, colno: 2, error: 3 });
    assert_equals([error.message, error.filename, error.lineno, error.colno, error.error], ["m", "f", 1, 2, 3]);
    const timeout = AbortSignal.timeout(1);
    const any = AbortSignal.any([new AbortController().signal, timeout]);
    await new Promise((resolve) => any.addEventListener("abort", resolve));
    assert_equals(any.reason.name, "TimeoutError");
  },
};
