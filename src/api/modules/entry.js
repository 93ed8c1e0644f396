// The worker's entry points: what the main module exports, the worker's env, and
// cloudflare:workers.
import { expose_value, finish_class } from "../base/expose.js";
import { ops } from "../base/ops.js";
import { has_flag } from "../base/flags.js";
import {
  ArrayPrototypePush,
  Error,
  FunctionPrototypeCall,
  JSONParse,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectKeys,
  Proxy,
  ReflectConstruct,
  ReflectDeleteProperty,
  ReflectGetOwnPropertyDescriptor,
  TypeError,
} from "../base/primordials.js";
import { importable, importable_env, scope_exports, with_scope } from "../event/env_scope.js";
import { own_exports, set_global_scope, wait_until } from "../event/event.js";
import { fetch_listeners } from "../event/service_worker.js";
import { RpcPromise, RpcProperty, RpcStub, ServiceStub } from "../rpc/classes.js";
import { builtin_part } from "./builtins.js";

// --- cloudflare:workers ---

class WorkerEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class DurableObject {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class WorkflowEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

export class RpcTarget {}

finish_class(WorkerEntrypoint, "WorkerEntrypoint");
finish_class(DurableObject, "DurableObject");
finish_class(WorkflowEntrypoint, "WorkflowEntrypoint");
finish_class(RpcTarget, "RpcTarget");

const env = {};
const imported_env = importable_env(env);

const imported_exports = importable(() => scope_exports() ?? own_exports());

// vars: [name, value, is_json, …]; bindings: names, in the order that native code has
function set_env(vars, bindings) {
  for (let i = 0; i < vars.length; i += 3) {
    env[vars[i]] = vars[i + 2] ? JSONParse(vars[i + 1]) : vars[i + 1];
    add_global(vars[i], undefined, env[vars[i]]);
  }
  for (let i = 0; i < bindings.length; i++) {
    const name = bindings[i];
    ops.env_binding(env, name, i);
    add_global(name, () => env[name]);
  }
}

export function env_object() {
  return env;
}

// What a built-in module exports; undefined where there is none of that name.
export function builtin_module(name) {
  if (name !== "cloudflare:workers") return builtin_part(name);
  return {
    __proto__: null,
    WorkerEntrypoint,
    DurableObject,
    WorkflowEntrypoint,
    RpcTarget,
    env: has_flag("disallow_importable_env") ? importable_env({}) : imported_env,
    RpcStub,
    RpcPromise,
    RpcProperty,
    ServiceStub,
    exports: imported_exports,
    withEnv: (env, fn) => with_scope("withEnv", env, undefined, fn),
    withExports: (exports, fn) => with_scope("withExports", undefined, exports, fn),
    withEnvAndExports: (env, exports, fn) => with_scope("withEnvAndExports", env, exports, fn),
    waitUntil: (promise) => wait_until(promise),
  };
}

// --- entry points ---

function is_entrypoint_class(value) {
  if (typeof value !== "function") return false;
  for (let at = value; at !== null; at = ObjectGetPrototypeOf(at)) {
    if (at === WorkerEntrypoint) return true;
  }
  return false;
}

function missing(name) {
  return new TypeError(`Handler does not export a ${name}() function.`);
}

// One export that may handle events. Methods are read once, as Workers does.
class Entry {
  #object = null;
  #cls = null;
  #methods = { __proto__: null };
  #plain = false;  // a class that extends nothing of ours: it may have tests, and no other events

  constructor(value) {
    if (typeof value === "function") {
      this.#cls = value;
      this.#plain = !is_entrypoint_class(value);
      return;
    }
    this.#object = value;
  }

  #method(name) {
    const known = this.#methods[name];
    if (known !== undefined) return known;
    const method = this.#object[name];
    if (typeof method !== "function") throw missing(name);
    return (this.#methods[name] = method);
  }

  get plain() {
    return this.#plain;
  }
  get is_object() {
    return this.#cls === null;
  }
  get env() {
    return env;
  }

  // What RPC calls are made on: an instance for this event.
  rpc_receiver(ctx) {
    return this.#cls !== null ? ReflectConstruct(this.#cls, [ctx, env]) : this.#object;
  }

  has(name) {
    const holder = this.#cls !== null ? this.#cls.prototype : this.#object;
    return typeof holder[name] === "function";
  }

  call(name, event, ctx) {
    if (this.#cls !== null) {
      const instance = ReflectConstruct(this.#cls, [ctx, env]);
      const method = instance[name];
      if (typeof method !== "function") throw missing(name);
      if (this.#plain) return FunctionPrototypeCall(method, instance, event, env, ctx);
      return FunctionPrototypeCall(method, instance, event);
    }
    return FunctionPrototypeCall(this.#method(name), this.#object, event, env, ctx);
  }
}

let default_entry = null;
let entries = { __proto__: null };  // that may handle events, by the names of their exports
let tests = [];

function entry_from(value) {
  if (is_entrypoint_class(value)) return new Entry(value);
  if (typeof value === "function") {
    return typeof value.prototype?.test === "function" ? new Entry(value) : null;
  }
  return typeof value === "object" && value !== null ? new Entry(value) : null;
}

// Bindings of a service worker are globals. Whether the main module is one shows only when it is
// loaded, so they stand there while the top level runs, and go when it was a module.
// What a binding is shows when it is first read, so it is an accessor.
const added_globals = [];

function add_global(name, get, value) {
  if (ObjectHasOwn(globalThis, name)) return;
  if (get === undefined) expose_value(name, value, true);
  else {
    ObjectDefineProperty(globalThis, name, {
      __proto__: null, get, set: (value) => expose_value(name, value, true),
      enumerable: true, configurable: true,
    });
  }
  ArrayPrototypePush(added_globals, { __proto__: null, name, get, value });
}

function remove_globals() {
  for (let i = 0; i < added_globals.length; i++) {
    const { name, get, value } = added_globals[i];
    const now = ReflectGetOwnPropertyDescriptor(globalThis, name);
    if (now?.get === get && now?.value === value) ReflectDeleteProperty(globalThis, name);
  }
}

// Before the top level is evaluated. vars, bindings: as set_env.
export function before_main(vars, bindings) {
  set_env(vars, bindings);
  set_global_scope(true);
}

// The main module has been evaluated: its namespace, undefined for a service worker.
export function set_main(namespace) {
  set_global_scope(false);
  default_entry = null;
  entries = { __proto__: null };
  tests = [];
  if (namespace === undefined) return;
  remove_globals();
  const names = ObjectKeys(namespace);
  for (let i = 0; i < names.length; i++) {
    const entry = entry_from(namespace[names[i]]);
    if (entry === null) continue;
    if (!entry.plain) entries[names[i]] = entry;
    if (names[i] === "default" && !entry.plain) default_entry = entry;
    if (entry.has("test")) ArrayPrototypePush(tests, { name: names[i], entry });
  }
}

export function list_tests() {
  const names = [];
  for (let i = 0; i < tests.length; i++) ArrayPrototypePush(names, tests[i].name);
  return names;
}

export function test_entry(index) {
  return tests[index].entry;
}

// "": the default export.
export function entry_for(name) {
  const entry = entries[name === "" ? "default" : name];
  if (entry !== undefined) return entry;
  throw new TypeError(`The entrypoint name ${name === "" ? "default" : name} was not found in this worker. ` +
    "Ensure the worker exports an entrypoint with that name.");
}
export const entry_names = () => ObjectKeys(entries);

// Calls the handler `name` of an entrypoint; undefined: of the default export, or the fetch listeners
// where there is none.
export function call_handler(name, event, ctx, entrypoint) {
  if (entrypoint !== undefined && entrypoint !== "") {
    return entry_for(entrypoint).call(name, event, ctx);
  }
  if (default_entry !== null) return default_entry.call(name, event, ctx);
  if (name === "fetch" && fetch_listeners.any()) return fetch_listeners.dispatch(event, ctx);
  throw missing(name);
}

