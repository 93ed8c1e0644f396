// node:timers: as the global functions, but what they give is an object, as Node.js's.
import { clear_internal_timeout, set_timer } from "../timers/timers.js";
import { AbortError } from "./lib/errors.js";
import { validate_abort_signal, validate_function } from "./lib/validate.js";

const kCustom = Symbol.for("nodejs.util.promisify.custom");

class Timeout {
  #fn;
  #delay;
  #repeat;
  #args;
  #id;
  #live = true;

  constructor(fn, delay, repeat, args) {
    validate_function(fn, "callback");
    this.#fn = fn;
    this.#delay = delay;
    this.#repeat = repeat;
    this.#args = args;
    this.#start();
  }

  #start() {
    this.#id = set_timer((...args) => {
      this.#live = this.#repeat;
      this.#fn.apply(this, args);
    }, this.#delay, this.#repeat, this.#args);
  }

  hasRef() {
    return true;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  refresh() {
    if (this.#live) {
      clear_internal_timeout(this.#id);
      this.#start();
    }
    return this;
  }
  close() {
    this.#live = false;
    clear_internal_timeout(this.#id);
    return this;
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
  [Symbol.dispose]() {
    this.close();
  }
}

class Immediate {
  #timeout;
  constructor(fn, args) {
    this.#timeout = new Timeout(fn, 0, false, args);
  }
  hasRef() {
    return true;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  [Symbol.toPrimitive]() {
    return +this.#timeout;
  }
  [Symbol.dispose]() {
    this.#timeout.close();
  }
}

function setTimeout(fn, delay = 1, ...args) {
  return new Timeout(fn, delay, false, args);
}
function setInterval(fn, delay = 1, ...args) {
  return new Timeout(fn, delay, true, args);
}
function setImmediate(fn, ...args) {
  return new Immediate(fn, args);
}

function clearTimeout(timer) {
  if (timer instanceof Timeout) timer.close();
  else if (timer !== undefined && timer !== null && typeof timer !== "symbol")
    clear_internal_timeout(timer);
}
const clearInterval = clearTimeout;
function clearImmediate(immediate) {
  immediate?.[Symbol.dispose]?.();
}

const enroll = () => {
  throw new Error("Not implemented: timers.enroll() is deprecated");
};
const active = (timer) => void timer?.refresh?.();
const unenroll = (timer) => clearTimeout(timer);
const _unrefActive = active;

function later(start, clear, value, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const stop = () => {
      clear(timer);
      reject(aborted(signal));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", stop);
      resolve(value);
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}
const aborted = (signal) => new AbortError(undefined, { cause: signal.reason });

// What node:timers/promises exports.
export const promises = {
  async setTimeout(delay, value, options = {}) {
    validate_abort_signal(options.signal, "options.signal");
    return await later((fn) => setTimeout(fn, delay), clearTimeout, value, options.signal);
  },
  async setImmediate(value, options = {}) {
    validate_abort_signal(options.signal, "options.signal");
    return await later((fn) => setImmediate(fn), clearImmediate, value, options.signal);
  },
  async* setInterval(delay, value, options = {}) {
    validate_abort_signal(options.signal, "options.signal");
    for (;;) yield await later((fn) => setTimeout(fn, delay), clearTimeout, value, options.signal);
  },
  scheduler: {
    wait: (delay, options) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
  },
};
Object.defineProperty(setTimeout, kCustom, { enumerable: true, value: promises.setTimeout });
Object.defineProperty(setImmediate, kCustom, { enumerable: true, value: promises.setImmediate });

export {
  Immediate,
  Timeout,
  _unrefActive,
  active,
  clearImmediate,
  clearInterval,
  clearTimeout,
  enroll,
  setImmediate,
  setInterval,
  setTimeout,
  unenroll,
};
export default {
  _unrefActive,
  active,
  clearImmediate,
  clearInterval,
  clearTimeout,
  enroll,
  promises,
  setImmediate,
  setInterval,
  setTimeout,
  unenroll,
};
