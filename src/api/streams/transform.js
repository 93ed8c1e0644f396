// TransformStream (Streams standard, section 6).
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { illegal_constructor } from "../base/webidl.js";
import { PromiseReject, RangeError, ReflectApply, TypeError } from "../base/primordials.js";
import { call_for_promise, deferred, resolved, when } from "./promises.js";
import { high_water_mark, read_strategy, size_one } from "./queue.js";
import {
  create_readable,
  default_can_enqueue,
  default_close,
  default_desired_size,
  default_enqueue,
  default_error,
  kErrored,
} from "./readable.js";
import { create_writable, kErroring, kWErrored, writable_error_if_needed } from "./writable.js";

class TransformState {
  readable;
  writable;
  backpressure = undefined;
  change = undefined;     // settled when backpressure changes
  transform;              // chunk => promise
  flush;
  cancel;
  finishing = undefined;  // promise of the one finish: cancel, abort or close
  controller = null;
}

function set_backpressure(t, backpressure) {
  if (t.change !== undefined) t.change.resolve(undefined);
  t.change = deferred();
  t.backpressure = backpressure;
}

function clear_algorithms(t) {
  t.transform = t.flush = t.cancel = undefined;
}

function unblock_write(t) {
  if (t.backpressure) set_backpressure(t, false);
}

function error_writable_and_unblock(t, error) {
  clear_algorithms(t);
  writable_error_if_needed(t.writable.controller, error);
  unblock_write(t);
}

export function transform_error(t, error) {
  default_error(t.readable.controller, error);
  error_writable_and_unblock(t, error);
}

export function transform_enqueue(t, chunk) {
  const c = t.readable.controller;
  if (!default_can_enqueue(c)) throw new TypeError("The readable side of this TransformStream takes no chunks any more.");
  try {
    default_enqueue(c, chunk);
  } catch (error) {
    error_writable_and_unblock(t, error);
    throw t.readable.error;
  }
  const pressed = !(default_desired_size(c) > 0 || (t.readable.reader !== null && t.readable.reader.requests.length > 0));
  if (pressed !== t.backpressure) set_backpressure(t, true);
}

export function transform_terminate(t) {
  default_close(t.readable.controller);
  error_writable_and_unblock(t, new TypeError("This TransformStream has been terminated."));
}

function perform(t, chunk) {
  return when(t.transform(chunk), undefined, (error) => {
    transform_error(t, error);
    throw error;
  });
}

function sink_write(t, chunk) {
  if (!t.backpressure) return perform(t, chunk);
  return when(t.change.promise, () => {
    const { state } = t.writable;
    if (state === kErroring || state === kWErrored) throw t.writable.error;
    return perform(t, chunk);
  });
}

function sink_abort(t, reason) {
  if (t.finishing !== undefined) return t.finishing.promise;
  const finish = (t.finishing = deferred());
  const done = t.cancel(reason);
  clear_algorithms(t);
  when(done, () => {
    if (t.readable.state === kErrored) return finish.reject(t.readable.error);
    default_error(t.readable.controller, reason);
    finish.resolve(undefined);
  }, (error) => {
    default_error(t.readable.controller, error);
    finish.reject(error);
  });
  return finish.promise;
}

function sink_close(t) {
  if (t.finishing !== undefined) return t.finishing.promise;
  const finish = (t.finishing = deferred());
  const done = t.flush();
  clear_algorithms(t);
  when(done, () => {
    if (t.readable.state === kErrored) return finish.reject(t.readable.error);
    default_close(t.readable.controller);
    finish.resolve(undefined);
  }, (error) => {
    default_error(t.readable.controller, error);
    finish.reject(error);
  });
  return finish.promise;
}

function source_cancel(t, reason) {
  if (t.finishing !== undefined) return t.finishing.promise;
  const finish = (t.finishing = deferred());
  const done = t.cancel(reason);
  clear_algorithms(t);
  when(done, () => {
    if (t.writable.state === kWErrored) return finish.reject(t.writable.error);
    writable_error_if_needed(t.writable.controller, reason);
    unblock_write(t);
    finish.resolve(undefined);
  }, (error) => {
    writable_error_if_needed(t.writable.controller, error);
    unblock_write(t);
    finish.reject(error);
  });
  return finish.promise;
}

// InitializeTransformStream; `started` is a promise.
export function setup_transform(t, started, writable_mark, writable_size, readable_mark, readable_size) {
  const start = () => started;
  t.writable = create_writable(start, (chunk) => sink_write(t, chunk), () => sink_close(t),
                               (reason) => sink_abort(t, reason), writable_mark, writable_size);
  t.readable = create_readable(() => {
    set_backpressure(t, false);
    return t.change.promise;
  }, (reason) => source_cancel(t, reason), readable_mark, readable_size, start);
  set_backpressure(t, true);
}

// Undefined where whoever reads wants more of a transform's output now, else a promise of that.
export function transform_wanted(t) {
  return t.backpressure ? t.change.promise : undefined;
}

// A transform of our own: transform(chunk, t) and flush(t) are plain functions that enqueue with
// transform_enqueue, and may return a promise of ours; what they throw errors the stream. Gives
// {readable, writable}, public objects.
export function make_transform(transform, flush) {
  const t = new TransformState();
  t.transform = (chunk) => {
    try {
      return transform(chunk, t) ?? resolved();
    } catch (error) {
      return PromiseReject(error);
    }
  };
  t.flush = () => {
    try {
      return (flush === undefined ? undefined : flush(t)) ?? resolved();
    } catch (error) {
      return PromiseReject(error);
    }
  };
  t.cancel = resolved;
  setup_transform(t, resolved(), 1, size_one, 0, size_one);
  return { readable: t.readable.stream, writable: t.writable.stream };
}

export class TransformStreamDefaultController {
  #t;
  constructor(internal = undefined, state = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = state;
  }
  get desiredSize() {
    return default_desired_size(this.#t.readable.controller);
  }
  enqueue(chunk = undefined) {
    transform_enqueue(this.#t, chunk);
  }
  error(reason = undefined) {
    transform_error(this.#t, reason);
  }
  terminate() {
    transform_terminate(this.#t);
  }
}
finish_class(TransformStreamDefaultController, "TransformStreamDefaultController");

const members = ["cancel", "flush", "readableType", "start", "transform", "writableType"];

function read_transformer(transformer) {
  const dict = { __proto__: null };
  if (transformer === undefined || transformer === null) return dict;
  if (typeof transformer !== "object" && typeof transformer !== "function") {
    throw new TypeError("Failed to construct 'TransformStream': the transformer is not an object");
  }
  for (let i = 0; i < members.length; i++) {
    const name = members[i];
    const value = transformer[name];
    if (name === "readableType" || name === "writableType") {
      if (value !== undefined) throw new RangeError(`The ${name} of a transformer must be undefined.`);
    } else if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`The member '${name}' of the transformer is not a function`);
    }
    dict[name] = value;
  }
  return dict;
}

export class TransformStream {
  #t;
  constructor(transformer = undefined, writable_strategy = undefined, readable_strategy = undefined) {
    const w = read_strategy(writable_strategy);
    const r = read_strategy(readable_strategy);
    const dict = read_transformer(transformer);
    const readable_mark = high_water_mark(r.mark, 0);
    const writable_mark = high_water_mark(w.mark, 1);
    const t = new TransformState();
    this.#t = t;
    const started = deferred();
    const controller = new TransformStreamDefaultController(kInternal, t);
    t.transform = dict.transform === undefined ?
      (chunk) => {
        try {
          transform_enqueue(t, chunk);
          return resolved();
        } catch (error) {
          return PromiseReject(error);
        }
      } : (chunk) => call_for_promise(dict.transform, transformer, [chunk, controller]);
    t.flush = dict.flush === undefined ? resolved : () => call_for_promise(dict.flush, transformer, [controller]);
    t.cancel = dict.cancel === undefined ? resolved : (reason) => call_for_promise(dict.cancel, transformer, [reason]);
    setup_transform(t, started.promise, writable_mark, w.size ?? size_one, readable_mark, r.size ?? size_one);
    started.resolve(dict.start === undefined ? undefined : ReflectApply(dict.start, transformer, [controller]));
  }
  get readable() {
    return this.#t.readable.stream;
  }
  get writable() {
    return this.#t.writable.stream;
  }
}
finish_class(TransformStream, "TransformStream");
