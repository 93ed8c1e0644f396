// ReadableStreamFromIterable (Streams standard, 4.9.1): a stream of what an iterable gives.
import {
  PromiseReject,
  PromiseResolve,
  ReflectApply,
  SymbolAsyncIterator,
  SymbolIterator,
  TypeError,
} from "../base/primordials.js";
import { create_readable, default_close, default_enqueue } from "./readable.js";
import { resolved, when } from "./promises.js";
import { size_one } from "./queue.js";

function is_object(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

// GetIterator(iterable, async): an iterator of either kind; a synchronous one's values are awaited.
function iterator_of(iterable) {
  if (iterable === undefined || iterable === null) throw new TypeError("The argument is not iterable");
  let method = iterable[SymbolAsyncIterator];
  let sync = false;
  if (method === undefined || method === null) {
    method = iterable[SymbolIterator];
    sync = true;
  }
  if (typeof method !== "function") throw new TypeError("The argument is not iterable");
  const iterator = ReflectApply(method, iterable, []);
  if (!is_object(iterator)) throw new TypeError("The iterator is not an object");
  return { iterator, next: iterator.next, sync };
}

export function iterate_source(iterable) {
  const { iterator, next, sync } = iterator_of(iterable);
  const pull = () => {
    let result;
    try {
      result = PromiseResolve(ReflectApply(next, iterator, []));
    } catch (error) {
      return PromiseReject(error);
    }
    return when(result, (step) => {
      if (!is_object(step)) throw new TypeError("The result of an iterator is not an object");
      if (step.done) return default_close(state.controller);
      const { value } = step;
      if (!sync) return default_enqueue(state.controller, value);
      return when(PromiseResolve(value), (settled) => default_enqueue(state.controller, settled));
    });
  };
  const cancel = (reason) => {
    let result;
    try {
      const finish = iterator.return;
      if (finish === undefined || finish === null) return resolved();
      result = PromiseResolve(ReflectApply(finish, iterator, [reason]));
    } catch (error) {
      return PromiseReject(error);
    }
    return when(result, (step) => {
      if (!is_object(step)) throw new TypeError("The result of an iterator is not an object");
    });
  };
  const state = create_readable(pull, cancel, 0, size_one);
  return state;
}
