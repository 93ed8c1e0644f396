// withEnv() of cloudflare:workers, and the `env` that it changes.
import { ops } from "../base/ops.js";
import {
  Proxy,
  ReflectDefineProperty,
  ReflectDeleteProperty,
  ReflectGet,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  ReflectOwnKeys,
  ReflectSet,
  TypeError,
} from "../base/primordials.js";

const { env_scope_env, env_scope_run } = ops;

// Whether this worker ever made a scope: most never do, and need not look for one.
let scopes = false;

export function scope_env() {
  return scopes ? env_scope_env() : undefined;
}

export function with_env(env, fn) {
  if (typeof env !== "object" || env === null) throw new TypeError("withEnv() needs an object.");
  if (typeof fn !== "function") throw new TypeError("withEnv() needs a function.");
  scopes = true;
  return env_scope_run(env, fn, []);
}

// For what calls back later than promises do (timers): the function as it is called then.
export function in_scope(fn) {
  const env = scope_env();
  return env === undefined ? fn : (...args) => env_scope_run(env, fn, args);
}

// The `env` that modules import: the worker's, or that of the scope.
export function importable_env(env) {
  const current = () => scope_env() ?? env;
  return new Proxy({}, {
    __proto__: null,
    get: (_, key) => ReflectGet(current(), key),
    set: (_, key, value) => ReflectSet(current(), key, value),
    has: (_, key) => ReflectHas(current(), key),
    deleteProperty: (_, key) => ReflectDeleteProperty(current(), key),
    ownKeys: () => ReflectOwnKeys(current()),
    defineProperty: (_, key, descriptor) => ReflectDefineProperty(current(), key, descriptor),
    getOwnPropertyDescriptor(_, key) {
      const descriptor = ReflectGetOwnPropertyDescriptor(current(), key);
      // The proxy's own target has no such property: it may claim none that stays for ever.
      if (descriptor !== undefined) descriptor.configurable = true;
      return descriptor;
    },
  });
}
