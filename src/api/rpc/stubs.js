// Stubs, and what a call of one gives. To scripts a stub has every property: RpcProperty until it is
// called or awaited. A call's RpcPromise has every property too; what is called on it before it is
// there (pipelining) is sent as soon as it is.
import {
  ArrayPrototypePush,
  Error,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectSetPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  Proxy,
  ReflectApply,
  ReflectDeleteProperty,
  ReflectGet,
  ReflectHas,
  SymbolDispose,
  TypeError,
  WeakMap,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
  ArrayPrototypeJoin,
  ArrayPrototypeConcat,
  FunctionPrototypeCall,
  Map,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
} from "../base/primordials.js";
import { fetch_service } from "../fetch/fetch.js";
import { own_ops } from "../parts/own_ops.js";
import { RpcPromise, RpcProperty, RpcStub, ServiceStub } from "./classes.js";
import { kBinding, kHeld, kService, kStub, kTarget, write } from "./values.js";
import { has_flag } from "../base/flags.js";

const { rpc_call, rpc_drop, rpc_hold, rpc_stub } = own_ops;

const kMaxDepth = 64;
const kKnownProperties = 64;  // of one stub
const kDisposed = "RPC stub used after being disposed.";
const kPromiseDisposed = "RPC promise used after being disposed.";

// The handler of a stub's proxy, by the proxy.
const handlers = new WeakMap();
// Stubs that were made while a message was read: they go with it.
let reading = null;
// Stubs that are being written into a message and are the receiver's then.
let writing = null;

// What proxies stand before: nothing of it shows but its prototype and whether it can be called, so
// one does for all of a kind.
function proxy_target(prototype, callable) {
  const target = callable ? () => {} : {};
  ReflectDeleteProperty(target, "name");
  ReflectDeleteProperty(target, "length");
  ObjectSetPrototypeOf(target, prototype);
  return target;
}

const stub_target = proxy_target(RpcStub.prototype, true);
const promise_target = proxy_target(RpcPromise.prototype, true);
const property_target = proxy_target(RpcProperty.prototype, true);
const service_target = proxy_target(ServiceStub.prototype, false);
const loopback_target = proxy_target(ServiceStub.prototype, true);

// What all of them have: anything that is not theirs, or Object.prototype's, is a property of the
// other side.
class Handler {
  properties = null;  // of stubs: those that were looked at, by name
  // A member of ours; undefined where it is none.
  own() {}
  get(target, key, receiver) {
    const own = this.own(key);
    if (own !== undefined) return own;
    if (typeof key === "symbol" || ReflectHas(target, key)) return ReflectGet(target, key, receiver);
    if (key === "then") return undefined;
    return make_property(this, key);
  }
  set() {
    return false;
  }
  defineProperty() {
    return false;
  }
  deleteProperty() {
    return false;
  }
  ownKeys() {
    return [];
  }
  setPrototypeOf() {
    return false;
  }
  preventExtensions() {
    return false;
  }
}
ObjectSetPrototypeOf(Handler.prototype, null);

function expose(handler, target) {
  const proxy = new Proxy(target, handler);
  WeakMapPrototypeSet(handlers, proxy, handler);
  return proxy;
}

function failing(error) {
  return make_promise(PromiseReject(error));
}

function write_arguments(args) {
  if (has_flag("rpc_params_dup_stubs")) write(args);
  else write_moving(args);
}

// The stubs in it are given away, not duplicated.
export function write_moving(list) {
  const before = writing;
  const moved = (writing = []);
  try {
    write(list);
  } finally {
    writing = before;
  }
  for (let i = 0; i < moved.length; i++) moved[i].dispose();
}

// A call (or a look at a property where args is null) of what `how` and `x` name.
function send(how, x, path, args, held = 0) {
  if (args !== null && held === 0) write_arguments(args);
  return rpc_call(how, x, path, args !== null, held);
}

// The errors of a call come as its promise's.
function send_safely(how, x, path, args) {
  try {
    return make_promise(send(how, x, path, args));
  } catch (error) {
    return failing(error);
  }
}

// --- stubs of objects ---

class StubHandler extends Handler {
  handle;
  disposed = false;
  properties = new Map();
  #dispose = null;
  #dup = null;
  constructor(handle) {
    super();
    this.handle = handle;
  }
  own(key) {
    if (key === SymbolDispose) return (this.#dispose ??= () => this.dispose());
    if (key === "dup") return (this.#dup ??= () => make_stub(kStub, rpc_stub(kHeld, this.#live())));
  }
  apply(target, self, args) {
    return this.call([], args);
  }
  #live() {
    if (this.disposed) throw new Error(kDisposed);
    return this.handle;
  }
  call(path, args) {
    if (this.disposed) return failing(new Error(kDisposed));
    return send_safely(kHeld, this.handle, path, args);
  }
  call_held(path, held) {
    return send(kHeld, this.#live(), path, [], held);
  }
  // As another isolate gets it.
  source() {
    return { __proto__: null, tag: kStub, how: kHeld, x: this.#live() };
  }
  dispose() {
    if (this.disposed) return;
    this.disposed = true;
    rpc_drop(this.handle);
  }
}

// --- stubs of entrypoints ---

class ServiceHandler extends Handler {
  how;
  x;
  properties = new Map();
  #members = { __proto__: null };
  #make;  // of ctx.exports: what calling it gives
  constructor(how, x, make = null) {
    super();
    this.how = how;
    this.x = x;
    this.#make = make;
  }
  own(key) {
    if (key === "fetch" || key === "connect") {
      return (this.#members[key] ??= key === "connect" ? () => no_connect() :
        (input, init) => fetch_service(this.how, this.x, input, init));
    }
  }
  // Before RPC a service binding had nothing but fetch().
  get(target, key, receiver) {
    if (has_flag("rpc")) return super.get(target, key, receiver);
    return this.own(key) ?? ReflectGet(target, key, receiver);
  }
  apply(target, self, args) {
    return this.#make(args[0]);
  }
  call(path, args) {
    return send_safely(this.how, this.x, path, args);
  }
  call_held(path, held) {
    return send(this.how, this.x, path, [], held);
  }
  source() {
    return { __proto__: null, tag: kService, how: this.how, x: this.x };
  }
  dispose() {}
}

function no_connect() {
  throw new Error("connect() of a service binding is not available.");
}

// --- what a call gives ---

// then, catch, finally of a promise that is asked for when one of them is called.
function promise_member(handler, key) {
  switch (key) {
    case "then":
      return (then, failed) => PromisePrototypeThen(handler.promise(), then, failed);
    case "catch":
      return (failed) => PromisePrototypeThen(handler.promise(), undefined, failed);
    case "finally":
      return (done) => {
        if (typeof done !== "function") return PromisePrototypeThen(handler.promise(), done, done);
        return PromisePrototypeThen(handler.promise(),
          (value) => PromisePrototypeThen(settled(done()), () => value),
          (error) => PromisePrototypeThen(settled(done()), () => {
            throw error;
          }));
      };
  }
}

async function settled(value) {
  await value;
}

class PromiseHandler extends Handler {
  #promise;
  #value = undefined;
  #disposed = false;
  constructor(promise) {
    super();
    this.#promise = promise;
  }
  promise() {
    if (this.#disposed) return PromiseReject(new Error(kPromiseDisposed));
    return this.#promise;
  }
  own(key) {
    if (key === SymbolDispose) return () => this.dispose();
    return promise_member(this, key);
  }
  apply(target, self, args) {
    return this.call([], args);
  }
  // Pipelining: the arguments are taken now, the call leaves when its receiver is there.
  call(path, args) {
    let held = 0;
    if (this.#disposed) return failing(new Error(kPromiseDisposed));
    try {
      if (args !== null) {
        write_arguments(args);
        held = rpc_hold();
      }
    } catch (error) {
      return failing(error);
    }
    return make_promise(PromisePrototypeThen(this.#promise, (value) => descend(value, path, held)));
  }
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    PromisePrototypeThen(this.#promise, dispose_value, () => {});
  }
}

function not_implemented(name) {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

// A pipelined call on what its receiver turned out to be: plain values, and stubs somewhere in them.
function descend(value, path, held) {
  let at = value;
  for (let i = 0; ; i++) {
    const handler = handler_of(at);
    if (handler !== undefined) {
      const rest = [];
      for (let j = i; j < path.length; j++) ArrayPrototypePush(rest, path[j]);
      if (held !== 0) return handler.call_held(rest, held);
      if (rest.length === 0) return at;
      return handler.promise_of(rest);
    }
    if (i === path.length) break;
    if (typeof at !== "object" || at === null || !ObjectHasOwn(at, path[i])) {
      throw not_implemented(path[i]);
    }
    at = at[path[i]];
  }
  if (held !== 0) {
    throw new TypeError(`"${path.length === 0 ? "(this)" : ArrayPrototypeJoin(path, ".")}" is not a function.`);
  }
  return at;
}

StubHandler.prototype.promise_of = function (path) {
  return send(kHeld, this.handle, path, null);
};
ServiceHandler.prototype.promise_of = function (path) {
  return send(this.how, this.x, path, null);
};

function make_promise(promise) {
  return expose(new PromiseHandler(promise), promise_target);
}

class PropertyHandler extends Handler {
  #parent;
  #path;
  constructor(parent, path) {
    super();
    this.#parent = parent;
    this.#path = path;
  }
  promise() {
    return handlers_promise(this.#parent.call(this.#path, null));
  }
  own(key) {
    return promise_member(this, key);
  }
  apply(target, self, args) {
    return this.#parent.call(this.#path, args);
  }
  call(path, args) {
    return this.#parent.call(path, args);
  }
  child(name) {
    const path = ArrayPrototypeConcat(this.#path, name);
    if (path.length > kMaxDepth) {
      throw new TypeError(`RPC pipelined property path is too deep (max ${kMaxDepth}).`);
    }
    return expose(new PropertyHandler(this.#parent, path), property_target);
  }
}

function handlers_promise(rpc_promise) {
  return WeakMapPrototypeGet(handlers, rpc_promise).promise();
}

function make_property(handler, name) {
  if (handler instanceof PropertyHandler) return handler.child(name);
  if (handler.properties === null) {
    return expose(new PropertyHandler(handler, [name]), property_target);
  }
  const known = MapPrototypeGet(handler.properties, name);
  if (known !== undefined) return known;
  const property = expose(new PropertyHandler(handler, [name]), property_target);
  if (MapPrototypeGetSize(handler.properties) < kKnownProperties) {
    MapPrototypeSet(handler.properties, name, property);
  }
  return property;
}

function handler_of(value) {
  if ((typeof value !== "function" && typeof value !== "object") || value === null) return undefined;
  const handler = WeakMapPrototypeGet(handlers, value);
  return handler instanceof StubHandler || handler instanceof ServiceHandler ? handler : undefined;
}

// --- for the rest of the part ---

export function make_stub(tag, handle) {
  if (tag === kService) return expose(new ServiceHandler(kHeld, handle), service_target);
  const handler = new StubHandler(handle);
  if (reading !== null) ArrayPrototypePush(reading, handler);
  return expose(handler, stub_target);
}

export function service_stub(index) {
  return expose(new ServiceHandler(kBinding, index), service_target);
}

export function loopback_stub(how, x, make) {
  return expose(new ServiceHandler(how, x, make), make === null ? service_target : loopback_target);
}

export function local_stub(target) {
  if ((typeof target !== "object" && typeof target !== "function") || target === null) {
    throw new TypeError("Failed to construct 'RpcStub': the target is not an object.");
  }
  return expose(new StubHandler(rpc_stub(kTarget, target)), stub_target);
}

// How a stub goes to another isolate; undefined for what is none. Promises of RPC are none.
export function stub_source(value) {
  const handler = handler_of(value);
  if (handler !== undefined && writing !== null) ArrayPrototypePush(writing, handler);
  return handler?.source();
}

export function is_rpc_value(value) {
  return WeakMapPrototypeGet(handlers, value) !== undefined;
}

export function call_remote(handle, method, args) {
  return send(kHeld, handle, [method], args);
}

// A member of a stub, as the callee looks it up on the way along a path.
export function stub_member(stub, name) {
  return ReflectGet(stub, name, stub);
}

// Runs read(), and gives the stubs that it made.
export function begin_reading() {
  const before = reading;
  reading = [];
  return before;
}
export function end_reading(before) {
  const made = reading;
  reading = before;
  return made;
}

export function dispose_all(made) {
  for (let i = 0; i < made.length; i++) made[i].dispose();
}

function dispose_value(value) {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
  const dispose = value[SymbolDispose];
  if (typeof dispose === "function") FunctionPrototypeCall(dispose, value);
}

export const is_stub = (value) => handler_of(value) !== undefined;
