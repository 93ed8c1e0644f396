// withEnv() of cloudflare:workers, and the `env` that it changes; the scope that AsyncLocalStorage
// keeps its stores in.
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

const { env_scope_current, env_scope_env, env_scope_resume, env_scope_run } = ops;

// Whether this worker ever made a scope: most never do, and need not look for one.
let scopes = false;

// What the scope replaces: {env, exports}, undefined where it leaves one as it is.
const replaced = () => (scopes ? env_scope_env() : undefined);
export const scope_env = () => replaced()?.env;
export const scope_exports = () => replaced()?.exports;

export function with_scope(name, env, exports, fn) {
  const is_object = (value) => typeof value === "object" && value !== null;
  if ((name !== "withExports" && !is_object(env)) || (name !== "withEnv" && !is_object(exports))) {
    throw new TypeError(`${name}() needs an object.`);
  }
  if (typeof fn !== "function") throw new TypeError(`${name}() needs a function.`);
  const outer = replaced();
  scopes = true;
  return env_scope_run(
    { __proto__: null, env: env ?? outer?.env, exports: exports ?? outer?.exports }, fn, []);
}

// This worker makes scopes (AsyncLocalStorage, whose stores travel with them).
export function use_scopes() {
  scopes = true;
}

// For what calls back later than promises do (timers): the function as it is called then.
export function in_scope(fn) {
  const scope = scopes ? env_scope_current() : undefined;
  return scope === undefined ? fn : (...args) => env_scope_resume(scope, fn, args);
}

// The `env` that modules import: the worker's, or that of the scope.
export const importable_env = (env) => importable(() => scope_env() ?? env);

export function importable(current) {
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
