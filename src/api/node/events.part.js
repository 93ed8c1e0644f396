// node:events. EventEmitter as Node.js has it: a function that may be called as a constructor of
// old style classes, whose state lies in _events, _eventsCount and _maxListeners, which code looks
// at.
import { AsyncResource } from "./async_hooks.part.js";
import { AbortError, coded, invalid_arg_type } from "./lib/errors.js";
import { inspect } from "./lib/inspect.js";
import { validate_abort_signal, validate_function, validate_number } from "./lib/validate.js";

const kCapture = Symbol("kCapture");
const kRejection = Symbol.for("nodejs.rejection");
const kErrorMonitor = Symbol("events.errorMonitor");
const kMaxTargetListeners = Symbol("events.maxEventTargetListeners");

let default_max_listeners = 10;
const target_max_listeners = new WeakMap();

function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}
EventEmitter.prototype._events = undefined;
EventEmitter.prototype._eventsCount = 0;
EventEmitter.prototype._maxListeners = undefined;
Object.defineProperty(EventEmitter.prototype, kCapture, { value: false, writable: true });

EventEmitter.init = function (options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = { __proto__: null };
    this._eventsCount = 0;
  }
  this._maxListeners = this._maxListeners || undefined;
  if (options?.captureRejections) {
    if (typeof options.captureRejections !== "boolean") {
      throw invalid_arg_type("options.captureRejections", "boolean", options.captureRejections);
    }
    this[kCapture] = true;
  } else {
    this[kCapture] = EventEmitter.prototype[kCapture];
  }
};

function max_listeners_of(emitter) {
  return emitter._maxListeners === undefined ? default_max_listeners : emitter._maxListeners;
}

// The promise of an async listener, when rejections are to be captured.
function watch_promise(emitter, promise, type, args) {
  let then;
  try {
    then = promise.then;
  } catch (error) {
    return void emitter.emit("error", error);
  }
  if (typeof then !== "function") return;
  then.call(promise, undefined, (error) => queueMicrotask(() => {
    if (typeof emitter[kRejection] === "function") return emitter[kRejection](error, type, ...args);
    const before = emitter[kCapture];
    try {
      emitter[kCapture] = false;
      emitter.emit("error", error);
    } finally {
      emitter[kCapture] = before;
    }
  }));
}

function throw_unhandled(args) {
  const error = args.length > 0 ? args[0] : undefined;
  if (error instanceof Error) throw error;
  let text;
  try {
    text = inspect(error);
  } catch {
    text = String(error);
  }
  const wrapped = coded(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${text})`);
  wrapped.context = error;
  throw wrapped;
}

Object.assign(EventEmitter.prototype, {
  setMaxListeners(n) {
    validate_number(n, "setMaxListeners", 0);
    this._maxListeners = n;
    return this;
  },

  getMaxListeners() {
    return max_listeners_of(this);
  },

  emit(type, ...args) {
    const events = this._events;
    if (type === "error") {
      if (events !== undefined && events[kErrorMonitor] !== undefined) {
        this.emit(kErrorMonitor, ...args);
      }
      if (events === undefined || events.error === undefined) throw_unhandled(args);
    } else if (events === undefined) {
      return false;
    }
    const handler = events[type];
    if (handler === undefined) return false;
    if (typeof handler === "function") {
      const result = handler.apply(this, args);
      if (this[kCapture] && result !== undefined && result !== null) {
        watch_promise(this, result, type, args);
      }
      return true;
    }
    const listeners = handler.slice();
    for (let i = 0; i < listeners.length; i++) {
      const result = listeners[i].apply(this, args);
      if (this[kCapture] && result !== undefined && result !== null) {
        watch_promise(this, result, type, args);
      }
    }
    return true;
  },

  addListener(type, listener) {
    return add_listener(this, type, listener, false);
  },

  prependListener(type, listener) {
    return add_listener(this, type, listener, true);
  },

  once(type, listener) {
    check_listener(listener);
    return this.on(type, once_wrap(this, type, listener));
  },

  prependOnceListener(type, listener) {
    check_listener(listener);
    return this.prependListener(type, once_wrap(this, type, listener));
  },

  removeListener(type, listener) {
    check_listener(listener);
    const list = this._events?.[type];
    if (list === undefined) return this;
    if (list === listener || list.listener === listener) {
      drop_type(this, type);
      if (this._events.removeListener) {
        this.emit("removeListener", type, list.listener || listener);
      }
    } else if (typeof list !== "function") {
      const at = list.findLastIndex((one) => one === listener || one.listener === listener);
      if (at < 0) return this;
      const rest = list.toSpliced(at, 1);
      this._events[type] = rest.length === 1 ? rest[0] : rest;
      if (this._events.removeListener !== undefined) this.emit("removeListener", type, listener);
    }
    return this;
  },

  removeAllListeners(type) {
    const events = this._events;
    if (events === undefined) return this;
    if (events.removeListener === undefined) {
      if (arguments.length === 0) {
        this._events = { __proto__: null };
        this._eventsCount = 0;
      } else if (events[type] !== undefined) {
        drop_type(this, type);
      }
      return this;
    }
    if (arguments.length === 0) {
      for (const key of Reflect.ownKeys(events)) {
        if (key !== "removeListener") this.removeAllListeners(key);
      }
      this.removeAllListeners("removeListener");
      this._events = { __proto__: null };
      this._eventsCount = 0;
      return this;
    }
    const listeners = events[type];
    if (typeof listeners === "function") {
      this.removeListener(type, listeners);
    } else if (listeners !== undefined) {
      for (const one of listeners.toReversed()) this.removeListener(type, one);
    }
    return this;
  },

  listeners(type) {
    return list_of(this, type).map((one) => one.listener || one);
  },

  rawListeners(type) {
    return list_of(this, type);
  },

  listenerCount(type, listener) {
    const list = list_of(this, type);
    if (listener === undefined || listener === null) return list.length;
    return list.filter((one) => one === listener || one.listener === listener).length;
  },

  eventNames() {
    return this._eventsCount > 0 ? Reflect.ownKeys(this._events) : [];
  },
});
EventEmitter.prototype.on = EventEmitter.prototype.addListener;
EventEmitter.prototype.off = EventEmitter.prototype.removeListener;

function check_listener(listener) {
  validate_function(listener, "listener");
}

function list_of(emitter, type) {
  const list = emitter._events?.[type];
  if (list === undefined) return [];
  return typeof list === "function" ? [list] : list.slice();
}

function drop_type(emitter, type) {
  if (--emitter._eventsCount === 0) emitter._events = { __proto__: null };
  else delete emitter._events[type];
}

function add_listener(emitter, type, listener, prepend) {
  check_listener(listener);
  let events = emitter._events;
  if (events === undefined) {
    events = emitter._events = { __proto__: null };
    emitter._eventsCount = 0;
  } else if (events.newListener !== undefined) {
    emitter.emit("newListener", type, listener.listener ?? listener);
    events = emitter._events;
  }
  const existing = events[type];
  if (existing === undefined) {
    events[type] = listener;
    ++emitter._eventsCount;
    return emitter;
  }
  let list = existing;
  if (typeof existing === "function") {
    list = events[type] = prepend ? [listener, existing] : [existing, listener];
  } else if (prepend) {
    list.unshift(listener);
  } else {
    list.push(listener);
  }
  const most = max_listeners_of(emitter);
  if (most > 0 && list.length > most && !list.warned) warn_of_leak(emitter, type, list);
  return emitter;
}

function warn_of_leak(emitter, type, list) {
  list.warned = true;
  console.warn("MaxListenersExceededWarning: Possible EventEmitter memory leak detected. " +
    `${list.length} ${String(type)} listeners added to ${inspect(emitter, { depth: -1 })}. ` +
    `MaxListeners is ${max_listeners_of(emitter)}. ` +
    "Use emitter.setMaxListeners() to increase limit");
}

function once_wrap(target, type, listener) {
  let fired = false;
  function wrapped(...args) {
    if (fired) return;
    target.removeListener(type, wrapped);
    fired = true;
    return listener.apply(target, args);
  }
  wrapped.listener = listener;
  return wrapped;
}

// --- what the module has beside the class ---

const is_target = (value) => typeof value?.addEventListener === "function";

function attach(emitter, type, listener, options = undefined) {
  if (typeof emitter?.on === "function") {
    if (options?.once) emitter.once(type, listener);
    else emitter.on(type, listener);
  } else if (is_target(emitter)) {
    emitter.addEventListener(type, listener, options);
  } else {
    throw invalid_arg_type("emitter", "EventEmitter", emitter);
  }
}

function detach(emitter, type, listener) {
  if (typeof emitter.removeListener === "function") emitter.removeListener(type, listener);
  else emitter.removeEventListener(type, listener);
}

async function once(emitter, name, options = {}) {
  const signal = options?.signal;
  validate_abort_signal(signal, "options.signal");
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
  return await new Promise((resolve, reject) => {
    const failed = (error) => {
      detach(emitter, name, arrived);
      signal?.removeEventListener("abort", aborted);
      reject(error);
    };
    const arrived = (...args) => {
      if (typeof emitter.removeListener === "function") emitter.removeListener("error", failed);
      signal?.removeEventListener("abort", aborted);
      resolve(args);
    };
    const aborted = () => {
      detach(emitter, name, arrived);
      if (typeof emitter.removeListener === "function") emitter.removeListener("error", failed);
      reject(new AbortError(undefined, { cause: signal.reason }));
    };
    attach(emitter, name, arrived, { once: true });
    if (name !== "error" && typeof emitter.once === "function") emitter.once("error", failed);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

const AsyncIteratorPrototype =
  Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);

function on(emitter, name, options = {}) {
  const signal = options?.signal;
  validate_abort_signal(signal, "options.signal");
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
  const high = options.highWaterMark ?? Number.MAX_SAFE_INTEGER;
  const low = options.lowWaterMark ?? 1;
  const events = [];
  const waiting = [];
  let failure = null;
  let finished = false;
  let paused = false;

  const arrived = (...args) => {
    if (waiting.length > 0) return waiting.shift().resolve({ value: args, done: false });
    events.push(args);
    if (!paused && events.length > high) {
      paused = true;
      emitter.pause?.();
    }
  };
  const failed = (error) => {
    if (waiting.length > 0) waiting.shift().reject(error);
    else failure = error;
    close();
  };
  const aborted = () => failed(new AbortError(undefined, { cause: signal.reason }));
  const ended = () => void close();
  const close_events = options.close ?? [];
  function close() {
    detach(emitter, name, arrived);
    if (!is_target(emitter) || typeof emitter.on === "function") detach(emitter, "error", failed);
    for (const event of close_events) detach(emitter, event, ended);
    signal?.removeEventListener("abort", aborted);
    finished = true;
    const result = { value: undefined, done: true };
    for (const one of waiting.splice(0)) one.resolve(result);
    return Promise.resolve(result);
  }
  attach(emitter, name, arrived);
  if (name !== "error" && typeof emitter.on === "function") emitter.on("error", failed);
  for (const event of close_events) attach(emitter, event, ended);
  signal?.addEventListener("abort", aborted, { once: true });

  return Object.setPrototypeOf({
    next() {
      if (events.length > 0) {
        const value = events.shift();
        if (paused && events.length < low) {
          paused = false;
          emitter.resume?.();
        }
        return Promise.resolve({ value, done: false });
      }
      if (failure !== null) {
        const rejection = Promise.reject(failure);
        failure = null;
        return rejection;
      }
      if (finished) return Promise.resolve({ value: undefined, done: true });
      const { promise, resolve, reject } = Promise.withResolvers();
      waiting.push({ resolve, reject });
      return promise;
    },
    return: () => close(),
    throw(error) {
      if (!error || !(error instanceof Error)) {
        throw invalid_arg_type("EventEmitter.AsyncIterator", "Error", error);
      }
      failed(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  }, AsyncIteratorPrototype);
}

function getEventListeners(target, type) {
  if (typeof target.listeners === "function") return target.listeners(type);
  if (is_target(target)) {
    throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
      "events.getEventListeners() of an EventTarget is not implemented");
  }
  throw invalid_arg_type("emitter", ["EventEmitter", "EventTarget"], target);
}

function getMaxListeners(target) {
  if (typeof target?.getMaxListeners === "function") return max_listeners_of(target);
  if (is_target(target)) return target_max_listeners.get(target) ?? default_max_listeners;
  throw invalid_arg_type("emitter", ["EventEmitter", "EventTarget"], target);
}

function setMaxListeners(n = default_max_listeners, ...targets) {
  validate_number(n, "setMaxListeners", 0);
  if (targets.length === 0) default_max_listeners = n;
  for (const target of targets) {
    if (typeof target.setMaxListeners === "function") target.setMaxListeners(n);
    else if (is_target(target)) target_max_listeners.set(target, n);
    else throw invalid_arg_type("eventTargets", ["EventEmitter", "EventTarget"], target);
  }
}

function listenerCount(emitter, type) {
  if (typeof emitter.listenerCount === "function") return emitter.listenerCount(type);
  return EventEmitter.prototype.listenerCount.call(emitter, type);
}

function addAbortListener(signal, listener) {
  if (signal === undefined) throw invalid_arg_type("signal", "AbortSignal", signal);
  validate_abort_signal(signal, "signal");
  validate_function(listener, "listener");
  let remove = () => {};
  if (signal.aborted) {
    queueMicrotask(() => listener());
  } else {
    signal.addEventListener("abort", listener, { once: true });
    remove = () => signal.removeEventListener("abort", listener);
  }
  return { __proto__: null, [Symbol.dispose]: () => remove() };
}

class EventEmitterAsyncResource extends EventEmitter {
  #resource;
  constructor(options = undefined) {
    const name = typeof options === "string" ? options : options?.name || new.target.name;
    super(typeof options === "string" ? undefined : options);
    this.#resource = new AsyncResource(name, typeof options === "string" ? undefined : options);
  }
  emit(event, ...args) {
    return this.#resource.runInAsyncScope(super.emit, this, event, ...args);
  }
  emitDestroy() {
    this.#resource.emitDestroy();
  }
  get asyncId() {
    return this.#resource.asyncId();
  }
  get triggerAsyncId() {
    return this.#resource.triggerAsyncId();
  }
  get asyncResource() {
    return this.#resource;
  }
}

Object.assign(EventEmitter, {
  EventEmitter, once, on, getEventListeners, getMaxListeners, setMaxListeners, listenerCount,
  addAbortListener, EventEmitterAsyncResource, usingDomains: false,
  captureRejectionSymbol: kRejection, errorMonitor: kErrorMonitor,
  kMaxEventTargetListeners: kMaxTargetListeners,
});
Object.defineProperties(EventEmitter, {
  defaultMaxListeners: {
    enumerable: true,
    get: () => default_max_listeners,
    set(n) {
      validate_number(n, "defaultMaxListeners", 0);
      default_max_listeners = n;
    },
  },
  captureRejections: {
    enumerable: true,
    get: () => EventEmitter.prototype[kCapture],
    set(value) {
      if (typeof value !== "boolean") {
        throw invalid_arg_type("EventEmitter.captureRejections", "boolean", value);
      }
      EventEmitter.prototype[kCapture] = value;
    },
  },
});

export {
  EventEmitter, EventEmitterAsyncResource, addAbortListener, getEventListeners, getMaxListeners,
  listenerCount, on, once, setMaxListeners, kRejection as captureRejectionSymbol,
  kErrorMonitor as errorMonitor,
};
export default EventEmitter;
