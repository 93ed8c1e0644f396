// From a native event to the worker's handler and back: nothing here is made anew for a request but
// the Request, the context and what the handler itself makes.
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { PromisePrototypeThen, PromiseResolve, TypeError } from "../base/primordials.js";
import { Request } from "../fetch/request.js";
import { is_response, send_response } from "../fetch/response.js";
import { call_handler, test_entry } from "../modules/entry.js";
import { ExecutionContext } from "./event.js";

const { event_current, event_fail, event_handler_done, event_peek } = ops;

function answer(id, value) {
  if (is_response(value)) {
    send_response(id, value);
  } else {
    event_fail(id, new TypeError(
      "Incorrect type for Promise: the Promise did not resolve to 'Response'."));
  }
}

// Reactions of handlers' promises run in the context of their event.
function on_value(value) {
  const id = event_current();
  try {
    answer(id, value);
  } catch (error) {
    event_fail(id, error);
  }
}

function on_error(error) {
  event_fail(event_current(), error);
}

// entrypoint, props: of an event that is for another entrypoint than the default one.
export function dispatch_fetch(id, method, url, entrypoint = undefined, props = undefined) {
  try {
    const request = new Request(kInternal, id, method, url);
    const ctx = new ExecutionContext(kInternal, id, props);
    const result = call_handler("fetch", request, ctx, entrypoint);
    if (is_response(result)) {
      send_response(id, result);
      return;
    }
    // An async function that awaited nothing has its answer already.
    const value = event_peek(result);
    if (value !== undefined) answer(id, value);
    else PromisePrototypeThen(PromiseResolve(result), on_value, on_error);
  } catch (error) {
    event_fail(id, error);
  }
}

function on_test_done() {
  event_handler_done(event_current());
}

export function dispatch_test(id, index) {
  try {
    const ctx = new ExecutionContext(kInternal, id);
    const result = test_entry(index).call("test", {}, ctx);
    PromisePrototypeThen(PromiseResolve(result), on_test_done, on_error);
  } catch (error) {
    event_fail(id, error);
  }
}
