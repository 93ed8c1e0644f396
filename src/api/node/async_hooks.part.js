// node:async_hooks. The stores of all AsyncLocalStorage objects lie in one immutable Map, the
// frame, which travels in V8's continuation data (event/env_scope.cc) through promises; what calls
// back by other ways keeps the frame of where it was made.
import { ops } from "../base/ops.js";
import { use_scopes } from "../event/env_scope.js";
import { coded, invalid_arg_type, not_implemented } from "./lib/errors.js";
import { validate_function, validate_object, validate_string } from "./lib/validate.js";

const { env_scope_frame, env_scope_set_frame } = ops;

use_scopes();

// Calls fn with `frame` in force.
function run_in_frame(frame, fn, self, args) {
  const before = env_scope_frame();
  env_scope_set_frame(frame);
  try {
    return Reflect.apply(fn, self, args);
  } finally {
    env_scope_set_frame(before);
  }
}

function frame_with(storage, store) {
  const frame = new Map(env_scope_frame());
  frame.set(storage, store);
  return frame;
}

class AsyncLocalStorage {
  #default_value;
  #name = "";

  constructor(options = {}) {
    validate_object(options, "options");
    this.#default_value = options.defaultValue;
    if (options.name !== undefined) {
      validate_string(options.name, "options.name");
      this.#name = options.name;
    }
  }

  get name() {
    return this.#name;
  }

  run(store, fn, ...args) {
    validate_function(fn, "callback");
    return run_in_frame(frame_with(this, store), fn, undefined, args);
  }

  exit(fn, ...args) {
    validate_function(fn, "callback");
    return run_in_frame(frame_with(this, undefined), fn, undefined, args);
  }

  getStore() {
    const frame = env_scope_frame();
    return frame !== undefined && frame.has(this) ? frame.get(this) : this.#default_value;
  }

  enterWith(store) {
    env_scope_set_frame(frame_with(this, store));
  }

  disable() {
    const frame = new Map(env_scope_frame());
    frame.delete(this);
    env_scope_set_frame(frame);
  }

  // A function that calls `fn` with the stores of now.
  static bind(fn) {
    validate_function(fn, "fn");
    const frame = env_scope_frame();
    return function (...args) {
      return run_in_frame(frame, fn, this, args);
    };
  }

  static snapshot() {
    const frame = env_scope_frame();
    return (fn, ...args) => run_in_frame(frame, fn, undefined, args);
  }
}

let last_id = 1;

class AsyncResource {
  #type;
  #frame = env_scope_frame();
  #id = ++last_id;
  #trigger;

  constructor(type, options = {}) {
    validate_string(type, "type");
    if (type.length === 0)
      throw coded(TypeError, "ERR_ASYNC_TYPE", "Invalid name for async \"type\": ");
    const trigger = typeof options === "number" ? options : options?.triggerAsyncId ?? 1;
    if (!Number.isSafeInteger(trigger) || trigger < -1) {
      throw coded(RangeError, "ERR_INVALID_ASYNC_ID", `Invalid triggerAsyncId value: ${trigger}`);
    }
    this.#type = type;
    this.#trigger = trigger;
  }

  get type() {
    return this.#type;
  }

  asyncId() {
    return this.#id;
  }

  triggerAsyncId() {
    return this.#trigger;
  }

  emitDestroy() {
    return this;
  }

  runInAsyncScope(fn, self, ...args) {
    validate_function(fn, "fn");
    return run_in_frame(this.#frame, fn, self, args);
  }

  bind(fn, self) {
    validate_function(fn, "fn");
    const resource = this;
    const bound = function (...args) {
      return resource.runInAsyncScope(fn, self === undefined ? this : self, ...args);
    };
    Object.defineProperties(bound, {
      length: { configurable: true, enumerable: false, value: fn.length, writable: false },
      asyncResource: { configurable: true, enumerable: true, value: this, writable: true },
    });
    return bound;
  }

  static bind(fn, type, self) {
    validate_function(fn, "fn");
    return new AsyncResource(type || fn.name || "bound-anonymous-fn").bind(fn, self);
  }
}

// There are no hooks in Workers: as there, one can be made and says so when it is switched on.
function createHook(callbacks) {
  if (typeof callbacks !== "object" || callbacks === null) {
    throw invalid_arg_type("callbacks", "object", callbacks);
  }
  return {
    enable() {
      throw not_implemented("asyncHook.enable");
    },
    disable() {
      return this;
    },
  };
}
const executionAsyncId = () => 0;
const triggerAsyncId = () => 0;
const executionAsyncResource = () => ({ __proto__: null });
const asyncWrapProviders = Object.freeze({ __proto__: null });

export {
  AsyncLocalStorage, AsyncResource, asyncWrapProviders, createHook, executionAsyncId,
  executionAsyncResource, triggerAsyncId,
};
export default {
  AsyncLocalStorage, AsyncResource, asyncWrapProviders, createHook, executionAsyncId,
  executionAsyncResource, triggerAsyncId,
};
