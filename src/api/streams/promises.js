// Promises inside streams: made, settled and watched without a look at what user code may have patched.
import {
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  PromiseWithResolvers,
  ReflectApply,
  noop,
} from "../base/primordials.js";

// {promise, resolve, reject}
export const deferred = PromiseWithResolvers;

// "Set promise.[[PromiseIsHandled]] to true."
export function mark_handled(promise) {
  PromisePrototypeThen(promise, undefined, noop);
}

export const resolved = () => PromiseResolve(undefined);

// Calls a user's callback; what it throws rejects the promise.
export function call_for_promise(callback, self, args) {
  try {
    return PromiseResolve(ReflectApply(callback, self, args));
  } catch (error) {
    return PromiseReject(error);
  }
}

export const when = PromisePrototypeThen;

// ReadableStream…ControllerCallPullIfNeeded once it is known that a pull is needed: one at a time. A
// pull that was wanted meanwhile is decided on again by `pull_if_needed` after it.
export function pull_once(controller, pull_if_needed, fail) {
  if (controller.pulling) {
    controller.pull_again = true;
    return;
  }
  controller.pulling = true;
  when(controller.pull(), () => {
    controller.pulling = false;
    if (controller.pull_again) {
      controller.pull_again = false;
      pull_if_needed(controller);
    }
  }, (error) => fail(controller, error));
}
